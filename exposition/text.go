package exposition

import (
	"io"
	"sync"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// textEncoder is the encoder of all text formats. What it appends for a sample
// is a prefix that is prepared, the label text as it is stored, and numbers.
type textEncoder struct {
	output
	format   Format
	syntax   *syntax
	family   *sample.Family // whose header was written last
	prepared *prepared
	rename   func(i int, name string) string // of labels, where they have to be escaped

	// What there is beside the values of a batch, and the format has room for.
	created   bool
	exemplars queue

	// held are the lines of a text format's gauge histogram that belong behind
	// all of its buckets: the counts and the sums.
	held [2][]byte

	scratch []byte // label text that was renamed
}

var textEncoders = sync.Pool{New: func() any { return &textEncoder{output: newOutput()} }}

func (e *textEncoder) start(w io.Writer, f Format, _ bool) {
	e.w, e.buf = w, e.buf[:0]
	e.format, e.syntax = f, &dialects[f.Syntax]
}

func (e *textEncoder) release() {
	if e.err != nil || cap(e.buf) > keepSize || cap(e.scratch) > keepSize || cap(e.held[0]) > keepSize || cap(e.held[1]) > keepSize {
		return
	}
	e.buf, e.held = e.buf[:0], [2][]byte{e.held[0][:0], e.held[1][:0]}
	*e = textEncoder{output: output{buf: e.buf}, scratch: e.scratch, held: e.held}
	textEncoders.Put(e)
}

func (e *textEncoder) finish() error {
	if err := e.endFamily(); err != nil {
		return err
	}
	if e.syntax.openMetrics {
		e.buf = append(e.buf, "# EOF\n"...)
	}
	return e.flush()
}

// endFamily writes the lines that were held back.
func (e *textEncoder) endFamily() error {
	for i, lines := range e.held {
		if len(lines) == 0 {
			continue
		}
		e.buf = append(e.buf, e.prepared.heldHeaders[i]...)
		if err := e.write(lines); err != nil {
			return err
		}
		e.held[i] = lines[:0]
	}
	return nil
}

// Visit writes a run of samples, after the family's header if it is the first.
func (e *textEncoder) Visit(f *sample.Family, b *sample.Batch) error {
	if f != e.family {
		if err := e.endFamily(); err != nil {
			return err
		}
		e.family = f
		e.prepared = prepare(f, e.format)
		e.rename = e.renaming(f)
		e.buf = append(e.buf, e.prepared.header...)
	}
	e.exemplars, e.created = nil, e.prepared.hasCreated && len(b.Created) > 0 && (e.syntax.composite || e.format.Created)
	if e.prepared.hasExemplars {
		e.exemplars = b.Exemplars
	}
	if e.oneNumber(f, b) {
		return e.numbers(f, b)
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

// oneNumber reports whether all that is written of each sample in the batch is its
// labels as they are and one number.
func (e *textEncoder) oneNumber(f *sample.Family, b *sample.Batch) bool {
	switch f.Kind {
	case sample.Counter, sample.Gauge, sample.Unknown:
		return e.rename == nil && !e.created && len(e.exemplars) == 0 && b.Times == nil
	}
	return false
}

// numbers writes a run of such samples, which is what most of a scrape is.
func (e *textEncoder) numbers(f *sample.Family, b *sample.Batch) error {
	dst, value, start := e.buf, &e.prepared.value, b.Start
	for i, end := range b.Ends {
		dst = appendStart(dst, value, b.Text[start:end])
		start = end
		if f.Kind == sample.Counter {
			dst = appendCounter(dst, b.Whole[i], b.Values[i])
		} else {
			dst = appendFloat(dst, b.Values[i])
		}
		if dst = append(dst, '\n'); len(dst) < pieceSize {
			continue
		}
		e.buf = dst
		if err := e.flush(); err != nil {
			return err
		}
		dst = e.buf
	}
	e.buf = dst
	return nil
}

// renaming returns how the names in a family's label text are to be written, or
// nil if they can stay as they are.
func (e *textEncoder) renaming(f *sample.Family) func(int, string) string {
	switch {
	case e.format.Escaping == AllowUTF8:
		return nil
	case f.Mixed():
		return e.renameAny
	case f.Legal:
		return nil
	}
	labels := e.prepared.labels
	return func(i int, _ string) string { return labels[i] }
}

// renameAny returns how a name that stands in a label text is to be written.
func (e *textEncoder) renameAny(_ int, name string) string {
	if names.LegalLabel(name) {
		return name
	}
	return names.Scheme(e.format.Escaping).Label(series.Unescape(name))
}
