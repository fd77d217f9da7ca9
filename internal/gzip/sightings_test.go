package gzip

import (
	"math/rand/v2"
	"testing"
)

func TestSightings(t *testing.T) {
	s := newSightings(1 << 20)
	for i, step := range []struct {
		hash uint64
		now  uint32
		want uint32
	}{
		{1, 1, never},
		{1, 1, 0},
		{1, 5, 4},
		{2, 7, never},
		{1, 9, 4},
		{1, 8, 0},                               // of a body that began before that
		{1 | 1<<20, 9 + longestInterval, never}, // in the place of one that is too old
		{1 | 1<<20, 10 + longestInterval, 1},
		{1, 10 + longestInterval, never},
	} {
		if got := s.add(step.hash, step.now); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
}

func TestSegmentsThatShareAPlaceAreAllSeen(t *testing.T) {
	s := newSightings(1)
	seen := make(map[uint64]bool)
	for now := uint32(1); len(seen) < 3; now++ {
		if now > 1000 {
			t.Fatalf("%d of 3 are seen", len(seen))
		}
		for h := range uint64(3) {
			if s.add(h, now) != never {
				seen[h] = true
			}
		}
	}
}

func TestSightingsOutliveGrowth(t *testing.T) {
	s := newSightings(32 << 20)
	for h := range uint64(4000) {
		if got := s.add(h, 5); got != never {
			t.Fatalf("%d of 4000 was seen %d s ago", h, got)
		}
	}
	for h := range uint64(4000) {
		if got := s.add(h, 7); got != 2 {
			t.Fatalf("%d of 4000 was seen %d s ago, want 2", h, got)
		}
	}
}

func TestHardlyAnySightingsMeet(t *testing.T) {
	s := newSightings(32 << 20)
	const segments = 4000
	seen := 0
	for now := range uint32(2) {
		r := rand.New(rand.NewPCG(1, 2))
		for range segments {
			if s.add(r.Uint64(), 5+now) != never {
				seen++
			}
		}
	}
	if seen < segments*8/10 || seen > segments*11/10 {
		t.Errorf("%d of %d segments are known when they come again", seen, segments)
	}
}

func TestSightingsTakeLittle(t *testing.T) {
	for _, limit := range []int64{1, 5000, 32 << 20, 1 << 62} {
		s := newSightings(limit)
		for few := range uint64(2) {
			s.add(few, 1)
		}
		if n := len(s.places); n > fewestPlaces {
			t.Errorf("%d places for 2 sightings", n)
		}
		for h := range uint64(min(1<<21, limit)) {
			s.add(h*0x9e3779b97f4a7c15, 1)
		}
		if n := len(s.places); n&(n-1) != 0 || int64(n)*8 > max(8, limit/100) {
			t.Errorf("%d sightings for %d bytes", n, limit)
		}
		s.add(1<<64-1, 1) // fits
	}
}
