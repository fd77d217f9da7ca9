package fennel

import (
	"math"
	"sync/atomic"
)

// A sum of observations has two parts: a float64, for numbers, and nanoseconds as
// an integer, for durations. Those are added up exactly, which a float64 couldn't
// do for long: ten million times 0.1 are not a million.

// addNanos adds d to p, unless it doesn't fit: an int64 is full after 292 years.
func addNanos(p *int64, d int64) bool {
	if sum := *p + d; (sum > *p) == (d > 0) {
		*p = sum
		return true
	}
	return false
}

// tryAdd adds an observation to a sum, unless somebody else changes that at the
// same moment. It is nanos, if that is not 0 and fits, or else v.
func tryAdd(sum, nanos *atomic.Uint64, v float64, d int64) bool {
	if d != 0 {
		old := nanos.Load()
		next := int64(old)
		if addNanos(&next, d) {
			return nanos.CompareAndSwap(old, uint64(next))
		}
	}
	old := sum.Load()
	return sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v))
}

// total adds up the sums of several stripes.
type total struct {
	number  float64
	seconds int64
	nanos   int64 // of less than a second each
}

func (t *total) add(number float64, nanos int64) {
	t.number += number
	t.seconds += nanos / 1e9
	t.nanos += nanos % 1e9
}

// value returns the sum in seconds, or whatever was observed. Where there are
// durations only, it is the float64 nearest to them, or its neighbour.
func (t *total) value() float64 {
	if t.seconds == 0 && t.nanos == 0 {
		return t.number
	}
	seconds, nanos := t.seconds+t.nanos/1e9, t.nanos%1e9
	return t.number + (float64(seconds) + float64(nanos)/1e9)
}
