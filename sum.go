package fennel

import "sync/atomic"

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
	return tryFloat(sum, v)
}

// collision returns the word at which an observation of d, or of a number if that
// is 0, has met another one: the one that [tryAdd] adds it to.
func collision(sum, nanos *atomic.Uint64, d int64) *atomic.Uint64 {
	if now := int64(nanos.Load()); d != 0 && addNanos(&now, d) {
		return nanos
	}
	return sum
}

// inSeconds returns so many nanoseconds in seconds: the nearest float64, and beyond
// 104 days that or its neighbour. So what was measured as 1.118s is shown as 1.118,
// and is not above that bound of a bucket. [time.Duration.Seconds] rounds twice, and
// misses that by a bit for one in a hundred.
func inSeconds(nanos int64) float64 {
	const exact = 1 << 53 // up to here a float64 has every integer
	if -exact <= nanos && nanos <= exact {
		return float64(nanos) / 1e9
	}
	return float64(nanos/1e9) + float64(nanos%1e9)/1e9
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

// value returns the sum in seconds, or whatever was observed. Durations are
// rounded once, as by [inSeconds].
func (t *total) value() float64 {
	const exact = 9e6 // seconds: their nanoseconds are less than 2^53
	seconds, nanos := t.seconds+t.nanos/1e9, t.nanos%1e9
	switch {
	case seconds == 0 && nanos == 0:
		return t.number // there are no durations
	case -exact < seconds && seconds < exact:
		return t.number + inSeconds(seconds*1e9+nanos)
	}
	return t.number + (float64(seconds) + float64(nanos)/1e9)
}
