package fennel_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestSampleValue(t *testing.T) {
	r := fennel.NewRegistry()
	in := fennel.In(r)
	c := fennel.NewCounterVec[[2]string]("c_total", "", in, fennel.LabelNames("k", "ключ"), fennel.ConstLabels(label("z", "1")))
	c.With([2]string{"a", "\"\n"}).Add(2.5)
	c.With([2]string{"a", "b\xff"}).Add(3)
	fennel.NewCounter("plain", "", in).Inc()
	fennel.NewGauge("g", "", in).Set(math.Inf(-1))
	fennel.NewUnknown("u", "", in).Set(4)
	h := fennel.NewHistogramVec[string]("h", "", in, fennel.LabelNames("k"), fennel.Buckets(-1, 0, 2.5))
	for _, v := range []float64{-2, 0, 1, 3} {
		h.With("a").Observe(v)
	}
	fennel.NewSummary("s", "", in).Observe(5)
	fennel.NewInfo("i_info", "", build{Version: "7"}, in)
	fennel.NewStateSet("st", "", phases, in).Set(running)
	register(t, r, func(w *fennel.Writer) error {
		w.GaugeHistogram("gh", "", []float64{1}).Write(fennel.HistogramValue{Counts: []uint64{2, 3}, Sum: 9})
		w.Histogram("native", "", nil).Write(fennel.HistogramValue{Sum: 2, Native: &fennel.NativeHistogram{ZeroCount: 2}})
		w.Summary("q", "", []float64{0.5, 0.99}).Write(fennel.SummaryValue{Count: 3, Sum: 6, Quantiles: []float64{1, math.NaN()}})
		w.Gauge("mixed", "", fennel.LabelNames("a", "b")).Write(1, "1", "2")
		w.Gauge("mixed", "", fennel.LabelNames("c")).Write(2, "3")
		w.Counter("since_total", "").Since(time.Unix(12, 500_000_000)).Write(1)
		return nil
	})
	l, none := label, []fennel.Label(nil)
	labels := func(l ...fennel.Label) []fennel.Label { return l }
	for _, c := range []struct {
		name   string
		labels []fennel.Label
		want   float64
		ok     bool
	}{
		{"c_total", labels(l("ключ", "\"\n"), l("z", "1"), l("k", "a")), 2.5, true},
		{"c_total", labels(l("k", "a"), l("z", "1"), l("ключ", "b\xff")), 3, true},
		{"c_total", labels(l("k", "a"), l("z", "1"), l("ключ", "b\uFFFD")), 3, true},
		{"c_total", labels(l("k", "a"), l("ключ", "\"\n")), 0, false},
		{"c_total", labels(l("k", "a"), l("z", "1"), l("ключ", "\"\n"), l("more", "")), 0, false},
		{"c_total", labels(l("k", "a"), l("k", "a"), l("z", "1"), l("ключ", "\"\n")), 0, false},
		{"c_total", labels(l("k", "b"), l("z", "1"), l("ключ", "\"\n")), 0, false},
		{"c", labels(l("k", "a"), l("z", "1"), l("ключ", "\"\n")), 0, false},
		{"plain", none, 1, true},
		{"plain_total", none, 0, false},
		{"g", none, math.Inf(-1), true},
		{"g_count", none, 0, false},
		{"u", none, 4, true},
		{"i_info", labels(l("version", "7"), l("release", "false"), l("major", "0")), 1, true},
		{"i", labels(l("version", "7"), l("release", "false"), l("major", "0")), 0, false},
		{"h_count", labels(l("k", "a")), 4, true},
		{"h_sum", labels(l("k", "a")), 2, true},
		{"h", labels(l("k", "a")), 0, false},
		{"h_gcount", labels(l("k", "a")), 0, false},
		{"h_bucket", labels(l("k", "a")), 0, false},
		{"h_bucket", labels(l("le", "-1"), l("k", "a")), 1, true},
		{"h_bucket", labels(l("k", "a"), l("le", "0.0")), 2, true},
		{"h_bucket", labels(l("k", "a"), l("le", "25e-1")), 3, true},
		{"h_bucket", labels(l("k", "a"), l("le", "+Inf")), 4, true},
		{"h_bucket", labels(l("k", "a"), l("le", "2")), 0, false},
		{"h_bucket", labels(l("k", "a"), l("le", "NaN")), 0, false},
		{"h_bucket", labels(l("k", "a"), l("le", "")), 0, false},
		{"h_bucket", labels(l("k", "b"), l("le", "0")), 0, false},
		{"s_count", none, 1, true},
		{"s_sum", none, 5, true},
		{"s", none, 0, false},
		{"q", labels(l("quantile", "0.50")), 1, true},
		{"q", labels(l("quantile", "0.99")), math.NaN(), true},
		{"q", labels(l("quantile", "0.9")), 0, false},
		{"q", labels(l("quantile", "x")), 0, false},
		{"q_created", none, 0, false},
		{"st", labels(l("st", "running")), 1, true},
		{"st", labels(l("st", "starting")), 0, true},
		{"st", labels(l("st", "none")), 0, false},
		{"st", none, 0, false},
		{"gh_gcount", none, 5, true},
		{"gh_gsum", none, 9, true},
		{"gh_bucket", labels(l("le", "1")), 2, true},
		{"gh_created", none, 0, false},
		{"native_bucket", labels(l("le", "+Inf")), 2, true},
		{"native_count", none, 2, true},
		{"mixed", labels(l("b", "2"), l("a", "1")), 1, true},
		{"mixed", labels(l("c", "3")), 2, true},
		{"mixed", labels(l("a", "1")), 0, false},
		{"mixed", labels(l("a", "1"), l("a", "1")), 0, false},
		{"since_created", none, 12.5, true},
		{"since_total_created", none, 0, false},
		{"none", none, 0, false},
		{"", none, 0, false},
	} {
		for _, g := range []fennel.Gatherer{r, fennel.Merge(r, fennel.NewRegistry())} {
			got, ok := fennel.SampleValue(t.Context(), g, c.name, c.labels...)
			if ok != c.ok || got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
				t.Errorf("%s %q: %v, %v, want %v, %v", c.name, c.labels, got, ok, c.want, c.ok)
			}
		}
	}
	if v, ok := fennel.SampleValue(t.Context(), r, "h_created", l("k", "a")); !ok || math.Abs(v-float64(time.Now().Unix())) > 60 {
		t.Errorf("created at %v, %v", v, ok)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for what, ctx := range map[string]context.Context{"of nothing": t.Context(), "too late": done} {
		for _, g := range []fennel.Gatherer{nil, (*fennel.Registry)(nil), r} {
			if v, ok := fennel.SampleValue(ctx, g, "plain"); (ok || v != 0) && (what == "too late" || g != r) {
				t.Errorf("%s: %v, %v", what, v, ok)
			}
		}
	}
}

// What goes wrong elsewhere, or in the rest of the family, costs nothing.
func TestSampleValueOfAPart(t *testing.T) {
	r := fennel.NewRegistry()
	register(t, r, func(w *fennel.Writer) error {
		w.Gauge("g", "", fennel.LabelNames("k")).Write(1, "a")
		panic("at the disco")
	})
	if v, ok := fennel.SampleValue(t.Context(), r, "g", label("k", "a")); v != 1 || !ok {
		t.Errorf("%v, %v", v, ok)
	}
}

func TestSampleValueDoesNoOtherWork(t *testing.T) {
	r := fennel.NewRegistry()
	c := &described{descs: []fennel.Desc{{Name: "x"}}}
	r.MustRegister(c)
	vec := fennel.NewCounterVec[int]("c_total", "", fennel.In(r), fennel.LabelNames("i"))
	for i := range 10_000 {
		vec.With(i).AddUint(uint64(i))
	}
	visits := 0
	counting := foreignFunc(func(ctx context.Context, req *sample.Request, v sample.Visitor) error {
		return r.Visit(ctx, req, visitorFunc(func(f *sample.Family, b *sample.Batch) error { visits++; return v.Visit(f, b) }))
	})
	if v, ok := fennel.SampleValue(t.Context(), counting, "c_total", label("i", "1000")); v != 1000 || !ok || c.calls.Load() != 0 || visits > 2 {
		t.Errorf("%v, %v after %d pages and %d calls of a collector", v, ok, visits, c.calls.Load())
	}
	if n := testing.AllocsPerRun(10, func() { fennel.SampleValue(t.Context(), r, "c_total", label("i", "9999")) }); n > 200 {
		t.Errorf("%v allocations: it looks at texts one by one", n)
	}
}

// A scrape lets a histogram begin anew that has become coarser. To look at one
// sample is no scrape: neither of that histogram, nor of those beside it.
func TestSampleValueResetsNoHistogram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		vec := fennel.NewHistogramVec[string]("h", "", fennel.In(r), fennel.LabelNames("k"),
			fennel.Native{Factor: 2, MaxBuckets: 4, MinReset: time.Hour})
		observe := func() {
			for _, k := range []string{"a", "b"} {
				for i := range 10 {
					vec.With(k).Observe(math.Pow(10, float64(i)))
				}
			}
		}
		observe()
		time.Sleep(2 * time.Hour)
		for _, g := range []fennel.Gatherer{r, r.View(""), fennel.Merge(r, fennel.NewRegistry())} {
			if v, ok := fennel.SampleValue(t.Context(), g, "h_count", label("k", "a")); ok && v != 10 {
				t.Errorf("%v observations", v)
			}
			for _, k := range []string{"a", "b"} {
				if n := vec.With(k).Count(); n != 10 {
					t.Errorf("%d observations of %s are left", n, k)
				}
			}
		}
		gather(t, r)
		if n := vec.With("b").Count(); n != 0 {
			t.Errorf("a scrape has not reset the histogram, which has %d observations", n)
		}
	})
}

type foreignFunc func(context.Context, *sample.Request, sample.Visitor) error

func (f foreignFunc) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	return f(ctx, r, v)
}
