// Package sketch estimates quantiles of observations in little memory, without
// a lock and with a bound on the error.
//
// A [Sketch] counts observations in buckets: 64 to each power of two. A quantile
// is estimated by the middle of the bucket that it is in, which is at most 1/128
// of it away, less than one percent, however the observations are distributed.
// A [Snapshot] adds up sketches, without any loss, and answers what their
// quantiles are. A [Window] is a row of sketches, one for each [Clock]'s epoch,
// of which old ones are dropped.
package sketch

import (
	"math"
	"sync"
	"sync/atomic"
)

// maxChunks is how many octaves a sketch has memory for. They are 2 for
// a latency that hardly varies, 10 for one that varies by a factor of a thousand.
const maxChunks = 256

// Sketch counts observations in buckets. The zero value is empty and ready for
// use. Any number of goroutines may add to it while others read it.
//
// It takes 256 bytes for each power of two that there are observations of, and
// is limited to 256 of these, in both signs: 64 KiB, and 32 KiB at most for what
// finds them. The error is bounded for as long as that is enough. An observation
// that is beyond it is counted in the nearest bucket there is.
type Sketch struct {
	sides      [2]atomic.Pointer[table] // positive numbers, negative ones
	zeros      atomic.Uint64
	infinities [2]atomic.Uint64

	mu      sync.Mutex // guards changes of sides, and what follows
	chunks  int
	carried []bucket // that have lost 2^32, as often as they have
}

// chunk has the counts of an octave.
type chunk [cells]atomic.Uint32

// table finds the chunks of one sign. It never changes.
type table struct {
	low    uint64   // the first octave
	chunks []*chunk // nil for octaves without observations
}

// Add adds an observation, which is not NaN.
func (s *Sketch) Add(v float64) {
	b := math.Float64bits(v)
	if b>>mantissaBits&maxExponent != 0 {
		b += half
		if c := s.sides[b>>63].Load().chunk(b>>mantissaBits&maxExponent + normal); c != nil {
			if c[b>>cellShift&(cells-1)].Add(1) == 0 {
				s.carry(locate(v))
			}
			return
		}
	}
	s.addSlow(v)
}

// addSlow is Add for the first observation of an octave and for all that is not
// a normal number.
func (s *Sketch) addSlow(v float64) {
	b := locate(v)
	if b.octave != zero && b.octave != infinity {
		b = s.place(b)
	}
	switch b.octave {
	case zero:
		s.zeros.Add(1)
	case infinity:
		s.infinities[b.side].Add(1)
	default:
		if s.sides[b.side].Load().chunk(uint64(b.octave))[b.cell].Add(1) == 0 {
			s.carry(b)
		}
	}
}

// place makes room for a bucket. If there is none, it returns the nearest bucket
// that has room.
func (s *Sketch) place(b bucket) bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.sides[b.side].Load()
	switch {
	case t.chunk(uint64(b.octave)) != nil:
		return b
	case s.chunks == maxChunks:
		return t.nearest(b)
	}
	s.chunks++
	s.sides[b.side].Store(t.with(uint64(b.octave)))
	return b
}

// carry notes that the count of a bucket began again from 0. Until it has, a
// reader misses 2^32 observations.
func (s *Sketch) carry(b bucket) {
	s.mu.Lock()
	s.carried = append(s.carried, b)
	s.mu.Unlock()
}

// chunk returns the counts of an octave, or nil if there are none.
func (t *table) chunk(octave uint64) *chunk {
	if t == nil {
		return nil
	}
	i := octave - t.low
	if i >= uint64(len(t.chunks)) {
		return nil
	}
	return t.chunks[i]
}

// with returns a copy that has a chunk for one more octave.
func (t *table) with(octave uint64) *table {
	if t == nil {
		return &table{octave, []*chunk{new(chunk)}}
	}
	low := min(octave, t.low)
	high := max(octave, t.low+uint64(len(t.chunks))-1)
	wider := &table{low, make([]*chunk, high-low+1)}
	copy(wider.chunks[t.low-low:], t.chunks)
	wider.chunks[octave-low] = new(chunk)
	return wider
}

// nearest returns the bucket nearest to b, of which there is no chunk. Where
// there are none of its sign, that is zero.
func (t *table) nearest(b bucket) bucket {
	if t == nil {
		return bucket{octave: zero}
	}
	for distance := uint16(1); ; distance++ {
		if below := b.octave - distance; t.chunk(uint64(below)) != nil {
			return bucket{b.side, cells - 1, below}
		}
		if above := b.octave + distance; t.chunk(uint64(above)) != nil {
			return bucket{b.side, 0, above}
		}
	}
}
