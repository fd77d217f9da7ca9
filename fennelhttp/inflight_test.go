package fennelhttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// waiting is a gatherer that waits to be released.
type waiting struct {
	begun   chan struct{} // gets something for each call
	release chan struct{} // is closed
}

func newWaiting() *waiting {
	return &waiting{make(chan struct{}), make(chan struct{})}
}

func (g *waiting) Visit(context.Context, *sample.Request, sample.Visitor) error {
	g.begun <- struct{}{}
	<-g.release
	return nil
}

func TestScrapesInFlightAreLimited(t *testing.T) {
	for name, test := range map[string]struct {
		opts  []HandlerOption
		limit int
	}{
		"by default":         {nil, 32},
		"to one":             {[]HandlerOption{WithMaxInFlight(1)}, 1},
		"to none after all":  {[]HandlerOption{WithMaxInFlight(1), WithMaxInFlight(3)}, 3},
		"to more than it is": {[]HandlerOption{WithMaxInFlight(math.MaxInt)}, 0},
		"not":                {[]HandlerOption{WithMaxInFlight(0)}, 0},
		"not, either":        {[]HandlerOption{WithMaxInFlight(-1)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := newWaiting()
			h := Handler(g, test.opts...)
			var scrapes sync.WaitGroup
			n := test.limit
			if n == 0 {
				n = 100
			}
			for range n {
				scrapes.Go(func() {
					if w := serve(h, request("GET", "/")); w.Code != 200 {
						t.Errorf("status %d", w.Code)
					}
				})
				<-g.begun
			}
			if test.limit > 0 {
				checkTurnedAway(t, serve(h, request("GET", "/", "Accept-Encoding", "gzip")), test.limit)
			}
			for _, method := range []string{"HEAD", "OPTIONS"} {
				if w := serve(h, request(method, "/")); w.Code != 200 {
					t.Errorf("%s: status %d", method, w.Code)
				}
			}
			close(g.release)
			scrapes.Wait()
			go func() { <-g.begun }()
			if w := serve(h, request("GET", "/")); w.Code != 200 {
				t.Errorf("status %d when all is over", w.Code)
			}
		})
	}
}

func checkTurnedAway(t *testing.T, w *httptest.ResponseRecorder, limit int) {
	t.Helper()
	header := w.Header()
	if w.Code != 503 || header.Get("Retry-After") != "1" || header["Content-Encoding"] != nil {
		t.Errorf("status %d, header %v, want 503, Retry-After: 1", w.Code, header)
	}
	if got, want := header.Get("Content-Type"), "text/plain; charset=utf-8"; got != want {
		t.Errorf("Content-Type: %s, want %s", got, want)
	}
	if got, want := w.Body.String(), fmt.Sprintf("too many scrapes at once: %d are being served; try again in a second\n", limit); got != want {
		t.Errorf("body %q, want %q", got, want)
	}
}

// paths are the ways in which a scrape ends, as a gatherer and what to do with
// the request. All end with the code.
var paths = map[string]struct {
	gather func(ctx context.Context, v sample.Visitor) error
	code   string
}{
	"whole":             {func(context.Context, sample.Visitor) error { return nil }, "200"},
	"in part":           {func(context.Context, sample.Visitor) error { return &fennel.GatherError{} }, "200"},
	"error":             {func(context.Context, sample.Visitor) error { return errors.New("disk on fire") }, "500"},
	"panic":             {func(context.Context, sample.Visitor) error { panic("disk on fire") }, "500"},
	"abort":             {func(context.Context, sample.Visitor) error { panic(http.ErrAbortHandler) }, "aborted"},
	"error in the body": {func(_ context.Context, v sample.Visitor) error { return errors.Join(bulk(v, 200_000), errors.New("x")) }, "aborted"},
	"panic in the body": {func(_ context.Context, v sample.Visitor) error { bulk(v, 200_000); panic("x") }, "aborted"},
	"the client goes":   {func(ctx context.Context, _ sample.Visitor) error { return context.Canceled }, "aborted"},
	"the client goes meanwhile": {func(ctx context.Context, v sample.Visitor) error {
		return errors.Join(bulk(v, 200_000), context.Canceled)
	}, "aborted"},
	"out of time": {func(ctx context.Context, _ sample.Visitor) error { <-ctx.Done(); return ctx.Err() }, "503"},
}

// scrapeOnce serves one request that ends by the path, and swallows the abort.
func scrapeOnce(t *testing.T, h http.Handler, path string) (w *httptest.ResponseRecorder) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if strings.HasPrefix(path, "the client goes") {
		cancel()
	}
	r := request("GET", "/").WithContext(ctx)
	if path == "out of time" {
		r.Header.Set(timeoutHeader, "0.001")
	}
	w = httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			t.Errorf("%s: panicked with %v", path, p)
		}
	}()
	h.ServeHTTP(w, r)
	return w
}

func TestSlotIsGivenBackOnEveryPath(t *testing.T) {
	for name, path := range paths {
		t.Run(name, func(t *testing.T) {
			good := false
			h := Handler(gathererFunc(func(ctx context.Context, _ *sample.Request, v sample.Visitor) error {
				if good {
					return nil
				}
				return path.gather(ctx, v)
			}), WithMaxInFlight(1))
			for range 3 {
				scrapeOnce(t, h, name)
			}
			self := &h.(*handler).self
			if got := self.scrapes.With(outcome{"PrometheusText0.0.4", path.code}).Value(); got != 3 {
				t.Errorf("fennel_scrapes_total{code=%q} is %v, want 3", path.code, got)
			}
			if got := self.inFlight.Value(); got != 0 {
				t.Errorf("%v in flight when all is over", got)
			}
			good = true
			if w := serve(h, request("GET", "/")); w.Code != 200 || !strings.Contains(w.Body.String(), "fennel_scrapes_in_flight 1\n") {
				t.Errorf("then: status %d\n%s", w.Code, w.Body)
			}
		})
	}
}

// stuck is a client that takes nothing until it is released.
type stuck struct {
	http.ResponseWriter
	begun   chan struct{}
	release chan struct{}
	once    sync.Once
	body    bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.begun) })
	<-s.release
	return s.body.Write(p)
}

// While one scrape is held up by its client, another must not get what the
// first one has read already.
func TestOverlappingScrapeSeesWhatWasDoneBeforeIt(t *testing.T) {
	for _, series := range []int{1, 5000} { // the first scrape has gathered all, or is in the midst of it
		reg := seriesRegistry(series)
		early := fennel.NewGauge("a_gauge", "", fennel.In(reg))
		late := fennel.NewGauge("z_gauge", "", fennel.In(reg))
		h := Handler(reg)
		first := &stuck{ResponseWriter: httptest.NewRecorder(), begun: make(chan struct{}), release: make(chan struct{})}
		var scrapes sync.WaitGroup
		scrapes.Go(func() { h.ServeHTTP(first, request("GET", "/")) })
		<-first.begun

		early.Set(1)
		late.Set(1)
		fennel.NewGauge("new_gauge", "", fennel.In(reg)).Set(1)
		second := serve(h, request("GET", "/")).Body.String()
		for _, line := range []string{"a_gauge 1\n", "new_gauge 1\n", "z_gauge 1\n", "fennel_scrapes_in_flight 2\n"} {
			if !strings.Contains(second, line) {
				t.Errorf("%d series: the second scrape lacks %q", series, line)
			}
		}

		close(first.release)
		scrapes.Wait()
		if got := first.body.String(); !strings.Contains(got, "a_gauge 0\n") || !strings.Contains(got, "fennel_scrapes_in_flight 1\n") {
			t.Errorf("%d series: the first scrape has %.500s", series, got)
		}
	}
}
