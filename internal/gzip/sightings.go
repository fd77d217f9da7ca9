package gzip

import (
	"math/bits"
	"math/rand/v2"
)

// sightings are when segments were seen that are not kept. They are a table that
// grows up to a fixed size. There, what finds its place taken is forgotten as often
// as not, and kept a scrape later, and what is taken for another is kept a scrape
// too early.
type sightings struct {
	places []sighting // a power of two of them; none before the first segment
	most   int        // of places
	taken  int
}

type sighting struct {
	mark uint32 // of which segment: a half of the hash, which says where, too
	time uint32 // 0 if there is none
}

const (
	// never is how long ago something was seen that was not.
	never = 1<<32 - 1
	// fewestPlaces do for bodies of two segments. Many handlers never see a larger
	// one, and some see no second one.
	fewestPlaces = 16
)

// newSightings returns sightings that may grow to some more than a cache of that
// size has segments, at a hundredth of its memory at most.
func newSightings(limit int64) sightings {
	return sightings{most: 1 << min(bits.Len64(uint64(limit)>>11), 20)}
}

// add notes that a segment was seen, and returns how long ago it was before.
func (s *sightings) add(hash uint64, now uint32) uint32 {
	if len(s.places) < s.most && s.taken >= len(s.places)/8 {
		s.grow() // so that hardly any two meet
	}
	mark := uint32(hash)
	place := s.place(mark)
	before := *place
	known := before.time > 0 && before.mark == mark
	if before.time == 0 {
		s.taken++
	}
	// Two that take turns at a place, in each scrape, must not go on like that.
	if known || before.time == 0 || since(before.time, now) > longestInterval || rand.Uint32()&1 == 0 {
		*place = sighting{mark, now}
	}
	if !known {
		return never
	}
	return since(before.time, now)
}

// place returns where a segment is noted.
func (s *sightings) place(mark uint32) *sighting { return &s.places[mark&uint32(len(s.places)-1)] }

// grow makes twice as many places, in which no two of those from before meet.
func (s *sightings) grow() {
	old := s.places
	s.places = make([]sighting, min(s.most, max(fewestPlaces, 2*len(old))))
	for _, seen := range old {
		if seen.time > 0 {
			*s.place(seen.mark) = seen
		}
	}
}
