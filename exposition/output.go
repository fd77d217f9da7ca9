package exposition

import "io"

// output is a buffer that is handed on as it fills. All encoders append to it.
type output struct {
	w   io.Writer
	buf []byte
	err error // of w; what was handed on may still be read then, so it is not used again
}

const (
	pieceSize = 64 << 10 // what is handed on at a time
	keepSize  = 1 << 20  // a larger buffer is not kept for the next scrape
)

func newOutput() output { return output{buf: make([]byte, 0, pieceSize+4<<10)} }

func (o *output) failed() error { return o.err }

// flush hands on what is in the buffer.
func (o *output) flush() error {
	err := o.hand(o.buf)
	o.buf = o.buf[:0]
	return err
}

// write appends p and hands on all full pieces. It is for what may be longer
// than a piece.
func (o *output) write(p []byte) error {
	for len(o.buf)+len(p) >= pieceSize {
		room := max(pieceSize-len(o.buf), 0)
		if len(o.buf) == 0 { // no need to copy it
			if err := o.hand(p[:room]); err != nil {
				return err
			}
		} else {
			o.buf = append(o.buf, p[:room]...)
			if err := o.flush(); err != nil {
				return err
			}
		}
		p = p[room:]
	}
	o.buf = append(o.buf, p...)
	return nil
}

// hand gives p to the writer, unless it has failed: behind what is lost, nothing
// may follow.
func (o *output) hand(p []byte) error {
	if len(p) == 0 || o.err != nil {
		return o.err
	}
	n, err := o.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	o.err = err
	return err
}
