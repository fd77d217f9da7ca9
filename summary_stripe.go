package fennel

import "sync/atomic"

// summaryStripe is a part of a summary: what some of the goroutines have observed.
type summaryStripe struct {
	sum, nanos, count atomic.Uint64 // as in a summary
	_                 [stripePad - 24]byte
}

func newSummaryStripe() *summaryStripe { return new(summaryStripe) }

// observeSlow adds an observation where nobody else does so at the same moment: it
// has just met somebody at the record, or, if there are stripes in x, at its own. If
// d is not 0, it is v exactly, in nanoseconds.
func (s *Summary) observeSlow(x *extra[summaryStripe], v float64, d int64) {
	if x == nil {
		s.extras.collided(collision(&s.sum, &s.nanos, d), newSummaryStripe)
		for !tryAdd(&s.sum, &s.nanos, v, d) {
		}
		s.count.Add(1)
		return
	}
	i := x.deal.stripe(len(x.stripes))
	stripe := x.stripes[i]
	s.extras.collided(collision(&stripe.sum, &stripe.nanos, d), newSummaryStripe)
	for added := false; !added; added = tryAdd(&stripe.sum, &stripe.nanos, v, d) {
		i++
		stripe = x.stripes[i%len(x.stripes)]
	}
	stripe.count.Add(1)
}
