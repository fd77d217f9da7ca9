package fennelfasthttp

import (
	"io"
	"iter"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// stream is the body of an answer as fasthttp takes it: piece by piece from the
// coroutine in which the handler runs. Whoever has one must close it.
type stream struct {
	answer *answer
	next   func() (piece []byte, ok bool)
	stop   func()

	// A server uses a stream by one goroutine. But middleware that compresses may
	// close it by another one, and so does the timer.
	mu    sync.Mutex
	piece []byte      // that the handler waits to be sent
	more  bool        // there is one
	timer *time.Timer // closes a stream that nobody wants
}

// newStream begins to serve, and returns when the first piece of the body is
// there, or the end.
func newStream(a *answer, serve func()) *stream {
	s := &stream{answer: a}
	s.next, s.stop = iter.Pull(func(yield func([]byte) bool) { a.run(serve, yield) })
	s.advance()
	return s
}

// expire closes the stream if nobody has begun to read it by then.
func (s *stream) expire(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(d, func() { s.Close() })
}

// advance gets the next piece.
func (s *stream) advance() {
	s.piece, s.more = s.next()
}

// end ends the handler, if it still waits to go on, and returns the error of a
// body that is not whole. It needs no context any more.
func (s *stream) end(gone error) error {
	if s.more {
		s.answer.gone = gone
		s.more, s.piece = false, nil
		s.stop()
	}
	if s.answer.gone != nil || s.answer.fault != nil {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// SupportsBodyWriteTo tells fasthttp that WriteTo does what reading does.
func (s *stream) SupportsBodyWriteTo() bool { return true }

// WriteTo writes the whole body to w, which is the connection, without a copy.
func (s *stream) WriteTo(w io.Writer) (n int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Stop()
	for s.more {
		m, err := w.Write(s.piece)
		n += int64(m)
		if err != nil {
			s.end(err)
			return n, err
		}
		s.advance()
	}
	return n, s.end(nil)
}

// Read implements [io.Reader], for middleware and for older versions of
// fasthttp.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Stop()
	for s.more && len(s.piece) == 0 {
		s.advance()
	}
	if !s.more {
		if err := s.end(nil); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}
	n := copy(p, s.piece)
	s.piece = s.piece[n:]
	return n, nil
}

// Close ends the handler. It returns an error if the body is not whole, so that
// its end isn't sent where somebody has swallowed that of Read.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Stop()
	return s.end(errUnwanted)
}

// sendUnframed makes the end of the connection that of the body, which is the
// only way for a client of HTTP/1.0. fasthttp has no means for that but to leave
// the connection to us.
func (s *stream) sendUnframed(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) {
		defer c.Close()
		defer s.Close()
		if c.SetWriteDeadline(s.answer.deadline) != nil {
			return
		}
		if _, err := c.Write(ctx.Response.Header.Header()); err != nil {
			return
		}
		s.WriteTo(c) // the client's loss if that fails
	})
}
