// Package native is the buckets of a native histogram: buckets whose bounds grow
// by the same factor each, kept only where something was counted, as
// https://prometheus.io/docs/specs/native_histograms has them.
//
// It knows nothing of concurrency: who shares buckets guards them.
package native

import (
	"math"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// Buckets counts observations in the buckets of one schema and in one more for
// what is close to 0. Nothing that was counted is ever lost: where there are too
// many buckets, some are merged. The zero value is of schema 8 and has only 0
// itself in its zero bucket.
type Buckets struct {
	threshold float64 // what is not farther from 0 is in the zero bucket
	zero      uint64
	populated int32 // buckets on both sides that are not empty
	shift     uint8 // MaxSchema - schema
	positive  side
	negative  side
}

// Limits says how many buckets there may be, and what gives way if there are
// more.
type Limits struct {
	Buckets   int     // that are not empty, besides the zero bucket
	Threshold float64 // up to which the zero bucket may widen
}

// Reset empties the buckets and sets their schema and zero threshold.
func (b *Buckets) Reset(schema int, threshold float64) {
	b.shift, b.threshold = uint8(MaxSchema-schema), threshold
	b.zero, b.populated = 0, 0
	b.positive.reset()
	b.negative.reset()
}

// Schema returns how fine the buckets are.
func (b *Buckets) Schema() int { return MaxSchema - int(b.shift) }

// Threshold returns the largest number in the zero bucket.
func (b *Buckets) Threshold() float64 { return b.threshold }

// Populated returns how many buckets are not empty, besides the zero bucket.
func (b *Buckets) Populated() int { return int(b.populated) }

// Add counts n observations of v, which is not NaN, and reports whether they are in
// a bucket that was empty. There must be some.
func (b *Buckets) Add(v float64, n uint64) (grown bool) {
	if math.Abs(v) <= b.threshold {
		b.zero += n
		return false
	}
	side := &b.positive
	if v < 0 {
		side = &b.negative
	}
	// A call of position would take as long as what it does. The mask spares a test.
	p, bits := int32(0), math.Float64bits(v)&^(1<<63)
	if isRare(bits) {
		p = rarePosition(bits)
	} else {
		p = positionOf(int(bits>>mantissaBits), bits&mantissa)
	}
	p >>= b.shift & 31
	if low := side.near(p); low != nil && n <= math.MaxUint32 {
		// All but a few times that was it: there was something and there is no carry.
		if before := *low; before != 0 && before+uint32(n) > before {
			*low = before + uint32(n)
			return false
		}
	}
	if grown = side.add(p, n); grown {
		b.populated++
	}
	return grown
}

// Total returns how many observations were counted.
func (b *Buckets) Total() uint64 { return b.zero + b.positive.total() + b.negative.total() }

// Limit makes sure that there are not more buckets than allowed, and reports
// whether there were. It widens the zero bucket as long as that may be and
// there is something to swallow, then halves the resolution. At the coarsest
// schema there may still be too many: at most 266 in all.
func (b *Buckets) Limit(l Limits) (changed bool) {
	for int(b.populated) > l.Buckets {
		if !b.widen(l.Threshold) && !b.halve() {
			break
		}
		changed = true
	}
	return changed
}

// widen lets the zero bucket swallow the bucket next to it, on both sides, unless
// that ends beyond limit.
func (b *Buckets) widen(limit float64) bool {
	p, ok := b.positive.first()
	if n, there := b.negative.first(); there && (!ok || n < p) {
		p, ok = n, true
	}
	if !ok {
		return false
	}
	threshold := b.upperBound(p)
	if threshold > limit {
		return false
	}
	b.swallow(threshold)
	return true
}

// upperBound returns where the bucket at a position ends.
func (b *Buckets) upperBound(position int32) float64 { return UpperBound(position+1, b.Schema()) }

// swallow raises the zero threshold and moves into the zero bucket what is in
// buckets that do not end above it.
func (b *Buckets) swallow(threshold float64) {
	b.threshold = threshold
	if threshold == 0 {
		return
	}
	last := position(threshold) >> b.shift
	if b.upperBound(last) > threshold {
		last--
	}
	for _, side := range [...]*side{&b.positive, &b.negative} {
		n, buckets := side.take(last)
		b.zero += n
		b.populated -= int32(buckets)
	}
}

// halve merges each two buckets, unless the schema is the coarsest.
func (b *Buckets) halve() bool {
	if b.Schema() == MinSchema {
		return false
	}
	b.shift++
	b.populated = int32(b.positive.halve() + b.negative.halve())
	return true
}

// Coarsen gives b a schema and a zero threshold unless its own are coarser and
// higher. Where the threshold comes to lie within a bucket that is not empty,
// that is swallowed, too, if it doesn't end beyond limit; otherwise it stays,
// and still has nothing but what lies within its bounds.
func (b *Buckets) Coarsen(schema int, threshold, limit float64) {
	for b.Schema() > schema {
		b.halve()
	}
	if threshold <= b.threshold {
		return
	}
	around := position(threshold) >> b.shift
	b.swallow(threshold)
	if end := b.upperBound(around); end > threshold && end <= limit && (b.positive.has(around) || b.negative.has(around)) {
		b.swallow(end)
	}
}

// Merge adds all that o has, and makes b as coarse as o where it is finer. It
// does not limit the number of buckets.
func (b *Buckets) Merge(o *Buckets, limit float64) {
	b.Coarsen(o.Schema(), o.threshold, limit)
	b.zero += o.zero
	b.mergeSide(&b.positive, &o.positive, o, limit)
	b.mergeSide(&b.negative, &o.negative, o, limit)
}

func (b *Buckets) mergeSide(to, from *side, o *Buckets, limit float64) {
	shift := b.shift - o.shift
	for position, n := range from.all {
		position >>= shift
		if b.swallows(position, o.threshold, limit) {
			b.zero += n
			continue
		}
		if to.add(position, n) {
			b.populated++
		}
	}
}

// swallows reports whether a bucket of another Buckets, with that zero threshold,
// belongs to the zero bucket, which is widened if the bucket straddles its end.
func (b *Buckets) swallows(position int32, threshold, limit float64) bool {
	if threshold >= b.threshold {
		return false // then the bucket has nothing below b's threshold either
	}
	end := b.upperBound(position)
	if end <= b.threshold {
		return true
	}
	if end > limit || b.upperBound(position-1) >= b.threshold {
		return false
	}
	b.swallow(end)
	return true
}

// CopyFrom makes b equal to o. They share nothing.
func (b *Buckets) CopyFrom(o *Buckets) {
	b.threshold, b.zero, b.populated, b.shift = o.threshold, o.zero, o.populated, o.shift
	b.positive.copyFrom(&o.positive)
	b.negative.copyFrom(&o.negative)
}

// Fill sets all of n but Present.
func (b *Buckets) Fill(n *sample.Native) {
	n.Schema, n.ZeroThreshold, n.ZeroCount = int32(b.Schema()), b.threshold, b.zero
	n.Positive = b.positive.appendTo(n.Positive[:0])
	n.Negative = b.negative.appendTo(n.Negative[:0])
}
