package fennelhttp

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
)

// WithHealth makes the server say at this path whether the program is well: status
// 200, or 503, Service Unavailable, if check returns an error, which is logged and
// not shown. With a nil check it is well as long as it answers. The context is
// that of the request.
//
// No credentials are needed for it, whatever else is guarded. But where clients
// must have certificates, those who look after the program's health must, too.
//
// The path is as for [WithPath], but not "/". It is an error of [Start] if it is
// not, and a pattern of [WithHandler] must not be the same.
func WithHealth(path string, check func(context.Context) error) ServerOption {
	return option(func(c *config) {
		if err := checkPath(path); err != nil || path == "/" {
			c.fail(fmt.Errorf("WithHealth(%q): use a path such as %q", path, "/healthz"))
		}
		c.health = &health{path: path, check: check}
	})
}

// health is the handler of the health check.
type health struct {
	path   string
	check  func(context.Context) error // may be nil
	log    logFunc
	limits limits
}

// ServeHTTP implements [http.Handler].
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r, h.limits) {
		return
	}
	if h.check != nil {
		if err := h.check(r.Context()); err != nil {
			h.log(r.Context(), slog.LevelWarn, "the health check failed", "error", err)
			serveError(w, r, h.limits, http.StatusServiceUnavailable, "unhealthy")
			return
		}
	}
	limit(w, r, h.limits)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, "ok\n") // the client's loss if that fails
}
