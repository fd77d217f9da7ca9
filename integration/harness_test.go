package integration

import (
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests in this file test the harness itself: fixed bytes in each text
// format go through the real server and both parsers, and the values that come
// out are compared with values that are written down here.

const text004Body = `# HELP fixture_requests_total Requests, with a \\ and a line\nfeed.
# TYPE fixture_requests_total counter
fixture_requests_total{method="GET",code="200"} 42
fixture_requests_total{method="POST",code="500"} 1e+06
# HELP fixture_text A nasty label value.
# TYPE fixture_text gauge
fixture_text{text="line\nquote\"back\\slash"} -1.5
fixture_text{text="fünf"} +Inf
fixture_text{text=""} NaN
# HELP fixture_size_bytes A histogram.
# TYPE fixture_size_bytes histogram
fixture_size_bytes_bucket{le="1"} 1
fixture_size_bytes_bucket{le="2.5"} 2
fixture_size_bytes_bucket{le="+Inf"} 3
fixture_size_bytes_sum 103.5
fixture_size_bytes_count 3
`

const text100Body = text004Body + `# HELP "fixture.temperature" A name that needs quotes.
# TYPE "fixture.temperature" gauge
{"fixture.temperature","sensor.id"="a",room="b"} 21.5
`

const om100Body = `# HELP fixture_requests Requests, with a \\ and a line\nfeed.
# TYPE fixture_requests counter
fixture_requests_total{method="GET",code="200"} 42 # {trace_id="abc"} 0.5 1700000000.25
fixture_requests_total{method="POST",code="500"} 1e+06
# HELP fixture_text A nasty label value.
# TYPE fixture_text gauge
fixture_text{text="line\nquote\"back\\slash"} -1.5
fixture_text{text="fünf"} +Inf
fixture_text{text=""} NaN
# HELP fixture_size_bytes A histogram.
# TYPE fixture_size_bytes histogram
# UNIT fixture_size_bytes bytes
fixture_size_bytes_bucket{le="1.0"} 1
fixture_size_bytes_bucket{le="2.5"} 2
fixture_size_bytes_bucket{le="+Inf"} 3
fixture_size_bytes_sum 103.5
fixture_size_bytes_count 3
# HELP "fixture.temperature" A name that needs quotes.
# TYPE "fixture.temperature" gauge
{"fixture.temperature","sensor.id"="a",room="b"} 21.5
# EOF
`

const (
	fixtureHelp = "Requests, with a \\ and a line\nfeed."
	nastySeries = `fixture_text{text="line\nquote\"back\\slash"}`
)

// fixtures is what to serve to a server that asks for a protocol.
var fixtures = map[string]struct{ accept, contentType, body string }{
	text004: {"text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8", text004Body},
	text100: {"text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8", text100Body},
	om100:   {"application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8", om100Body},
}

// textProtocols is the keys of fixtures, in order.
var textProtocols = []string{om100, text004, text100}

// fixtureValues returns the samples in the protocol's fixture.
func fixtureValues(protocol string) map[string]float64 {
	values := map[string]float64{
		`fixture_requests_total{code="200", method="GET"}`:  42,
		`fixture_requests_total{code="500", method="POST"}`: 1e6,
		nastySeries:                                          -1.5,
		`fixture_text{text="fünf"}`:                          math.Inf(1),
		`fixture_text`:                                       math.NaN(),
		`fixture_size_bytes_bucket{le="1.0"}`:                1,
		`fixture_size_bytes_bucket{le="2.5"}`:                2,
		`fixture_size_bytes_bucket{le="+Inf"}`:               3,
		`fixture_size_bytes_sum`:                             103.5,
		`fixture_size_bytes_count`:                           3,
		`{"fixture.temperature", room="b", "sensor.id"="a"}`: 21.5,
	}
	if protocol == text004 {
		delete(values, `{"fixture.temperature", room="b", "sensor.id"="a"}`)
	}
	return values
}

// serveFixture answers with the first fixture that the request asks for.
func serveFixture(w http.ResponseWriter, r *http.Request) {
	wanted, _, _ := strings.Cut(r.Header.Get("Accept"), ",")
	for _, f := range fixtures {
		if strings.HasPrefix(wanted, f.accept) {
			w.Header().Set("Content-Type", f.contentType)
			_, _ = w.Write([]byte(f.body))
			return
		}
	}
	http.Error(w, "no fixture for "+wanted, http.StatusNotAcceptable)
}

// startFixture serves the fixtures and returns the address.
func startFixture(t *testing.T, handler http.HandlerFunc) string {
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

func TestHarnessScrape(t *testing.T) {
	addr := startFixture(t, serveFixture)
	var targets []target
	for _, protocol := range textProtocols {
		targets = append(targets, target{Name: protocol, Addr: addr, Protocol: protocol})
	}
	p := startPrometheus(t, targets...)
	for _, protocol := range textProtocols {
		if d := diff(p.scraped(t, protocol), fixtureValues(protocol)); d != "" {
			t.Errorf("%s, from Prometheus:\n%s", protocol, d)
		}
		checkTargetMetadata(t, p, protocol)
	}
	checkQueries(t, p)
	checkMetadata(t, p)
	checkExemplars(t, p)
}

// checkTargetMetadata checks the metadata of one job.
func checkTargetMetadata(t *testing.T, p *prometheus, protocol string) {
	t.Helper()
	counter, unit := "fixture_requests_total", ""
	if protocol == om100 {
		counter, unit = "fixture_requests", "bytes"
	}
	got := p.targetMetadata(t, protocol)
	if want := (metadata{"counter", fixtureHelp, ""}); got[counter] != want {
		t.Errorf("%s: metadata of %s is %+v, want %+v", protocol, counter, got[counter], want)
	}
	if want := (metadata{"histogram", "A histogram.", unit}); got["fixture_size_bytes"] != want {
		t.Errorf("%s: metadata of fixture_size_bytes is %+v, want %+v", protocol, got["fixture_size_bytes"], want)
	}
}

// checkQueries checks what is not seen by looking at a job's samples.
func checkQueries(t *testing.T, p *prometheus) {
	t.Helper()
	if got := p.query(t, "count(up == 1)"); len(got) != 1 || got[0].Value != 3 {
		t.Errorf("targets that are up: %v, want 3", got)
	}
	got := p.query(t, "scalar(sum(fixture_requests_total))")
	if len(got) != 1 || got[0].Value != 3*1000042 || time.Since(got[0].Time).Abs() > time.Minute {
		t.Errorf("sum of requests: %v, want %d, now", got, 3*1000042)
	}
	series := p.series(t, `{"fixture.temperature"}`)
	if len(series) != 2 || series[0]["sensor.id"] != "a" {
		t.Errorf("series of fixture.temperature: %v, want 2, with their labels", series)
	}
}

// checkMetadata checks the metadata of all jobs together.
func checkMetadata(t *testing.T, p *prometheus) {
	t.Helper()
	got := p.metadata(t)["fixture_size_bytes"]
	for _, want := range []metadata{{"histogram", "A histogram.", ""}, {"histogram", "A histogram.", "bytes"}} {
		if !slices.Contains(got, want) {
			t.Errorf("metadata of fixture_size_bytes: %+v, want %+v among them", got, want)
		}
	}
}

// checkExemplars checks the only exemplar of the fixtures.
func checkExemplars(t *testing.T, p *prometheus) {
	t.Helper()
	got := p.exemplars(t, "fixture_requests_total")
	if len(got) != 1 {
		t.Fatalf("exemplars: %v, want 1", got)
	}
	e := got[0]
	at := time.UnixMilli(1700000000250)
	if e.Series["job"] != om100 || e.Labels["trace_id"] != "abc" || e.Value != 0.5 || !e.Time.Equal(at) {
		t.Errorf("exemplar %+v, want 0.5 with trace_id abc at %v", e, at)
	}
}

func TestHarnessRescrape(t *testing.T) {
	bodies := make(chan string, 1)
	bodies <- "a 1\n"
	addr := startFixture(t, func(w http.ResponseWriter, r *http.Request) {
		body := <-bodies
		bodies <- body
		w.Header().Set("Content-Type", "")
		_, _ = w.Write([]byte(body))
	})
	p := setup{Interval: 250 * time.Millisecond}.start(t,
		target{Name: "a", Addr: addr, Protocol: text004, Fallback: text004})
	if d := diff(p.scraped(t, "a"), map[string]float64{"a": 1}); d != "" {
		t.Error(d)
	}
	<-bodies
	bodies <- "b 2\n"
	p.rescrape(t)
	if d := diff(p.scraped(t, "a"), map[string]float64{"b": 2}); d != "" {
		t.Error(d)
	}
}

func TestHarnessRefusal(t *testing.T) {
	serve := func(contentType, body string) string {
		return startFixture(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write([]byte(body))
		})
	}
	refused := []struct {
		target target
		want   string
	}{
		{target{Name: "cut", Addr: serve("text/plain", "a 1\nb")}, "expected"},
		{target{Name: "blank", Addr: serve("", "a 1\n")}, "blank Content-Type"},
		{target{Name: "many", Addr: serve("text/plain", "a 1\nb 2\n"), Extra: map[string]any{"sample_limit": 1}}, "sample limit"},
		{target{Name: "path", Addr: startFixture(t, http.NotFound), Path: "/path"}, "404"},
	}
	var targets []target
	for _, r := range refused {
		r.target.Protocol = text004
		targets = append(targets, r.target)
	}
	p := setup{}.launch(t, targets...)
	for _, r := range refused {
		if got := p.awaitError(t, r.target.Name); !strings.Contains(got, r.want) {
			t.Errorf("error of job %s: %q, want %q in it", r.target.Name, got, r.want)
		}
	}
	for _, state := range p.targets(t) {
		if state.job() == "path" && !strings.HasSuffix(state.ScrapeURL, "/path") {
			t.Errorf("scraped %s, want the path /path", state.ScrapeURL)
		}
	}
}

func TestHarnessPromtool(t *testing.T) {
	if got := checkMetrics(t, []byte("# HELP a_total A.\n# TYPE a_total counter\na_total 1\n")); got != "" {
		t.Errorf("issues with good metrics:\n%s", got)
	}
	if got := checkMetrics(t, []byte("# TYPE a counter\na 1\n")); !strings.Contains(got, `"_total" suffix`) {
		t.Errorf("issues with a counter without suffix:\n%s", got)
	}
}

func TestHarnessParse(t *testing.T) {
	for _, protocol := range textProtocols {
		f := fixtures[protocol]
		got, err := parse([]byte(f.body), f.contentType)
		if err != nil {
			t.Errorf("%s: %v", protocol, err)
			continue
		}
		if d := diff(got.values(), fixtureValues(protocol)); d != "" {
			t.Errorf("%s:\n%s", protocol, d)
		}
	}
}

func TestHarnessParseMetadata(t *testing.T) {
	got, err := parse([]byte(om100Body), fixtures[om100].contentType)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{
		"fixture_requests": "counter", "fixture_text": "gauge",
		"fixture_size_bytes": "histogram", "fixture.temperature": "gauge",
	}
	if !maps.Equal(got.Types, types) {
		t.Errorf("types: %v, want %v", got.Types, types)
	}
	if help := got.Helps["fixture_requests"]; help != fixtureHelp {
		t.Errorf("help: %q, want %q", help, fixtureHelp)
	}
	if units := map[string]string{"fixture_size_bytes": "bytes"}; !maps.Equal(got.Units, units) {
		t.Errorf("units: %v, want %v", got.Units, units)
	}
	want := []Exemplar{{`{trace_id="abc"}`, 0.5, new(int64(1700000000250))}}
	if first := got.Samples[0]; first.Timestamp != nil || !reflect.DeepEqual(first.Exemplars, want) {
		t.Errorf("first sample: %+v, want no timestamp and the exemplars %+v", first, want)
	}
}

func TestHarnessParseText(t *testing.T) {
	got, err := parseText([]byte(text004Body))
	if err != nil {
		t.Fatal(err)
	}
	want, err := parse([]byte(text004Body), fixtures[text004].contentType)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(got.values(), want.values()); d != "" {
		t.Errorf("expfmt differs from textparse:\n%s", d)
	}
	if !maps.Equal(got.Types, want.Types) || !maps.Equal(got.Helps, want.Helps) {
		t.Errorf("expfmt: %v, %v\ntextparse: %v, %v", got.Types, got.Helps, want.Types, want.Helps)
	}
}

// TestHarnessParseTimestamps sees to it that each sample has its own.
func TestHarnessParseTimestamps(t *testing.T) {
	body := []byte("a 1 1000\nb 2 2000\nc 3\n")
	want := []Sample{{Name: "a", Value: 1, Timestamp: new(int64(1000))}, {Name: "b", Value: 2, Timestamp: new(int64(2000))}, {Name: "c", Value: 3}}
	got, err := parse(body, "text/plain")
	if err != nil || !reflect.DeepEqual(got.Samples, want) {
		t.Errorf("textparse: %+v, %v, want %+v", got.Samples, err, want)
	}
	got, err = parseText(body)
	if err != nil || !reflect.DeepEqual(got.Samples, want) {
		t.Errorf("expfmt: %+v, %v, want %+v", got.Samples, err, want)
	}
}

func TestHarnessParseErrors(t *testing.T) {
	bodies := map[string][]string{
		"text/plain; version=0.0.4":                   {"a 1\n}\n", "a 1\r\n", "# TYPE a gauge\n# TYPE a gauge\na 1\n"},
		"application/openmetrics-text; version=1.0.0": {"a 1\n", "# EOF\nx", "# HELP a A.\n# HELP a B.\n# EOF\n"},
		"": {"a 1\n"},
	}
	for contentType, bodies := range bodies {
		for _, body := range bodies {
			if got, err := parse([]byte(body), contentType); err == nil {
				t.Errorf("parse(%q, %q) = %+v, want an error", body, contentType, got)
			}
		}
	}
	if got, err := parseText([]byte("a{b=\"c\" 1\n")); err == nil {
		t.Errorf("parseText = %+v, want an error", got)
	}
}

// TestPrometheusVersion sees to it that the server and the parser are of one version.
func TestPrometheusVersion(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := prometheusProgram.module + " " + prometheusVersion; !strings.Contains(string(mod), want) {
		t.Errorf("go.mod does not require %s", want)
	}
}
