package fennel

import (
	"sync/atomic"
	"unsafe"
)

// histogramStripe is a part of a histogram: what some of the goroutines have
// observed. The counts of the buckets lie behind it, in the same allocation.
type histogramStripe struct {
	sum, nanos atomic.Uint64 // as in a histogram
}

// newStripe returns a stripe in cache lines of its own.
func (h *Histogram) newStripe() *histogramStripe {
	const head, line = int(unsafe.Sizeof(histogramStripe{}) / 8), stripePad / 8
	words := make([]atomic.Uint64, (head+h.all()+line-1)/line*line)
	return (*histogramStripe)(unsafe.Pointer(&words[0]))
}

// count returns the counter of bucket i, of which the caller knows that it is in
// range.
func (s *histogramStripe) count(i int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Add(unsafe.Pointer(s), int(unsafe.Sizeof(*s))+i*8))
}

// observeSlow adds n observations of v, of which sum is what they are in all, where
// nobody else does so at the same moment: it has just met somebody. If d is not 0,
// it is the sum exactly, in nanoseconds.
func (h *Histogram) observeSlow(v float64, n uint64, sum float64, d int64) {
	bucket := h.buckets.find(v)
	x := h.extras.Load()
	if len(x.list()) == 0 {
		h.extras.collided(collision(&h.sum, h.nanos(), d), h.newStripe)
		for !tryAdd(&h.sum, h.nanos(), sum, d) {
		}
		h.count(bucket).Add(n)
		return
	}
	i := x.deal.stripe(len(x.stripes))
	s := x.stripes[i]
	h.extras.collided(collision(&s.sum, &s.nanos, d), h.newStripe)
	for added := false; !added; added = tryAdd(&s.sum, &s.nanos, sum, d) {
		i++
		s = x.stripes[i%len(x.stripes)]
	}
	s.count(bucket).Add(n)
}
