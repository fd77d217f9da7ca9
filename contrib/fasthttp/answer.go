package fennelfasthttp

import (
	"errors"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// holdSize is up to which size a body is held until its end, so that it has a
// length. It is that of net/http.
const holdSize = 2048

// answer is the [http.ResponseWriter] of one request.
//
// fasthttp wants the header first, and asks for the body when it sends it, where
// net/http's handlers write both. So the handler runs in a coroutine, and each
// piece that it writes is a value that it yields, for the server to send. Both
// sides take turns: nothing here is used by two at a time.
type answer struct {
	ctx      *fasthttp.RequestCtx // never used once gone is set: it may serve another request then
	header   http.Header
	replaced []string // names that announce takes out of ctx's header
	status   int      // 0 until it is known
	length   int      // of the body; -1 if it isn't known
	held     []byte   // the beginning of the body, while its length may still become known
	flowing  bool     // the body is handed on as it is written
	deadline time.Time
	yield    func(piece []byte) bool

	gone  error // why no more of the body is wanted
	fault any   // the panic that the handler ended by
}

// newAnswer returns an answer to which what middleware has put into the header
// of ctx's response belongs.
func newAnswer(ctx *fasthttp.RequestCtx) *answer {
	a := &answer{ctx: ctx, header: make(http.Header), length: -1}
	header := &ctx.Response.Header
	header.SetNoDefaultContentType(true) // net/http has none where there is no body
	for name, value := range header.All() {
		switch http.CanonicalHeaderKey(string(name)) {
		case "Connection", "Content-Length", "Date", "Server", "Set-Cookie", "Trailer", "Transfer-Encoding":
			// They are the server's affair, or may be there more than once.
		default:
			a.replaced = append(a.replaced, string(name))
			a.header.Add(string(name), string(value))
		}
	}
	return a
}

// run runs the handler, which yields the pieces of the body.
func (a *answer) run(serve func(), yield func([]byte) bool) {
	defer func() {
		if a.fault = recover(); a.fault == nil {
			return
		}
		if a.fault != http.ErrAbortHandler && a.gone == nil {
			a.ctx.Logger().Printf("panic serving metrics: %v\n%s", a.fault, debug.Stack())
		}
	}()
	a.yield = yield
	serve()
	a.finish()
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	a.status = status
	if n, err := strconv.Atoi(a.header.Get("Content-Length")); err == nil && n >= 0 {
		a.length = n
	}
}

// Write implements [http.ResponseWriter]. It returns when the server has sent p,
// or holds it.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.gone != nil {
		return 0, a.gone
	}
	if !a.flowing && a.length < 0 && len(a.held)+len(p) <= holdSize {
		a.held = append(a.held, p...)
		return len(p), nil
	}
	a.flow()
	a.send(p)
	if a.gone != nil {
		return 0, a.gone
	}
	return len(p), nil
}

// SetWriteDeadline makes the connection's deadline accessible to an
// [http.ResponseController].
func (a *answer) SetWriteDeadline(deadline time.Time) error {
	switch {
	case a.gone != nil:
		return a.gone
	case a.ctx.ConnRequestNum() == 0: // a test's, which has no connection
		return http.ErrNotSupported
	}
	a.deadline = deadline
	return a.ctx.SetWriteDeadline(deadline)
}

// flow hands on what is held. From then on nothing is.
func (a *answer) flow() {
	if !a.flowing {
		a.flowing = true
		a.send(a.held)
	}
}

// send has the server send a piece. It isn't copied: until the server has sent
// it, this doesn't return.
func (a *answer) send(piece []byte) {
	if len(piece) == 0 || a.gone != nil || a.ctx.IsHead() {
		return
	}
	if !a.yield(piece) && a.gone == nil {
		a.gone = errUnwanted
	}
}

// errUnwanted is the error of writes to a body that was dropped before its end.
var errUnwanted = errors.New("fennelfasthttp: the body was dropped")

// finish sends what is held, with its length. A HEAD that nothing was written
// for has none: it doesn't know what a GET gets.
func (a *answer) finish() {
	a.WriteHeader(http.StatusOK)
	if !a.flowing && a.length < 0 && (len(a.held) > 0 || !a.ctx.IsHead()) {
		a.length = len(a.held)
	}
	a.flow()
}

// announce sets the status and the header of the response.
func (a *answer) announce() {
	a.ctx.SetStatusCode(a.status)
	header := &a.ctx.Response.Header
	for _, name := range a.replaced {
		header.Del(name)
	}
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		for _, value := range a.header[name] {
			header.Add(name, value)
		}
	}
	if a.length >= 0 {
		header.SetContentLength(a.length)
	}
}
