package fennelfasthttp

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// Handler returns a handler that serves what g gathers, or what is in
// [fennel.Default] if g is nil; see [fennelhttp.Handler], whose options it takes
// and whose answers it gives. It is safe for concurrent use.
//
// It may stand behind any middleware. What middleware has put into the header of
// the response stays there, unless the handler has to say something else.
//
// It panics if an option is wrong; see [NewHandler].
func Handler(g fennel.Gatherer, opts ...fennelhttp.HandlerOption) fasthttp.RequestHandler {
	h, err := NewHandler(g, opts...)
	if err != nil {
		panic(err)
	}
	return h
}

// NewHandler returns a handler as [Handler] does, and an error where that panics:
// for options that are not known before the program runs.
func NewHandler(g fennel.Gatherer, opts ...fennelhttp.HandlerOption) (fasthttp.RequestHandler, error) {
	h, err := fennelhttp.NewHandler(g, opts...)
	if err != nil {
		return nil, err
	}
	return (&handler{h, claimTime}).serve, nil
}

// claimTime is how long a body waits for the server to send it. That is
// immediately in all cases but one: no server sends what was ready after
// fasthttp's TimeoutHandler had answered in its place.
const claimTime = time.Minute

// handler serves requests by a handler of net/http.
type handler struct {
	handler http.Handler
	claim   time.Duration
}

// serve answers a request. All that h.handler does until the first piece of the
// body is there happens within; the rest while the server sends the body.
func (h *handler) serve(ctx *fasthttp.RequestCtx) {
	r, err := newRequest(ctx)
	if err != nil { // net/http doesn't let it through to handlers, either
		ctx.Error("400 Bad Request", http.StatusBadRequest)
		ctx.SetConnectionClose()
		return
	}
	within, cancel := context.WithCancel(context.Background())
	a := newAnswer(ctx)
	s := newStream(a, func() {
		defer cancel()
		h.handler.ServeHTTP(a, r.WithContext(within))
	})
	switch {
	case a.fault != nil:
		cut(ctx)
	case s.more && a.length < 0 && r.ProtoMajor == 1 && r.ProtoMinor == 0:
		a.announce()
		s.expire(h.claim)
		s.sendUnframed(ctx)
	case s.more:
		a.announce()
		s.expire(h.claim)
		ctx.Response.SetBodyStream(s, a.length)
	default:
		ctx.Response.ResetBody()
		a.announce()
	}
}

// cut closes the connection without an answer, as net/http does for
// [http.ErrAbortHandler].
func cut(ctx *fasthttp.RequestCtx) {
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) { c.Close() })
}
