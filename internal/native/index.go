package native

import (
	"math"
	"math/bits"
)

// The schemas that there are. Each is twice as fine as the one below it.
const (
	MinSchema = -4
	MaxSchema = 8
)

// SchemaOf returns the coarsest schema of which each bucket ends at no more than
// factor times where it begins, as far as there is one. The factor is greater
// than 1.
func SchemaOf(factor float64) int {
	schema := -math.Floor(math.Log2(math.Log2(factor)))
	return int(min(max(schema, MinSchema), MaxSchema))
}

// Index returns the index of the bucket that v is in, which is neither 0 nor
// NaN. That of a negative number is that of its absolute value on the other
// side. Infinities are in a bucket of their own, one beyond the last.
func Index(v float64, schema int) int32 { return position(v)>>(MaxSchema-schema) + 1 }

// UpperBound returns where a bucket ends: the largest number that is in it. Where
// float64s are so small that they have less than all their digits it is rounded
// down, so that what is above it is in no bucket below.
func UpperBound(index int32, schema int) float64 {
	fine := int(index) << (MaxSchema - schema)
	if fine > lastFinite {
		return math.Inf(1)
	}
	if fine == lastFinite {
		return math.MaxFloat64
	}
	m := bounds[fine&(perPower-1)] & mantissa
	exponent := fine>>MaxSchema + bias
	if exponent <= 0 {
		return math.Float64frombits((m | 1<<mantissaBits) >> (1 - exponent))
	}
	return math.Float64frombits(uint64(exponent)<<mantissaBits | m)
}

const (
	perPower     = 1 << MaxSchema                // buckets to a power of two, at the finest
	lastFinite   = 1024 * perPower               // index of the bucket of MaxFloat64, at the finest
	mantissaBits = 52                            // of a float64
	mantissa     = uint64(1)<<mantissaBits - 1   // mask
	half         = uint64(0x3fe) << mantissaBits // the bits of 0.5
	bias         = 1023                          // of a float64's exponent
	startBits    = MaxSchema + 1                 // of the mantissa say where to look in bounds
	startShift   = mantissaBits - startBits
)

// position returns the index of the bucket of schema 8 that v is in, less one:
// buckets are counted from where they begin, not from where they end. So the
// position in any coarser schema is that one shifted to the right, on either
// side of 0: the bounds of a schema are among those of each finer one.
func position(v float64) int32 {
	b := math.Float64bits(v) &^ (1 << 63)
	if isRare(b) {
		return rarePosition(b)
	}
	return positionOf(int(b>>mantissaBits), b&mantissa)
}

// isRare reports whether these are the bits of what [rarePosition] is for, or of 0.
func isRare(b uint64) bool { return b-1<<mantissaBits >= 0x7fe<<mantissaBits }

// positionOf finds the position of a number by the parts of its bits.
func positionOf(exponent int, m uint64) int32 {
	i := int(starts[m>>startShift])
	if half|m > bounds[i] {
		i++
	}
	return int32((exponent-bias)*perPower + i - 1)
}

// rarePosition is position for infinities and for numbers so small that they have
// less than all their digits.
func rarePosition(b uint64) int32 {
	if b > mantissa {
		return lastFinite
	}
	shift := bits.LeadingZeros64(b) - (63 - mantissaBits)
	return positionOf(1-shift, b<<shift&mantissa)
}
