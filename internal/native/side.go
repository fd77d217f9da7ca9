package native

import (
	"math/bits"
	"slices"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/small"
)

// side is the buckets of one sign, by their positions. Positions in use lie close
// together, as a rule: so counts are kept in chunks of neighbours, and only those
// chunks are there in which something was counted. However far apart two
// observations are, they cost two chunks.
type side struct {
	keys []int32 // of the chunks, rising: the position of the first bucket / chunkLen
	low  []chunk // counts, modulo 2^32
	high []chunk // the rest of them; nil until there is one
}

const (
	chunkBits = 4
	chunkLen  = 1 << chunkBits
)

// chunk has half of the count of some buckets: for most, the other half is never
// needed.
type chunk [chunkLen]uint32

// near returns the low half of the count at a position, if there is one and it is
// where it is as long as there are no gaps; else nil.
func (s *side) near(position int32) *uint32 {
	if len(s.keys) == 0 {
		return nil
	}
	key := position >> chunkBits
	i := uint(int(key) - int(s.keys[0]))
	if i >= uint(len(s.keys)) || i >= uint(len(s.low)) || s.keys[i] != key {
		return nil
	}
	return &s.low[i][position&(chunkLen-1)]
}

// find returns which chunk has the position, and whether there is one; if not,
// where it would be.
func (s *side) find(position int32) (i int, ok bool) {
	key := position >> chunkBits
	if len(s.keys) == 0 {
		return 0, false
	}
	// As long as there are no gaps, the place follows from the key.
	if i := int(key) - int(s.keys[0]); uint(i) < uint(len(s.keys)) && s.keys[i] == key {
		return i, true
	}
	return slices.BinarySearch(s.keys, key)
}

// add counts n observations at a position, and reports whether they are the
// first there.
func (s *side) add(position int32, n uint64) (first bool) {
	i, ok := s.find(position)
	if !ok {
		s.insert(i, position>>chunkBits)
	}
	low := &s.low[i][position&(chunkLen-1)]
	before := *low
	*low = before + uint32(n)
	return s.carry(i, int(position&(chunkLen-1)), before, n)
}

// carry is the rest of add: it counts what doesn't fit into the low half.
func (s *side) carry(i, j int, before uint32, n uint64) (first bool) {
	_, wrapped := bits.Add32(before, uint32(n), 0)
	high := uint32(n>>32) + wrapped
	if high == 0 {
		return before == 0 && (s.high == nil || s.high[i][j] == 0)
	}
	if s.high == nil {
		s.high = make([]chunk, len(s.low), cap(s.low))
	}
	first = before == 0 && s.high[i][j] == 0
	s.high[i][j] += high
	return first
}

// insert makes an empty chunk. It grows by little: histograms are many.
func (s *side) insert(i int, key int32) {
	if n := len(s.keys); n == cap(s.keys) {
		more := 1 + n/4
		s.keys = append(make([]int32, 0, n+more), s.keys...)
		s.low = append(make([]chunk, 0, n+more), s.low...)
	}
	s.keys = small.Insert(s.keys, i, key)
	s.low = small.Insert(s.low, i, chunk{})
	if s.high != nil {
		s.high = small.Insert(s.high, i, chunk{})
	}
}

// count returns the count of bucket j of chunk i.
func (s *side) count(i, j int) uint64 {
	n := uint64(s.low[i][j])
	if s.high != nil {
		n |= uint64(s.high[i][j]) << 32
	}
	return n
}

// all yields the positions and counts of the buckets that are not empty, from 0
// away.
func (s *side) all(yield func(position int32, n uint64) bool) {
	for i, key := range s.keys {
		for j := range chunkLen {
			if n := s.count(i, j); n != 0 && !yield(key<<chunkBits|int32(j), n) {
				return
			}
		}
	}
}

// first returns the position closest to 0 at which something was counted.
func (s *side) first() (position int32, ok bool) {
	for position := range s.all {
		return position, true
	}
	return 0, false
}

// has reports whether something was counted at a position.
func (s *side) has(position int32) bool {
	i, ok := s.find(position)
	return ok && s.count(i, int(position&(chunkLen-1))) != 0
}

// take takes everything away that was counted up to a position, and returns how
// much it was, in how many buckets.
func (s *side) take(last int32) (n uint64, buckets int) {
	for position, count := range s.all {
		if position > last {
			break
		}
		n += count
		buckets++
		i, _ := s.find(position)
		s.clear(i, int(position&(chunkLen-1)))
	}
	s.dropBefore(last)
	return n, buckets
}

func (s *side) clear(i, j int) {
	s.low[i][j] = 0
	if s.high != nil {
		s.high[i][j] = 0
	}
}

// dropBefore removes the chunks that have only positions up to last.
func (s *side) dropBefore(last int32) {
	i, _ := slices.BinarySearch(s.keys, (last+1)>>chunkBits)
	s.keys = slices.Delete(s.keys, 0, i)
	s.low = slices.Delete(s.low, 0, i)
	if s.high != nil {
		s.high = slices.Delete(s.high, 0, i)
	}
}

// halve merges each two buckets, that at an even position with the next. Chunks
// merge in the same way, so this can be done in place. It returns how many
// buckets are not empty afterwards.
func (s *side) halve() (buckets int) {
	old := *s
	s.keys, s.low, s.high = s.keys[:0], s.low[:0], s.high[:0]
	if old.high == nil {
		s.high = nil
	}
	for i, key := range old.keys {
		merged := old.pairs(i)
		if n := len(s.keys); n == 0 || s.keys[n-1] != key>>1 {
			s.keys, s.low = append(s.keys, key>>1), append(s.low, chunk{})
			if s.high != nil {
				s.high = append(s.high, chunk{})
			}
		}
		for j, n := range merged {
			if n != 0 && s.add(key<<(chunkBits-1)+int32(j), n) {
				buckets++
			}
		}
	}
	return buckets
}

// pairs returns the counts of chunk i, each two of them added up.
func (s *side) pairs(i int) (sums [chunkLen / 2]uint64) {
	for j := range sums {
		sums[j] = s.count(i, 2*j) + s.count(i, 2*j+1)
	}
	return sums
}

// total returns how much was counted.
func (s *side) total() (total uint64) {
	for _, n := range s.all {
		total += n
	}
	return total
}

// reset empties the side and keeps its memory.
func (s *side) reset() { s.keys, s.low, s.high = s.keys[:0], s.low[:0], nil }

// copyFrom makes s equal to o.
func (s *side) copyFrom(o *side) {
	s.keys, s.low = append(s.keys[:0], o.keys...), append(s.low[:0], o.low...)
	if o.high == nil {
		s.high = nil
		return
	}
	s.high = append(s.high[:0], o.high...)
}

// appendTo appends the buckets that are not empty.
func (s *side) appendTo(dst []sample.NativeBucket) []sample.NativeBucket {
	for position, n := range s.all {
		dst = append(dst, sample.NativeBucket{Index: position + 1, Count: n})
	}
	return dst
}
