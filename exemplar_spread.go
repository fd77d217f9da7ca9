package fennel

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/small"
)

// exemplarSpread keeps some of the exemplars of a histogram that has no buckets
// to keep one for each: such that they are recent, and their values far apart.
// Its memory is used again, so that an exemplar costs no allocation once it is
// full.
type exemplarSpread struct {
	mu   sync.Mutex       // held for as long as a text is copied
	list []placedExemplar // rising
}

const (
	maxSpread = 10
	// spreadAge is when an exemplar has to give way to any other.
	spreadAge = 5 * time.Minute
)

// placedExemplar is an exemplar and where its value lies on a logarithmic scale
// from negative over 0 to positive.
type placedExemplar struct {
	exemplar
	place float64
}

// placeOf returns the place of a value that is not NaN.
func placeOf(v float64) float64 {
	if v == 0 {
		return 0
	}
	// The smallest number lies at 2^-1074, and infinity one beyond the largest.
	return math.Copysign(min(math.Log2(math.Abs(v)), 1025)+1100, v)
}

// add keeps an exemplar, whose labels are checked, and reports whether their
// values had to be mended. It doesn't wait, as that of a slot doesn't.
func (s *exemplarSpread) add(labels []Label, value float64, now int64) (mended bool) {
	place := placeOf(value)
	if !s.mu.TryLock() {
		return false
	}
	defer s.mu.Unlock()
	var e placedExemplar
	if n := len(s.list); n < maxSpread {
		s.list = slices.Grow(s.list, maxSpread-n)
		e = s.list[:n+1][n] // for its memory: it may be from before clear
	} else {
		i := s.victim(place, now)
		e = s.list[i]
		s.list = slices.Delete(s.list, i, i+1)
	}
	mended = e.set(labels, value, now)
	e.place = place
	s.list = small.Insert(s.list, s.search(place), e)
	return mended
}

// search returns where an exemplar belongs.
func (s *exemplarSpread) search(place float64) int {
	i, _ := slices.BinarySearchFunc(s.list, place, func(e placedExemplar, place float64) int {
		if e.place <= place {
			return -1
		}
		return 1
	})
	return i
}

// victim returns which exemplar gives way to a new one: the oldest if that is too
// old, or else the older of the two, the new one among them, that are closest.
func (s *exemplarSpread) victim(place float64, now int64) int {
	oldest := 0
	for i := range s.list {
		if s.list[i].time < s.list[oldest].time {
			oldest = i
		}
	}
	if now-s.list[oldest].time > int64(spreadAge) {
		return oldest
	}
	victim, least := 0, math.Inf(1)
	for i := range s.list {
		if d := math.Abs(s.list[i].place - place); d < least {
			victim, least = i, d
		}
	}
	for i := range len(s.list) - 1 {
		if d := s.list[i+1].place - s.list[i].place; d < least {
			victim, least = i, d
			if s.list[i+1].time < s.list[i].time {
				victim = i + 1
			}
		}
	}
	return victim
}

// clear takes all exemplars away.
func (s *exemplarSpread) clear() {
	s.mu.Lock()
	s.list = s.list[:0]
	s.mu.Unlock()
}

// load adds the exemplars to a batch, in the order of their values.
func (s *exemplarSpread) load(b *sample.Batch, i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for j := range s.list {
		s.list[j].load(b, i, sample.NoBucket)
	}
}
