package fennel

import (
	"runtime"
	"sync"
	"time"

	"github.com/fennelmetrics/fennel/internal/native"
)

// stripe is a part of a native histogram: what some of the goroutines have
// observed. It is always consistent in itself. A histogram has one, and more once
// several goroutines have been seen to observe at the same time.
//
// All is plain memory under a lock, since locking and unlocking is two atomic
// operations, and each of what changes with an observation would be another one.
type stripe struct {
	mu      sync.Mutex // held for the few nanoseconds of an update, or the copy of a reader
	sum     float64
	nanos   int64    // of durations, beside the sum of numbers
	classic []uint64 // counts of the classic buckets, not cumulative; nil without
	buckets native.Buckets
}

// Stripes are added when this many observations since the last scrape have found
// theirs locked, until there are twice as many as processors, or that many: they
// are larger than those of other metrics.
const (
	missesToGrow     = 64
	maxNativeStripes = 16
)

// nativeStripes are all stripes of a histogram. They never change; others take
// their place.
type nativeStripes struct {
	list []*stripe // with a capacity for more if there may be more
	deal dealing
}

// observe adds n observations of v, which is not NaN, to the stripe. It is locked.
// If d is not 0 it is what they are in all, exactly.
func (s *stripe) observe(h *nativeRecord, v float64, n uint64, d time.Duration) {
	if d == 0 || !addNanos(&s.nanos, int64(d)) {
		s.sum += v * float64(n)
	}
	if s.classic != nil {
		s.classic[h.buckets.find(v)] += n
	}
	if s.buckets.Add(v, n) && s.buckets.Populated() > h.rule.limits.Buckets {
		s.buckets.Limit(h.rule.limits)
	}
}

// clear sets all to the state in which it begins to count. It is locked.
func (s *stripe) clear(rule *nativeRule) {
	s.sum, s.nanos = 0, 0
	clear(s.classic)
	s.buckets.Reset(rule.schema, rule.threshold)
}

// lockAny locks any stripe but taken if one is free, or else waits for that one.
func (h *nativeRecord) lockAny(taken *stripe) *stripe {
	if h.missed() {
		h.first.mu.Lock()
		h.grow()
		return &h.first
	}
	if x := h.stripes.Load(); x != nil {
		start := x.deal.stripe(len(x.list))
		for i := range x.list {
			s := x.list[(start+i)%len(x.list)]
			if s != taken && s.mu.TryLock() {
				return s
			}
		}
	}
	taken.mu.Lock()
	return taken
}

// missed counts an observation that has found its stripe locked, and reports
// whether it is time for more stripes. Where there are enough, it is time to deal
// the goroutines anew, now and then.
func (h *nativeRecord) missed() bool {
	if x := h.stripes.Load(); x != nil && len(x.list) == cap(x.list) {
		if x.deal.due() {
			h.stripes.CompareAndSwap(x, &nativeStripes{x.list, x.deal.anew()})
		}
		return false
	}
	return h.misses.Add(1)%missesToGrow == 0
}

// grow doubles the number of stripes, up to the capacity of their list. The first
// one is locked, which guards the list.
func (h *nativeRecord) grow() {
	most := min(2*runtime.GOMAXPROCS(0), maxNativeStripes)
	var deal dealing
	if old := h.stripes.Load(); old != nil {
		most, deal = cap(old.list), old.deal
	}
	stripes := append(append(make([]*stripe, 0, most), &h.first), h.others()...)
	for n := min(2*len(stripes), most); len(stripes) < n; {
		stripes = append(stripes, h.newStripe())
	}
	h.stripes.Store(&nativeStripes{stripes, deal})
}

// newStripe returns a stripe that is as coarse as the first has become, and has
// cache lines of its own.
func (h *nativeRecord) newStripe() *stripe {
	s := &new(struct {
		stripe
		_ [64]byte
	}).stripe
	if h.first.classic != nil {
		s.classic = make([]uint64, len(h.first.classic), len(h.first.classic)+8) // a cache line behind them
	}
	s.buckets.Reset(h.first.buckets.Schema(), h.first.buckets.Threshold())
	return s
}

// others returns all stripes but the first, which is locked.
func (h *nativeRecord) others() []*stripe {
	if x := h.stripes.Load(); x != nil {
		return x.list[1:]
	}
	return nil
}
