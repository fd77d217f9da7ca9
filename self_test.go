package fennel_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// asked returns g for a request that asks what registries say about themselves.
func asked(g fennel.Gatherer) fennel.Gatherer {
	return foreignFunc(func(ctx context.Context, r *sample.Request, v sample.Visitor) error {
		with := &sample.Request{Self: true}
		if r != nil {
			with.Sets = r.Sets
		}
		return g.Visit(ctx, with, v)
	})
}

// wantSeries checks what is said about series, in the form "metric:number …", and
// that it is in its place.
func wantSeries(t *testing.T, g fennel.Gatherer, want string) {
	t.Helper()
	var got []string
	last := ""
	families, _ := gatherPartial(t, asked(g))
	for _, f := range families {
		if last != "" && sample.CompareNames(last, f.Name) >= 0 {
			t.Errorf("%s comes after %s", f.Name, last)
		}
		if last = f.Name; last != "fennel_series" {
			continue
		}
		if f.Type != fennel.TypeGauge || f.Help == "" {
			t.Errorf("family %+v", f)
		}
		for _, s := range f.Samples {
			got = append(got, fmt.Sprintf("%s:%v", s.Label("metric"), s.Value))
		}
	}
	if got := strings.Join(got, " "); got != want {
		t.Errorf("series %q, want %q", got, want)
	}
}

func TestSeriesOfEachMetric(t *testing.T) {
	r := fennel.NewRegistry()
	wantSeries(t, r, "")
	fill := func(r *fennel.Registry, n int) {
		vec := fennel.NewCounterVec[int]("c_total", "", fennel.In(r), fennel.LabelNames("i"))
		for i := range n {
			vec.With(i)
		}
	}
	fill(r, 300)
	v := r.View("v_", shard("1"))
	fill(v, 2)
	fill(r.View("v_", shard("2")), 3)
	fennel.NewGaugeVec[int]("empty", "", fennel.In(r), fennel.LabelNames("i"))
	fennel.NewGauge("z\"\\\n", "", fennel.In(r))
	register(t, r, func(w *fennel.Writer) error {
		w.Gauge("collected", "").Write(1)
		w.Gauge("collected", "", fennel.LabelNames("k")).Write(1, "a")
		return nil
	})
	register(t, v, func(w *fennel.Writer) error { w.Gauge("g", "").Write(1); return nil })
	fennel.NewCounter("dropping", "", fennel.In(r)).Add(-1)
	setTarget(t, r, label("a", "1"))
	all := "c_total:300 collected:2 dropping:1 target_info:1 v_c_total:5 v_g:1 z\"\\\n:1"
	for range 2 {
		wantSeries(t, r, all)
		wantSeries(t, v, "v_c_total:2 v_g:1")
		wantSeries(t, fennel.Merge(r, v), all)
	}
	wantSeries(t, fennel.Only(r, "c_total"), "")
	wantSeries(t, fennel.Only(r, "fennel_series"), "c_total:300 dropping:1 target_info:1 v_c_total:5 z\"\\\n:1")

	other := fennel.NewRegistry()
	fill(other, 7)
	fennel.NewGauge("a", "", fennel.In(other))
	silent := fennel.NewRegistry(fennel.WithoutSelfMetrics())
	fennel.NewGauge("silent", "", fennel.In(silent))
	wantSeries(t, silent, "")
	wantSeries(t, fennel.Merge(silent), "")
	wantSeries(t, fennel.Merge(v, other, silent), "a:1 c_total:7 v_c_total:2 v_g:1")
	wantSeries(t, fennel.Merge(v, foreign{other}, v), "a:1 c_total:7 v_c_total:2 v_g:1")
	wantSeries(t, fennel.Only(fennel.Merge(v, other), "a"), "")
	wantSeries(t, fennel.Merge(v, fennel.Only(other, "a")), "v_c_total:2 v_g:1")

	if families := gather(t, r); strings.Contains(names(families), "fennel_series") {
		t.Error("it is there for those who don't ask")
	}
	wantRefusal(t, func() { fennel.NewGauge("fennel_series", "", fennel.In(r)) }, `both expose the name "fennel_series"`)
}

// What is remembered of collectors from one scrape to the next is bounded by what
// one scrape sees.
func TestAskedScrapeKeepsNoFormerFamilies(t *testing.T) {
	const size = 1 << 20
	r := fennel.NewRegistry()
	n := 0
	register(t, r, func(w *fennel.Writer) error {
		n++
		w.Gauge(fmt.Sprint("g", n), strings.Repeat("x", size)).Write(1)
		return nil
	})
	before := heapInUse()
	for range 32 {
		if err := asked(r).Visit(t.Context(), nil, discard{}); err != nil {
			t.Fatal(err)
		}
	}
	if after := heapInUse(); after > before+8*size {
		t.Errorf("after 32 scrapes with a family of 1 MB each, %d MB are in use", (after-before)>>20)
	}
	runtime.KeepAlive(r)
}

// The memory of one scrape serves the next.
func TestSeriesOfEachMetricAllocateLittle(t *testing.T) {
	if raceDetector {
		t.Skip("sync.Pool forgets at random under the race detector")
	}
	r := fennel.NewRegistry()
	for i := range 100 {
		fennel.NewGauge(fmt.Sprint("g", i), "", fennel.In(r))
	}
	visit := func(req *sample.Request) func() {
		return func() {
			if err := r.Visit(t.Context(), req, discard{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := testing.AllocsPerRun(20, visit(nil)); n > 0 {
		t.Errorf("a scrape takes %v allocations, want none", n)
	}
	if n := testing.AllocsPerRun(20, visit(&sample.Request{Self: true})); n > 2 {
		t.Errorf("a scrape with the number of series takes %v allocations, want 2", n)
	}
}

func TestWithoutSelfMetrics(t *testing.T) {
	r := fennel.NewRegistry(fennel.WithoutSelfMetrics())
	in := fennel.In(r)
	c := fennel.NewCounterVec[string]("c_total", "", in, fennel.LabelNames("k"))
	c.With("\xff").Add(-1)
	register(t, r, func(w *fennel.Writer) error {
		g := w.Gauge("g", "", fennel.LabelNames("k"))
		g.Write(1, "\xff")
		g.Write(2, "\uFFFD")
		return fmt.Errorf("failure")
	})
	families, errs := gatherPartial(t, asked(r))
	wantErrors(t, errs, "failure", "labels were there already")
	if got := names(families); got != "c_total g" {
		t.Errorf("gathered %s", got)
	}
	// The names are free.
	fennel.NewGauge("fennel_series", "", in).Set(1)
	fennel.NewGauge("fennel_dropped_updates_total", "", in)
	if !r.Forget("fennel_dropped_updates_total") || len(r.Descs()) != 2 {
		t.Errorf("described: %+v", r.Descs())
	}
	if v, ok := fennel.SampleValue(t.Context(), r, "fennel_series"); v != 1 || !ok {
		t.Errorf("the gauge fennel_series is %v, %v", v, ok)
	}
}
