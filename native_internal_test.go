package fennel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fennelmetrics/fennel/internal/sample"
)

func newRecord(option Native, opts ...HistogramOption) *nativeRecord {
	return NewHistogram("h", "", append(opts, option, In(NewRegistry()))...).native()
}

// striped gives a histogram all the stripes that it may have.
func (h *nativeRecord) striped() []*stripe {
	h.first.mu.Lock()
	defer h.first.mu.Unlock()
	for range 10 {
		h.grow()
	}
	return h.stripes.Load().list
}

func (h *nativeRecord) put(s *stripe, values ...float64) {
	for _, v := range values {
		s.observe(h, v, 1, 0)
	}
}

func (h *nativeRecord) reading(now int64) (counts []uint64, sum float64, n sample.Native) {
	var r nativeReading
	counts = h.read(&r, nil, &n, now)
	return counts, r.sum, n
}

func TestStripesAreAddedWhenObserversMeet(t *testing.T) {
	h := newRecord(Native{})
	for range missesToGrow {
		h.Observe(1)
	}
	if h.stripes.Load() != nil {
		t.Fatal("there are stripes without contention")
	}
	for range missesToGrow - 1 {
		h.lockAny(&h.first).mu.Unlock()
	}
	h.Count() // a reader lets the count of those begin anew
	for range missesToGrow - 1 {
		h.lockAny(&h.first).mu.Unlock()
	}
	if h.stripes.Load() != nil {
		t.Fatal("there are stripes after a few meetings between scrapes")
	}
	for range 100 * missesToGrow {
		h.lockAny(&h.first).mu.Unlock()
	}
	if n, most := len(h.stripes.Load().list), min(2*runtime.GOMAXPROCS(0), maxNativeStripes); n != most {
		t.Errorf("%d stripes, want %d", n, most)
	}
	if h.Count() != missesToGrow {
		t.Errorf("%d observations, want %d", h.Count(), missesToGrow)
	}
}

func TestObserverTakesAStripeThatIsFree(t *testing.T) {
	h := newRecord(Native{})
	stripes := h.striped()
	for _, free := range stripes {
		var taken *stripe
		for _, s := range stripes {
			if s != free {
				s.mu.Lock()
				taken = s
			}
		}
		if got := h.lockAny(taken); got != free {
			t.Error("not the stripe that is free")
		}
		unlock(stripes)
	}
}

func TestStripesAreReadAsOne(t *testing.T) {
	h := newRecord(Native{Factor: 2, MaxBuckets: 4, MinReset: 1}, Buckets(3))
	stripes := h.striped()
	h.put(stripes[0], 1, 2, 4)
	h.put(stripes[1], 1, 8, -8)
	counts, sum, n := h.reading(0)
	if counts[0] != 4 || counts[1] != 2 || sum != 8 || n.Total() != 6 || n.Schema != -1 || len(n.Positive) != 3 || len(n.Negative) != 1 {
		t.Errorf("read %v, %v, %+v", counts, sum, n)
	}
	if h.Sum() != sum {
		t.Errorf("the sum is %v, was %v", h.Sum(), sum)
	}
	now := h.since + 1
	if counts, _, n = h.reading(now); n.Total() != 6 || counts[0] != 4 {
		t.Errorf("read %v, %+v when it was due", counts, n)
	}
	if counts, sum, n = h.reading(now); n.Total() != 0 || counts[0] != 0 || counts[1] != 0 || sum != 0 || n.Schema != 0 || h.since != now {
		t.Errorf("read %v, %v, %+v after the reset", counts, sum, n)
	}
}

// What all have together is limited, too, and having been shown coarse it isn't
// shown finer later.
func TestWhatWasShownCoarseStaysCoarse(t *testing.T) {
	h := newRecord(Native{Factor: 2, MaxBuckets: 2, MaxZeroThreshold: 2, Only: true})
	stripes := h.striped()
	h.put(stripes[0], 1, 4)
	h.put(stripes[1], 64, 256)
	_, _, n := h.reading(0)
	if len(n.Positive) > 2 || n.Schema == 0 || n.ZeroThreshold != 1 || n.ZeroCount != 1 || n.Total() != 4 {
		t.Errorf("read %+v", n)
	}
	first := &stripes[0].buckets
	if first.Schema() != int(n.Schema) || first.Threshold() != n.ZeroThreshold {
		t.Errorf("the first stripe has schema %d and threshold %v, shown were %d and %v",
			first.Schema(), first.Threshold(), n.Schema, n.ZeroThreshold)
	}
	if late := h.newStripe(); late.buckets.Schema() != int(n.Schema) {
		t.Errorf("a new stripe has schema %d, shown was %d", late.buckets.Schema(), n.Schema)
	}
}

func TestReadingStripesDoesNotAllocate(t *testing.T) {
	h := newRecord(Native{})
	stripes := h.striped()
	for v := 0.001; v < 1000; v *= 1.1 {
		for _, s := range stripes {
			h.put(s, v)
		}
	}
	var r nativeReading
	var n sample.Native
	counts := h.read(&r, nil, &n, 0)
	if allocs := testing.AllocsPerRun(10, func() { counts = h.read(&r, counts[:0], &n, 0) }); allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}

// TestResetsOfStripesLoseNothing scrapes over and over, with a reset each time,
// while all stripes are observed.
func TestResetsOfStripesLoseNothing(t *testing.T) {
	const scrapes = 2000
	h := newRecord(Native{Factor: 2, MaxBuckets: 1, MinReset: 1})
	stripes := h.striped()
	done := make(chan struct{})
	var made atomic.Uint64
	var observers sync.WaitGroup
	for _, s := range stripes {
		observers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				s.mu.Lock()
				s.observe(h, float64(i%50+1), 1, 0)
				s.mu.Unlock()
				made.Add(1)
				if i%64 == 0 {
					runtime.Gosched() // or the scraper hardly ever gets a lock
				}
			}
		})
	}
	seen, resets := uint64(0), 0
	for range scrapes {
		before := h.began()
		_, _, n := h.reading(before + 1)
		if h.began() != before {
			seen += n.Total()
			resets++
		}
		runtime.Gosched()
	}
	close(done)
	observers.Wait()
	_, _, n := h.reading(0)
	if seen += n.Total(); seen != made.Load() || resets == 0 {
		t.Errorf("%d observations were read, with %d resets, want %d", seen, resets, made.Load())
	}
}

// Observers on all stripes, resets by scrapers and by the program: under -race.
func TestStripesConcurrent(t *testing.T) {
	h := newRecord(Native{MaxBuckets: 3, MinReset: 1})
	h.striped()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 3000 {
				h.ObserveWithExemplar(float64(i%50), Label{"a", "b"})
			}
		})
	}
	wg.Go(func() {
		for i := range int64(300) {
			counts, _, n := h.reading(h.began() + i%2)
			total := uint64(0)
			for _, c := range counts {
				total += c
			}
			if total != n.Total() {
				t.Errorf("%d classic, %d native", total, n.Total())
			}
		}
	})
	wg.Go(func() {
		for range 100 {
			h.Reset()
		}
	})
	wg.Wait()
}
