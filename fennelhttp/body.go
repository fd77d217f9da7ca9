package fennelhttp

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	holdSize = 64 << 10 // what is held back at first, and gathered at a time
	keepSize = 1 << 20  // a larger buffer is not kept for the next scrape
)

// body is the body of one answer, on its way to the client in pieces.
//
// The first piece is held back until there is more. So an error until then is
// still an error to the client, with a status that says so, and a body that
// ends there has a length.
type body struct {
	w       http.ResponseWriter
	coding  *coding // nil for none
	encoder Encoder
	held    []byte // what was written, and compressed, but not sent

	sized bool  // the length that is sent is known to be that of what is held
	sent  bool  // the status and the header are out
	bytes int64 // that were sent
	err   error

	view view // of what is gathered for it

	patience time.Duration // how long the client may take for a piece; 0 for ever
}

var bodies = sync.Pool{New: func() any {
	return &body{held: make([]byte, 0, holdSize+8<<10)}
}}

// newBody returns the body of an answer to r. The caller gives it back with
// release.
func newBody(w http.ResponseWriter, r *http.Request, patience time.Duration) *body {
	b := bodies.Get().(*body)
	*b = body{w: w, held: b.held[:0], sized: true, patience: patienceFor(r.Context(), patience)}
	return b
}

// patienceFor returns the limit for a piece, or 0 where the server has one
// for whole responses: that is its owner's will.
func patienceFor(ctx context.Context, d time.Duration) time.Duration {
	if s, ok := ctx.Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		return 0
	}
	return d
}

// compress makes what is written to writer() go through an encoder.
func (b *body) compress(c *coding) {
	b.coding, b.encoder = c, c.encoders.Get().(Encoder)
	b.encoder.Reset((*wire)(b))
}

// writer returns where the text of the body is written.
func (b *body) writer() io.Writer {
	if b.encoder != nil {
		return b.encoder
	}
	return (*wire)(b)
}

// release gives the memory back. A coding that was not finished stays so: its
// end would pass a part off as the whole.
//
// After an error nothing is used again: when HTTP/2 fails to write because its
// stream was closed, it may still be reading what it was given.
func (b *body) release() {
	if b.encoder != nil {
		b.encoder.Reset(nil)
		if b.err == nil {
			b.coding.encoders.Put(b.encoder)
		}
	}
	if b.err != nil || cap(b.held) > keepSize {
		return
	}
	*b = body{held: b.held[:0]}
	bodies.Put(b)
}

// finish sends what is left. Only then is the body whole.
func (b *body) finish() error {
	if b.encoder != nil {
		if err := b.encoder.Close(); err != nil {
			return err
		}
	}
	if !b.sent && b.sized {
		b.w.Header().Set("Content-Length", strconv.Itoa(len(b.held)))
	}
	return b.flush()
}

// flush sends what is held.
func (b *body) flush() error {
	held := b.held
	b.held = b.held[:0]
	return b.send(held)
}

// send sends p, and before it the header if that is still to be sent. Even
// without p the client gets more time: for what net/http has buffered.
func (b *body) send(p []byte) error {
	b.extend()
	if !b.sent {
		b.sent = true
		b.w.WriteHeader(http.StatusOK)
	}
	if len(p) > 0 && b.err == nil {
		var n int
		n, b.err = b.w.Write(p)
		b.bytes += int64(n)
	}
	return b.err
}

// extend gives the client time for another piece.
func (b *body) extend() {
	if b.patience > 0 && !extendDeadline(b.w, b.patience) {
		b.patience = 0 // don't try again
	}
}

// cut ends the connection, or the stream of HTTP/2, by a panic. Not all
// middleware lets that one through: so that the server doesn't write a proper end
// to a body that has none, nothing at all can be written from here on.
func (b *body) cut() {
	extendDeadline(b.w, -time.Second)
	panic(http.ErrAbortHandler)
}

// extendDeadline gives the client time to take what will be written next, and
// reports whether w can do that. Not every ResponseWriter can: tests'
// recorders, middleware that wraps without an Unwrap method.
func extendDeadline(w http.ResponseWriter, d time.Duration) bool {
	return http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d)) == nil
}

// wire is the side of a body on which bytes are written as they are sent.
type wire body

// Write holds p until there is enough to send.
func (w *wire) Write(p []byte) (int, error) {
	b := (*body)(w)
	if len(b.held) > 0 && len(b.held)+len(p) > holdSize {
		if err := b.flush(); err != nil {
			return 0, err
		}
	}
	if b.sent && len(p) >= holdSize {
		if err := b.send(p); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	b.held = append(b.held, p...)
	return len(p), nil
}
