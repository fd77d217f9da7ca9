package fennel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whoever shares a stripe under one dealing has one for itself under most others.
func TestGoroutinesAreDealtAnew(t *testing.T) {
	const stripes, goroutines, turns = 8, 32, 64
	var deals [turns]dealing
	for i := range turns - 1 {
		deals[i+1] = deals[i].anew()
	}
	var places [goroutines][turns]int
	var group, all sync.WaitGroup
	all.Add(goroutines)
	for g := range goroutines {
		group.Go(func() {
			all.Done()
			all.Wait() // so that each has a stack of its own
			for i, d := range deals {
				places[g][i] = d.stripe(stripes)
			}
		})
	}
	group.Wait()
	together := 0
	for a := range goroutines {
		for b := range a {
			n := 0
			for i := range turns {
				if places[a][i] == places[b][i] {
					n++
				}
			}
			if together += n; n > turns*2/3 {
				t.Errorf("goroutines %d and %d share a stripe under %d of %d dealings", a, b, n, turns)
			}
		}
	}
	pairs := goroutines * (goroutines - 1) / 2
	if share := float64(together) / float64(pairs*turns); share > 2.0/stripes {
		t.Errorf("two goroutines share one of %d stripes with a probability of %.2f", stripes, share)
	}
	for g, p := range places {
		for _, i := range p {
			if i < 0 || i >= stripes {
				t.Fatalf("goroutine %d has stripe %d of %d", g, i, stripes)
			}
		}
	}
}

func TestDealingTakesLongerEachTime(t *testing.T) {
	often := func(d dealing) (n int) {
		for range 1 << 20 {
			if d.due() {
				n++
			}
		}
		return n
	}
	first, late, later := often(dealing{}), often(dealing{turns: maxPatience}), often(dealing{turns: 1000})
	if want := 1 << 20 / collisionsToDeal; first < want*3/4 || first > want*5/4 {
		t.Errorf("%d times at first, want about %d", first, want)
	}
	if late > first/32 || later > first/32 || late == 0 || later == 0 {
		t.Errorf("%d times at first, then %d and %d", first, late, later)
	}
}

func TestStripesAreDealtAnewWhereUpdatesMeet(t *testing.T) {
	needProcessors(t)
	c := spreadCounter(new(Counter))
	first := c.extras.Load()
	word := &first.stripes[0].whole
	for range 10 * collisionsToDeal {
		c.extras.collided(word, newCounterStripe)
	}
	if c.extras.Load() != first {
		t.Error("dealt anew although nobody is there any more")
	}
	whileOthers(func() { word.Add(1) }, func() {
		for c.extras.Load() == first {
			c.extras.collided(word, newCounterStripe)
		}
	})
	x := c.extras.Load()
	if x.deal.turns == 0 || x.deal.salt == first.deal.salt || len(x.stripes) != len(first.stripes) || x.stripes[0] != first.stripes[0] {
		t.Errorf("%d stripes and then %d, dealt by %+v", len(first.stripes), len(x.stripes), x.deal)
	}
}

func TestNativeStripesAreDealtAnewWhereObserversMeet(t *testing.T) {
	h := newRecord(Native{})
	stripes := h.striped()
	h.Observe(1)
	for range 100 * collisionsToDeal {
		h.lockAny(stripes[0]).mu.Unlock()
	}
	x := h.stripes.Load()
	if x.deal.turns == 0 || len(x.list) != len(stripes) || x.list[0] != &h.first {
		t.Errorf("%d stripes and then %d, dealt by %+v", len(stripes), len(x.list), x.deal)
	}
	h.first.mu.Lock()
	h.grow() // as who has just missed that there are enough
	h.first.mu.Unlock()
	if got := h.stripes.Load(); got.deal != x.deal || len(got.list) != len(stripes) {
		t.Errorf("%d stripes, dealt by %+v, became %d, dealt by %+v", len(stripes), x.deal, len(got.list), got.deal)
	}
	if h.Observe(1); h.Count() != 2 {
		t.Errorf("%d observations, want 2", h.Count())
	}
}

// Goroutines that were kept apart stay so.
func TestResetKeepsTheDealing(t *testing.T) {
	h := spreadHistogram(NewHistogram("h", "", In(NewRegistry())))
	x := *h.extras.Load()
	x.deal = x.deal.anew()
	h.extras.Store(&x)
	h.Reset()
	if got := h.extras.Load().deal; got != x.deal {
		t.Errorf("dealt by %+v, want %+v", got, x.deal)
	}
}

// What is observed while stripes are added, and while the goroutines are dealt to
// them anew, is counted once.
func TestNothingIsLostWhileStripesAreAddedAndDealtAnew(t *testing.T) {
	needProcessors(t)
	const each = 20_000
	in := In(NewRegistry())
	c, h, s := NewCounter("c_total", "", in), NewHistogram("h", "", in, Buckets(1)), NewSummary("s", "", in)
	native := newRecord(Native{})
	var word atomic.Uint64
	var done atomic.Bool
	var group sync.WaitGroup
	group.Go(func() {
		for !done.Load() {
			word.Add(1)
			runtime.Gosched()
		}
	})
	group.Go(func() {
		for !done.Load() {
			c.extras.collided(&word, newCounterStripe)
			h.extras.collided(&word, h.newStripe)
			s.extras.collided(&word, newSummaryStripe)
			native.lockAny(&native.first).mu.Unlock()
		}
	})
	together(func(g int) {
		for range each {
			c.Inc()
			c.Add(0.5)
			h.Observe(1)
			h.ObserveDuration(2 * time.Second)
			s.Observe(1)
			s.ObserveDuration(2 * time.Second)
			native.Observe(1)
		}
	})
	done.Store(true)
	group.Wait()
	if c.Value() != 8*each*1.5 {
		t.Errorf("the counter has %v, want %v", c.Value(), 8*each*1.5)
	}
	if h.Count() != 16*each || h.Sum() != 24*each || s.Count() != 16*each || s.Sum() != 24*each {
		t.Errorf("%d and %d observations are %v and %v, want %d and %d", h.Count(), s.Count(), h.Sum(), s.Sum(), 16*each, 24*each)
	}
	if native.Count() != 8*each || native.Sum() != 8*each || native.Native().ZeroCount != 0 {
		t.Errorf("%d observations of 1 are %v", native.Count(), native.Sum())
	}
}
