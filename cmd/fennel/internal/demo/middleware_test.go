package demo

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// requests returns the requests that a registry has counted.
func requests(t *testing.T, reg *fennel.Registry) map[response]float64 {
	t.Helper()
	counted := make(map[response]float64)
	for labels, c := range fennel.NewCounterVec[response]("http_requests_total", "HTTP requests served.", fennel.In(reg)).All() {
		counted[labels] = c.Value()
	}
	return counted
}

func TestMeasureCountsByMethodRouteAndStatus(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /things/{id}", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("12345")) })
	mux.HandleFunc("POST /things", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("/any", func(http.ResponseWriter, *http.Request) {})
	reg := fennel.NewRegistry()
	h := measure(reg, mux)
	gone, cancel := context.WithCancel(t.Context())
	cancel()

	for _, test := range []struct {
		ctx          context.Context
		method, path string
		want         response
	}{
		{t.Context(), "GET", "/things/1", response{"GET", "/things/{id}", 200}},
		{t.Context(), "HEAD", "/things/2", response{"HEAD", "/things/{id}", 200}},
		{t.Context(), "POST", "/things", response{"POST", "/things", 201}},
		{t.Context(), "GET", "/else", response{"GET", "unknown", 404}},
		{t.Context(), "PUT", "/things", response{"PUT", "unknown", 405}},
		{t.Context(), "BREW", "/any", response{"other", "/any", 200}},
		{gone, "GET", "/any", response{"GET", "/any", 499}},
	} {
		before := requests(t, reg)[test.want]
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(test.ctx, test.method, test.path, nil))
		if after := requests(t, reg)[test.want]; after != before+1 {
			t.Errorf("%s %s: %v went from %v to %v", test.method, test.path, test.want, before, after)
		}
	}
	if n := len(requests(t, reg)); n != 7 {
		t.Errorf("%d series, want 7", n)
	}
	size := newHTTPMetrics(reg).size.With(endpoint{"GET", "/things/{id}"})
	if size.Count() != 1 || size.Sum() != 5 {
		t.Errorf("%d bodies of %v bytes, want 1 of 5", size.Count(), size.Sum())
	}
}

func TestPanicDoesNotStayInFlight(t *testing.T) {
	reg := fennel.NewRegistry()
	h := measure(reg, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if got := newHTTPMetrics(reg).inFlight.Value(); got != 1 {
			t.Errorf("%v in flight, want 1", got)
		}
		panic(http.ErrAbortHandler)
	}))
	func() {
		defer func() { recover() }()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}()
	if got := newHTTPMetrics(reg).inFlight.Value(); got != 0 {
		t.Errorf("%v in flight after a panic", got)
	}
}
