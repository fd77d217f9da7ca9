package fennel_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/fennelmetrics/fennel"
)

// What collectors write needs no memory that the scrape before has not used. What
// is left is for the scrape: the writers, what tells that all have returned, and
// for each collector what starts its goroutine. A callback has none of its own.
func TestCollectorsDoNotAllocateForSamples(t *testing.T) {
	if raceDetector {
		t.Skip("sync.Pool forgets at random under the race detector")
	}
	const n = 500
	const fixed = 4
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("%03d", i)
	}
	escaped := make([]string, n)
	for i := range escaped {
		escaped[i] = fmt.Sprintf("\"%03d\"\n", i)
	}
	names, now := fennel.LabelNames("a", "b"), time.Now()
	exemplar := fennel.Exemplar{Labels: []fennel.Label{{Name: "trace_id", Value: "x"}}, Value: 1, Time: now}
	native := &fennel.NativeHistogram{Schema: 3, Positive: []fennel.NativeBucket{{Index: 1, Count: 2}}}
	order := rand.Perm(n)
	counts, bounds, ranks, quantiles := []uint64{1, 2, 3}, []float64{1, 2}, []float64{.5, .9}, []float64{1, 2}
	states, on := []string{"x", "y"}, []string{"y"}
	for name, write := range map[string]func(w *fennel.Writer, i int){
		"counter": func(w *fennel.Writer, i int) { w.Counter("x_total", "", names).Write(float64(i), values[i], "b") },
		"no labels": func(w *fennel.Writer, i int) {
			if i == 0 {
				w.Gauge("x", "").Write(1)
			}
		},
		"escaped":          func(w *fennel.Writer, i int) { w.Gauge("x", "", names).Write(float64(i), escaped[i], "b") },
		"in another order": func(w *fennel.Writer, i int) { w.Gauge("x", "", names).Write(float64(i), values[order[i]], "b") },
		"in random order": func(w *fennel.Writer, i int) {
			if i == 0 {
				rand.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
			}
			w.Gauge("x", "", names).Write(float64(i), values[order[i]], "b")
		},
		"with a time and a start": func(w *fennel.Writer, i int) {
			w.Counter("x_total", "", names).At(now).Since(now).Write(float64(i), values[i], "b")
		},
		"with an exemplar": func(w *fennel.Writer, i int) {
			w.Counter("x_total", "", names).WithExemplar(exemplar).WriteUint(uint64(i), values[i], "b")
		},
		"histogram": func(w *fennel.Writer, i int) {
			w.Histogram("x", "", bounds, names).Write(fennel.HistogramValue{Counts: counts, Sum: float64(i)}, values[i], "b")
		},
		"native histogram": func(w *fennel.Writer, i int) {
			w.Histogram("x", "", nil, names).Write(fennel.HistogramValue{Native: native, Sum: float64(i)}, values[order[i]], "b")
		},
		"summary": func(w *fennel.Writer, i int) {
			w.Summary("x", "", ranks, names).Write(fennel.SummaryValue{Count: 1, Sum: float64(i), Quantiles: quantiles}, values[i], "b")
		},
		"stateset": func(w *fennel.Writer, i int) { w.StateSet("x", "", states, names).Write(on, values[i], "b") },
		"info":     func(w *fennel.Writer, i int) { w.Info("x_info", "", names).Write(values[i], "b") },
		"several families": func(w *fennel.Writer, i int) {
			w.Gauge([]string{"x", "y", "z"}[i%3], "", names).Write(float64(i), values[i], "b")
		},
	} {
		r := fennel.NewRegistry()
		register(t, r, func(w *fennel.Writer) error {
			for i := range n {
				write(w, i)
			}
			return nil
		})
		wantAllocs(t, name, r, fixed)
		wantAllocs(t, name+", through a view", through(t, write, n), fixed)
		wantAllocs(t, name+", merged", fennel.Merge(r), -1)
	}
}

// through returns a view through which a collector is registered that calls write.
func through(t *testing.T, write func(*fennel.Writer, int), n int) *fennel.Registry {
	v := fennel.NewRegistry().View("view_", label("shard", "3"))
	register(t, v, func(w *fennel.Writer) error {
		for i := range n {
			write(w, i)
		}
		return nil
	})
	return v
}

func TestCallbacksDoNotAllocateForSamples(t *testing.T) {
	if raceDetector {
		t.Skip("sync.Pool forgets at random under the race detector")
	}
	type numbered struct {
		Number int64  `label:"number"`
		OK     bool   `label:"ok"`
		Name   string `label:"name"`
	}
	const n = 500
	r := fennel.NewRegistry()
	fennel.NewGaugeFuncVec("x", "", func(yield func(numbered, float64) bool) {
		for i := range n {
			if !yield(numbered{int64(-i) << 40, i%2 == 0, "x"}, float64(i)) {
				return
			}
		}
	}, fennel.In(r))
	wantAllocs(t, "labels", r, 9)
	single := fennel.NewRegistry()
	for i := range n {
		fennel.NewGaugeFunc(fmt.Sprint("g", i), "", func() float64 { return float64(i) }, fennel.In(single))
	}
	wantAllocs(t, "single", single, 8)
}

// wantAllocs checks how many allocations a scrape takes, if there is a number to
// compare with.
func wantAllocs(t *testing.T, what string, g fennel.Gatherer, want float64) {
	t.Helper()
	ctx := t.Context()
	scrape := func() {
		if err := g.Visit(ctx, nil, discard{}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		scrape()
	}
	if n := testing.AllocsPerRun(10, scrape); n != want && want >= 0 || want < 0 && n > 30 {
		t.Errorf("%s: %v allocations, want %v", what, n, want)
	}
}

// A collector that is late goes on writing into memory that no other scrape gets.
func TestLateCollectorWritesIntoMemoryOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		release := make(chan struct{})
		late := false
		var mu sync.Mutex
		register(t, r, func(w *fennel.Writer) error {
			mu.Lock()
			wait := late
			mu.Unlock()
			g := w.Gauge("g", "", fennel.LabelNames("k"))
			for i := range 200 {
				if i == 100 && wait {
					<-release
				}
				value := float64(i)
				if wait {
					value = -1
				}
				g.Write(value, fmt.Sprint(i))
			}
			return nil
		})
		check := func() {
			t.Helper()
			samples := family(t, gather(t, r), "g").Samples
			for _, s := range samples {
				if fmt.Sprint(s.Value) != s.Label("k") {
					t.Fatalf("%q has the value %v", s.Label("k"), s.Value)
				}
			}
			if len(samples) != 200 {
				t.Errorf("%d samples", len(samples))
			}
		}
		check()
		check()
		setLate := func(v bool) { mu.Lock(); late = v; mu.Unlock() }
		setLate(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if families, errs := gatherPartialUnder(ctx, t, r); names(families) != "" || len(errs) != 1 {
			t.Errorf("the late scrape has %s, %v", names(families), errs)
		}
		setLate(false)
		check()
		close(release) // while others scrape
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 10 {
					check()
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		check()
	})
}

// A writer that is kept takes nothing after its scrape, though its memory is used
// again.
func TestKeptWriterTakesNothingLater(t *testing.T) {
	r := fennel.NewRegistry()
	var writer *fennel.Writer
	var gauge fennel.NumberWriter
	register(t, r, func(w *fennel.Writer) error {
		g := w.Gauge("g", "", fennel.LabelNames("k"))
		if writer != nil {
			gauge.Write(2, "kept")
			writer.Gauge("h", "").Write(3)
			writer.Gauge("g", "", fennel.LabelNames("k")).Write(4, "kept")
		}
		g.Write(1, "own")
		if writer == nil {
			writer, gauge = w, g
		}
		return nil
	})
	for range 3 {
		wantSamples(t, r, `g{k="own"} 1`)
		gauge.Write(2, "kept")
		writer.Gauge("g", "", fennel.LabelNames("k")).Write(4, "kept")
	}
}

// Buffers may be used again as soon as Write returns: fiber's are.
func TestCollectorMayReuseItsBuffers(t *testing.T) {
	r := fennel.NewRegistry()
	register(t, r, func(w *fennel.Writer) error {
		g := w.Gauge("g", "", fennel.LabelNames("k"))
		buf := []byte("....")
		for i := range 100 {
			copy(buf, fmt.Sprintf("%04d", i))
			g.Write(float64(i), unsafe.String(&buf[0], len(buf)))
		}
		return nil
	})
	for range 3 {
		for _, s := range family(t, gather(t, r), "g").Samples {
			if s.Label("k") != fmt.Sprintf("%04.0f", s.Value) {
				t.Errorf("%q has the value %v", s.Label("k"), s.Value)
			}
		}
	}
}

func TestCollectorThatFailsInTheMiddleIsExpectedAgain(t *testing.T) {
	r := fennel.NewRegistry()
	fail := false
	register(t, r, func(w *fennel.Writer) error {
		g := w.Gauge("g", "", fennel.LabelNames("k"))
		for i := range 3 {
			if g.Write(1, fmt.Sprint(i)); fail && i == 1 {
				panic("boom")
			}
		}
		return nil
	})
	all, some := []string{`g{k="0"} 1`, `g{k="1"} 1`, `g{k="2"} 1`}, []string{`g{k="0"} 1`, `g{k="1"} 1`}
	for range 3 {
		wantSamples(t, r, all...)
		fail = true
		if got, want := samplesPartial(t, r), strings.Join(some, "\n")+"\n"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		fail = false
	}
}
