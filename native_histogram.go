package fennel

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/native"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// nativeRecord is the record of a histogram with native buckets. To those who
// use it, it is the Histogram in it, which has no counts of its own.
type nativeRecord struct {
	Histogram

	rule    *nativeRule                   // shared by the family
	stripes atomic.Pointer[nativeStripes] // nil while there is only the first
	misses  atomic.Uint32
	since   int64 // when it began to count, in nanoseconds since 1970; guarded by first
	spread  atomic.Pointer[exemplarSpread]
	_       [24]byte // what is read by all doesn't lie beside what is written by one

	// first is the stripe that is always there. Who locks several locks it first.
	first stripe
}

// native returns the record of h if it has native buckets, or nil.
func (h *Histogram) native() *nativeRecord {
	if h == nil || h.counts != nil || h.buckets == nil {
		return nil
	}
	return (*nativeRecord)(unsafe.Pointer(h))
}

// nativeMethods are the methods that a Histogram calls of its nativeRecord. Being
// found through what the option [Native] declares, and not called by name, they are
// linked only into programs with that option. Exemplify is not among them: labels that
// are handed to what the compiler doesn't know would be on the heap.
type nativeMethods struct {
	observe func(h *nativeRecord, v float64, n uint64, d time.Duration)
	read    func(h *nativeRecord, r *nativeReading, counts []uint64, out *sample.Native, now int64) []uint64
	total   func(h *nativeRecord) float64
	began   func(h *nativeRecord) int64
	reset   func(h *nativeRecord)
}

// declareNative adds to a declaration how records are made and read.
func declareNative(d *declaration) {
	// Once the first series is made, all has passed the checks.
	shared := sync.OnceValues(func() (*classicBuckets, *nativeRule) {
		buckets, rule := newClassicBuckets(d.bounds), d.native.rule()
		buckets.natives = &nativeMethods{
			observe: (*nativeRecord).observe,
			read:    (*nativeRecord).read,
			total:   (*nativeRecord).total,
			began:   (*nativeRecord).began,
			reset:   (*nativeRecord).reset,
		}
		return buckets, &rule
	})
	d.alloc = func(*member) *series.Series {
		h := &nativeRecord{since: time.Now().UnixNano()}
		h.buckets, h.rule = shared()
		if !h.only() {
			h.first.classic = make([]uint64, h.all())
		}
		h.first.clear(h.rule)
		return &h.series
	}
	d.load = loadNatives
}

// only reports whether there are no classic buckets.
func (h *nativeRecord) only() bool { return len(h.buckets.bounds) == 0 }

// observe adds n observations of v. There must be some. If d is not 0 it is what
// they are in all, exactly.
func (h *nativeRecord) observe(v float64, n uint64, d time.Duration) {
	if v != v {
		h.series.Table().Drop("nan")
		return
	}
	s := &h.first // locking isn't a function of its own, whose call would take 1.5 ns
	if x := h.stripes.Load(); x != nil {
		s = x.list[x.deal.stripe(len(x.list))]
	}
	if !s.mu.TryLock() {
		s = h.lockAny(s)
	}
	s.observe(h, v, n, d)
	s.mu.Unlock()
}

// exemplify keeps an exemplar of a histogram without classic buckets.
func (h *nativeRecord) exemplify(labels []Label, v float64, now int64) {
	if h.spread.Load() == nil {
		h.spread.CompareAndSwap(nil, new(exemplarSpread))
	}
	if h.spread.Load().add(labels, v, now) {
		h.series.Table().Mend()
	}
}

// nativeReading is what was read from a native histogram.
type nativeReading struct {
	sum   float64
	since int64
	// merged is where several stripes are put together.
	merged native.Buckets
}

var nativeReadings = sync.Pool{New: func() any { return new(nativeReading) }}

func loadNatives(_ *member, b *sample.Batch, run []*series.Series) {
	r := nativeReadings.Get().(*nativeReading)
	defer nativeReadings.Put(r)
	now := time.Now().UnixNano()
	if b.Peek {
		now = 0 // so that none is reset
	}
	for _, s := range run {
		h := series.Head[nativeRecord](s)
		h.first.mu.Lock() // or the exemplars would be from before a reset, the counts from after it
		h.loadAllExemplars(b, len(b.Sums))
		b.Counts = h.readLocked(r, b.Counts, b.AddNative(), now)
		h.first.mu.Unlock()
		b.Sums = append(b.Sums, r.sum)
		b.Created = append(b.Created, r.since)
	}
}

// loadAllExemplars adds the exemplars of a histogram with or without classic
// buckets, as those of sample i.
func (h *nativeRecord) loadAllExemplars(b *sample.Batch, i int) {
	if spread := h.spread.Load(); spread != nil {
		spread.load(b, i)
	}
	h.loadExemplars(h.extras.Load(), b, i)
}

// read is readLocked for who has locked nothing.
func (h *nativeRecord) read(r *nativeReading, counts []uint64, out *sample.Native, now int64) []uint64 {
	h.first.mu.Lock()
	defer h.first.mu.Unlock()
	return h.readLocked(r, counts, out, now)
}

// readLocked reads all at one moment: it appends the counts of the classic buckets, or
// the count of all if there are none, and fills in the native ones. Then, if that
// is due, it resets the histogram; now is 0 for a reader for whom it isn't.
//
// No stripe but the first is locked for longer than it takes to copy it, unless a
// reset may follow. The first is, so that nobody resets the others in between.
func (h *nativeRecord) readLocked(r *nativeReading, counts []uint64, out *sample.Native, now int64) []uint64 {
	if h.misses.Load() != 0 {
		h.misses.Store(0)
	}
	others := h.others()
	due := h.rule.minReset > 0 && now-h.since >= int64(h.rule.minReset)
	start := len(counts)
	counts = append(counts, h.first.classic...)
	var sum total
	sum.add(h.first.sum, h.first.nanos)
	r.since = h.since
	buckets := &h.first.buckets
	if len(others) > 0 {
		buckets = &r.merged
		buckets.CopyFrom(&h.first.buckets)
	}
	for _, s := range others {
		s.mu.Lock()
		sum.add(s.sum, s.nanos)
		for i, n := range s.classic {
			counts[start+i] += n
		}
		buckets.Merge(&s.buckets, h.rule.limits.Threshold)
		if !due {
			s.mu.Unlock()
		}
	}
	r.sum = sum.value()
	h.limit(buckets)
	buckets.Fill(out)
	if h.only() {
		counts = append(counts, out.Total())
	}
	if due {
		if buckets.Schema() != h.rule.schema || buckets.Threshold() != h.rule.threshold {
			h.clear(now)
		}
		unlock(others)
	}
	return counts
}

// limit limits the buckets that several stripes have together. The first stripe
// becomes as coarse as that: what was once shown coarse must not be shown fine
// again, which to a server would look like a reset.
func (h *nativeRecord) limit(merged *native.Buckets) {
	if merged == &h.first.buckets {
		return
	}
	limits := h.rule.limits
	merged.Limit(limits)
	h.first.buckets.Coarsen(merged.Schema(), merged.Threshold(), limits.Threshold)
}

// clear lets all begin anew. All stripes are locked.
func (h *nativeRecord) clear(now int64) {
	h.first.clear(h.rule)
	for _, s := range h.others() {
		s.clear(h.rule)
	}
	h.since = now
	h.extras.Store(nil) // the exemplars
	if spread := h.spread.Load(); spread != nil {
		spread.clear()
	}
}

// reset is clear for who has locked nothing.
func (h *nativeRecord) reset() {
	h.first.mu.Lock()
	defer h.first.mu.Unlock()
	others := h.others()
	for _, s := range others {
		s.mu.Lock()
	}
	h.clear(max(time.Now().UnixNano(), h.since+1)) // as others that are reset
	unlock(others)
}

func unlock(stripes []*stripe) {
	for _, s := range stripes {
		s.mu.Unlock()
	}
}

// total returns the sum of all observations.
func (h *nativeRecord) total() float64 {
	h.first.mu.Lock()
	defer h.first.mu.Unlock()
	var sum total
	sum.add(h.first.sum, h.first.nanos)
	for _, s := range h.others() {
		s.mu.Lock()
		sum.add(s.sum, s.nanos)
		s.mu.Unlock()
	}
	return sum.value()
}

// began returns since when it counts, in nanoseconds since 1970.
func (h *nativeRecord) began() int64 {
	h.first.mu.Lock()
	defer h.first.mu.Unlock()
	return h.since
}

// Native returns the native buckets, or nil if the histogram was declared
// without.
func (h *Histogram) Native() *NativeHistogram {
	n := h.native()
	if n == nil {
		return nil
	}
	var buckets sample.Native
	h.buckets.natives.read(n, new(nativeReading), nil, &buckets, 0)
	return nativeOf(&buckets)
}
