package gzip

import (
	"math/bits"
	"math/rand/v2"
)

// sightings are when segments were seen that are not kept. They are a table of a
// fixed size: what finds its place taken is forgotten as often as not, and kept a
// scrape later, and what is taken for another is kept a scrape too early.
type sightings []sighting

type sighting struct {
	mark uint32 // of which segment: the half of the hash that doesn't say where
	time uint32 // 0 if there is none
}

// never is how long ago something was seen that was not.
const never = 1<<32 - 1

// newSightings returns room for about as many segments as a cache of that size
// has, at a 500th of its memory.
func newSightings(limit int64) sightings {
	return make(sightings, 1<<min(bits.Len64(uint64(limit)>>12), 20))
}

// add notes that a segment was seen, and returns how long ago it was before.
func (s sightings) add(hash uint64, now uint32) uint32 {
	place := &s[hash&uint64(len(s)-1)]
	before, mark := *place, uint32(hash>>32)
	known := before.time > 0 && before.mark == mark
	// Two that take turns at a place, in each scrape, must not go on like that.
	if known || before.time == 0 || since(before.time, now) > longestInterval || rand.Uint32()&1 == 0 {
		*place = sighting{mark, now}
	}
	if !known {
		return never
	}
	return since(before.time, now)
}
