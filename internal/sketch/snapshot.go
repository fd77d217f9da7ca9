package sketch

import (
	"cmp"
	"math"
	"slices"

	"github.com/fennelmetrics/fennel/internal/small"
)

// Snapshot is the sum of any number of sketches. The zero value is empty. It
// belongs to one goroutine at a time.
type Snapshot struct {
	count   uint64
	order   []position // of the octaves, in the order of their numbers
	octaves []octave
}

// octave has the counts of all numbers of one sign between two powers of two, or
// that of zero or an infinity.
type octave struct {
	total uint64
	cells [cells]uint64
}

// position says where an octave is. The key is the number of the octave, with
// the sign of its numbers.
type position struct {
	key   int32
	index int32
}

// Reset empties the snapshot and keeps its memory.
func (s *Snapshot) Reset() {
	*s = Snapshot{order: s.order[:0], octaves: s.octaves[:0]}
}

// Count returns the number of observations.
func (s *Snapshot) Count() uint64 { return s.count }

// Add adds what is in a sketch. Of the observations that are made meanwhile, it
// takes some.
func (s *Snapshot) Add(from *Sketch) {
	from.mu.Lock()
	for _, b := range from.carried {
		s.add(b, 1<<32)
	}
	from.mu.Unlock()
	s.add(bucket{octave: zero}, from.zeros.Load())
	for side := range uint8(2) {
		s.add(bucket{side: side, octave: infinity}, from.infinities[side].Load())
		if t := from.sides[side].Load(); t != nil {
			s.addTable(side, t)
		}
	}
}

func (s *Snapshot) addTable(side uint8, t *table) {
	for i, c := range t.chunks {
		if c == nil {
			continue
		}
		o := s.octave(bucket{side: side, octave: uint16(t.low) + uint16(i)})
		total := uint64(0)
		for cell := range c {
			n := uint64(c[cell].Load())
			o.cells[cell] += n
			total += n
		}
		o.total += total
		s.count += total
	}
}

// add adds n observations in one bucket.
func (s *Snapshot) add(b bucket, n uint64) {
	if n == 0 {
		return
	}
	o := s.octave(b)
	o.cells[b.cell] += n
	o.total += n
	s.count += n
}

// octave returns the octave that a bucket is in.
func (s *Snapshot) octave(b bucket) *octave {
	key := int32(b.octave)
	if b.side == 1 {
		key = -key
	}
	i, found := slices.BinarySearchFunc(s.order, key, func(p position, key int32) int { return cmp.Compare(p.key, key) })
	if !found {
		s.order = small.Insert(s.order, i, position{key, int32(len(s.octaves))})
		s.octaves = append(s.octaves, octave{})
	}
	return &s.octaves[s.order[i].index]
}

// Quantile estimates the q-quantile: of n observations in rising order that with
// the number ceil(q*n), and for 0 the first one. It is at most 1/128 of its value
// off, and zero and infinities are exact. The quantile of nothing is NaN, as is
// one outside of [0,1].
func (s *Snapshot) Quantile(q float64) float64 {
	if s.count == 0 || !(q >= 0 && q <= 1) {
		return math.NaN()
	}
	left, i := rank(q, s.count), 0
	for left > s.at(i).total {
		left -= s.at(i).total
		i++
	}
	return s.at(i).find(s.order[i].key, left)
}

// at returns the octave that is number i in order.
func (s *Snapshot) at(i int) *octave { return &s.octaves[s.order[i].index] }

// find returns the value of the observation number left of the octave, which has
// this key.
func (o *octave) find(key int32, left uint64) float64 {
	b := bucket{octave: uint16(key)}
	if key >= 0 {
		for left > o.cells[b.cell] {
			left -= o.cells[b.cell]
			b.cell++
		}
		return b.value()
	}
	b = bucket{side: 1, cell: cells - 1, octave: uint16(-key)} // the smallest are those far from 0
	for left > o.cells[b.cell] {
		left -= o.cells[b.cell]
		b.cell--
	}
	return b.value()
}

// rank returns ceil(q*n), from 1 to n. Decimal fractions are rarely exact in a
// float64: 0.07 of 100 are a bit more than 7, and yet the 7th is meant. So what
// may be an error of rounding is taken off before.
func rank(q float64, n uint64) uint64 {
	const rounding = 0x1p-51
	r := math.Ceil(q * float64(n) * (1 - rounding))
	if q == 1 || r >= float64(n) {
		return n
	}
	return max(1, uint64(r))
}
