package fennelhttp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// gauges is a gatherer of gauges with these names, each of value 1.
func gauges(names ...string) fennel.Gatherer {
	return gathererFunc(func(_ context.Context, r *sample.Request, v sample.Visitor) error {
		for _, name := range names {
			if !r.Wants(name) {
				continue
			}
			f := &sample.Family{Name: name, Kind: sample.Gauge, Legal: true}
			if err := v.Visit(f, &sample.Batch{Ends: []uint32{0}, Values: []float64{1}}); err != nil {
				return err
			}
		}
		return nil
	})
}

const selfText = `# HELP fennel_scrape_duration_seconds Time that scrapes took, to the last byte sent.
# TYPE fennel_scrape_duration_seconds summary
fennel_scrape_duration_seconds_sum{format="PrometheusText0.0.4"} %v
fennel_scrape_duration_seconds_count{format="PrometheusText0.0.4"} %d
# HELP fennel_scrape_size_bytes Size of the bodies as they were sent, compressed or not.
# TYPE fennel_scrape_size_bytes summary
fennel_scrape_size_bytes_sum{format="PrometheusText0.0.4"} %d
fennel_scrape_size_bytes_count{format="PrometheusText0.0.4"} %d
# HELP fennel_scrapes_in_flight Scrapes being served, this one included.
# TYPE fennel_scrapes_in_flight gauge
fennel_scrapes_in_flight 1
# HELP fennel_scrapes_total Scrapes by format and by status code, or aborted if the body was cut off.
# TYPE fennel_scrapes_total counter
fennel_scrapes_total{format="PrometheusText0.0.4",code="200"} %d
`

// selfBody is what a handler says of itself after some scrapes.
func selfBody(scrapes int, seconds float64, bytes int) string {
	return fmt.Sprintf(selfText, seconds, scrapes, bytes, scrapes, scrapes)
}

func TestScrapeShowsTheNumbersOfThoseBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, last := gauges("a"), gauges("z")
		h := Handler(gathererFunc(func(ctx context.Context, r *sample.Request, v sample.Visitor) error {
			first.Visit(ctx, r, v)
			time.Sleep(time.Second / 4)
			return last.Visit(ctx, r, v)
		}))
		size := 0
		for i := range 3 {
			w := serve(h, request("GET", "/"))
			want := "# TYPE a gauge\na 1\n" + selfBody(i, 0.25*float64(i), size) + "# TYPE z gauge\nz 1\n"
			if got := w.Body.String(); got != want {
				t.Errorf("scrape %d: got\n%s\nwant\n%s", i+1, got, want)
			}
			size += w.Body.Len()
		}
	})
}

// families returns the names of the families of a body, in its order.
func families(body string) (names []string) {
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ := strings.Cut(rest, " ")
			names = append(names, name)
		}
	}
	return names
}

func TestSelfMetricsStandWhereTheirNamesBelong(t *testing.T) {
	d, s, f, n := selfNames[0], selfNames[1], selfNames[2], selfNames[3]
	for _, test := range []struct {
		gatherer fennel.Gatherer
		want     []string
	}{
		{gauges(), []string{d, s, f, n}},
		{gauges("a"), []string{"a", d, s, f, n}},
		{gauges("z"), []string{d, s, f, n, "z"}},
		{gauges("a", "b", "y", "z"), []string{"a", "b", d, s, f, n, "y", "z"}},
		{gauges("fennel_scrape_e", "fennel_scrape_f"), []string{d, "fennel_scrape_e", "fennel_scrape_f", s, f, n}},
		{gauges("fennel_scrape_e", "fennel_scrapes_j", "fennel_scrapes_k", "fennel_scrapes_z"),
			[]string{d, "fennel_scrape_e", s, f, "fennel_scrapes_j", "fennel_scrapes_k", n, "fennel_scrapes_z"}},
		// What the gatherer has itself is served once.
		{gauges(d), []string{d, s, f, n}},
		{gauges(f), []string{d, s, f, n}},
		{gauges(n, "z"), []string{d, s, f, n, "z"}},
		{gauges(d, s, f, n), []string{d, s, f, n}},
		// The info about the target comes before all.
		{gauges("target_info"), []string{"target_info", d, s, f, n}},
		{gauges("target_info", "a", n, "z"), []string{"target_info", "a", d, s, f, n, "z"}},
	} {
		body := serve(Handler(test.gatherer), request("GET", "/")).Body.String()
		if got := families(body); !slices.Equal(got, test.want) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	if body := serve(Handler(gauges(f)), request("GET", "/")).Body.String(); strings.Contains(body, "this one included") {
		t.Errorf("the gatherer's family %s was replaced:\n%s", f, body)
	}
}

func TestSelfMetricsAreFiltered(t *testing.T) {
	h := Handler(gauges("a", "z"))
	for query, want := range map[string][]string{
		"name[]=a":                                     {"a"},
		"name[]=fennel_scrapes_total&name[]=z":         {"fennel_scrapes_total", "z"},
		"name[]=fennel_scrapes":                        {"fennel_scrapes_total"},
		"name[]=fennel_scrape_duration_seconds_count":  {"fennel_scrape_duration_seconds"},
		"name[]=a&name[]=z&name[]=fennel_scrapes_nope": {"a", "z"},
	} {
		body := serve(h, request("GET", "/?"+query)).Body.String()
		if got := families(body); !slices.Equal(got, want) {
			t.Errorf("?%s: got %q, want %q", query, got, want)
		}
	}
}

// What collectors failed to write costs none of the handler's own metrics; an
// error that ends the scrape does.
func TestSelfMetricsBesideErrors(t *testing.T) {
	partial := &fennel.GatherError{Errors: []error{io.ErrUnexpectedEOF}}
	var log journal
	h := Handler(gathererFunc(func(context.Context, *sample.Request, sample.Visitor) error { return partial }), WithLogger(log.logger()))
	w := serve(h, request("GET", "/"))
	if got := families(w.Body.String()); w.Code != 200 || !slices.Equal(got, selfNames[:4]) { // the last is only of files
		t.Errorf("status %d, families %q", w.Code, got)
	}
	if got := log.String(); !strings.Contains(got, "scrape is incomplete") {
		t.Errorf("logged %q", got)
	}
}

func TestGathererIsAskedForItsOwnMetrics(t *testing.T) {
	for _, test := range []struct {
		query string
		opts  []HandlerOption
		self  bool
	}{
		{"", nil, true},
		{"?name[]=a", nil, true},
		{"", []HandlerOption{WithoutSelfMetrics()}, false},
		{"?name[]=a", []HandlerOption{WithoutSelfMetrics()}, false},
	} {
		g := gathererFunc(func(_ context.Context, r *sample.Request, _ sample.Visitor) error {
			if got := r != nil && r.Self; got != test.self {
				t.Errorf("%s %v: Self is %v", test.query, test.opts, got)
			}
			if filtered := test.query != ""; r.Wants("b") == filtered || !r.Wants("a") {
				t.Errorf("%s %v: wants %v", test.query, test.opts, r)
			}
			return nil
		})
		serve(Handler(g, test.opts...), request("GET", "/"+test.query))
	}
}

func TestRegistrySaysHowManySeriesItHas(t *testing.T) {
	const series = "fennel_series{metric=\"jobs_total\"} 1\nfennel_series{metric=\"queue_length\"} 1\n"
	body := serve(Handler(someRegistry()), request("GET", "/")).Body.String()
	if !strings.Contains(body, series) || strings.Count(body, "fennel_series{") != 2 {
		t.Errorf("got\n%s\nwant\n%sand no more of these", body, series)
	}
	if body := serve(bare(someRegistry()), request("GET", "/")).Body.String(); body != someText {
		t.Errorf("without: got\n%s", body)
	}
	if got := families(serve(Handler(someRegistry()), request("GET", "/?name[]=fennel_series")).Body.String()); !slices.Equal(got, []string{"fennel_series"}) {
		t.Errorf("alone: got %q", got)
	}
}

func TestWithoutSelfMetricsThereAreNone(t *testing.T) {
	h := Handler(gauges("a", "z"), WithoutSelfMetrics(), WithMaxInFlight(1))
	for range 2 {
		if got, want := serve(h, request("GET", "/")).Body.String(), "# TYPE a gauge\na 1\n# TYPE z gauge\nz 1\n"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestHandlersMeasureThemselvesOnly(t *testing.T) {
	reg := someRegistry()
	busy, idle := Handler(reg), Handler(reg)
	for range 5 {
		serve(busy, request("GET", "/"))
	}
	for h, want := range map[http.Handler]string{
		busy: `fennel_scrapes_total{format="PrometheusText0.0.4",code="200"} 5`,
		idle: `fennel_scrapes_total{format="PrometheusText0.0.4",code="200"} 0`,
	} {
		if body := serve(h, request("GET", "/")).Body.String(); !strings.Contains(body, want+"\n") {
			t.Errorf("want %s, got\n%s", want, body)
		}
	}
	if list, _ := fennel.Gather(t.Context(), reg); slices.ContainsFunc(list, func(f fennel.Family) bool { return slices.Contains(selfNames, f.Name) }) {
		t.Error("the registry has got the handler's metrics")
	}
}

func TestScrapesAreCountedByFormatAndCode(t *testing.T) {
	const openMetrics = "application/openmetrics-text"
	h := Handler(someRegistry(), WithMaxInFlight(1))
	sent := 0
	for range 2 {
		sent += serve(h, request("GET", "/", "Accept", openMetrics, "Accept-Encoding", "gzip")).Body.Len()
	}
	h.(*handler).enter()
	serve(h, request("GET", "/", "Accept", openMetrics))
	h.(*handler).leave()
	for _, r := range []*http.Request{ // no scrapes
		request("HEAD", "/"), request("OPTIONS", "/"), request("POST", "/"), request("GET", "/favicon.ico"),
		request("GET", "/?debug=text&format=nope"),
	} {
		serve(h, r)
	}
	self := h.(*handler).self
	got := make(map[outcome]float64)
	for o, c := range self.scrapes.All() {
		got[o] = c.Value()
	}
	want := map[outcome]float64{{"OpenMetricsText1.0.0", "200"}: 2, {"OpenMetricsText1.0.0", "503"}: 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	size, duration := self.size.With("OpenMetricsText1.0.0"), self.duration.With("OpenMetricsText1.0.0")
	if size.Sum() != float64(sent) || size.Count() != 2 || duration.Count() != 2 {
		t.Errorf("%v bytes in %d bodies, %d durations, want %d in 2, 2", size.Sum(), size.Count(), duration.Count(), sent)
	}
}

// The size of an aborted body is what was sent of it; that of an error is none.
func TestSizeIsOfWhatWasSent(t *testing.T) {
	for name, path := range paths {
		h := Handler(gathererFunc(func(ctx context.Context, _ *sample.Request, v sample.Visitor) error { return path.gather(ctx, v) }))
		w := scrapeOnce(t, h, name)
		size := h.(*handler).self.size.With("PrometheusText0.0.4")
		inBody := strings.Contains(name, "in the body") || name == "the client goes meanwhile"
		bodies, bytes := uint64(0), 0
		if path.code == whole || inBody {
			bodies, bytes = 1, w.Body.Len()
		}
		if size.Count() != bodies || size.Sum() != float64(bytes) || inBody && bytes <= 2*holdSize {
			t.Errorf("%s: %v bytes in %d bodies, want %d in %d", name, size.Sum(), size.Count(), bytes, bodies)
		}
	}
}

func TestSelfMetricsOfManyScrapesAtOnce(t *testing.T) {
	h := Handler(someRegistry(), WithMaxInFlight(4))
	var served, turnedAway atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 50 {
				switch w := serve(h, request("GET", "/")); w.Code {
				case 200:
					served.Add(1)
				case 503:
					turnedAway.Add(1)
				default:
					t.Errorf("status %d", w.Code)
				}
			}
		})
	}
	clients.Wait()
	self := h.(*handler).self
	for code, want := range map[string]int64{"200": served.Load(), "503": turnedAway.Load()} {
		if got := self.scrapes.With(outcome{"PrometheusText0.0.4", code}).Value(); got != float64(want) {
			t.Errorf("code %s was counted %v times, the clients saw %d", code, got, want)
		}
	}
	if got := self.inFlight.Value(); got != 0 {
		t.Errorf("%v in flight at the end", got)
	}
}

func TestTargetInfoComesBeforeSelfMetrics(t *testing.T) {
	r := fennel.NewRegistry()
	if err := r.SetTargetInfo(fennel.Label{Name: "service_name", Value: "shop"}); err != nil {
		t.Fatal(err)
	}
	fennel.NewGauge("a", "", fennel.In(r))
	fennel.NewGauge("z", "", fennel.In(r))
	h := Handler(r)
	scrapeOnce(t, h, "/metrics")
	var order []string
	for line := range strings.Lines(scrapeOnce(t, h, "/metrics").Body.String()) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			order = append(order, strings.Fields(name)[0])
		}
	}
	want := []string{"target_info", "a", "fennel_scrape_duration_seconds", "fennel_scrape_size_bytes",
		"fennel_scrapes_in_flight", "fennel_scrapes_total", "fennel_series", "z"}
	if !slices.Equal(order, want) {
		t.Errorf("families %q, want %q", order, want)
	}
}
