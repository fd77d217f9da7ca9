package exposition

import (
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// sample appends all lines of one sample.
func (e *textEncoder) sample(f *sample.Family, b *sample.Batch, i int) {
	labels, p := b.Labels(i), e.prepared
	if e.rename != nil {
		e.scratch = series.AppendRenamed(e.scratch[:0], b.Key(i), e.rename)
		labels = e.scratch
	}
	if f.Kind == sample.Counter {
		e.buf = appendCounter(appendStart(e.buf, &p.value, labels), b.Whole[i], b.Values[i])
		if e.created || len(e.exemplars) > 0 {
			e.endCounter(labels, b, i)
			return
		}
		e.endLine(b, i)
		return
	}
	switch f.Kind {
	case sample.Gauge, sample.Unknown:
		e.float(&p.value, labels, b.Values[i], b, i)
	case sample.Info:
		e.uint(&p.value, labels, 1, b, i)
	case sample.Histogram, sample.GaugeHistogram:
		e.histogram(f, b, i, labels)
	case sample.Summary:
		e.summary(f, b, i, labels)
	case sample.StateSet:
		for j, end := range p.ends {
			e.buf = append(appendStartEnd(e.buf, &p.value, labels, end), '0'+byte(b.States[i]>>j&1))
			e.endLine(b, i)
		}
	}
}

// endCounter ends the line of a counter that has more than a value.
func (e *textEncoder) endCounter(labels []byte, b *sample.Batch, i int) {
	own := e.exemplars.take(i)
	if e.syntax.composite {
		e.endComposite(b, i, own)
		return
	}
	e.endLineWith(b, i, own.last())
	e.createdLine(labels, b, i)
}

func (e *textEncoder) histogram(f *sample.Family, b *sample.Batch, i int, labels []byte) {
	own := e.exemplars.take(i)
	if e.syntax.composite {
		e.compositeHistogram(f, b, i, labels, own)
		return
	}
	total := e.buckets(f, b, i, labels, own)
	switch {
	case e.syntax.splitsGauges(f):
		e.holdBack(labels, total, b, i)
	case e.syntax.hasSum(f):
		e.float(&e.prepared.sum, labels, b.Sums[i], b, i)
		e.uint(&e.prepared.count, labels, total, b, i)
	}
	e.createdLine(labels, b, i)
}

// buckets appends the lines of a histogram's buckets, and returns how much it
// counts.
func (e *textEncoder) buckets(f *sample.Family, b *sample.Batch, i int, labels []byte, own queue) (total uint64) {
	plain, first := len(own) == 0 && b.Times == nil, len(e.buf)
	dst := appendOpen(e.buf, &e.prepared.bucket, labels)
	line := dst[first:] // what the lines have in common
	for j, n := range b.Buckets(f, i) {
		if total += n; j > 0 {
			dst = append(dst, line...)
		}
		dst = append(dst, e.prepared.ends[j]...)
		dst = appendUint(dst, total)
		if plain {
			dst = append(dst, '\n')
			continue
		}
		e.buf = dst
		e.endLineWith(b, i, own.takeBucket(f, j).last())
		dst = e.buf
	}
	e.buf = dst
	return total
}

// holdBack writes the count and the sum of a gauge histogram for later.
func (e *textEncoder) holdBack(labels []byte, total uint64, b *sample.Batch, i int) {
	lines := e.buf
	e.buf = e.held[0]
	e.uint(&e.prepared.count, labels, total, b, i)
	e.held[0], e.buf = e.buf, e.held[1]
	e.float(&e.prepared.sum, labels, b.Sums[i], b, i)
	e.held[1], e.buf = e.buf, lines
}

func (e *textEncoder) summary(f *sample.Family, b *sample.Batch, i int, labels []byte) {
	if e.syntax.composite {
		e.compositeSummary(f, b, i, labels)
		return
	}
	for j, v := range b.Quantiles(f, i) {
		e.buf = appendFloat(appendStartEnd(e.buf, &e.prepared.value, labels, e.prepared.ends[j]), v)
		e.endLine(b, i)
	}
	e.float(&e.prepared.sum, labels, b.Sums[i], b, i)
	e.uint(&e.prepared.count, labels, b.Counts[i], b, i)
	e.createdLine(labels, b, i)
}

// float appends a line with a float value.
func (e *textEncoder) float(s *start, labels []byte, v float64, b *sample.Batch, i int) {
	e.buf = appendFloat(appendStart(e.buf, s, labels), v)
	e.endLine(b, i)
}

// uint appends a line with an integer value.
func (e *textEncoder) uint(s *start, labels []byte, v uint64, b *sample.Batch, i int) {
	e.buf = appendUint(appendStart(e.buf, s, labels), v)
	e.endLine(b, i)
}

// createdLine appends the line that says when sample i began to count, if that
// is known. It belongs right behind the sample's other lines: Prometheus doesn't
// find it elsewhere.
func (e *textEncoder) createdLine(labels []byte, b *sample.Batch, i int) {
	if !e.created || b.Created[i] <= 0 {
		return
	}
	e.buf = appendSeconds(appendStart(e.buf, &e.prepared.created, labels), b.Created[i])
	e.endLine(b, i)
}

// endLine appends the timestamp of sample i, if it has one, and ends the line.
func (e *textEncoder) endLine(b *sample.Batch, i int) {
	if b.Times != nil {
		e.buf = e.syntax.appendTime(e.buf, b.Times[i])
	}
	e.buf = append(e.buf, '\n')
}

// appendStart appends a line up to the value.
func appendStart(dst []byte, s *start, labels []byte) []byte {
	if len(labels) == 0 {
		return append(dst, s.bare...)
	}
	dst = append(dst, s.open...)
	dst = append(dst, labels...)
	return append(dst, "} "...)
}

// appendStartEnd is appendStart with a last label, which closes the braces.
func appendStartEnd(dst []byte, s *start, labels []byte, end string) []byte {
	return append(appendOpen(dst, s, labels), end...)
}

// appendOpen appends a line up to its last label.
func appendOpen(dst []byte, s *start, labels []byte) []byte {
	dst = append(dst, s.open...)
	if len(labels) > 0 {
		dst = append(dst, labels...)
		dst = append(dst, ',')
	}
	return dst
}
