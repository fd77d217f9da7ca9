package sketch

import (
	"math"
	"math/bits"
)

// The bits of a float64, and how they are cut into buckets.
const (
	mantissaBits = 52
	maxExponent  = 1<<11 - 1 // that of infinities

	cellBits  = 6
	cells     = 1 << cellBits // of an octave
	cellShift = mantissaBits - cellBits
)

// Octaves are numbered from the smallest numbers up. Below those that have an
// exponent of their own, the normal numbers, there is one for each bit of the
// mantissa.
const (
	zero     = 0 // no octave, but smaller than all
	normal   = mantissaBits
	infinity = maxExponent + normal // larger than all
)

// bucket is the numbers that are nearest to one of the 64 that divide an octave,
// which is what lies between two powers of two, into equal parts. That number
// stands for all of them, and is less than 1/128 away from any. Whole numbers up to
// 128 are such numbers, so that they are exact. Zero and the infinities are
// buckets by themselves.
type bucket struct {
	side   uint8 // 1 for negative numbers, else 0
	cell   uint8
	octave uint16
}

// half is added to round to the nearest cell. What is carried goes into the
// exponent, and makes the next octave of it.
const half = 1 << (cellShift - 1)

// locate returns the bucket of v, which is not NaN.
func locate(v float64) bucket {
	b := math.Float64bits(v)
	side, b := uint8(b>>63), b&(1<<63-1)
	if b == 0 {
		return bucket{octave: zero}
	}
	if math.IsInf(v, 0) {
		return bucket{side: side, octave: infinity}
	}
	octave := uint64(normal)
	if b>>mantissaBits == 0 { // not a normal number: its first bit is where it may
		shift := bits.LeadingZeros64(b) - (63 - mantissaBits)
		b <<= shift
		octave -= uint64(shift)
	}
	b += half
	octave += b >> mantissaBits
	if octave == infinity { // no finite number is that large
		return bucket{side, cells - 1, infinity - 1}
	}
	return bucket{side, uint8(b >> cellShift & (cells - 1)), uint16(octave)}
}

// value returns the number that stands for those of the bucket.
func (b bucket) value() float64 {
	v := uint64(b.cell) << cellShift
	switch {
	case b.octave == zero:
		return 0
	case b.octave > normal:
		v |= uint64(b.octave-normal) << mantissaBits
	default:
		v = (1<<mantissaBits | v) >> (normal + 1 - b.octave)
	}
	return math.Float64frombits(uint64(b.side)<<63 | v)
}
