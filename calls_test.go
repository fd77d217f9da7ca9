package fennel_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

// Callbacks are asked one behind the other, but those that are slow hold up the
// others only for a moment, and don't add up.
func TestSlowCallbacksHoldUpNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		for i := range 200 {
			fennel.NewGaugeFunc(fmt.Sprintf("slow%d", i), "", func() float64 { time.Sleep(time.Second); return 1 }, fennel.In(r))
		}
		var asked atomic.Int64
		fennel.NewGaugeFunc("zzz", "", func() float64 { asked.Store(time.Now().UnixNano()); return 1 }, fennel.In(r))
		start := time.Now()
		if got := len(gather(t, r)); got != 201 {
			t.Errorf("%d families", got)
		}
		if waited := time.Duration(asked.Load() - start.UnixNano()); waited > 20*time.Millisecond {
			t.Errorf("the last callback waited %v for the others", waited)
		}
		if took := time.Since(start); took > 1100*time.Millisecond {
			t.Errorf("the scrape took %v", took)
		}
	})
}

// Callbacks may even wait for each other.
func TestCallbacksThatMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		meet := make(chan float64)
		fennel.NewGaugeFunc("a", "", func() float64 { meet <- 1; return 1 }, fennel.In(r))
		fennel.NewGaugeFunc("b", "", func() float64 { return <-meet }, fennel.In(r))
		wantSamples(t, r, "a 1", "b 1")
	})
}

// One that ends its goroutine ends nobody else's turn.
func TestCallbacksThatEndTheirGoroutine(t *testing.T) {
	r := fennel.NewRegistry()
	for i := range 5 {
		fennel.NewGaugeFunc(fmt.Sprintf("exits%d", i), "", func() float64 { runtime.Goexit(); return 1 }, fennel.In(r))
		fennel.NewGaugeFunc(fmt.Sprintf("works%d", i), "", func() float64 { return 1 }, fennel.In(r))
	}
	families, errs := gatherPartial(t, r)
	if got := names(families); got != "works0 works1 works2 works3 works4" || len(errs) != 5 {
		t.Errorf("gathered %s, %v", got, errs)
	}
}

// Those whose turn doesn't come before the deadline are not blamed later.
func TestCallbacksBehindOneThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		release := make(chan struct{})
		fennel.NewGaugeFunc("hangs", "", func() float64 { <-release; return 1 }, fennel.In(r))
		var calls atomic.Int64
		fennel.NewGaugeFunc("works", "", func() float64 { calls.Add(1); return 1 }, fennel.In(r))
		for scrape := range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Microsecond)
			families, errs := gatherPartialUnder(ctx, t, r)
			cancel()
			want, wantErrs := "", []string{"collector hangs: late", "collector works: late"}
			if scrape >= 3 { // it is not called any more
				want, wantErrs = "works", []string{"collector hangs: not called"}
			}
			if got := names(families); got != want {
				t.Errorf("gathered %q, want %q", got, want)
			}
			wantErrors(t, errs, wantErrs...)
		}
		before := calls.Load()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if families, _ := gatherPartialUnder(ctx, t, r); names(families) != "works" || calls.Load() != before+1 {
			t.Errorf("with more time %q is gathered, after %d calls", names(families), calls.Load()-before)
		}
		close(release)
		synctest.Wait()
	})
}
