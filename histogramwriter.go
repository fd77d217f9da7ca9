package fennel

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/fennelmetrics/fennel/internal/native"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/small"
)

// HistogramValue is a histogram that a collector has from elsewhere: with the
// classic buckets that were declared, with native ones, or with both.
type HistogramValue struct {
	// Counts has the number of observations in each bucket alone, not
	// cumulative: one for each bound, and one for what is above all bounds.
	// A native histogram without bounds may leave it nil.
	Counts []uint64
	Sum    float64

	// Native has the native buckets, which count the same observations. Either
	// all histograms of a family have them or none has.
	Native *NativeHistogram

	// Exemplars are examples of what is counted. Each is that of the bucket in
	// which its value is, the last one for a bucket counts; a histogram that is
	// only native keeps the last ten. A zero Time is that of the call of Write.
	// What can't be an exemplar, for which see [NumberWriter.WithExemplar], is
	// left out and reported.
	Exemplars []Exemplar
}

// HistogramWriter writes histograms and gauge histograms. It is a small value;
// the zero value writes nothing.
type HistogramWriter struct{ to target }

// At returns a writer whose samples have a timestamp: see [NumberWriter.At].
func (h HistogramWriter) At(t time.Time) HistogramWriter { return HistogramWriter{h.to.at(t)} }

// Since returns a writer whose histograms began to count at start: see
// [NumberWriter.Since]. A gauge histogram has no start.
func (h HistogramWriter) Since(start time.Time) HistogramWriter {
	return HistogramWriter{h.to.since(start)}
}

// Write writes a histogram with these label values, one for each of the
// family's labels. Nothing of the arguments is kept.
func (h HistogramWriter) Write(value HistogramValue, labelValues ...string) {
	if h.to.family == nil {
		return
	}
	b := h.to.open(labelValues, value.problem(h.to.family))
	if b == nil {
		return
	}
	if value.Native != nil {
		value.Native.appendTo(b)
	}
	if len(value.Counts) > 0 {
		b.Counts = append(b.Counts, value.Counts...)
	} else {
		b.Counts = append(b.Counts, b.Natives[b.Len()-1].Total())
	}
	b.Sums = append(b.Sums, value.Sum)
	h.addExemplars(value.Exemplars, labelValues)
}

// problem says why a family can't have such a histogram, or "".
func (v *HistogramValue) problem(f *written) string {
	want := len(f.family.Bounds) + 1
	if f.batch.Len() > 0 && f.native() != (v.Native != nil) {
		return "some histograms of the family have native buckets and some have not"
	}
	observed, ok := uint64(0), true
	if v.Native != nil {
		if problem := v.Native.problem(); problem != "" {
			return problem
		}
		if observed, ok = v.Native.total(); !ok {
			return "the native buckets count more than 2^64 observations"
		}
		if len(v.Counts) == 0 && want == 1 {
			return ""
		}
	}
	if len(v.Counts) != want {
		return fmt.Sprintf("%d counts for %d buckets, +Inf included", len(v.Counts), want)
	}
	classic, ok := addUp(0, v.Counts...)
	switch {
	case !ok:
		return "the buckets count more than 2^64 observations"
	case v.Native != nil && classic != observed:
		return fmt.Sprintf("%d observations in the buckets, %d in the native ones", classic, observed)
	}
	return ""
}

// native reports whether the family's histograms have native buckets. There
// must be some.
func (f *written) native() bool { return len(f.batch.Natives) > 0 }

// addUp adds counts to a sum, and reports whether it fits.
func addUp(sum uint64, counts ...uint64) (total uint64, ok bool) {
	for _, n := range counts {
		if sum += n; sum < n {
			return 0, false
		}
	}
	return sum, true
}

// total returns the number of observations, and whether it fits.
func (n *NativeHistogram) total() (total uint64, ok bool) {
	total, ok = n.ZeroCount, true
	for _, buckets := range [][]NativeBucket{n.Positive, n.Negative} {
		for _, b := range buckets {
			if total, ok = addUp(total, b.Count); !ok {
				return 0, false
			}
		}
	}
	return total, true
}

// problem says why there can't be such a histogram, or "".
func (n *NativeHistogram) problem() string {
	switch {
	case n.Schema < native.MinSchema || n.Schema > native.MaxSchema:
		return fmt.Sprintf("schema %d is not between %d and %d", n.Schema, native.MinSchema, native.MaxSchema)
	case !(n.ZeroThreshold >= 0) || n.ZeroThreshold > math.MaxFloat64:
		return fmt.Sprintf("zero threshold %v is not a finite number from 0 on", n.ZeroThreshold)
	}
	lowest, highest := n.indices()
	for _, buckets := range [][]NativeBucket{n.Positive, n.Negative} {
		for i, b := range buckets {
			switch {
			case b.Index < lowest || b.Index > highest:
				return fmt.Sprintf("no number is in native bucket %d of schema %d", b.Index, n.Schema)
			case i > 0 && b.Index <= buckets[i-1].Index:
				return fmt.Sprintf("native bucket %d comes after %d: indices must rise", b.Index, buckets[i-1].Index)
			}
		}
	}
	return ""
}

// indices returns the first and the last bucket that any number can be in: those
// of the smallest float64, 2^-1074, and of infinity, for which there is one
// bucket behind the last that ends at a finite number or at 2^1024.
func (n *NativeHistogram) indices() (lowest, highest int) {
	if n.Schema >= 0 {
		return -1074 << n.Schema, 1024<<n.Schema + 1
	}
	// Rounded up: a bucket ends at 2^(i * 2^-schema).
	return -(1074 >> -n.Schema), 1024>>-n.Schema + 1
}

// appendTo adds the histogram to a batch, as the native part of the sample that
// was opened last.
func (n *NativeHistogram) appendTo(b *sample.Batch) {
	native := b.AddNative()
	native.Schema, native.ZeroThreshold, native.ZeroCount = int32(n.Schema), n.ZeroThreshold, n.ZeroCount
	native.Positive = appendBuckets(native.Positive, n.Positive)
	native.Negative = appendBuckets(native.Negative, n.Negative)
}

// appendBuckets adds those that are not empty.
func appendBuckets(dst []sample.NativeBucket, buckets []NativeBucket) []sample.NativeBucket {
	for _, b := range buckets {
		if b.Count > 0 {
			dst = append(dst, sample.NativeBucket{Index: int32(b.Index), Count: b.Count})
		}
	}
	return dst
}

// maxNativeExemplars is how many exemplars a histogram without classic buckets
// keeps.
const maxNativeExemplars = 10

// pick is an exemplar that may be exposed.
type pick struct {
	bucket, index int
	time          int64
}

// addExemplars adds the last exemplar of each bucket to the sample that was
// opened last.
func (h *HistogramWriter) addExemplars(exemplars []Exemplar, labelValues []string) {
	if len(exemplars) == 0 {
		return
	}
	f, now := h.to.family, time.Now()
	bounds := f.family.Bounds
	onlyNative := len(bounds) == 0 && f.native()
	picks := f.picks[:0]
	for i := range exemplars {
		e := &exemplars[i]
		if !h.to.admits(e, labelValues) {
			continue
		}
		bucket, _ := slices.BinarySearch(bounds, e.Value)
		if onlyNative {
			bucket = sample.NoBucket
		}
		picks = append(picks, pick{bucket, i, e.nanos(now)})
	}
	f.picks = picks
	if onlyNative {
		picks = picks[max(0, len(picks)-maxNativeExemplars):]
		small.Sort(picks, func(a, b pick) int { return cmp.Compare(a.time, b.time) })
	} else {
		small.Sort(picks, func(a, b pick) int { return a.bucket - b.bucket })
	}
	for i, p := range picks {
		if onlyNative || i+1 == len(picks) || picks[i+1].bucket != p.bucket {
			h.to.addExemplar(p.bucket, &exemplars[p.index], p.time)
		}
	}
}
