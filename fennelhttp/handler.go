package fennelhttp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
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
// name[], and for what happens when something goes wrong.
//
// Beside Content-Type the answer has "Vary: Accept, Accept-Encoding". A
// Content-Encoding that middleware has set by then is left alone, and nothing
// is compressed twice. Otherwise all that a client wants as gzip is, however
// small: a body of 1 kB takes 10 µs and would have fit into one packet anyway,
// but with a threshold a HEAD, which doesn't know the size, could not say what
// a GET gets.
//
// A client gets half a minute to take each piece of 64 KiB, unless the
// [http.Server] has a WriteTimeout, which then is what counts.
func Handler(g fennel.Gatherer, opts ...HandlerOption) http.Handler {
	c := defaultConfig()
	for _, o := range opts {
		if o != nil {
			o.forHandler(&c)
		}
	}
	return newHandler(g, &c)
}

// handler serves the metrics.
type handler struct {
	gatherer fennel.Gatherer
	logger   *slog.Logger
	level    int
	limits   limits
}

func newHandler(g fennel.Gatherer, c *config) *handler {
	if g == nil {
		g = fennel.Default
	}
	return &handler{gatherer: g, logger: c.logger, level: c.level, limits: c.limits}
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
	format := exposition.Negotiate(r.Header["Accept"])
	header := w.Header()
	header.Set("Content-Type", format.ContentType())
	header.Add("Vary", "Accept, Accept-Encoding")
	coded := len(header["Content-Encoding"]) > 0 // by middleware
	compress := !coded && h.level > 0 && acceptsGzip(r.Header["Accept-Encoding"])
	if compress {
		header.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodHead {
		return
	}
	b := newBody(w, r, h.limits.piece)
	defer b.release()
	b.sized = !coded
	if compress {
		b.compress(h.level)
	}
	if err := h.scrape(r, b, format); err != nil {
		h.fail(r, b, err)
	}
}

// scrape writes the whole body, or returns why it could not.
func (h *handler) scrape(r *http.Request, b *body, format exposition.Format) error {
	ctx := r.Context()
	g := h.gatherer
	if names := wantedNames(r.URL.RawQuery); names != nil {
		g = fennel.Only(g, names...)
	}
	err := write(ctx, b, g, format)
	switch {
	case err == nil:
	case !fennel.Partial(err), errors.Is(ctx.Err(), context.Canceled):
		// What collectors say after the client has gone is no news.
		return err
	default:
		args := []any{"error", err, "client", r.RemoteAddr}
		var p interface{ Stack() []byte } // of a collector that panicked
		if errors.As(err, &p) {
			args = append(args, "stack", string(p.Stack()))
		}
		h.logger.WarnContext(ctx, "scrape is incomplete", args...)
	}
	return b.finish()
}

// write is exposition.Write that turns a panic into an error.
func write(ctx context.Context, b *body, g fennel.Gatherer, format exposition.Format) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler: // it is meant for net/http
			panic(p)
		default:
			err = &panicError{p, debug.Stack()}
		}
	}()
	return exposition.Write(ctx, b.writer(), g, format)
}

// panicError is a panic of a gatherer.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("the gatherer panicked: %v", e.value) }

// fail logs why a body can't be served, or not to its end, and lets the client
// know: by the status, or by cutting the connection if that is out.
func (h *handler) fail(r *http.Request, b *body, err error) {
	h.logFailure(r, b, err)
	if b.sent {
		panic(http.ErrAbortHandler)
	}
	if b.zip != nil {
		b.w.Header().Del("Content-Encoding")
	}
	status := http.StatusInternalServerError
	if r.Context().Err() != nil {
		status = http.StatusServiceUnavailable // a time limit of the program's, say
	}
	b.extend()
	http.Error(b.w, "the metrics could not be gathered: "+err.Error(), status)
}

func (h *handler) logFailure(r *http.Request, b *body, err error) {
	level, message := slog.LevelError, "scrape failed"
	switch gone := r.Context().Err(); {
	case errors.Is(b.err, os.ErrDeadlineExceeded):
		level, message = slog.LevelWarn, "scrape cut off: the client is too slow"
	case b.err != nil, errors.Is(gone, context.Canceled):
		level, message = slog.LevelDebug, "scrape given up: the client went away"
	case gone != nil:
		level, message = slog.LevelWarn, "scrape given up: out of time"
	}
	args := []any{"error", err, "client", r.RemoteAddr}
	var p *panicError
	if errors.As(err, &p) {
		args = append(args, "stack", string(p.stack))
	}
	h.logger.Log(r.Context(), level, message, args...)
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
