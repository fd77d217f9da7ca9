package fennel

import (
	"fmt"
	"math"
	"slices"
)

// DefaultBuckets returns the upper bounds that a histogram has unless the
// option [Buckets] says otherwise. They suit the durations of network requests
// in seconds, from 5 ms to 10 s, and are client_golang's.
func DefaultBuckets() []float64 {
	return []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
}

// LinearBuckets returns n bounds, the first of which is start, each width apart.
// It panics unless n is positive and width is positive and finite.
func LinearBuckets(start, width float64, n int) []float64 {
	if n < 1 || !(width > 0) || math.IsInf(width, 0) {
		panic(&DeclarationError{Problem: fmt.Sprintf(
			"LinearBuckets: width %v and count %d must be positive", width, n)})
	}
	bounds := make([]float64, n)
	for i := range bounds {
		// Multiplied, not added up, so that errors don't add up either.
		// Rounded in between, so that the bounds are the same on all machines.
		bounds[i] = start + float64(float64(i)*width)
	}
	return bounds
}

// ExponentialBuckets returns n bounds, the first of which is start, each factor
// times the one before. It panics unless n and start are positive and factor is
// greater than 1.
func ExponentialBuckets(start, factor float64, n int) []float64 {
	if n < 1 || !(start > 0) || !(factor > 1) || math.IsInf(factor, 1) {
		panic(&DeclarationError{Problem: fmt.Sprintf(
			"ExponentialBuckets: start %v and count %d must be positive, factor %v greater than 1 and finite", start, n, factor)})
	}
	bounds := make([]float64, n)
	for i := range bounds {
		bounds[i] = start
		start *= factor
	}
	return bounds
}

// ExponentialBucketsRange returns n bounds from low to high, each the same
// factor times the one before. It panics unless low is positive, high greater
// than low and n at least 2.
func ExponentialBucketsRange(low, high float64, n int) []float64 {
	if n < 2 || !(low > 0) || !(high > low) {
		panic(&DeclarationError{Problem: fmt.Sprintf(
			"ExponentialBucketsRange: low %v must be positive, high %v greater than that and count %d at least 2", low, high, n)})
	}
	bounds := make([]float64, n)
	for i := range bounds {
		bounds[i] = low * math.Pow(high/low, float64(i)/float64(n-1))
	}
	bounds[n-1] = high
	return bounds
}

// finite returns the bounds without a trailing +Inf, which is always there.
func finite(bounds []float64) []float64 {
	if n := len(bounds); n > 0 && math.IsInf(bounds[n-1], 1) {
		return bounds[:n-1]
	}
	return bounds
}

// classicBuckets finds the bucket of an observation. It is shared by all
// histograms of a family.
type classicBuckets struct {
	bounds []float64 // rising and finite
	padded []float64 // the same and +Inf, at which each search ends at the latest

	// first is the bucket in which the search begins, for each part of the range
	// of positive bounds. The numbers of a part have the same exponent and the
	// same first two bits behind it: so a number's upper bits, less those of
	// the lowest part, are the index of its part.
	first []uint8
	low   uint64

	natives *nativeMethods // nil where there are no native buckets
}

const (
	partShift = 50   // leaves sign, exponent and two bits: four parts to each power of two
	maxParts  = 4096 // beyond that, and beyond 255 bounds, the search is binary
)

func newClassicBuckets(bounds []float64) *classicBuckets {
	c := &classicBuckets{bounds: bounds, padded: append(slices.Clone(bounds), math.Inf(1))}
	n := len(bounds)
	i := c.search(math.SmallestNonzeroFloat64) // the first positive bound
	if i == n || n > math.MaxUint8 {
		return c
	}
	c.low = math.Float64bits(bounds[i]) >> partShift
	parts := math.Float64bits(bounds[n-1])>>partShift - c.low + 1
	if parts > maxParts {
		return c
	}
	c.first = make([]uint8, parts)
	for p := range c.first {
		start := math.Float64frombits((c.low + uint64(p)) << partShift)
		c.first[p] = uint8(c.search(start))
	}
	return c
}

// find returns the bucket of v, which is not NaN: the first whose bound is not
// below v.
func (c *classicBuckets) find(v float64) int {
	part := math.Float64bits(v)>>partShift - c.low
	if part >= uint64(len(c.first)) {
		return c.search(v) // below, above or negative
	}
	i := int(c.first[part])
	// A part of the usual bounds has one of them at most. On which side of that v
	// is can't be foreseen, so it is added and not branched on. The loop is for parts
	// with more bounds, and else nothing but a branch that is never taken.
	above := 0
	if v > c.padded[i] {
		above = 1
	}
	i += above
	for v > c.padded[i] {
		i++
	}
	return i
}

// search is find without the table.
func (c *classicBuckets) search(v float64) int {
	n := len(c.bounds)
	switch {
	case v <= c.padded[0]:
		return 0 // most of what is quicker than expected
	case v > c.bounds[n-1]:
		return n
	}
	i, _ := slices.BinarySearch(c.bounds, v)
	return i
}
