package fennel

import "sync/atomic"

// summaryStripe is a part of a summary: what some of the goroutines have observed.
type summaryStripe struct {
	sum, nanos, count atomic.Uint64 // as in a summary
	_                 [stripePad - 24]byte
}

func newSummaryStripe() *summaryStripe { return new(summaryStripe) }

// observeSlow adds an observation to a summary that has stripes, or that is changed
// by somebody else at the same moment. If d is not 0, it is v exactly, in
// nanoseconds.
func (s *Summary) observeSlow(v float64, d int64) {
	x := s.extras.Load()
	if len(x.list()) == 0 {
		s.extras.collided(collision(&s.sum, &s.nanos, d), newSummaryStripe)
		for !tryAdd(&s.sum, &s.nanos, v, d) {
		}
		s.count.Add(1)
	} else {
		s.observeStriped(x, v, d)
	}
	if w := s.quantiles(x); w != nil {
		w.Add(v)
	}
}

// observeStriped adds an observation to one of the stripes.
func (s *Summary) observeStriped(x *extra[summaryStripe], v float64, d int64) {
	i := x.deal.stripe(len(x.stripes))
	stripe := x.stripes[i]
	for tries := 1; !tryAdd(&stripe.sum, &stripe.nanos, v, d); tries++ {
		if tries == 1 {
			s.extras.collided(collision(&stripe.sum, &stripe.nanos, d), newSummaryStripe)
		}
		stripe = x.stripes[(i+tries)%len(x.stripes)]
	}
	stripe.count.Add(1)
}
