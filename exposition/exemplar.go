package exposition

import (
	"unicode/utf8"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// queue has exemplars that are still to be written, sorted by sample and then by
// bucket. Samples are visited in order, so that nothing has to be searched for.
type queue []sample.Exemplar

// take takes the exemplars of sample i off the queue.
func (q *queue) take(i int) queue {
	n := 0
	for n < len(*q) && int((*q)[n].Sample) <= i {
		n++
	}
	own := (*q)[:n]
	*q = (*q)[n:]
	return own
}

// takeBucket takes the exemplars of a bucket off the queue of a histogram, and
// those that came before and belong to none. If there is one bucket only, all of
// them belong to that.
func (q *queue) takeBucket(f *sample.Family, bucket int) queue {
	first, n := 0, 0
	for n < len(*q) && int((*q)[n].Bucket) <= bucket {
		n++
		if int((*q)[n-1].Bucket) < bucket && len(f.Bounds) > 0 {
			first = n
		}
	}
	own := (*q)[first:n]
	*q = (*q)[n:]
	return own
}

// takeFree takes the exemplars of a histogram that are of no classic bucket off
// its queue.
func (q *queue) takeFree() queue {
	n := 0
	for n < len(*q) && (*q)[n].Bucket == sample.NoBucket {
		n++
	}
	free := (*q)[:n]
	*q = (*q)[n:]
	return free
}

// last returns the last exemplar, for where there is room for one, or nil.
func (q queue) last() *sample.Exemplar {
	if len(q) == 0 {
		return nil
	}
	return &q[len(q)-1]
}

// endLineWith is endLine with an exemplar in between, which may be nil.
func (e *textEncoder) endLineWith(b *sample.Batch, i int, x *sample.Exemplar) {
	if b.Times != nil {
		e.buf = e.syntax.appendTime(e.buf, b.Times[i])
	}
	if x != nil {
		e.exemplar(b, x)
	}
	e.buf = append(e.buf, '\n')
}

// exemplar appends an exemplar, unless it is too long for the format: then the
// whole body would be refused.
func (e *textEncoder) exemplar(b *sample.Batch, x *sample.Exemplar) {
	before := len(e.buf)
	e.buf = append(e.buf, " # {"...)
	start := len(e.buf)
	if note := b.Note(x); e.format.Escaping == AllowUTF8 {
		e.buf = append(e.buf, note...)
	} else {
		e.buf = series.AppendRenamed(e.buf, text(note), e.renameAny)
	}
	if !e.syntax.composite && tooLong(e.buf[start:]) {
		e.buf = e.buf[:before]
		return
	}
	e.buf = append(e.buf, "} "...)
	e.buf = appendFloat(e.buf, x.Value)
	e.buf = e.syntax.appendTime(e.buf, x.Time)
}

// tooLong reports whether the labels of an exemplar are longer than OpenMetrics
// 1.0 allows. What was updated was checked then, but not what collectors wrote,
// and escaping makes names longer.
func tooLong(labels []byte) bool {
	if len(labels) <= sample.MaxNoteRunes {
		return false
	}
	runes := 0
	for name, value := range series.RawLabels(text(labels)) {
		runes += runesOf(name) + runesOf(value)
	}
	return runes > sample.MaxNoteRunes
}

// runesOf counts the code points of what is escaped.
func runesOf(s string) int {
	n := utf8.RuneCountInString(s)
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			n--
			i++
		}
	}
	return n
}

// text returns b as a string that is as short-lived.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
