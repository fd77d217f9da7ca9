package sketch

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// window is the length of the windows in these tests; an epoch is a second.
const window = epochs * time.Second

// count returns how many observations are in a window.
func count(w *Window) uint64 {
	var s Snapshot
	w.Load(&s)
	return s.Count()
}

func wantCount(t *testing.T, w *Window, want uint64) {
	t.Helper()
	if got := count(w); got != want {
		t.Errorf("%d observations in the window, want %d", got, want)
	}
}

func TestAnObservationStaysForTheWindowAndLeavesSoonAfter(t *testing.T) {
	for _, made := range []time.Duration{1, 500 * time.Millisecond, time.Second - 1, 17*time.Second + 1} {
		synctest.Test(t, func(t *testing.T) {
			w := NewWindow(NewClock(window))
			start := time.Now()
			time.Sleep(made)
			w.Add(3)
			time.Sleep(window)
			wantCount(t, w, 1)
			gone := made.Truncate(time.Second) + 5*time.Second // when its epoch and the window are over
			time.Sleep(gone - time.Since(start) - 1)
			wantCount(t, w, 1)
			time.Sleep(time.Nanosecond)
			wantCount(t, w, 0)
			if q := w.Quantile(0.5); !math.IsNaN(q) {
				t.Errorf("the median of an empty window is %v", q)
			}
		})
	}
}

// A window is compared with a list of all that was observed, through bursts and
// silence.
func TestWindowHoldsWhatTheModelHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(5, 6))
		w := NewWindow(NewClock(window))
		start := time.Now()
		epoch := func() int { return int(time.Since(start) / time.Second) }
		type observation struct {
			epoch int
			value float64
		}
		var all []observation
		time.Sleep(time.Nanosecond) // so that nothing happens exactly between two epochs
		for range 2000 {
			time.Sleep(time.Duration(random.ExpFloat64()*300) * time.Millisecond)
			if random.IntN(100) == 0 {
				time.Sleep(time.Duration(random.IntN(8)) * time.Second)
			}
			if random.IntN(3) > 0 {
				all = append(all, observation{epoch(), random.ExpFloat64()})
				w.Add(all[len(all)-1].value)
				continue
			}
			var want []float64
			for _, o := range all {
				if o.epoch+epochs >= epoch() {
					want = append(want, o.value)
				}
			}
			var s Snapshot
			w.Load(&s)
			checkEstimates(t, &s, want)
		}
	})
}

func TestMemoryOfWhatIsTooOldIsLetGo(t *testing.T) {
	parts := func(w *Window) (n int) {
		for p := w.newest.Load(); p != nil; p = p.older.Load() {
			n++
		}
		return n
	}
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(NewClock(window))
		time.Sleep(time.Nanosecond) // so that nothing happens exactly between two epochs
		for range 20 {
			w.Add(1)
			time.Sleep(time.Second)
			if n := parts(w); n > epochs+1 {
				t.Errorf("%d parts without a reader, want at most %d", n, epochs+1)
			}
		}
		time.Sleep(2 * time.Second) // a third one is the loop's last
		count(w)
		if n := parts(w); n != 2 {
			t.Errorf("%d parts in silence, want 2", n)
		}
		time.Sleep(time.Minute)
		count(w)
		if n := parts(w); n != 0 {
			t.Errorf("%d parts after a silence, want none", n)
		}
		w.Add(1)
		wantCount(t, w, 1)
	})
}

func TestTheClockStopsAfterAnEpochWithoutObservations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClock(window)
		a, b := NewWindow(c), NewWindow(c)
		wantEpoch := func(want uint64) {
			t.Helper()
			synctest.Wait()
			if got := c.epoch.Load(); got != want {
				t.Errorf("epoch %d, want %d", got, want)
			}
		}
		count(a) // who only reads doesn't set it
		wantEpoch(stopped)
		time.Sleep(1500 * time.Millisecond)
		a.Add(1)
		b.Add(2)
		wantEpoch(2)
		time.Sleep(499 * time.Millisecond)
		wantEpoch(2)
		time.Sleep(time.Millisecond)
		wantEpoch(stopped)
		wantCount(t, a, 1)
		wantEpoch(stopped)
		b.Add(2)
		wantEpoch(3)
		wantCount(t, b, 2)
		time.Sleep(time.Hour)
		wantEpoch(stopped)
	})
}

func TestAReaderDoesNotWaitForALateTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClock(window)
		w := NewWindow(c)
		w.Add(1)
		time.Sleep(5500 * time.Millisecond)
		synctest.Wait()
		c.epoch.Store(1) // as if the timer had not come
		w.Add(1)         // still counts as of then
		wantCount(t, w, 0)
		if e := c.epoch.Load(); e != stopped {
			t.Errorf("the clock is still in epoch %d", e)
		}
		w.Add(1)
		wantCount(t, w, 1)
		c.stop(1) // the timer comes at last
		if e := c.epoch.Load(); e != 6 {
			t.Errorf("a late timer has stopped epoch %d", e)
		}
	})
}

// Who leaves a testing/synctest bubble goes back or forth in time by years.
func TestTimeMayGoBack(t *testing.T) {
	c := NewClock(window)
	w := NewWindow(c)
	synctest.Test(t, func(t *testing.T) {
		w.Add(1)
		time.Sleep(100 * time.Second)
		w.Add(2)
		wantCount(t, w, 2) // it is still the first epoch: nothing is too old
	})
	w.Add(3)
	wantCount(t, w, 3)

	synctest.Test(t, func(t *testing.T) {
		c := NewClock(window)
		w := NewWindow(c)
		time.Sleep(10 * window)
		w.Add(1)
		c.stop(c.epoch.Load())
		c.start = c.start.Add(9 * window)
		w.Add(2)
		wantCount(t, w, 2)
		if e := c.epoch.Load(); e != 10*epochs+1 {
			t.Errorf("it is epoch %d again", e)
		}
	})
}

func TestWhoAddsTooLateAddsToNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(NewClock(window))
		w.Add(1)
		late := w.newest.Load()
		time.Sleep(2 * window)
		w.Add(1)
		late.Add(1)
		wantCount(t, w, 1)
	})
}

func TestAnewIsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(NewClock(window))
		for range 3 {
			w.Add(1)
			time.Sleep(time.Second)
		}
		old := w
		w = w.Anew().(*Window)
		wantCount(t, w, 0)
		wantCount(t, old, 3)
		w.Add(5)
		wantCount(t, w, 1)
		time.Sleep(2 * window)
		wantCount(t, w, 0)
	})
}

func TestShortWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(NewClock(1)) // an epoch is a nanosecond, not none
		w.Add(1)
		wantCount(t, w, 1)
		time.Sleep(epochs + 1)
		wantCount(t, w, 0)
		w = NewWindow(NewClock(epochs + 1)) // an epoch is two
		w.Add(1)
		time.Sleep(2*epochs + 1)
		wantCount(t, w, 1)
	})
}

func TestThereIsOnePartToAnEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(NewClock(window))
		first := w.turn()
		if w.turn() != first { // as who comes second does
			t.Error("the second observer of an epoch makes another part")
		}
		time.Sleep(time.Second + time.Nanosecond)
		synctest.Wait()
		if w.turn() == first {
			t.Error("the next epoch has the same part")
		}
	})
}

func TestNothingIsLostWhileEpochsChange(t *testing.T) {
	const workers, each = 8, 500
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock(window)
		windows := []*Window{NewWindow(clock), NewWindow(clock)}
		var observed [2]atomic.Uint64
		var wg sync.WaitGroup
		for id := range workers {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(id), 1))
				for range each {
					i := random.IntN(2)
					// All wake up at the same time as the timer now and then.
					time.Sleep(time.Duration(random.IntN(3)) * 5 * time.Millisecond)
					observed[i].Add(1)
					windows[i].Add(random.ExpFloat64())
				}
			})
		}
		wg.Go(func() {
			last := uint64(0)
			for range 100 {
				time.Sleep(25 * time.Millisecond)
				n := count(windows[0])
				if n < last {
					t.Errorf("%d observations after %d, and none is old", n, last)
				}
				last = n
			}
		})
		wg.Wait() // takes 2.5 seconds at least, and 4 at most but for a wonder
		for i, w := range windows {
			wantCount(t, w, observed[i].Load())
		}
	})
}

func TestObservingAndReadingDoNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(NewClock(window))
		w.Add(1)
		if n := testing.AllocsPerRun(100, func() { w.Add(1) }); n != 0 {
			t.Errorf("observing: %v allocations, want 0", n)
		}
		var s Snapshot
		w.Load(&s)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); w.Load(&s) }); n != 0 {
			t.Errorf("reading: %v allocations, want 0", n)
		}
	})
}

func BenchmarkWindowQuantiles(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	clock := NewClock(time.Hour)
	w := NewWindow(clock)
	for e := range uint64(epochs + 1) {
		p := &part{epoch: e}
		p.older.Store(w.newest.Load())
		w.newest.Store(p)
		for range 1000 {
			p.Add(0.05 * math.Exp(random.NormFloat64()))
		}
	}
	quantiles, dst := []float64{0.5, 0.9, 0.99}, make([]float64, 0, 3)
	b.ReportAllocs()
	for b.Loop() {
		dst = w.AppendQuantiles(dst[:0], quantiles)
	}
}
