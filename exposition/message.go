package exposition

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// sample appends the metric that is sample i, or of a stateset one metric for
// each state.
//
// Numbers are there even if they are 0. Readers of the second version of
// protobuf tell 0 from nothing, and client_golang writes them.
func (e *messageEncoder) sample(dst []byte, f *sample.Family, b *sample.Batch, i int) []byte {
	if f.Kind == sample.StateSet {
		return e.states(dst, b, i)
	}
	labels := b.Labels(i)
	dst, room, start := openWide(dst, familyMetric, e.prepared.size+len(labels))
	dst = e.labels(dst, labels)
	switch f.Kind {
	case sample.Counter:
		dst = e.counter(dst, b, i)
	case sample.Gauge, sample.Unknown, sample.Info:
		tag, v := byte(metricGauge), 1.0
		if f.Kind == sample.Unknown {
			tag = metricUntyped
		}
		if f.Kind != sample.Info {
			v = b.Values[i]
		}
		dst = appendNumber(dst, tag, v)
	case sample.Histogram, sample.GaugeHistogram:
		dst = e.histogram(dst, f, b, i)
	case sample.Summary:
		dst = e.summary(dst, f, b, i)
	}
	return shutWide(appendMillis(dst, b, i), room, start)
}

// states appends a stateset as gauges with the state as a label.
func (e *messageEncoder) states(dst []byte, b *sample.Batch, i int) []byte {
	for j, label := range e.prepared.states {
		var start int
		dst, start = open(dst, familyMetric)
		dst = e.labels(dst, b.Labels(i))
		dst = append(dst, label...)
		dst = appendNumber(dst, metricGauge, float64(b.States[i]>>j&1))
		dst = shut(appendMillis(dst, b, i), start)
	}
	return dst
}

// appendNumber appends a message that holds nothing but a value.
func appendNumber(dst []byte, tag byte, v float64) []byte {
	return appendDouble(append(dst, tag, 9), numberValue, v)
}

// appendMillis appends the timestamp of sample i. 0 is none to who reads it.
func appendMillis(dst []byte, b *sample.Batch, i int) []byte {
	if b.Times == nil || b.Times[i] < int64(time.Millisecond) {
		return dst
	}
	return appendVarint(dst, metricTime, uint64(b.Times[i]/int64(time.Millisecond)))
}

func (e *messageEncoder) counter(dst []byte, b *sample.Batch, i int) []byte {
	dst, start := open(dst, metricCounter)
	dst = appendDouble(dst, numberValue, float64(b.Whole[i])+b.Values[i])
	if len(e.exemplars) > 0 {
		own := e.exemplars.take(i)
		if x := own.last(); x != nil {
			dst = e.exemplar(append(dst, counterExemplar), b, x)
		}
	}
	dst = appendCreated(dst, counterCreated, b, i)
	return shut(dst, start)
}

func (e *messageEncoder) summary(dst []byte, f *sample.Family, b *sample.Batch, i int) []byte {
	dst, start := open(dst, metricSummary)
	dst = appendVarint(dst, summaryCount, b.Counts[i])
	dst = appendDouble(dst, summarySum, b.Sums[i])
	for j, v := range b.Quantiles(f, i) {
		rank := e.prepared.ranks[j]
		dst = append(dst, summaryQuantile, byte(2*len(rank)))
		dst = append(dst, rank...)
		dst = appendDouble(dst, quantileValue, v)
	}
	dst = appendCreated(dst, summaryCreated, b, i)
	return shut(dst, start)
}

func (e *messageEncoder) histogram(dst []byte, f *sample.Family, b *sample.Batch, i int) []byte {
	dst, start := open(dst, metricHistogram)
	own, buckets, native := e.exemplars.take(i), b.Buckets(f, i), nativeOf(b, i)
	total := uint64(0)
	for _, n := range buckets {
		total += n
	}
	dst = appendVarint(dst, histogramCount, total)
	dst = appendDouble(dst, histogramSum, b.Sums[i])
	free := own // exemplars that are on no bucket
	if native == nil || len(f.Bounds) > 0 {
		free = own.takeFree()
		dst = e.buckets(dst, f, b, buckets, own)
	}
	if native != nil {
		dst = appendNativeFields(dst, native)
	}
	if f.Kind == sample.Histogram {
		dst = appendCreated(dst, histogramCreated, b, i)
	}
	for j := range free {
		dst = e.exemplar(binary.AppendUvarint(dst, histogramExemplar), b, &free[j])
	}
	return shut(dst, start)
}

// buckets appends the classic buckets. That of +Inf goes without saying, unless
// it has an exemplar.
func (e *messageEncoder) buckets(dst []byte, f *sample.Family, b *sample.Batch, buckets []uint64, own queue) []byte {
	total := uint64(0)
	for j, n := range buckets {
		total += n
		x := own.takeBucket(f, j).last()
		if j == len(f.Bounds) && x == nil {
			break
		}
		var start int
		dst, start = open(dst, histogramBucket)
		dst = binary.AppendUvarint(append(dst, bucketCount), total)
		dst = append(dst, e.prepared.bounds[j]...)
		if x != nil {
			dst = e.exemplar(append(dst, bucketExemplar), b, x)
		}
		dst = shut(dst, start)
	}
	return dst
}

// appendNativeFields appends the native part of a histogram. One of which nothing
// shows that it is native has an empty span.
func appendNativeFields(dst []byte, n *sample.Native) []byte {
	dst = appendVarint(dst, histogramSchema, zigzag(int64(n.Schema)))
	dst = appendDouble(dst, histogramZeroThreshold, n.ZeroThreshold)
	dst = appendVarint(dst, histogramZeroCount, n.ZeroCount)
	dst = appendDeltas(dst, histogramNegativeSpan, histogramNegativeDelta, n.Negative)
	dst = appendDeltas(dst, histogramPositiveSpan, histogramPositiveDelta, n.Positive)
	if n.ZeroThreshold == 0 && n.ZeroCount == 0 && len(n.Negative) == 0 && len(n.Positive) == 0 {
		dst = appendSpan(dst, histogramPositiveSpan, 0, 0)
	}
	return dst
}

// appendDeltas appends the buckets on one side of zero: where they are, and by
// how much each count differs from the one before.
func appendDeltas(dst []byte, spanTag, deltaTag byte, buckets []sample.NativeBucket) []byte {
	if len(buckets) == 0 {
		return dst
	}
	for offset, length := range spans(buckets) {
		dst = appendSpan(dst, spanTag, offset, length)
	}
	dst, start := open(dst, deltaTag)
	before := uint64(0)
	for n := range counts(buckets) {
		dst = binary.AppendUvarint(dst, zigzag(int64(n-before)))
		before = n
	}
	return shut(dst, start)
}

func appendSpan(dst []byte, tag byte, offset int32, length uint32) []byte {
	dst, start := open(dst, tag)
	dst = appendVarint(dst, spanOffset, zigzag(int64(offset)))
	dst = appendVarint(dst, spanLength, uint64(length))
	return shut(dst, start)
}

// exemplar appends an exemplar behind its tag.
func (e *messageEncoder) exemplar(dst []byte, b *sample.Batch, x *sample.Exemplar) []byte {
	dst = append(dst, 0)
	start := len(dst)
	dst = e.anyLabels(dst, text(b.Note(x)))
	dst = appendDouble(dst, exemplarValue, x.Value)
	dst = appendTimestamp(dst, exemplarTime, x.Time)
	return shut(dst, start)
}

// appendCreated appends when sample i began to count, if that is known.
func appendCreated(dst []byte, tag byte, b *sample.Batch, i int) []byte {
	if len(b.Created) == 0 || b.Created[i] <= 0 {
		return dst
	}
	return appendTimestamp(dst, tag, b.Created[i])
}

// appendTimestamp appends a google.protobuf.Timestamp.
func appendTimestamp(dst []byte, tag byte, nanos int64) []byte {
	if low, high, n := stampOf(tag, nanos); n > 0 {
		dst = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(dst, low), high)
		return dst[:len(dst)-16+n]
	}
	seconds := nanos / int64(time.Second)
	rest := nanos - seconds*int64(time.Second)
	dst, start := open(dst, tag)
	if seconds != 0 {
		dst = appendVarint(dst, timeSeconds, uint64(seconds))
	}
	if rest != 0 {
		dst = appendVarint(dst, timeNanos, uint64(rest))
	}
	return shut(dst, start)
}

// stampOf returns a timestamp behind its tag as two words, and how many bytes of
// them it is. That is for those since 1978 which are no whole seconds, nearly all: for
// others it returns 0.
func stampOf(tag byte, nanos int64) (low, high uint64, size int) {
	seconds := uint64(nanos) / uint64(time.Second)
	rest := uint64(nanos) - seconds*uint64(time.Second)
	if nanos < 1<<28*int64(time.Second) || rest == 0 {
		return 0, 0, 0
	}
	n := sizeOfVarint(rest)
	low = uint64(tag) | uint64(n+len("\x08sssss\x10"))<<8 | timeSeconds<<16 | spread(seconds, 5)<<24
	return low, timeNanos | spread(rest, n)<<8, n + len("tn\x08sssss\x10")
}

// labels appends a series' label text as LabelPairs. What the names are, and so
// where the values begin, is known: only the ends of values are searched for.
func (e *messageEncoder) labels(dst, labels []byte) []byte {
	if e.mixed {
		return e.anyLabels(dst, text(labels))
	}
	if !e.escaped {
		dst = slices.Grow(dst, len(labels)+e.prepared.room+slack)
		if n := e.prepared.putLabels(unsafe.Pointer(unsafe.SliceData(dst[len(dst):cap(dst)])), labels); n >= 0 {
			return dst[:len(dst)+n]
		}
	}
	for i := range e.prepared.pairs {
		p := &e.prepared.pairs[i]
		labels = labels[p.skip:]
		end := bytes.IndexByte(labels, '"')
		if e.escaped {
			end = closingQuote(labels)
			dst = p.append(dst, e.unescape(labels[:end]))
		} else {
			dst = p.append(dst, labels[:end])
		}
		labels = labels[end+1:]
	}
	return dst
}

// unescape returns a label value as it was before it was escaped, until it is
// called again.
func (e *messageEncoder) unescape(value []byte) []byte {
	e.scratch = series.AppendUnescaped(e.scratch[:0], text(value))
	return e.scratch
}

// closingQuote returns the index of the first quote that is not escaped.
func closingQuote(s []byte) int {
	i := 0
	for s[i] != '"' {
		if s[i] == '\\' {
			i++
		}
		i++
	}
	return i
}

// anyLabels appends any label text as LabelPairs.
func (e *messageEncoder) anyLabels(dst []byte, labels string) []byte {
	scheme := names.Scheme(e.format.Escaping)
	for name, value := range series.RawLabels(labels) {
		var start, field int
		dst, start = open(dst, metricLabel)
		dst, field = open(dst, labelName)
		if scheme == names.AllowUTF8 || names.LegalLabel(name) {
			dst = series.AppendUnescaped(dst, name)
		} else {
			dst = append(dst, scheme.Label(series.Unescape(name))...)
		}
		dst, field = open(shut(dst, field), labelValue)
		dst = series.AppendUnescaped(dst, value)
		dst = shut(shut(dst, field), start)
	}
	return dst
}

// hasEscape reports whether the label text of a batch has a backslash in it, as
// few have.
func hasEscape(b *sample.Batch) bool {
	n := b.Len()
	return n > 0 && bytes.IndexByte(b.Text[b.Start:b.Ends[n-1]], '\\') >= 0
}
