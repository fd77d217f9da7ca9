package exposition

import (
	"context"
	"io"
	"sync"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Write gathers all metrics of g and writes them to w in the given format, in
// pieces of about 64 KiB. Nothing is held back or locked while w writes.
//
// The error is what w returned or the context's; the body then is cut short,
// and without the "# EOF" of OpenMetrics. With a *[fennel.GatherError], see
// [fennel.Partial], the body is complete in itself, and only what some
// collectors failed to write is missing.
func Write(ctx context.Context, w io.Writer, g fennel.Gatherer, f Format) error {
	e := encoders.Get().(*encoder)
	defer e.release()
	e.start(w, f)
	err := g.Visit(ctx, nil, e)
	if e.err != nil {
		return e.err // whatever became of it on its way
	}
	if err != nil && !fennel.Partial(err) {
		return err
	}
	if e.syntax.openMetrics {
		e.buf = append(e.buf, "# EOF\n"...)
	}
	if flushErr := e.flush(); flushErr != nil {
		return flushErr
	}
	return err
}

// Bytes returns all metrics of g in the given format. The error is as for
// [Write]; with a *[fennel.GatherError] the bytes are complete in themselves.
func Bytes(ctx context.Context, g fennel.Gatherer, f Format) ([]byte, error) {
	var body collected
	err := Write(ctx, &body, g, f)
	if err != nil && !fennel.Partial(err) {
		return nil, err
	}
	return body, err
}

type collected []byte

func (c *collected) Write(p []byte) (int, error) {
	*c = append(*c, p...)
	return len(p), nil
}

// encoder appends samples to a buffer and hands it on as it fills. It is the
// visitor of all text formats.
type encoder struct {
	w        io.Writer
	buf      []byte
	format   Format
	syntax   *syntax
	family   *sample.Family // whose header was written last
	prepared *prepared
	rename   func(i int, name string) string // of labels, where they have to be escaped
	scratch  []byte
	err      error // of w
}

const (
	pieceSize = 64 << 10 // what is handed on at a time
	keepSize  = 1 << 20  // a larger buffer is not kept for the next scrape
)

var encoders = sync.Pool{New: func() any { return &encoder{buf: make([]byte, 0, pieceSize+4<<10)} }}

func (e *encoder) start(w io.Writer, f Format) {
	f = f.known()
	e.w, e.format, e.syntax = w, f, &dialects[f.Syntax]
	e.buf = e.buf[:0]
}

func (e *encoder) release() {
	if cap(e.buf) > keepSize || cap(e.scratch) > keepSize {
		return
	}
	*e = encoder{buf: e.buf, scratch: e.scratch}
	encoders.Put(e)
}

// flush hands on what is in the buffer.
func (e *encoder) flush() error {
	if len(e.buf) == 0 {
		return nil
	}
	n, err := e.w.Write(e.buf)
	if err == nil && n < len(e.buf) {
		err = io.ErrShortWrite
	}
	e.buf, e.err = e.buf[:0], err
	return err
}

// renaming returns how the names in a family's label text are to be written, or
// nil if they can stay as they are.
func (e *encoder) renaming(f *sample.Family) func(int, string) string {
	switch {
	case e.format.Escaping == AllowUTF8:
		return nil
	case f.Mixed():
		scheme := names.Scheme(e.format.Escaping)
		return func(_ int, name string) string { return scheme.Label(series.Unescape(name)) }
	case f.Legal:
		return nil
	}
	labels := e.prepared.labels
	return func(i int, _ string) string { return labels[i] }
}

// Visit writes a run of samples, after the family's header if it is the first.
func (e *encoder) Visit(f *sample.Family, b *sample.Batch) error {
	if f != e.family {
		e.family = f
		e.prepared = prepare(f, e.format)
		e.rename = e.renaming(f)
		e.buf = append(e.buf, e.prepared.header...)
	}
	for i := range b.Len() {
		e.sample(f, b, i)
		if len(e.buf) >= pieceSize {
			if err := e.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}
