package fennel_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

func TestCollectorErrorCostsOnlyItsOwnPart(t *testing.T) {
	boom := errors.New("boom")
	for name, end := range map[string]func() error{
		"error":          func() error { return boom },
		"panic":          func() error { panic("boom") },
		"error as panic": func() error { panic(boom) },
		"runtime panic":  func() error { return []error{}[len("boom")] },
	} {
		t.Run(name, func(t *testing.T) {
			r, log := newLogged()
			fennel.NewGauge("stored", "", fennel.In(r)).Set(1)
			register(t, r, func(w *fennel.Writer) error { w.Gauge("healthy", "").Write(2); return nil })
			register(t, r, func(w *fennel.Writer) error {
				w.Gauge("partial", "").Write(3)
				return end()
			})
			families, errs := gatherPartial(t, r)
			if got := names(families); got != "healthy partial stored" {
				t.Errorf("gathered %q", got)
			}
			if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), "collector fennel.CollectorFunc: ") {
				t.Fatalf("%d errors: %v", len(errs), errs)
			}
			if name == "error" && !errors.Is(errs[0], boom) {
				t.Error("the collector's error is not found in the gatherer's")
			}
			if len(log.lines) != 1 || !strings.Contains(log.lines[0], "ERROR collector failed collector=fennel.CollectorFunc error=") {
				t.Errorf("logged: %q", log.lines)
			}
			if got := own(t, r, "fennel_collector_errors_total", "fennel.CollectorFunc"); got != 2 {
				t.Errorf("after two scrapes %v errors are counted", got)
			}
		})
	}
}

// A panic's stack is in the log, so that it can be mended, and not in the error,
// which may be shown to others.
func TestCollectorPanicIsReportedOnceWithItsStackInTheLog(t *testing.T) {
	boom := errors.New("boom")
	var log strings.Builder
	r := fennel.NewRegistry(fennel.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	register(t, r, func(*fennel.Writer) error { panic(boom) })
	_, errs := gatherPartial(t, r)
	wantErrors(t, errs, "panic: boom")
	if text := errs[0].Error(); strings.Count(text, "boom") != 1 || strings.Contains(text, "collect_test.go") {
		t.Errorf("the error is:\n%s", text)
	}
	if !strings.Contains(log.String(), "collect_test.go") {
		t.Errorf("no stack in the log:\n%s", &log)
	}
}

func TestCollectorPanicWithAnErrorCanBeUnwrapped(t *testing.T) {
	boom := errors.New("boom")
	r := fennel.NewRegistry()
	register(t, r, func(*fennel.Writer) error { panic(boom) })
	if _, err := r.Gather(t.Context()); !errors.Is(err, boom) {
		t.Errorf("errors.Is doesn't find the error that the collector panicked with: %.100v", err)
	}
}

// A collector that ends its goroutine, as t.FailNow does, has failed.
func TestCollectorGoexitIsAnError(t *testing.T) {
	r := fennel.NewRegistry()
	register(t, r, func(w *fennel.Writer) error {
		w.Gauge("g", "").Write(1)
		exit()
		return nil
	})
	families, errs := gatherPartial(t, r)
	if names(families) != "g" || len(errs) != 1 {
		t.Errorf("gathered %q with errors %v, want g and one error", names(families), errs)
	}
}

func TestCollectorsPanicsAreIsolatedInRestrictions(t *testing.T) {
	r := oneOfEach(t)
	register(t, r, func(*fennel.Writer) error { panic("boom") })
	families, errs := gatherPartial(t, fennel.Only(fennel.Only(r, "phase", "x"), "phase"))
	if names(families) != "phase" || len(errs) != 1 {
		t.Errorf("gathered %q with errors %v", names(families), errs)
	}
}

func TestCollectorsRunInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails at once if all wait for each other
		r := fennel.NewRegistry()
		ping, pong := make(chan int), make(chan int)
		register(t, r, func(w *fennel.Writer) error {
			ping <- 1
			w.Gauge("a", "").Write(float64(<-pong))
			return nil
		})
		register(t, r, func(w *fennel.Writer) error {
			w.Gauge("b", "").Write(float64(<-ping))
			pong <- 2
			return nil
		})
		wantSamples(t, r, "a 2", "b 1")
	})
}

func TestCollectorGetsTheContext(t *testing.T) {
	type key struct{}
	r := fennel.NewRegistry()
	r.MustRegister(fennel.CollectorFunc(func(ctx context.Context, w *fennel.Writer) error {
		w.Gauge("g", "").Write(ctx.Value(key{}).(float64))
		return nil
	}))
	families, err := r.Gather(context.WithValue(t.Context(), key{}, 42.0))
	if err != nil || families[0].Samples[0].Value != 42 {
		t.Errorf("gathered %v, %v", families, err)
	}
}

func TestCollectorIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		r.MustRegister(fennel.CollectorFunc(func(ctx context.Context, w *fennel.Writer) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Gather(ctx)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Gather: %v", err)
		}
	})
}

// A collector that is late, and doesn't heed its context, must not hold the
// rest up beyond the deadline.
func TestLateCollectorCostsOnlyItsOwnPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		release := make(chan struct{})
		register(t, r, func(w *fennel.Writer) error {
			g := w.Gauge("late", "")
			<-release
			g.Write(1)
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var err error
		returned := false
		go func() { _, err = r.Gather(ctx); returned = true }()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !returned {
			t.Error("a second after its deadline the scrape still waits for the collector")
		} else if err == nil {
			t.Error("the scrape does not say that something is missing")
		}
		close(release)
		synctest.Wait()
	})
}

// What is late costs its own part; the rest is served before the deadline, and
// the error says so. What a collector has written that heeds its context belongs
// to the rest.
func TestLateCollectorLeavesTimeForTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		fennel.NewGauge("stored", "", fennel.In(r)).Set(1)
		r.MustRegister(fennel.CollectorFunc(func(ctx context.Context, w *fennel.Writer) error {
			w.Gauge("heeds", "").Write(1)
			<-ctx.Done()
			return ctx.Err()
		}))
		release := make(chan struct{})
		register(t, r, func(w *fennel.Writer) error { <-release; w.Gauge("late", "").Write(1); return nil })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begun := time.Now()
		families, errs := gatherPartialUnder(ctx, t, r)
		if took := time.Since(begun); took != 9500*time.Millisecond {
			t.Errorf("the scrape took %v of the 10s", took)
		}
		if got := names(families); got != "heeds stored" {
			t.Errorf("families %q, want what is stored and what was written in time", got)
		}
		if len(errs) == 0 || !errors.Is(errs[len(errs)-1], context.DeadlineExceeded) {
			t.Errorf("errors: %v", errs)
		}
		close(release)
		synctest.Wait()
	})
}

func exit() { runtime.Goexit() }

// Between scrapes memory is kept for the next one, and with it what was written, but
// not for long if it is much: an exporter with a million series would hold them all
// twice.
func TestScrapeDoesNotKeepMuchOfWhatCollectorsWrote(t *testing.T) {
	const size = 32 << 20
	value := strings.Repeat("x", size)
	r := fennel.NewRegistry()
	register(t, r, func(w *fennel.Writer) error {
		w.Gauge("g", "", fennel.LabelNames("k")).Write(1, value)
		return nil
	})
	before := heapInUse()
	if err := r.Visit(t.Context(), nil, discard{}); err != nil {
		t.Fatal(err)
	}
	if after := heapInUse(); after > before+size/2 {
		t.Errorf("after the scrape of %d MB, %d MB are still in use", size>>20, (after-before)>>20)
	}
	runtime.KeepAlive(r)
	runtime.KeepAlive(value)
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // what is in pools goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
