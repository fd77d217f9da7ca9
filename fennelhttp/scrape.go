package fennelhttp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// scrape answers a GET for the metrics.
//
// Scrapes that overlap share nothing but what they read, so each sees all that
// was done before it arrived.
func (h *handler) scrape(w http.ResponseWriter, r *http.Request, d *demand) {
	ctx, cancel := withTimeout(r.Context(), r.Header)
	defer cancel()
	b := newBody(w, r, h.limits.piece)
	b.sized = !d.coded
	if d.coding != nil {
		b.compress(d.coding)
	}
	tally, code := h.self.begin(d.format.Syntax.String()), aborted
	defer func() { // also when the body is cut off, which is a panic
		tally.end(code, b)
		b.release()
	}()
	if err := h.write(ctx, r, b, d); err != nil {
		code = h.fail(ctx, r, b, err)
		return
	}
	code = whole
}

// write writes the whole body, or returns why it could not.
func (h *handler) write(ctx context.Context, r *http.Request, b *body, d *demand) error {
	err := gather(ctx, b, h.view(b, d), d.format)
	switch {
	case err == nil:
	case !fennel.Partial(err), errors.Is(ctx.Err(), context.Canceled):
		// What collectors say after the client has gone is no news.
		return err
	default:
		args := []any{"error", err, "client", r.RemoteAddr}
		type panicked interface { // of a collector
			error
			Stack() []byte
		}
		if p, ok := errors.AsType[panicked](err); ok {
			args = append(args, "stack", string(p.Stack()))
		}
		h.log(ctx, slog.LevelWarn, "scrape is incomplete", args...)
	}
	return b.finish()
}

// view returns what is to be gathered.
func (h *handler) view(b *body, d *demand) fennel.Gatherer {
	g := h.gatherer
	if h.self.registry != nil {
		b.view = view{gatherer: g, own: h.self.registry}
		g = &b.view
	}
	if d.names != nil {
		g = fennel.Only(g, d.names...)
	}
	return g
}

// gather is exposition.Write that turns a panic into an error.
func gather(ctx context.Context, b *body, g fennel.Gatherer, format exposition.Format) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler: // it is meant for net/http
			b.cut()
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
// know: by the status, which it returns for the metrics, or by cutting the
// connection if that is out.
func (h *handler) fail(ctx context.Context, r *http.Request, b *body, err error) (code string) {
	h.logFailure(ctx, r, b, err)
	if b.sent {
		b.cut()
	}
	if b.coding != nil {
		b.w.Header().Del("Content-Encoding")
	}
	status := http.StatusInternalServerError
	if ctx.Err() != nil {
		status = http.StatusServiceUnavailable // out of time
	}
	b.extend()
	http.Error(b.w, "the metrics could not be gathered: "+err.Error(), status)
	if errors.Is(ctx.Err(), context.Canceled) {
		return aborted // nobody is there to see the status
	}
	return strconv.Itoa(status)
}

func (h *handler) logFailure(ctx context.Context, r *http.Request, b *body, err error) {
	level, message := slog.LevelError, "scrape failed"
	switch gone := ctx.Err(); {
	case errors.Is(b.err, os.ErrDeadlineExceeded):
		level, message = slog.LevelWarn, "scrape cut off: the client is too slow"
	case b.err != nil, errors.Is(gone, context.Canceled):
		level, message = slog.LevelDebug, "scrape given up: the client went away"
	case gone != nil:
		level, message = slog.LevelWarn, "scrape given up: out of time"
	}
	args := []any{"error", err, "client", r.RemoteAddr}
	if p, ok := errors.AsType[*panicError](err); ok {
		args = append(args, "stack", string(p.stack))
	}
	h.log(ctx, level, message, args...)
}
