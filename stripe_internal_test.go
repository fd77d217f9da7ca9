package fennel

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// withProcessors runs f as on a machine with n processors.
func withProcessors(n int, f func()) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	f()
}

// spread gives a metric its stripes without luck: as many as 4 processors have.
func spread[S any](p *extras[S], add func() *S) {
	withProcessors(4, func() {
		for range 5 {
			p.grow(add)
		}
	})
}

func spreadCounter(c *Counter) *Counter       { spread(&c.extras, newCounterStripe); return c }
func spreadHistogram(h *Histogram) *Histogram { spread(&h.extras, h.newStripe); return h }
func spreadSummary(s *Summary) *Summary       { spread(&s.extras, newSummaryStripe); return s }

// needProcessors skips a test whose goroutines have to run at the same time.
func needProcessors(t *testing.T) {
	t.Helper()
	if min(runtime.NumCPU(), runtime.GOMAXPROCS(0)) < 2 {
		t.Skip("nobody is met on one processor")
	}
}

// whileOthers runs f while four goroutines do nothing but update.
func whileOthers(update, f func()) {
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					update()
				}
			}
		})
	}
	f()
	close(stop)
	group.Wait()
}

// together runs f in eight goroutines.
func together(f func(goroutine int)) {
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() { f(g) })
	}
	group.Wait()
}

func TestRecordsAreNoLargerThanTheyWere(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("pointers are smaller here")
	}
	if n := unsafe.Sizeof(Counter{}); n != 64 {
		t.Errorf("a counter has %d bytes", n)
	}
	if n := unsafe.Sizeof(Histogram{}); n != 64 {
		t.Errorf("a histogram has %d bytes", n)
	}
	if n := unsafe.Sizeof(Summary{}); n != 96 {
		t.Errorf("a summary has %d bytes", n)
	}
}

func TestNumberOfStripes(t *testing.T) {
	for processors, want := range map[int]int{1: 1, 2: 8, 3: 16, 4: 16, 6: 32, 8: 32, 16: 64, 32: 128, 64: 128, 200: 128} {
		withProcessors(processors, func() {
			var x extras[counterStripe]
			for range 10 {
				x.grow(newCounterStripe)
			}
			got := max(len(x.stripes()), 1)
			if got != want || mostStripes() != want {
				t.Errorf("%d processors: %d stripes of %d, want %d", processors, got, mostStripes(), want)
			}
		})
	}
}

func TestStripesComeWithCollisions(t *testing.T) {
	withProcessors(4, func() {
		var c Counter
		for range 100 * collisionsToProbe {
			c.extras.collided(&c.whole, newCounterStripe)
		}
		if n := len(c.extras.stripes()); n != 0 {
			t.Errorf("%d stripes although nobody is there any more", n)
		}
		whileOthers(func() { c.whole.Add(1) }, func() {
			for len(c.extras.stripes()) == 0 {
				c.extras.collided(&c.whole, newCounterStripe)
			}
		})
		if n := len(c.extras.stripes()); n != firstStripes {
			t.Errorf("%d stripes at first, want %d", n, firstStripes)
		}
	})
}

// What a duration meets somebody at are the nanoseconds, not the sum of numbers.
func TestStripesComeWithDurations(t *testing.T) {
	needProcessors(t)
	h := NewHistogram("h", "", In(NewRegistry()))
	s := new(Summary)
	for _, c := range []struct {
		name    string
		nanos   *atomic.Uint64
		observe func()
		stripes func() int
	}{
		{"histogram", h.nanos(), func() { h.observeSlow(1, 1, 1, 1e9) }, func() int { return len(h.extras.stripes()) }},
		{"summary", &s.nanos, func() { s.observeSlow(s.extras.Load(), 1, 1e9) }, func() int { return len(s.extras.stripes()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			withProcessors(2, func() {
				var done atomic.Bool
				var group sync.WaitGroup
				group.Go(func() {
					for !done.Load() {
						c.nanos.Add(1)
					}
				})
				for range 1 << 28 {
					if c.observe(); c.stripes() > 0 {
						break
					}
				}
				done.Store(true)
				group.Wait()
				if c.stripes() == 0 {
					t.Error("no stripes, although somebody is always there")
				}
			})
		})
	}
}

func TestQuietMetricsHaveNoStripes(t *testing.T) {
	reg := NewRegistry()
	c := NewCounter("c_total", "", In(reg))
	h := NewHistogram("h", "", In(reg))
	s := NewSummary("s", "", In(reg))
	for range 10_000 {
		c.Inc()
		c.Add(0.5)
		h.Observe(1)
		h.ObserveDuration(time.Second)
		s.Observe(1)
		s.ObserveDuration(time.Second)
	}
	if c.extras.Load() != nil || h.extras.Load() != nil || s.extras.Load() != nil {
		t.Error("a single goroutine collided with itself")
	}
}

func TestStripedCounterIsExact(t *testing.T) {
	reg := NewRegistry()
	c := spreadCounter(NewCounter("c_total", "", In(reg)))
	if n := len(c.extras.stripes()); n != 16 {
		t.Fatalf("%d stripes", n)
	}
	together(func(int) {
		for range 10_000 {
			c.Inc()
			c.AddUint(2)
			c.Add(4)
			c.Add(0.25)
		}
	})
	if got, want := c.Value(), 8*10_000*7.25; got != want {
		t.Errorf("value %v, want %v", got, want)
	}
	if got, ok := SampleValue(context.Background(), reg, "c_total"); !ok || got != c.Value() {
		t.Errorf("a scrape sees %v, want %v", got, c.Value())
	}
	if c.whole.Load() != 0 || c.part.Load() != 0 {
		t.Error("the record is written to although there are stripes")
	}
	c.Reset()
	if c.Value() != 0 {
		t.Errorf("value %v after Reset", c.Value())
	}
}

func TestCounterBeforeAndAfterItIsStriped(t *testing.T) {
	c := new(Counter)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20_000 {
				c.Inc()
				c.Add(0.5)
			}
		})
	}
	spreadCounter(c)
	group.Wait()
	if got := c.Value(); got != 8*20_000*1.5 {
		t.Errorf("value %v", got)
	}
}

func TestStripedCounterBeyondAnInteger(t *testing.T) {
	c := spreadCounter(new(Counter))
	together(func(int) { c.AddUint(1 << 63) })
	if got, want := c.Value(), math.Ldexp(1, 66); got != want {
		t.Errorf("value %v, want %v", got, want)
	}
	stripes := c.extras.stripes()
	stripes[0].whole.Store(math.MaxUint64)
	stripes[1].whole.Store(3)
	whole, part := addStripes(0, 0.5, []*counterStripe{stripes[0], stripes[1]})
	if whole != 2 || part < math.Ldexp(1, 64) {
		t.Errorf("2^64+2.5 is read as %d and %v", whole, part)
	}
}

func TestReadersOfStripesSeeCountersRise(t *testing.T) {
	c := spreadCounter(new(Counter))
	done := make(chan struct{})
	go func() {
		defer close(done)
		together(func(int) {
			for range 20_000 {
				c.Inc()
			}
		})
	}()
	for last, end := 0.0, false; !end; {
		select {
		case <-done:
			end = true
		default:
		}
		v := c.Value()
		if v < last {
			t.Fatalf("the counter fell from %v to %v", last, v)
		}
		last = v
	}
	if c.Value() != 160_000 {
		t.Errorf("value %v", c.Value())
	}
}

func TestExemplarsAndStripesLiveTogether(t *testing.T) {
	reg := NewRegistry()
	c := NewCounter("c_total", "", In(reg))
	h := NewHistogram("h", "", In(reg), Buckets(1, 2))
	c.IncWithExemplar(Label{"id", "first"})
	h.ObserveWithExemplar(1.5, Label{"id", "first"})
	spreadCounter(c)
	spreadHistogram(h)
	c.Inc()
	h.Observe(5)
	check := func(wantID string, wantCount float64) {
		t.Helper()
		families, err := reg.Gather(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, s := range f.Samples {
				if (f.Name == "c_total" || f.Name == "h") && (len(s.Exemplars) != 1 || s.Exemplars[0].Labels[0].Value != wantID) {
					t.Errorf("%s has the exemplars %v, want %s", f.Name, s.Exemplars, wantID)
				}
			}
		}
		if c.Value() != wantCount || float64(h.Count()) != wantCount {
			t.Errorf("counts %v and %v, want %v", c.Value(), h.Count(), wantCount)
		}
	}
	check("first", 2)
	c.IncWithExemplar(Label{"id", "second"})
	h.ObserveWithExemplar(1.5, Label{"id", "second"})
	check("second", 3)
	c.Reset()
	h.Reset()
	if c.extras.exemplars().text == nil || len(c.extras.exemplars().text) != 0 {
		t.Error("Reset leaves the exemplar")
	}
	// And the other way round.
	c, h = spreadCounter(new(Counter)), spreadHistogram(NewHistogram("g", "", In(reg), Buckets(1, 2)))
	c.IncWithExemplar(Label{"id", "x"})
	h.ObserveWithExemplar(1.5, Label{"id", "x"})
	if c.extras.exemplars() == nil || h.extras.exemplars() == nil || len(c.extras.stripes()) != 16 || len(h.extras.stripes()) != 16 {
		t.Error("an exemplar has cost the stripes, or the other way round")
	}
}

func TestStripedHistogramIsExact(t *testing.T) {
	reg := NewRegistry()
	h := spreadHistogram(NewHistogram("h", "", In(reg), Buckets(1, 2, 3)))
	together(func(int) {
		for range 5000 {
			h.Observe(0.5)
			h.ObserveN(1.5, 3)
			h.ObserveDuration(2500 * time.Millisecond)
			h.Observe(99)
		}
	})
	if got, want := h.appendCounts(nil), []uint64{40_000, 120_000, 40_000, 40_000}; !slices.Equal(got, want) {
		t.Errorf("counts %v, want %v", got, want)
	}
	if got, want := h.Sum(), 40_000*(0.5+4.5+2.5+99); got != want {
		t.Errorf("sum %v, want %v", got, want)
	}
	if h.Count() != 240_000 {
		t.Errorf("count %d", h.Count())
	}
	families, err := reg.Gather(t.Context())
	if err != nil || families[0].Samples[0].Sum != h.Sum() || families[0].Samples[0].Count != h.Count() {
		t.Errorf("a scrape sees %+v, error %v", families[0].Samples[0], err)
	}
	if h.sum.Load() != 0 || h.count(0).Load() != 0 || h.nanos().Load() != 0 {
		t.Error("the record is written to although there are stripes")
	}
	h.Observe(math.Inf(1))
	if !math.IsInf(h.Sum(), 1) {
		t.Errorf("sum %v", h.Sum())
	}
	h.Reset()
	if h.Sum() != 0 || h.Count() != 0 {
		t.Errorf("sum %v and count %d after Reset", h.Sum(), h.Count())
	}
}

func TestReadersOfStripesSeeWholeObservations(t *testing.T) {
	h := spreadHistogram(NewHistogram("h", "", In(NewRegistry())))
	s := spreadSummary(NewSummary("s", "", In(NewRegistry())))
	done := make(chan struct{})
	go func() {
		defer close(done)
		together(func(g int) {
			for range 20_000 {
				if g%2 == 0 {
					h.Observe(1)
					s.Observe(1)
				} else {
					h.ObserveDuration(time.Second)
					s.ObserveDuration(time.Second)
				}
			}
		})
	}()
	last := uint64(0)
	for end := false; !end; {
		select {
		case <-done:
			end = true
		default:
		}
		counts, sum := h.read(h.extras.Load(), nil)
		count := uint64(0)
		for _, n := range counts {
			count += n
		}
		if sum < float64(count) || count < last {
			t.Fatalf("%d observations, before %d, of 1 each are %v", count, last, sum)
		}
		last = count
		if count, sum := s.read(s.extras.Load()); sum < float64(count) {
			t.Fatalf("%d observations of 1 each are %v", count, sum)
		}
	}
	if h.Count() != 160_000 || h.Sum() != 160_000 || s.Count() != 160_000 || s.Sum() != 160_000 {
		t.Errorf("counts %d and %d, sums %v and %v", h.Count(), s.Count(), h.Sum(), s.Sum())
	}
}

func TestStripedSummaryIsExact(t *testing.T) {
	reg := NewRegistry()
	s := spreadSummary(NewSummary("s", "", In(reg), Quantiles(0.5)))
	together(func(int) {
		for range 5000 {
			s.Observe(2)
			s.ObserveDuration(3 * time.Second)
		}
	})
	if s.Count() != 80_000 || s.Sum() != 200_000 {
		t.Errorf("count %d, sum %v", s.Count(), s.Sum())
	}
	if q := s.Quantile(0.9); q != 3 {
		t.Errorf("0.9-quantile %v", q)
	}
	if s.sum.Load() != 0 || s.count.Load() != 0 {
		t.Error("the record is written to although there are stripes")
	}
	s.Reset()
	if s.Count() != 0 || s.Sum() != 0 {
		t.Errorf("count %d and sum %v after Reset", s.Count(), s.Sum())
	}
}

// Who meets somebody adds to the next stripe, all of it.
func TestObservationsEvadeAsAWhole(t *testing.T) {
	in := In(NewRegistry())
	h, s := spreadHistogram(NewHistogram("h", "", in)), spreadSummary(NewSummary("s", "", in))
	reset, single := NewHistogram("reset", "", in), NewSummary("single", "", in)
	reset.Reset()
	single.Reset()
	for range 2 {
		for _, h := range []*Histogram{h, reset} {
			h.observeSlow(1.5, 2, 3, 0)
			h.observeSlow(2, 1, 2, 2e9)
		}
		for _, s := range []*Summary{s, single} {
			s.observeSlow(s.extras.Load(), 3, 0)
			s.observeSlow(s.extras.Load(), 2, 2e9)
		}
	}
	if h.Count() != 6 || h.Sum() != 10 || reset.Count() != 6 || reset.Sum() != 10 {
		t.Errorf("%d and %d observations are %v and %v, want 6 and 10", h.Count(), reset.Count(), h.Sum(), reset.Sum())
	}
	if s.Count() != 4 || s.Sum() != 10 || single.Count() != 4 || single.Sum() != 10 {
		t.Errorf("%d and %d observations are %v and %v, want 4 and 10", s.Count(), single.Count(), s.Sum(), single.Sum())
	}
	if own := h.extras.Load().stripe(); own.sum.Load() != 0 || own.nanos.Load() != 0 {
		t.Error("an observation was added where it had met another one")
	}
	if own := s.extras.Load().stripe(); own.count.Load() != 0 || own.sum.Load() != 0 {
		t.Error("an observation was added where it had met another one")
	}
}
