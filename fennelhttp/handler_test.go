package fennelhttp

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestMethods(t *testing.T) {
	for _, test := range []struct {
		method, path string
		status       int
		allow, body  string
	}{
		{"GET", "/metrics", 200, "", someText},
		{"GET", "/", 200, "", someText},
		{"GET", "//metrics/../x", 200, "", someText},
		{"GET", "/favicon.icon", 200, "", someText},
		{"HEAD", "/metrics", 200, "", ""},
		{"GET", "/favicon.ico", 200, "", ""},
		{"GET", "/metrics/favicon.ico?x", 200, "", ""},
		{"HEAD", "/favicon.ico", 200, "", ""},
		{"OPTIONS", "/metrics", 200, allow, ""},
		{"OPTIONS", "/favicon.ico", 200, allow, ""},
		{"POST", "/metrics", 405, allow, "# HTTP 405 Method Not Allowed: POST; use GET, HEAD or OPTIONS\n"},
		{"POST", "/favicon.ico", 405, allow, "# HTTP 405 Method Not Allowed: POST; use GET, HEAD or OPTIONS\n"},
		{"get", "/metrics", 405, allow, "# HTTP 405 Method Not Allowed: get; use GET, HEAD or OPTIONS\n"},
		{"BREW", "/metrics", 405, allow, "# HTTP 405 Method Not Allowed: BREW; use GET, HEAD or OPTIONS\n"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			var g fennel.Gatherer = someRegistry()
			if test.body != someText {
				g = untouched(t)
			}
			w := serve(bare(g), request(test.method, test.path))
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, test.status, test.body)
			}
			if got := w.Header().Get("Allow"); got != test.allow {
				t.Errorf("Allow: %q, want %q", got, test.allow)
			}
			length := w.Header().Get("Content-Length")
			if test.status == 200 && test.method != "HEAD" && length != strconv.Itoa(len(test.body)) {
				t.Errorf("Content-Length: %q, the body has %d", length, len(test.body))
			}
		})
	}
}

func TestHeadHasTheHeaderOfGet(t *testing.T) {
	for _, headers := range [][]string{
		nil,
		{"Accept-Encoding", "gzip"},
		{"Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8", "Accept-Encoding", "gzip"},
		{"Accept-Encoding", "gzip;q=0"},
	} {
		get := serve(Handler(someRegistry()), request("GET", "/metrics", headers...)).Header()
		head := serve(Handler(untouched(t)), request("HEAD", "/metrics", headers...)).Header()
		for _, name := range []string{"Content-Type", "Vary", "Content-Encoding"} {
			if !slices.Equal(head[name], get[name]) {
				t.Errorf("%v: %s is %q of a HEAD, %q of a GET", headers, name, head[name], get[name])
			}
		}
		if len(head["Content-Length"]) > 0 {
			t.Errorf("%v: HEAD made up a Content-Length", headers)
		}
	}
}

func TestContentType(t *testing.T) {
	for accept, want := range map[string]string{
		"": exposition.ContentTypeText004,
		"application/openmetrics-text; version=1.0.0; escaping=allow-utf-8;q=0.6,*/*;q=0.2": exposition.ContentTypeOpenMetrics100 + "; escaping=allow-utf-8",
		"text/plain;version=1.0.0": exposition.ContentTypeText100 + "; escaping=underscores",
	} {
		w := serve(Handler(someRegistry()), request("GET", "/", "Accept", accept))
		if got := w.Header()["Content-Type"]; !slices.Equal(got, []string{want}) {
			t.Errorf("Accept: %s is answered with Content-Type: %q, want %q", accept, got, want)
		}
		whole := strings.HasSuffix(w.Body.String(), "# EOF\n")
		if strings.Contains(want, "openmetrics") != whole {
			t.Errorf("Accept: %s: body is\n%s", accept, w.Body)
		}
	}
}

func TestVaryIsAddedToWhatMiddlewareSet(t *testing.T) {
	h := Handler(someRegistry())
	w := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Origin")
		h.ServeHTTP(w, r)
	}), request("GET", "/"))
	if got, want := w.Header()["Vary"], []string{"Origin", "Accept, Accept-Encoding"}; !slices.Equal(got, want) {
		t.Errorf("Vary: %q, want %q", got, want)
	}
}

// Each value has its place: what middleware adds to one never runs into the next.
func TestHeaderValuesAreApart(t *testing.T) {
	header := serve(Handler(someRegistry()), request("GET", "/", "Accept-Encoding", "gzip")).Header()
	names := []string{"Content-Type", "Vary", "Content-Encoding"}
	before := header.Clone()
	for _, name := range names {
		header.Add(name, "added")
	}
	for _, name := range names {
		if got, want := header[name], append(before[name], "added"); len(want) != 2 || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestWithoutGathererServesDefault(t *testing.T) {
	fennel.NewGauge("in_default", "", fennel.In(fennel.Default)).Set(1)
	defer fennel.Default.Forget("in_default")
	if got := serve(Handler(nil), request("GET", "/")).Body.String(); !strings.Contains(got, "in_default 1\n") {
		t.Errorf("Handler(nil) serves %q", got)
	}
	var none *fennel.Registry
	if got := serve(bare(none), request("GET", "/")).Body.String(); got != "" {
		t.Errorf("the handler of a nil registry serves %q", got)
	}
}

func TestNameFilter(t *testing.T) {
	const jobs = "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 2\n"
	const openMetrics = "application/openmetrics-text"
	for _, test := range []struct{ query, accept, want string }{
		{"name[]=jobs_total", "", jobs},
		{"name%5B%5D=jobs_total&name[]=nope", "", jobs},
		{"name[]=jobs", "", jobs},
		{"name[]=queue_length&name[]=jobs_total", "", someText},
		{"name[]=", "", someText},
		{"name[]=&name[]=jobs_total", "", jobs},
		{"name[]=nope", "", ""},
		{"name[]=nope", openMetrics, "# EOF\n"},
		{"name[]=jobs_total;x", "", ""},
	} {
		w := serve(bare(someRegistry()), request("GET", "/metrics?"+test.query, "Accept", test.accept))
		if w.Code != 200 || w.Body.String() != test.want {
			t.Errorf("?%s: %d\n%swant 200\n%s", test.query, w.Code, w.Body, test.want)
		}
	}
}

// announced is a collector that says what it writes.
type announced struct {
	name  string
	calls int
}

func (a *announced) Describe() []fennel.Desc {
	return []fennel.Desc{{Name: a.name, Type: fennel.TypeGauge}}
}

func (a *announced) Collect(_ context.Context, w *fennel.Writer) error {
	a.calls++
	w.Gauge(a.name, "").Write(1)
	return nil
}

func TestNameFilterDoesNoWorkForOthers(t *testing.T) {
	wanted, other := &announced{name: "wanted"}, &announced{name: "other"}
	reg := someRegistry()
	reg.MustRegister(wanted, other)
	w := serve(Handler(reg), request("GET", "/?name[]=wanted"))
	if got, want := w.Body.String(), "# TYPE wanted gauge\nwanted 1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if wanted.calls != 1 || other.calls != 0 {
		t.Errorf("the collectors were called %d and %d times, want 1 and 0", wanted.calls, other.calls)
	}
}

func TestCollectorThatFailsCostsOnlyItsPart(t *testing.T) {
	for name, collect := range map[string]fennel.CollectorFunc{
		"error": func(context.Context, *fennel.Writer) error { return errors.New("disk on fire") },
		"panic": func(context.Context, *fennel.Writer) error { panic("disk on fire") },
	} {
		t.Run(name, func(t *testing.T) {
			reg := someRegistry()
			reg.MustRegister(collect)
			var log journal
			w := serve(Handler(reg, WithLogger(log.logger())), request("GET", "/", "Accept", "application/openmetrics-text"))
			body := w.Body.String()
			if w.Code != 200 || !strings.Contains(body, "jobs_total 2\n") || !strings.HasSuffix(body, "# EOF\n") {
				t.Errorf("%d\n%s", w.Code, body)
			}
			if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "disk on fire") {
				t.Errorf("logged %q", got)
			}
		})
	}
}

// failing is a gatherer that writes size bytes before it fails.
func failing(size int, fail func() error) fennel.Gatherer {
	return gathererFunc(func(_ context.Context, _ *sample.Request, v sample.Visitor) error {
		if err := bulk(v, size); err != nil {
			return err
		}
		return fail()
	})
}

var failures = map[string]func() error{
	"error": func() error { return errors.New("disk on fire") },
	"panic": func() error { panic("disk on fire") },
}

func TestErrorBeforeTheFirstPieceIsStatus500(t *testing.T) {
	for name, fail := range failures {
		for _, size := range []int{0, 1000, 70_000} { // the last is a piece that is held
			var log journal
			h := Handler(failing(size, fail), WithLogger(log.logger()))
			w := serve(h, request("GET", "/", "Accept-Encoding", "gzip"))
			if body := w.Body.String(); w.Code != 500 || !strings.Contains(body, "disk on fire\n") || strings.Contains(body, "goroutine") {
				t.Errorf("%s after %d bytes: %d %q", name, size, w.Code, body)
			}
			if got := w.Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("%s after %d bytes: Content-Type: %s", name, size, got)
			}
			if got := w.Header()["Content-Encoding"]; got != nil {
				t.Errorf("%s after %d bytes: Content-Encoding: %s", name, size, got)
			}
			got := log.String()
			if !strings.Contains(got, "level=ERROR") || strings.Contains(got, "stack=") != (name == "panic") {
				t.Errorf("%s after %d bytes: logged %q", name, size, got)
			}
		}
	}
}

func TestAbortOfTheGathererIsPassedOn(t *testing.T) {
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("panicked with %v", p)
		}
	}()
	h := Handler(failing(0, func() error { panic(http.ErrAbortHandler) }))
	serve(h, request("GET", "/"))
}

func TestNothingIsDoneForAClientThatHasGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, g := range map[string]fennel.Gatherer{
		"a registry": someRegistry(),
		"collectors that gave up": gathererFunc(func(ctx context.Context, _ *sample.Request, _ sample.Visitor) error {
			return &fennel.GatherError{Errors: []error{ctx.Err()}}
		}),
	} {
		var log journal
		w := serve(Handler(g, WithLogger(log.logger())), request("GET", "/").WithContext(ctx))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d for whoever listens", name, w.Code)
		}
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=DEBUG") {
			t.Errorf("%s: logged %q", name, got)
		}
	}
}

func TestTimeLimitOfMiddlewareIsStatus503(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	var log journal
	w := serve(Handler(someRegistry(), WithLogger(log.logger())), request("GET", "/").WithContext(ctx))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "deadline exceeded") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if got := log.String(); !strings.Contains(got, "level=WARN") {
		t.Errorf("logged %q", got)
	}
}

func TestOptionsFitTogether(t *testing.T) {
	var log journal
	shared := []Option{WithLogger(log.logger()), WithCompressionLevel(9), WithLogger(nil)}
	h := Handler(failing(0, failures["error"]), shared[0], shared[1], shared[2])
	serve(h, request("GET", "/"))
	if got := log.String(); got != "" {
		t.Errorf("logged %q after WithLogger(nil)", got)
	}
}

func TestCompressionLevelOutOfRangePanics(t *testing.T) {
	for _, level := range []int{-1, 0, 10} {
		func() {
			defer func() {
				if p, _ := recover().(string); !strings.Contains(p, "levels go from 1 to 9") {
					t.Errorf("level %d: panicked with %q", level, p)
				}
			}()
			WithCompressionLevel(level)
		}()
	}
}

func TestEveryAnswerIsWholeForAnyMiddleware(t *testing.T) {
	// A ResponseWriter that can nothing but the three methods.
	type plain struct{ http.ResponseWriter }
	w := httptest.NewRecorder()
	bare(someRegistry()).ServeHTTP(plain{w}, request("GET", "/"))
	if got := w.Body.String(); got != someText {
		t.Errorf("got %q", got)
	}
}
