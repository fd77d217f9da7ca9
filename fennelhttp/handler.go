package fennelhttp

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// Handler returns a handler that serves what g gathers, or what is in
// [fennel.Default] if g is nil; a nil *[fennel.Registry] holds nothing. It is
// safe for concurrent use.
//
// It answers GET at any path, in the format and the coding that the client
// asks for; HEAD with the same header, but for the Content-Length, without
// gathering anything; OPTIONS; a favicon.ico, at which browsers try their luck,
// with nothing; and other methods with status 405. See the package comment for
// what can be asked for, for the limits, for the handler's own metrics, and for
// what happens when something goes wrong.
//
// Beside Content-Type the answer has "Vary: Accept, Accept-Encoding". A
// Content-Encoding that middleware has set by then is left alone, and nothing
// is compressed twice. Otherwise all that a client wants compressed is, however
// small: a body of 1 kB takes 10 µs and would have fit into one packet anyway,
// but with a threshold a HEAD, which doesn't know the size, could not say what
// a GET gets.
//
// A client gets half a minute to take each piece of 64 KiB, unless the
// [http.Server] has a WriteTimeout, which then is what counts.
//
// It panics if an option is wrong, such as a hash of [WithBasicAuth]; see
// [NewHandler].
func Handler(g fennel.Gatherer, opts ...HandlerOption) http.Handler {
	h, err := NewHandler(g, opts...)
	if err != nil {
		panic(err)
	}
	return h
}

// NewHandler returns a handler as [Handler] does, and an error where that panics:
// for options that are not known before the program runs.
func NewHandler(g fennel.Gatherer, opts ...HandlerOption) (http.Handler, error) {
	c := defaultConfig()
	for _, o := range opts {
		if o != nil {
			o.forHandler(&c)
		}
	}
	guard, err := c.guard()
	if err != nil {
		return nil, fmt.Errorf("fennelhttp: %w", err)
	}
	return guard.protect(newHandler(g, &c)), nil
}

// handler serves the metrics.
type handler struct {
	gatherer fennel.Gatherer
	log      logFunc
	codings  []*coding           // by preference
	extra    []exposition.Syntax // that are served on request
	created  bool                // lines for times of creation
	limits   limits
	slots    chan struct{} // one is taken by each scrape in flight; nil for no limit
	self     selfMetrics
}

func newHandler(g fennel.Gatherer, c *config) *handler {
	if g == nil {
		g = fennel.Default
	}
	h := &handler{
		gatherer: g,
		log:      c.log,
		codings:  c.offered(),
		extra:    c.extra,
		created:  c.created,
		limits:   c.limits,
		self:     newSelfMetrics(!c.selfless),
	}
	for _, w := range c.watched {
		w.reportTo(h.self.usable)
	}
	if c.maxInFlight > 0 {
		h.slots = make(chan struct{}, c.maxInFlight)
	}
	return h
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !allowed(w, r, h.limits):
	case isFavicon(r.URL.Path):
		serveNothing(w, r, h.limits)
	default:
		h.serve(w, r)
	}
}

// serve answers a GET or HEAD for the metrics.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	d, err := h.demand(w, r)
	switch {
	case err != nil:
		serveError(w, r, h.limits, http.StatusBadRequest, err.Error())
	case r.Method == http.MethodHead:
		d.announce(w.Header())
	case !h.enter():
		h.turnAway(w, r, &d)
	default:
		defer h.leave()
		d.announce(w.Header())
		h.scrape(w, r, &d)
	}
}

// enter takes a slot for a scrape, if there is one.
func (h *handler) enter() bool {
	if h.slots == nil {
		return true
	}
	select {
	case h.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// leave gives the slot back.
func (h *handler) leave() {
	if h.slots != nil {
		<-h.slots
	}
}

// turnAway answers a scrape for which there is no slot.
func (h *handler) turnAway(w http.ResponseWriter, r *http.Request, d *demand) {
	h.self.count(d.format.Syntax.String(), "503")
	h.log(r.Context(), slog.LevelWarn, "scrape turned away: too many in flight",
		"limit", cap(h.slots), "client", r.RemoteAddr)
	w.Header().Set("Retry-After", "1")
	serveError(w, r, h.limits, http.StatusServiceUnavailable,
		fmt.Sprintf("too many scrapes at once: %d are being served; try again in a second", cap(h.slots)))
}

// allowed reports whether the method is GET or HEAD, and answers the others.
func allowed(w http.ResponseWriter, r *http.Request, l limits) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return true
	case http.MethodOptions:
		w.Header().Set("Allow", allow)
		serveNothing(w, r, l)
	default:
		w.Header().Set("Allow", allow)
		serveError(w, r, l, http.StatusMethodNotAllowed,
			"# HTTP 405 Method Not Allowed: "+r.Method+"; use GET, HEAD or OPTIONS")
	}
	return false
}

const allow = "GET, HEAD, OPTIONS"

func serveNothing(w http.ResponseWriter, r *http.Request, l limits) {
	limit(w, r, l)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}

func serveError(w http.ResponseWriter, r *http.Request, l limits, status int, text string) {
	limit(w, r, l)
	http.Error(w, text, status)
}

// limit bounds the time that the client may take for an answer of one piece.
// Such answers are small, but a client may ask for many and read none.
func limit(w http.ResponseWriter, r *http.Request, l limits) {
	if d := patienceFor(r.Context(), l.piece); d > 0 {
		extendDeadline(w, d)
	}
}

func isFavicon(path string) bool {
	return path == "favicon.ico" || strings.HasSuffix(path, "/favicon.ico")
}
