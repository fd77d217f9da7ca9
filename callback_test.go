package fennel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

func TestCallbackIsAskedByEachScrapeThatWantsIt(t *testing.T) {
	r := fennel.NewRegistry()
	calls := 0
	fennel.NewCounterFunc("calls_total", "", func() float64 { calls++; return float64(calls) }, fennel.In(r))
	fennel.NewGauge("other", "", fennel.In(r))
	wantSamples(t, r, "calls_total 1", "other 0")
	wantSamples(t, fennel.Only(r, "other"), "other 0")
	wantSamples(t, fennel.Only(r, "calls"), "calls_total 2")
	wantSamples(t, fennel.Only(r, "calls_created"), "calls_total 3")
	wantSamples(t, r, "calls_total 4", "other 0")
}

func TestCallbackThatFailsCostsOnlyItself(t *testing.T) {
	r, log := newLogged()
	in := fennel.In(r)
	lost := errors.New("lost")
	fennel.NewGaugeFunc("panics", "", func() float64 { panic(lost) }, in)
	fennel.NewGaugeFunc("exits", "", func() float64 { runtime.Goexit(); return 0 }, in)
	fennel.NewGaugeFuncVec("panics_later", "", func(yield func(string, float64) bool) {
		yield("a", 1)
		panic("no more")
	}, in, fennel.LabelNames("k"))
	fennel.NewGaugeFunc("works", "", func() float64 { return 1 }, in)
	for scrape := range 2 {
		families, errs := gatherPartial(t, r)
		wantErrors(t, errs, "collector panics: panic: lost", "collector exits: it ended its goroutine", "collector panics_later: panic: no more")
		if !errors.Is(errs[0], lost) {
			t.Errorf("%v doesn't wrap the panic", errs[0])
		}
		// What it had written is served.
		if got := names(families); got != "panics_later works" {
			t.Errorf("gathered %q", got)
		}
		if len(log.lines) != 3*(scrape+1) || !strings.Contains(log.lines[0], "collector=panics error=panic: lost stack=") {
			t.Errorf("logged: %q", log.lines)
		}
	}
	if got := own(t, r, "fennel_collector_errors_total", "panics"); got != 3 {
		t.Errorf("%v errors counted in three scrapes", got)
	}
}

func TestCallbackThatIsLateCostsOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		release := make(chan struct{})
		var calls atomic.Int32
		fennel.NewGaugeFunc("late", "", func() float64 { calls.Add(1); <-release; return 1 }, fennel.In(r))
		fennel.NewGaugeFunc("works", "", func() float64 { return 1 }, fennel.In(r))
		for scrape := range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			families, errs := gatherPartialUnder(ctx, t, r)
			cancel()
			if names(families) != "works" {
				t.Errorf("gathered %q", names(families))
			}
			want := "collector late: late: "
			if scrape >= 3 {
				want = "collector late: not called: it is still busy with 3 scrapes"
			}
			wantErrors(t, errs, want)
		}
		if calls.Load() != 3 {
			t.Errorf("it was called %d times", calls.Load())
		}
		close(release)
		synctest.Wait()
		wantSamples(t, r, "late 1", "works 1")
	})
}

// An iterator isn't asked to go on when nobody waits for what it has.
func TestCallbackStopsWhenItsScrapeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		yielded := 0
		fennel.NewGaugeFuncVec("endless", "", func(yield func(int, float64) bool) {
			for i := 0; yield(i, 1); i++ {
				yielded++
				time.Sleep(time.Millisecond)
			}
		}, fennel.In(r), fennel.LabelNames("k"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, errs := gatherPartialUnder(ctx, t, r)
		synctest.Wait()
		time.Sleep(time.Minute)
		if len(errs) != 1 || yielded > 1000 {
			t.Errorf("%d samples yielded, errors %v", yielded, errs)
		}
	})
}

func TestCallbackIsNotForTwoFunctions(t *testing.T) {
	r := fennel.NewRegistry()
	in, zero := fennel.In(r), always(0.0)
	shard := func(value string) fennel.Option { return fennel.ConstLabels(label("shard", value)) }
	fennel.NewGauge("stored", "", in)
	fennel.NewHistogram("histogram", "", in)
	r.MustRegister(&described{descs: []fennel.Desc{{Name: "announced", Type: fennel.TypeGauge}}})
	first := fennel.NewGaugeFunc("g", "Help.", zero, in, shard("1"))
	fennel.NewGaugeFunc("g", "Help.", always(2.0), in, shard("2"))
	for _, tt := range []struct {
		metric  string
		declare func()
		part    string
	}{
		{"g", func() { fennel.NewGaugeFunc("g", "Help.", zero, in, shard("1")) }, "two functions can't be one metric: declare it once, tell the two apart by ConstLabels, or Unregister"},
		{"g", func() { fennel.NewGaugeFunc("g", "Another.", zero, in, shard("3")) }, "they differ in help"},
		{"g", func() { fennel.NewUnknownFunc("g", "Help.", zero, in, shard("3")) }, "they differ in type"},
		{"g", func() { fennel.NewGaugeFunc("g", "Help.", zero, in) }, "they differ in labels"},
		{"g", func() { fennel.NewGaugeFuncVec("g", "Help.", one("", 0.0), in, shard("3"), fennel.LabelNames("k")) }, "they differ in labels"},
		{"g", func() { fennel.NewGauge("g", "Help.", in, shard("1")) }, "both expose"},
		{"stored", func() { fennel.NewGaugeFunc("stored", "", zero, in) }, "both expose"},
		{"histogram_count", func() { fennel.NewGaugeFunc("histogram_count", "", zero, in) }, "both expose"},
		{"announced", func() { fennel.NewGaugeFunc("announced", "", zero, in) }, "two functions can't be one metric"},
		{"fennel_mended_labels_total", func() { fennel.NewCounterFunc("fennel_mended_labels_total", "", zero, in) }, "both expose"},
	} {
		refused(t, tt.metric, tt.declare, tt.part)
	}
	// Nothing is left of those that were refused.
	wantSamples(t, r, `g{shard="1"} 0`, `g{shard="2"} 2`, "histogram_bucket{le=\"0.005\"} 0", "histogram_bucket{le=\"0.01\"} 0",
		"histogram_bucket{le=\"0.025\"} 0", "histogram_bucket{le=\"0.05\"} 0", "histogram_bucket{le=\"0.1\"} 0", "histogram_bucket{le=\"0.25\"} 0",
		"histogram_bucket{le=\"0.5\"} 0", "histogram_bucket{le=\"1\"} 0", "histogram_bucket{le=\"2.5\"} 0", "histogram_bucket{le=\"5\"} 0",
		"histogram_bucket{le=\"10\"} 0", "histogram_bucket{le=\"+Inf\"} 0", "histogram_sum 0", "histogram_count 0", "stored 0")
	if !first.Unregister() || first.Unregister() {
		t.Error("Unregister is to report that it was there, once")
	}
	accepted(t, func() { fennel.NewGaugeFunc("g", "Help.", always(3.0), in, shard("1")) })
	wantSamples(t, fennel.Only(r, "g"), `g{shard="1"} 3`, `g{shard="2"} 2`)
}

// Buckets and states are part of what is compared, but a Desc doesn't say them.
func TestCallbackBesideOthersOfItsFamily(t *testing.T) {
	shard := func(value string) fennel.Label { return label("shard", value) }
	value := fennel.HistogramValue{Counts: []uint64{1, 2}}
	r := fennel.NewRegistry()
	in := fennel.In(r)
	r.MustRegister(&described{
		descs: []fennel.Desc{{Name: "h", Type: fennel.TypeHistogram, Labels: []string{"shard"}, ConstLabels: []fennel.Label{shard("0")}}},
		collect: func(_ context.Context, w *fennel.Writer) error {
			w.Histogram("h", "", []float64{1}, fennel.ConstLabels(shard("0"))).Write(value)
			return nil
		},
	})
	fennel.NewHistogramFunc("h", "", always(value), in, fennel.ConstLabels(shard("1")), fennel.Buckets(1))
	refused(t, "h", func() {
		fennel.NewHistogramFunc("h", "", always(value), in, fennel.ConstLabels(shard("2")), fennel.Buckets(2))
	}, "they differ in buckets", "buckets [2]", "buckets [1]")
	fennel.NewStateSetFunc("s", "", []string{"a"}, always([]string{}), in, fennel.ConstLabels(shard("1")))
	refused(t, "s", func() {
		fennel.NewStateSetFunc("s", "", []string{"b"}, always([]string{}), in, fennel.ConstLabels(shard("2")))
	}, "they differ in states")
	if got := len(family(t, gather(t, r), "h").Samples); got != 2 {
		t.Errorf("%d histograms, want 2", got)
	}
}

func TestUnregisteredCallbackIsGone(t *testing.T) {
	r := fennel.NewRegistry()
	c := fennel.NewCounterFunc("c_total", "", always(1.0), fennel.In(r))
	wantSamples(t, r, "c_total 1")
	if r.Forget("c_total") {
		t.Error("Forget has removed a callback")
	}
	if !c.Unregister() || c.Unregister() {
		t.Error("Unregister is to report that it was there, once")
	}
	wantSamples(t, r)
	if len(r.Descs()) != 0 {
		t.Errorf("listed: %v", r.Descs())
	}
	accepted(t, func() { fennel.NewCounter("c_total", "", fennel.In(r)) })
}

func TestNilCallbackDoesNothing(t *testing.T) {
	c := fennel.NewGaugeFunc("g", "", always(1.0), fennel.In(nil))
	if c != nil || c.Unregister() || new(fennel.Callback).Unregister() {
		t.Error("there is a callback under In(nil), or one that is nowhere was unregistered")
	}
	if v := fennel.NewGaugeFuncVec("g", "", one("a", 1.0), fennel.In(nil), fennel.LabelNames("k")); v != nil {
		t.Error("there is a callback with labels under In(nil)")
	}
}

func TestCallbackInTheDefaultRegistry(t *testing.T) {
	c := fennel.NewGaugeFunc("callback_in_default", "", always(1.0))
	defer c.Unregister()
	wantSamples(t, fennel.Only(fennel.Default, "callback_in_default"), "callback_in_default 1")
}

func TestCallbackConcurrent(t *testing.T) {
	r := fennel.NewRegistry()
	var n atomic.Int64
	fennel.NewCounterFunc("steady_total", "", func() float64 { return float64(n.Add(1)) }, fennel.In(r))
	concurrently(func(worker int) {
		for i := range 50 {
			name := fmt.Sprintf("of_%d", worker)
			c := fennel.NewGaugeFuncVec(name, "", one(i, 1.0), fennel.In(r), fennel.LabelNames("i"))
			families := gather(t, r)
			family(t, families, "steady_total")
			if got := family(t, families, name).Samples; len(got) != 1 || got[0].Label("i") != fmt.Sprint(i) {
				t.Errorf("%s: %v", name, got)
			}
			if !c.Unregister() {
				t.Errorf("%s was not there", name)
			}
		}
	})
	if n.Load() != workers*50 {
		t.Errorf("asked %d times in %d scrapes", n.Load(), workers*50)
	}
}

// What was checked when it was declared is not checked again.
func TestCallbackCostsLittleInSteadyState(t *testing.T) {
	scrape := func(r *fennel.Registry) float64 {
		visit := func() {
			if err := r.Visit(t.Context(), nil, discard{}); err != nil {
				t.Error(err)
			}
		}
		visit()
		return testing.AllocsPerRun(20, visit)
	}
	few, many := fennel.NewRegistry(), fennel.NewRegistry()
	fennel.NewGaugeFunc("g", "", always(1.0), fennel.In(few))
	for i := range 11 {
		fennel.NewGaugeFunc(fmt.Sprintf("g%d", i), "", always(1.0), fennel.In(many), fennel.ConstLabels(label("a", "b")))
	}
	if each := (scrape(many) - scrape(few)) / 10; each > 20 {
		t.Errorf("%v allocations for each callback", each)
	}
	wide := fennel.NewRegistry()
	labels := make([][2]string, 1000)
	for i := range labels {
		labels[i] = [2]string{fmt.Sprintf("%03d", i), "x"}
	}
	fennel.NewGaugeFuncVec("g", "", func(yield func([2]string, float64) bool) {
		for i, l := range labels {
			if !yield(l, float64(i)) {
				return
			}
		}
	}, fennel.In(wide), fennel.LabelNames("a", "b"))
	if n := scrape(wide) - scrape(few); n > 60 {
		t.Errorf("%v allocations for %d samples", n, len(labels))
	}
}

func BenchmarkCallbacks(b *testing.B) {
	r := fennel.NewRegistry()
	for i := range 100 {
		fennel.NewGaugeFunc(fmt.Sprintf("g%d", i), "", always(1.0), fennel.In(r))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Visit(b.Context(), nil, discard{}); err != nil {
			b.Fatal(err)
		}
	}
}
