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
	whole, part := &c.whole, &c.part
	stripes := c.extras.stripes()
	i := 0
	if len(stripes) > 0 {
		i = stripeOf(len(stripes))
		whole, part = &stripes[i].whole, &stripes[i].part
	}
	if tryWhole(whole, part, n) {
		return
	}
	c.extras.collided(whole, newCounterStripe)
	if len(stripes) > 0 {
		next := stripes[(i+1)%len(stripes)]
		whole, part = &next.whole, &next.part
	}
	if whole.Add(n) < n {
		carry(part)
	}
}

// addFloatSlow is addSlow for a number with a fraction.
func (c *Counter) addFloatSlow(v float64) {
	part := &c.part
	stripes := c.extras.stripes()
	i := 0
	if len(stripes) > 0 {
		i = stripeOf(len(stripes))
		part = &stripes[i].part
	}
	if tryFloat(part, v) {
		return
	}
	c.extras.collided(part, newCounterStripe)
	if len(stripes) > 0 {
		part = &stripes[(i+1)%len(stripes)].part
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
