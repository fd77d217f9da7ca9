package docs_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/push"
	"github.com/fennelmetrics/fennel/textfile"
)

// The tests in this file hold the pages to what they say of differences.

func TestWire(t *testing.T) {
	reg := fennel.NewRegistry()
	in := fennel.In(reg)
	fennel.NewCounter("jobs", "Not called _total.", in).AddUint(1 << 60)
	fennel.NewCounter("runs_total", "R.", in).Inc()
	fennel.NewCounterVec[string]("none_total", "Without series.", in, fennel.LabelNames("x"))
	fennel.NewHistogram("d_seconds", "D.", in, fennel.Buckets(1)).Observe(1)
	fennel.NewHistogram("n_seconds", "N.", in, fennel.Native{Only: true}).Observe(1)
	fennel.NewGauge("a.b", "Escaped.", in)
	for syntax, want := range map[exposition.Syntax]string{
		exposition.Text004: `# HELP a_b Escaped.
# TYPE a_b gauge
a_b 0
# HELP d_seconds D.
# TYPE d_seconds histogram
d_seconds_bucket{le="1"} 1
d_seconds_bucket{le="+Inf"} 1
d_seconds_sum 1
d_seconds_count 1
# HELP jobs Not called _total.
# TYPE jobs counter
jobs 1152921504606846976
# HELP n_seconds N.
# TYPE n_seconds histogram
n_seconds_bucket{le="+Inf"} 1
n_seconds_sum 1
n_seconds_count 1
# HELP runs_total R.
# TYPE runs_total counter
runs_total 1
`,
		exposition.OpenMetrics100: `# TYPE a_b gauge
# HELP a_b Escaped.
a_b 0
# TYPE d_seconds histogram
# HELP d_seconds D.
d_seconds_bucket{le="1.0"} 1
d_seconds_bucket{le="+Inf"} 1
d_seconds_sum 1
d_seconds_count 1
# TYPE jobs unknown
# HELP jobs Not called _total.
jobs 1152921504606846976
# TYPE n_seconds histogram
# HELP n_seconds N.
n_seconds_bucket{le="+Inf"} 1
n_seconds_sum 1
n_seconds_count 1
# TYPE runs counter
# HELP runs R.
runs_total 1
# EOF
`,
	} {
		got, err := exposition.Bytes(t.Context(), reg, exposition.Format{Syntax: syntax})
		if string(got) != want || err != nil {
			t.Errorf("%v: got\n%s%v\nwant\n%s", syntax, got, err, want)
		}
	}
}

func TestDeclarations(t *testing.T) {
	if descs := fennel.NewRegistry().Descs(); len(descs) != 0 {
		t.Errorf("a new registry has %v", descs)
	}
	reg := fennel.NewRegistry()
	in := fennel.In(reg)
	first := fennel.NewGauge("request", "R.", in)
	if again := fennel.NewGauge("request", "R.", in); again != first {
		t.Error("the same gauge is two")
	}
	fennel.NewCounter("request_total", "R.", in)
	fennel.NewGauge("h_count", "H.", in)
	fennel.NewGauge("a.b", "A.", in)
	for name, declare := range map[string]func() *fennel.Histogram{
		"the count of a histogram": func() *fennel.Histogram { return fennel.NewHistogram("h", "H.", in) },
		"escaped alike":            func() *fennel.Histogram { return fennel.NewHistogram("a_b", "A.", in) },
		"another help":             func() *fennel.Histogram { return fennel.NewHistogram("request", "S.", in) },
		"equal bounds":             func() *fennel.Histogram { return fennel.NewHistogram("e", "E.", in, fennel.Buckets(1, 1)) },
		"a bound of NaN":           func() *fennel.Histogram { return fennel.NewHistogram("e", "E.", in, fennel.Buckets(math.NaN())) },
	} {
		var refused *fennel.DeclarationError
		if _, err := fennel.Try(declare); !errors.As(err, &refused) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	nobody := fennel.NewCounter("x_total", "X.", fennel.In(nil))
	nobody.Inc()
	if nobody.Value() != 0 {
		t.Error("nil has counted")
	}
	unexposed := new(fennel.Counter)
	unexposed.Inc()
	if unexposed.Value() != 1 {
		t.Error("the zero value has not counted")
	}
}

func TestUpdates(t *testing.T) {
	reg := fennel.NewRegistry()
	c := fennel.NewCounter("c_total", "C.", fennel.In(reg))
	h := fennel.NewHistogram("h", "H.", fennel.In(reg))
	for _, v := range []float64{-1, math.NaN(), math.Inf(1)} {
		c.Add(v)
	}
	h.Observe(math.NaN())
	c.AddWithExemplar(2, fennel.Label{Name: "trace_id", Value: strings.Repeat("x", 200)})
	if c.Value() != 2 || h.Count() != 0 || h.Sum() != 0 {
		t.Errorf("the counter has %v, the histogram %v, %v", c.Value(), h.Count(), h.Sum())
	}
	var dropped float64
	families, _ := reg.Gather(t.Context())
	for _, f := range families {
		for _, s := range f.Samples {
			if f.Name == "fennel_dropped_updates_total" {
				dropped += s.Value
			}
		}
	}
	if dropped != 5 {
		t.Errorf("%v updates are counted as dropped, want 5", dropped)
	}
}

func TestCollectorsThatFail(t *testing.T) {
	reg := fennel.NewRegistry()
	fennel.NewGauge("good", "G.", fennel.In(reg))
	reg.MustRegister(fennel.CollectorFunc(func(context.Context, *fennel.Writer) error { panic("oh") }))
	w := httptest.NewRecorder()
	fennelhttp.Handler(reg).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{"good 0", "fennel_collector_errors_total", "fennel_scrapes_in_flight"} {
		if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, want) {
			t.Errorf("status %d, no %q in\n%s", w.Code, want, body)
		}
	}
	if _, err := reg.Gather(t.Context()); !fennel.Partial(err) {
		t.Errorf("gathering gives %v", err)
	}
}

func TestHandlerAndServer(t *testing.T) {
	reg := fennel.NewRegistry()
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 200, "POST": 405, "DELETE": 405} {
		w := httptest.NewRecorder()
		fennelhttp.Handler(reg).ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != want {
			t.Errorf("%s has status %d, want %d", method, w.Code, want)
		}
	}
	if _, err := fennelhttp.Start("127.0.0.1:0", reg, fennelhttp.WithTLSFiles("cert.pem", "")); err == nil {
		t.Error("half a certificate is one")
	}
	srv, err := fennelhttp.Start("127.0.0.1:0", reg)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	for path, want := range map[string]int{"/metrics": 200, "/": 200, "/else": 404} {
		resp, err := http.Get(srv.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s has status %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestPushing(t *testing.T) {
	status := http.StatusOK
	var got *http.Request
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer gateway.Close()
	group, err := push.New(gateway.URL, "my job")
	if err != nil {
		t.Fatal(err)
	}
	if err := group.Push(t.Context(), fennel.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	if got.Method != "PUT" || got.URL.Path != "/metrics/job@base64/bXkgam9i" || got.Header.Get("Content-Encoding") != "gzip" ||
		!strings.HasPrefix(got.Header.Get("Content-Type"), exposition.ContentTypeProtobuf) {
		t.Errorf("got %s %s with %v", got.Method, got.URL, got.Header)
	}
	status = http.StatusFound
	var refused *push.Error
	if err := group.Add(t.Context(), fennel.NewRegistry()); !errors.As(err, &refused) || refused.StatusCode != status {
		t.Errorf("a redirect gives %v", err)
	}
}

func TestTextFiles(t *testing.T) {
	reg := fennel.NewRegistry()
	fennel.NewGauge("a.b", "A.", fennel.In(reg)).Set(float64(time.Second))
	path := filepath.Join(t.TempDir(), "a.prom")
	if err := textfile.Write(t.Context(), path, reg); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode() != 0o644 {
		t.Errorf("the file has %v, %v", info, err)
	}
	if text := read(t, path); !strings.Contains(text, "\na_b 1000000000\n") {
		t.Errorf("it has\n%s", text)
	}
	if err := textfile.Write(t.Context(), filepath.Join(t.TempDir(), "a.txt"), reg); err == nil {
		t.Error("another name was taken")
	}
}
