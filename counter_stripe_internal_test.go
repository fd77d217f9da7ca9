package fennel

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// scraped is what a scrape sees of a counter.
func scraped(c *Counter) (whole uint64, part float64, created int64) {
	var b sample.Batch
	loadCounters(nil, &b, []*series.Series{&c.series})
	return b.Whole[0], b.Values[0], b.Created[0]
}

func TestStripesGrowWhereAdditionsMeet(t *testing.T) {
	withProcessors(4, func() {
		var c Counter
		c.extras.grow(newCounterStripe)
		for range 100 * additionsToLook * collisionsToProbe {
			c.Inc()
		}
		if n := len(c.extras.stripes()); n != firstStripes {
			t.Errorf("%d stripes although nobody else is there, want %d", n, firstStripes)
		}
		updateAll := func() {
			for _, s := range c.extras.stripes() {
				s.whole.Add(1)
			}
		}
		whileOthers(updateAll, func() {
			for len(c.extras.stripes()) == firstStripes {
				c.look(c.extras.stripes()[0], false)
			}
		})
		if n := len(c.extras.stripes()); n != 2*firstStripes {
			t.Errorf("%d stripes, want %d", n, 2*firstStripes)
		}
	})
}

func TestNobodyLooksForMoreStripesThanThereMayBe(t *testing.T) {
	c := spreadCounter(new(Counter))
	stripes := c.extras.stripes()
	if len(stripes) != cap(stripes) {
		t.Errorf("%d stripes with room for %d", len(stripes), cap(stripes))
	}
	first := new(Counter)
	withProcessors(4, func() { first.extras.grow(newCounterStripe) })
	if n, room := len(first.extras.stripes()), cap(first.extras.stripes()); n != firstStripes || room != 2*n {
		t.Errorf("%d stripes at first with room for %d", n, room)
	}
}

func TestStripesCarry(t *testing.T) {
	for _, n := range []uint64{1, 15, 16, 77, 1 << 20, 1 << 63, math.MaxUint64} {
		for name, add := range map[string]func(c *Counter){
			"Inc":     (*Counter).Inc,
			"AddUint": func(c *Counter) { c.AddUint(n) },
			"Add":     func(c *Counter) { c.Add(float64(n)) },
		} {
			if name == "Inc" && n != 1 || name == "Add" && n == math.MaxUint64 {
				continue
			}
			c := spreadCounter(new(Counter))
			for _, s := range c.extras.stripes() {
				s.whole.Store(math.MaxUint64)
			}
			add(c)
			over := 16.0
			if n < 16 {
				over = 15
			}
			whole, part, _ := scraped(c)
			if whole != n-16 || part != math.Ldexp(over, 64) {
				t.Errorf("%s %d: 16 times 2^64-1 and that is read as %d and %v", name, n, whole, part)
			}
			if got, want := c.Value(), float64(whole)+part; got != want {
				t.Errorf("%s %d: value %v, want %v", name, n, got, want)
			}
		}
	}
}

func TestZerosAreNothingToAStripe(t *testing.T) {
	c := spreadCounter(new(Counter))
	c.AddUint(0)
	c.Add(0)
	c.Add(math.Copysign(0, -1))
	if whole, part, _ := scraped(c); whole != 0 || part != 0 {
		t.Errorf("%d and %v", whole, part)
	}
}

func TestStripedUpdatesDoNotAllocate(t *testing.T) {
	c := spreadCounter(new(Counter))
	for name, update := range map[string]func(){
		"Inc":           c.Inc,
		"Add, fraction": func() { c.Add(0.5) },
		"AddUint":       func() { c.AddUint(1000) },
		"Value":         func() { c.Value() },
		"Reset":         c.Reset,
	} {
		if n := testing.AllocsPerRun(1000, update); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func TestReadersWaitForAReset(t *testing.T) {
	for name, read := range map[string]func(*Counter) (uint64, int64){
		"Value":    func(c *Counter) (uint64, int64) { return uint64(c.Value()), c.Created().UnixNano() },
		"a scrape": func(c *Counter) (uint64, int64) { whole, _, created := scraped(c); return whole, created },
	} {
		c := new(Counter)
		c.AddUint(5)
		c.created.Store(resetting)
		var group sync.WaitGroup
		group.Go(func() {
			if whole, created := read(c); whole != 0 || created != 7 {
				t.Errorf("%s: %d since %d in the middle of a reset", name, whole, created)
			}
		})
		for range 100 {
			runtime.Gosched()
		}
		c.whole.Store(0)
		c.created.Store(7)
		group.Wait()
	}
}

func TestUpdatesWaitForNoReset(t *testing.T) {
	for _, c := range []*Counter{new(Counter), spreadCounter(new(Counter))} {
		c.created.Store(resetting)
		c.Inc()
		c.Add(0.5)
		c.AddUint(3)
		c.created.Store(7)
		if got := c.Value(); got != 4.5 {
			t.Errorf("value %v, want 4.5", got)
		}
	}
}

// A counter falls only if it says that it counts anew.
func TestReadersSeeResetsAsAWhole(t *testing.T) {
	for name, c := range map[string]*Counter{"quiet": new(Counter), "striped": spreadCounter(new(Counter))} {
		stop := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c.Add(0.5)
				c.Inc()
				for _, s := range c.extras.stripes() {
					s.whole.Add(1)
				}
				c.Reset()
				// The next one is at another time, however coarse the clock is.
				for last := c.created.Load(); time.Now().UnixNano() == last; {
					runtime.Gosched()
				}
			}
		})
		last, since := 0.0, int64(0)
		for range 100_000 {
			whole, part, created := scraped(c)
			if v := float64(whole) + part; v < last && created == since {
				t.Errorf("%s: fell from %v to %v within one life", name, last, v)
				break
			} else if created < since {
				t.Errorf("%s: began to count at %d and then at %d", name, since, created)
				break
			} else {
				last, since = v, created
			}
		}
		close(stop)
		group.Wait()
	}
}

func TestResetWaitsForAReset(t *testing.T) {
	c := new(Counter)
	c.AddUint(5)
	c.created.Store(resetting)
	var group sync.WaitGroup
	group.Go(c.Reset)
	for range 100 {
		runtime.Gosched()
	}
	if v := c.whole.Load(); v != 5 {
		t.Errorf("%d in the middle of another reset, want 5", v)
	}
	c.created.Store(7)
	group.Wait()
	if c.Value() != 0 || c.created.Load() == 7 {
		t.Errorf("value %v since %v", c.Value(), c.Created())
	}
}

func TestResetsAtTheSameTime(t *testing.T) {
	c := spreadCounter(new(Counter))
	together(func(int) {
		for range 1000 {
			c.Inc()
			c.Reset()
		}
	})
	if c.Value() != 0 || c.Created().IsZero() || c.created.Load() == resetting {
		t.Errorf("value %v since %v", c.Value(), c.Created())
	}
}
