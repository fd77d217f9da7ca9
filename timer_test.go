package fennel_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

// In a synctest bubble time passes only while all sleep, and exactly as long as
// they do.

func TestTimerSerial(t *testing.T) {
	const took = 1500 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		in := fennel.In(fennel.NewRegistry())
		h := fennel.NewHistogram("h", "", in)
		s := fennel.NewSummary("s", "", in)
		g := fennel.NewGauge("g", "", in)
		timers := []fennel.Timer{h.Timer(), s.Timer(), g.Timer()}
		time.Sleep(took)
		for _, timer := range timers {
			if d := timer.Stop(); d != took {
				t.Errorf("Stop() = %v, want %v", d, took)
			}
		}
		if h.Count() != 1 || h.Sum() != 1.5 || s.Count() != 1 || s.Sum() != 1.5 || g.Value() != 1.5 {
			t.Errorf("h %d, %v; s %d, %v; g %v; want 1.5 in each", h.Count(), h.Sum(), s.Count(), s.Sum(), g.Value())
		}
	})
}

func TestTimerTakesLaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := fennel.In(fennel.NewRegistry())
		h, g := fennel.NewHistogram("h", "", in), fennel.NewGauge("g", "", in)
		laps, last := h.Timer(), g.Timer()
		for range 3 {
			time.Sleep(time.Second)
			laps.Stop()
			last.Stop()
		}
		if h.Count() != 3 || h.Sum() != 1+2+3 || g.Value() != 3 {
			t.Errorf("laps %d, %v, gauge %v, want 3 laps, 6, and 3", h.Count(), h.Sum(), g.Value())
		}
	})
}

func TestTimerMeasuresWhatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fennel.NewHistogram("h", "", fennel.In(fennel.NewRegistry()))
		func() {
			defer func() { _ = recover() }()
			defer h.Timer().Stop()
			time.Sleep(time.Second)
			panic("timed")
		}()
		if h.Count() != 1 || h.Sum() != 1 {
			t.Errorf("count %d, sum %v, want 1, 1", h.Count(), h.Sum())
		}
	})
}

func TestTimerStopToReportsThereAndOnlyThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := fennel.In(fennel.NewRegistry())
		h, other := fennel.NewHistogram("h", "", in), fennel.NewSummary("s", "", in)
		free, bound := fennel.StartTimer(), h.Timer()
		time.Sleep(2 * time.Second)
		if d := free.StopTo(other); d != 2*time.Second {
			t.Errorf("StopTo = %v, want 2s", d)
		}
		bound.StopTo(other)
		if d := free.Stop(); d != 2*time.Second {
			t.Errorf("Stop() of a timer without a metric = %v, want 2s", d)
		}
		if h.Count() != 0 || other.Count() != 2 || other.Sum() != 4 {
			t.Errorf("h %d, other %d, %v; want 0, 2, 4", h.Count(), other.Count(), other.Sum())
		}
	})
}

func TestTimerConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fennel.NewHistogram("h", "", fennel.In(fennel.NewRegistry()))
		shared := h.Timer()
		var wg sync.WaitGroup
		for i := range workers {
			wg.Go(func() {
				own := h.Timer()
				time.Sleep(time.Duration(i) * time.Second)
				own.Stop()
				shared.Stop()
			})
		}
		wg.Wait()
		if h.Count() != 2*workers || h.Sum() != workers*(workers-1) {
			t.Errorf("count %d, sum %v", h.Count(), h.Sum())
		}
	})
}

func TestZeroTimerReportsNothing(t *testing.T) {
	var zero fennel.Timer
	h := fennel.NewHistogram("h", "", fennel.In(fennel.NewRegistry()))
	if d := zero.Stop(); d != 0 {
		t.Errorf("Stop() = %v, want 0", d)
	}
	if d := zero.StopTo(h); d != 0 || h.Count() != 0 {
		t.Errorf("StopTo = %v with %d observations, want none", d, h.Count())
	}
}

func TestTimerStopToNilHandles(t *testing.T) {
	timer := fennel.StartTimer()
	timer.StopTo((*fennel.Histogram)(nil))
	timer.StopTo((*fennel.Summary)(nil))
}

// A library that is handed no metrics at all has a nil Observer.
func TestTimerStopToNil(t *testing.T) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("StopTo(nil) panics: %v", p)
		}
	}()
	fennel.StartTimer().StopTo(nil)
}
