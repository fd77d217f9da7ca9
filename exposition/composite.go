package exposition

import (
	"github.com/fennelmetrics/fennel/internal/sample"
)

// compositeHistogram appends the line of a histogram of OpenMetrics 2.0: native
// buckets first, so that a reader can stop behind them.
func (e *textEncoder) compositeHistogram(f *sample.Family, b *sample.Batch, i int, labels []byte, own queue) {
	buckets, native := b.Buckets(f, i), nativeOf(b, i)
	total := uint64(0)
	for _, n := range buckets {
		total += n
	}
	dst := e.openComposite(labels, total, b.Sums[i])
	if native != nil {
		dst = appendNative(dst, native)
	}
	if native == nil || len(f.Bounds) > 0 {
		dst = appendBuckets(dst, buckets, e.prepared.ends)
	}
	e.buf = append(dst, '}')
	if free := own.takeFree(); len(own) == 0 { // there is room for one set
		own = free
	}
	e.endComposite(b, i, own)
}

// openComposite appends the start of a line up to the sum to what is in the buffer.
func (e *textEncoder) openComposite(labels []byte, count uint64, sum float64) []byte {
	dst := appendStart(e.buf, &e.prepared.value, labels)
	dst = append(dst, e.prepared.openCount...)
	dst = appendUint(dst, count)
	dst = append(dst, e.prepared.openSum...)
	return appendFloat(dst, sum)
}

// appendBuckets appends the classic buckets. The keys are their bounds.
func appendBuckets(dst []byte, buckets []uint64, keys []string) []byte {
	dst = append(dst, ",bucket:["...)
	total := uint64(0)
	for j, n := range buckets {
		total += n
		dst = append(dst, keys[j]...)
		dst = appendUint(dst, total)
	}
	return append(dst, ']')
}

// appendNative appends the native part. Counts are absolute there, and whole
// numbers are plain digits: a point or an exponent anywhere makes Prometheus read
// a histogram of floats.
func appendNative(dst []byte, n *sample.Native) []byte {
	dst = append(dst, ",schema:"...)
	dst = appendInt(dst, int64(n.Schema))
	dst = append(dst, ",zero_threshold:"...)
	dst = appendFloat(dst, n.ZeroThreshold)
	dst = append(dst, ",zero_count:"...)
	dst = appendUint(dst, n.ZeroCount)
	dst = appendSide(dst, ",negative_spans:[", "],negative_buckets:[", n.Negative)
	return appendSide(dst, ",positive_spans:[", "],positive_buckets:[", n.Positive)
}

// appendSide appends the buckets on one side of zero, or nothing if all are
// empty.
func appendSide(dst []byte, beforeSpans, beforeCounts string, buckets []sample.NativeBucket) []byte {
	if len(buckets) == 0 {
		return dst
	}
	separator := beforeSpans
	for offset, length := range spans(buckets) {
		dst = append(dst, separator...)
		dst = appendInt(dst, int64(offset))
		dst = append(dst, ':')
		dst = appendUint(dst, uint64(length))
		separator = ","
	}
	separator = beforeCounts
	for n := range counts(buckets) {
		dst = append(dst, separator...)
		dst = appendUint(dst, n)
		separator = ","
	}
	return append(dst, ']')
}

// compositeSummary appends the line of a summary of OpenMetrics 2.0.
func (e *textEncoder) compositeSummary(f *sample.Family, b *sample.Batch, i int, labels []byte) {
	dst := append(e.openComposite(labels, b.Counts[i], b.Sums[i]), ",quantile:["...)
	for j, v := range b.Quantiles(f, i) {
		dst = append(dst, e.prepared.ends[j]...)
		dst = appendFloat(dst, v)
	}
	e.buf = append(dst, "]}"...)
	e.endComposite(b, i, nil)
}

// endComposite ends the line of a sample that counts: its timestamp, the time
// since which it counts, and all of its exemplars, in this order.
func (e *textEncoder) endComposite(b *sample.Batch, i int, own queue) {
	if b.Times != nil {
		e.buf = e.syntax.appendTime(e.buf, b.Times[i])
	}
	if e.created && b.Created[i] > 0 {
		e.buf = appendSeconds(append(e.buf, " st@"...), b.Created[i])
	}
	for j := range own {
		e.exemplar(b, &own[j])
	}
	e.buf = append(e.buf, '\n')
}
