package fennel

import (
	"iter"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Histogram counts observations, such as request durations or sizes, in
// buckets, and sums them up.
//
// What is read from a histogram, by a scrape or by the methods here, is
// consistent: the count is always that of the +Inf bucket and the sum of what
// is in the buckets. The sum of the observations holds all that are counted,
// and may already hold those that are being observed at that very moment.
//
// All methods are safe for concurrent use. A nil *Histogram does nothing, and
// the zero value drops what it gets.
type Histogram struct {
	series  series.Series
	sum     atomic.Uint64   // bits of a float64
	counts  *atomic.Uint64  // the first of len(buckets.bounds)+1, and two words more; nil in a nativeRecord
	buckets *classicBuckets // shared by the family
	extras  extras[histogramStripe]
}

// HistogramVec is a family of histograms, told apart by their labels.
type HistogramVec[L any] = Vec[L, Histogram]

// NewHistogram declares a histogram, with [DefaultBuckets] unless the options
// [Buckets] or [Native] say otherwise.
//
// It panics with a *[DeclarationError] if the declaration is wrong or conflicts
// with another one. Declared a second time alike, it returns the same one.
func NewHistogram(name, help string, opts ...HistogramOption) *Histogram {
	o := collect(opts, HistogramOption.forHistogram)
	return newSingle[Histogram](histogramDeclaration(name, help, o), o)
}

// NewHistogramVec declares a histogram with labels, which L names: see [Vec].
// It panics as [NewHistogram] does.
func NewHistogramVec[L any](name, help string, opts ...HistogramOption) *HistogramVec[L] {
	o := collect(opts, HistogramOption.forHistogram)
	return newVec[L, Histogram](histogramDeclaration(name, help, o), o)
}

func histogramDeclaration(name, help string, o *options) *declaration {
	d := newDeclaration(sample.Histogram, name, help, o)
	d.bounds, d.native = o.buckets, o.native
	switch {
	case d.bounds != nil:
	case d.native != nil && d.native.Only:
		d.bounds = []float64{}
	default:
		d.bounds = DefaultBuckets()
	}
	if n := len(d.bounds); n > 0 && math.IsInf(d.bounds[n-1], 1) {
		d.bounds = d.bounds[:n-1]
	}
	if d.native != nil {
		o.declareNative(d)
		return d
	}
	// Once the first series is made, the bounds have passed the checks.
	shared := sync.OnceValue(func() *classicBuckets { return newClassicBuckets(d.bounds) })
	d.alloc = func(*member) *series.Series {
		buckets := shared()
		counts := make([]atomic.Uint64, len(buckets.bounds)+3)
		h := &Histogram{counts: &counts[0], buckets: buckets}
		h.created().Store(uint64(time.Now().UnixNano()))
		return &h.series
	}
	d.load = loadHistograms
	return d
}

func loadHistograms(_ *member, b *sample.Batch, run []*series.Series) {
	for _, s := range run {
		h := series.Head[Histogram](s)
		x := h.extras.Load() // once, as a reset replaces it
		h.loadExemplars(x, b, len(b.Sums))
		b.Created = append(b.Created, h.began(x))
		var sum float64
		b.Counts, sum = h.read(x, b.Counts)
		b.Sums = append(b.Sums, sum)
	}
}

// loadExemplars adds the exemplars of all buckets, as those of sample i.
func (h *Histogram) loadExemplars(x *extra[histogramStripe], b *sample.Batch, i int) {
	if x == nil || x.exemplars == nil {
		return
	}
	for bucket := range h.all() {
		slotAt(x.exemplars, bucket).load(b, i, bucket)
	}
}

// appendCounts appends the count of each bucket.
func (h *Histogram) appendCounts(dst []uint64) []uint64 {
	if n := h.native(); n != nil {
		return h.buckets.natives.read(n, new(nativeReading), dst, new(sample.Native), 0)
	}
	dst, _ = h.read(h.extras.Load(), dst)
	return dst
}

// read appends the count of each bucket, and returns the sum. It is read after the
// counts: so it holds whatever was counted.
func (h *Histogram) read(x *extra[histogramStripe], dst []uint64) (counts []uint64, sum float64) {
	start, anew := len(dst), x.reset() != 0
	for i := range h.all() {
		n := uint64(0)
		if !anew {
			n = h.count(i).Load()
		}
		dst = append(dst, n)
	}
	for _, s := range x.list() {
		for i := range h.all() {
			dst[start+i] += s.count(i).Load()
		}
	}
	return dst, h.total(x)
}

// total returns the sum of what is in the histogram and its stripes.
func (h *Histogram) total(x *extra[histogramStripe]) float64 {
	var t total
	if x.reset() == 0 {
		t.add(math.Float64frombits(h.sum.Load()), int64(h.nanos().Load()))
	}
	for _, s := range x.list() {
		t.add(math.Float64frombits(s.sum.Load()), int64(s.nanos.Load()))
	}
	return t.value()
}

// all is the number of buckets.
func (h *Histogram) all() int { return len(h.buckets.bounds) + 1 }

// count returns the counter of bucket i, of which the caller knows that it is
// in range.
func (h *Histogram) count(i int) *atomic.Uint64 { return countAt(h.counts, i) }

// countAt returns counter i of those of which first is the first. There must be one.
func countAt(first *atomic.Uint64, i int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Add(unsafe.Pointer(first), i*8))
}

// created is when the histogram was created, in nanoseconds since 1970.
func (h *Histogram) created() *atomic.Uint64 { return h.count(h.all()) }

// began returns when the histogram began to count.
func (h *Histogram) began(x *extra[histogramStripe]) int64 {
	if since := x.reset(); since != 0 {
		return since
	}
	return int64(h.created().Load())
}

// nanos is the sum of the durations, beside that of the numbers.
func (h *Histogram) nanos() *atomic.Uint64 { return h.count(h.all() + 1) }

// Observe adds an observation. NaN is in no bucket and would spoil the sum for
// ever: it is dropped and counted in fennel_dropped_updates_total. Infinities
// are observations like others; they make the sum infinite, or NaN if there are
// some of either sign.
func (h *Histogram) Observe(v float64) {
	if h == nil || h.counts == nil {
		if native := h.native(); native != nil {
			h.buckets.natives.observe(native, v, 1, 0)
		}
		return
	}
	if v != v {
		h.series.Table().Drop("nan")
		return
	}
	sum, counts := &h.sum, h.counts
	if x := h.extras.Load(); len(x.list()) > 0 {
		s := x.stripe()
		sum, counts = &s.sum, s.count(0)
	}
	// The sum first: who reads the counts and then the sum misses nothing.
	if tryFloat(sum, v) {
		countAt(counts, h.buckets.find(v)).Add(1)
		return
	}
	h.observeSlow(v, 1, v, 0)
}

// ObserveN adds n equal observations at the price of one.
func (h *Histogram) ObserveN(v float64, n uint64) {
	if h == nil || h.counts == nil || n == 0 {
		if native := h.native(); native != nil && n != 0 {
			h.buckets.natives.observe(native, v, n, 0)
		}
		return
	}
	if v != v {
		h.series.Table().Drop("nan")
		return
	}
	sum, counts := &h.sum, h.counts
	if x := h.extras.Load(); len(x.list()) > 0 {
		s := x.stripe()
		sum, counts = &s.sum, s.count(0)
	}
	total := v * float64(n)
	if tryFloat(sum, total) {
		countAt(counts, h.buckets.find(v)).Add(n)
		return
	}
	h.observeSlow(v, n, total, 0)
}

// ObserveWithExemplar is Observe, and keeps the labels, a trace_id say, as the
// exemplar of the bucket in which v is. The rules are those of
// [Counter.AddWithExemplar]. A histogram with native buckets only keeps up to
// ten: recent ones whose values lie far apart.
func (h *Histogram) ObserveWithExemplar(v float64, labels ...Label) {
	if h == nil || h.buckets == nil || len(labels) == 0 || v != v {
		h.Observe(v)
		return
	}
	before := h.extras.Load().reset()
	h.Observe(v)
	if reason := checkExemplar(labels); reason != "" {
		h.series.Table().Drop(reason)
		return
	}
	if native := h.native(); native != nil && native.only() {
		native.exemplify(labels, v, time.Now().UnixNano())
		return
	}
	slot := slotAt(h.extras.withExemplars(h.all()), h.buckets.find(v))
	if h.extras.Load().reset() != before {
		return // the observation is forgotten
	}
	if slot.set(labels, v, time.Now().UnixNano()) {
		h.series.Table().Mend()
	}
}

// ObserveDuration adds an observation of d, in seconds. Durations are summed up
// exactly, however many there are.
func (h *Histogram) ObserveDuration(d time.Duration) {
	v := inSeconds(int64(d))
	if h == nil || h.counts == nil {
		if native := h.native(); native != nil {
			h.buckets.natives.observe(native, v, 1, d)
		}
		return
	}
	if x := h.extras.Load(); len(x.list()) > 0 {
		if s := x.stripe(); tryAdd(&s.sum, &s.nanos, v, int64(d)) {
			s.count(h.buckets.find(v)).Add(1)
			return
		}
	} else if tryAdd(&h.sum, h.nanos(), v, int64(d)) {
		h.count(h.buckets.find(v)).Add(1)
		return
	}
	h.observeSlow(v, 1, v, int64(d))
}

// Timer starts a timer that observes the seconds that pass until it is stopped:
//
//	defer latency.Timer().Stop()
func (h *Histogram) Timer() Timer { return Timer{time.Now(), h} }

func (h *Histogram) report(d time.Duration) { h.ObserveDuration(d) }

// Count returns the number of observations.
func (h *Histogram) Count() uint64 {
	n := uint64(0)
	for _, count := range h.Buckets() {
		n = count
	}
	return n
}

// Sum returns the sum of all observations.
func (h *Histogram) Sum() float64 {
	if h == nil {
		return 0
	}
	if native := h.native(); native != nil {
		return h.buckets.natives.total(native)
	}
	if h.buckets == nil {
		return 0
	}
	return h.total(h.extras.Load())
}

// Buckets yields the upper bound of each bucket, the last of which is +Inf, and
// the number of observations that are not above it.
func (h *Histogram) Buckets() iter.Seq2[float64, uint64] {
	return func(yield func(float64, uint64) bool) {
		if h == nil || h.buckets == nil {
			return
		}
		total := uint64(0)
		for i, n := range h.appendCounts(nil) {
			total += n
			bound := math.Inf(1)
			if i < len(h.buckets.bounds) {
				bound = h.buckets.bounds[i]
			}
			if !yield(bound, total) {
				return
			}
		}
	}
}

// Created returns when the histogram began to count: when it was created or,
// since then, reset.
func (h *Histogram) Created() time.Time {
	if h == nil || h.buckets == nil {
		return time.Time{}
	}
	if native := h.native(); native != nil {
		return timeOf(h.buckets.natives.began(native))
	}
	return timeOf(h.began(h.extras.Load()))
}

// Reset sets all counts and the sum to 0, for a logical restart, and the time
// since which it counts to now. Exemplars go, too. It allocates what it counts in
// from then on.
//
// An observation at the same moment is counted before it, and so forgotten, or
// after it. Who reads at the same moment sees the histogram as it was or as it is
// then.
func (h *Histogram) Reset() {
	if h == nil || h.buckets == nil {
		return
	}
	if native := h.native(); native != nil {
		h.buckets.natives.reset(native)
		return
	}
	h.extras.anew(int64(h.created().Load()), nil, h.newStripe)
}
