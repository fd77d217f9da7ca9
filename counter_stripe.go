package fennel

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// counterStripe is a part of a counter: what some of the goroutines have counted.
type counterStripe struct {
	whole, part atomic.Uint64
	_           [stripePad - 16]byte
}

func newCounterStripe() *counterStripe { return new(counterStripe) }

// tryWhole adds n to a counter's two words, unless somebody else changes the first
// at the same moment.
func tryWhole(whole, part *atomic.Uint64, n uint64) bool {
	old := whole.Load()
	if !whole.CompareAndSwap(old, old+n) {
		return false
	}
	if old+n < old {
		carry(part)
	}
	return true
}

// carry moves 2^64 that the first word has just lost to the second. For a moment
// between the two, once in 2^64 events, a reader sees the counter lower.
func carry(part *atomic.Uint64) { addFloat(part, 1<<64) }

// tryFloat adds v to the float64 whose bits are in p, unless somebody else changes
// it at the same moment.
func tryFloat(p *atomic.Uint64, v float64) bool {
	old := p.Load()
	return p.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v))
}

// addSlow adds n to a counter that has stripes, or exemplars, or is changed by
// somebody else at the same moment.
func (c *Counter) addSlow(n uint64) {
	if x := c.extras.Load(); len(x.list()) > 0 {
		s := x.stripe()
		// A compare-and-swap would have to read before it writes, so the cache
		// line would come from another processor twice: once to be shared, once
		// to be owned. An addition fetches it once.
		if sum := s.whole.Add(n); sum%additionsToLook < n {
			c.look(s, sum < n)
		}
		return
	}
	// With exemplars it comes here without having met anybody.
	if c.extras.Load() != nil && tryWhole(&c.whole, &c.part, n) {
		return
	}
	c.extras.collided(&c.whole, newCounterStripe)
	if c.whole.Add(n) < n {
		carry(&c.part)
	}
}

// additionsToLook is after how many additions to a stripe it is looked whether
// others add to it, too, since an addition doesn't tell.
const additionsToLook = 64

// look is called every now and then after an addition to a stripe. If that was too
// much for one word, it carries.
func (c *Counter) look(s *counterStripe, over bool) {
	if over {
		carry(&s.part)
	}
	c.extras.collided(&s.whole, newCounterStripe)
}

// addFloatSlow is addSlow for a number with a fraction.
func (c *Counter) addFloatSlow(v float64) {
	part := &c.part
	if x := c.extras.Load(); len(x.list()) > 0 {
		i := x.deal.stripe(len(x.stripes))
		part = &x.stripes[i].part
		if tryFloat(part, v) {
			return
		}
		c.extras.collided(part, newCounterStripe)
		part = &x.stripes[(i+1)%len(x.stripes)].part
	} else if c.extras.Load() == nil || !tryFloat(part, v) {
		c.extras.collided(part, newCounterStripe)
	} else {
		return
	}
	addFloat(part, v)
}

// addStripes adds what the stripes have counted to a counter's two words.
func addStripes(whole uint64, part float64, stripes []*counterStripe) (uint64, float64) {
	for _, s := range stripes {
		sum, over := bits.Add64(whole, s.whole.Load(), 0)
		whole = sum
		part += math.Float64frombits(s.part.Load())
		if over != 0 {
			part += 1 << 64
		}
	}
	return whole, part
}
