package integration

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// exhibit is a registry that is served to scrapers, and notes what they asked
// for and what they got.
type exhibit struct {
	Addr    string
	handler http.Handler

	gate sync.RWMutex // held while something is changed that no scrape may see half done

	mu   sync.Mutex
	last map[string]exchange // by path
}

// exchange is a request and its answer, as far as they were negotiated.
type exchange struct {
	accept   []string
	content  string // Content-Type
	encoding string // Content-Encoding
}

// show serves what g gathers, and nothing that the handler has of its own, until
// the end of the test.
func show(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) *exhibit {
	t.Helper()
	opts = append(opts, fennelhttp.WithoutSelfMetrics())
	return exhibitOf(t, fennelhttp.Handler(g, opts...))
}

// exhibitOf is show for any handler.
func exhibitOf(t *testing.T, h http.Handler) *exhibit {
	t.Helper()
	x := &exhibit{handler: h, last: make(map[string]exchange)}
	srv := httptest.NewServer(x)
	t.Cleanup(srv.Close)
	x.Addr = srv.Listener.Addr().String()
	return x
}

// ServeHTTP implements [http.Handler].
func (x *exhibit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Deferred, because a body that can't be finished ends in a panic.
	defer x.note(w, r)
	x.gate.RLock()
	defer x.gate.RUnlock()
	x.handler.ServeHTTP(w, r)
}

// change lets f change what is served while no scrape runs.
func (x *exhibit) change(f func()) {
	x.gate.Lock()
	defer x.gate.Unlock()
	f()
}

func (x *exhibit) note(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.last[r.URL.Path] = exchange{
		accept:   r.Header["Accept"],
		content:  w.Header().Get("Content-Type"),
		encoding: w.Header().Get("Content-Encoding"),
	}
}

// target returns a job that scrapes the exhibit.
func (x *exhibit) target(job, protocol string) target {
	return target{Name: job, Addr: x.Addr, Path: "/" + job, Protocol: protocol}
}

// exchanged returns what was negotiated in the last scrape of a job.
func (x *exhibit) exchanged(job string) exchange {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.last["/"+job]
}
