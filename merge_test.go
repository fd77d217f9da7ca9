package fennel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// both returns two registries and what puts them together.
func twoRegistries() (a, b *fennel.Registry, g fennel.Gatherer) {
	a, b = fennel.NewRegistry(), fennel.NewRegistry()
	return a, b, fennel.Merge(a, b)
}

// foreign is a gatherer that Merge knows nothing of.
type foreign struct{ fennel.Gatherer }

func (f foreign) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	return f.Gatherer.Visit(ctx, r, v)
}

func TestMergeGathersAsOne(t *testing.T) {
	for name, wrap := range map[string]func(*fennel.Registry) fennel.Gatherer{
		"registries": func(r *fennel.Registry) fennel.Gatherer { return r },
		"foreign":    func(r *fennel.Registry) fennel.Gatherer { return foreign{r} },
		"nested":     func(r *fennel.Registry) fennel.Gatherer { return fennel.Merge(fennel.Merge(r), nil) },
		"restricted": func(r *fennel.Registry) fennel.Gatherer {
			return fennel.Only(fennel.Merge(r), "a", "both", "z", "collected")
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := fennel.NewRegistry(), fennel.NewRegistry()
			g := fennel.Merge(wrap(a), wrap(b))
			vec := func(r *fennel.Registry) *fennel.GaugeVec[string] {
				return fennel.NewGaugeVec[string]("both", "Help.", fennel.In(r), fennel.LabelNames("k"))
			}
			for _, k := range []string{"a", "c", "\n", "\""} {
				vec(a).With(k).Set(1)
			}
			for _, k := range []string{"b", "d", "\\"} {
				vec(b).With(k).Set(2)
			}
			fennel.NewGauge("a", "", fennel.In(b)).Set(3)
			fennel.NewGauge("z", "", fennel.In(a)).Set(4)
			register(t, b, func(w *fennel.Writer) error { w.Gauge("collected", "").Write(5); return nil })
			for range 2 { // with a plan made and kept
				wantBody(t, g, utf8Text, `# TYPE a gauge
a 3
# HELP both Help.
# TYPE both gauge
both{k="\n"} 1
both{k="\""} 1
both{k="\\"} 2
both{k="a"} 1
both{k="b"} 2
both{k="c"} 1
both{k="d"} 2
# TYPE collected gauge
collected 5
# TYPE z gauge
z 4
`)
			}
			wantSamples(t, fennel.Only(g, "both"), `both{k="\n"} 1`, `both{k="\""} 1`, `both{k="\\"} 2`,
				`both{k="a"} 1`, `both{k="b"} 2`, `both{k="c"} 1`, `both{k="d"} 2`)
			vec(a).Clear()
			wantSamples(t, g, "a 3", `both{k="\\"} 2`, `both{k="b"} 2`, `both{k="d"} 2`, "collected 5", "z 4")
		})
	}
}

// wantBody checks a whole body.
func wantBody(t testing.TB, g fennel.Gatherer, f exposition.Format, want string) {
	t.Helper()
	if got := render(t, g, f); got != want {
		t.Errorf("body:\n%swant:\n%s", got, want)
	}
}

func TestMergeOfNothing(t *testing.T) {
	for name, g := range map[string]fennel.Gatherer{
		"no gatherers":   fennel.Merge(),
		"nil":            fennel.Merge(nil, (*fennel.Registry)(nil), fennel.Only(nil, "x")),
		"empty":          fennel.Merge(fennel.NewRegistry(), new(fennel.Registry)),
		"merged nothing": fennel.Merge(fennel.Merge(), nil),
	} {
		if body := render(t, g, openMetrics); body != "# EOF\n" {
			t.Errorf("%s: body:\n%s", name, body)
		}
	}
}

func TestMergeServesOnceWhatIsGivenTwice(t *testing.T) {
	r := fennel.NewRegistry()
	v, w := r.View("v_"), r.View("v_")
	c := new(described)
	c.collect = func(_ context.Context, w *fennel.Writer) error { w.Gauge("c", "").Write(1); return nil }
	w.MustRegister(c)
	for _, r := range []*fennel.Registry{v, w} {
		fennel.NewGauge("g", "", fennel.In(r)).Set(2)
	}
	fennel.NewGauge("h", "", fennel.In(v), fennel.ConstLabels(shard("1"))).Set(3)
	fennel.NewGauge("h", "", fennel.In(w), fennel.ConstLabels(shard("2"))).Set(4)
	for name, g := range map[string]fennel.Gatherer{
		"a registry":           fennel.Merge(r, r, r),
		"its view":             fennel.Merge(r, v),
		"its view, before":     fennel.Merge(v, w, r, v.View("x")),
		"two views":            fennel.Merge(v, w),
		"merged":               fennel.Merge(fennel.Merge(v, w), fennel.Merge(r)),
		"parts":                fennel.Merge(fennel.Only(r, "v_g", "v_c", "v_h"), fennel.Only(w, "v_c"), fennel.Only(r, "v_h")),
		"a part, then the all": fennel.Merge(fennel.Only(r, "v_c"), r),
		"foreign and a part":   fennel.Merge(foreign{fennel.Only(r, "v_g")}, fennel.Only(w, "v_c", "v_h"), v),
	} {
		t.Run(name, func(t *testing.T) {
			c.calls.Store(0)
			if name == "foreign and a part" {
				// Nothing is known of it, so that it has the same sample can only be an error.
				_, errs := gatherPartial(t, g)
				wantErrors(t, errs, `metric "v_g": samples left out because another registry has their labels, too: 1`)
				return
			}
			wantSamples(t, g, "v_c 1", "v_g 2", `v_h{shard="1"} 3`, `v_h{shard="2"} 4`)
			if n := c.calls.Load(); n != 1 && !strings.Contains(name, "part") {
				t.Errorf("the collector was called %d times", n)
			}
		})
	}
}

func TestMergeReportsWhatDiffers(t *testing.T) {
	gauge := func(name, help string) func(fennel.MetricOption) {
		return func(in fennel.MetricOption) { fennel.NewGauge(name, help, in).Set(1) }
	}
	histogram := func(opts ...fennel.HistogramOption) func(fennel.MetricOption) {
		return func(in fennel.MetricOption) { fennel.NewHistogram("x_bytes", "", append(opts, in)...).Observe(1) }
	}
	for name, c := range map[string]struct {
		a, b func(fennel.MetricOption)
		want string
	}{
		"type":           {gauge("x", ""), func(in fennel.MetricOption) { fennel.NewCounter("x", "", in) }, `counter "x" (help "") conflicts with gauge "x" (help ""), which is already declared: they differ in type`},
		"help":           {gauge("x", "one"), gauge("x", "two"), `gauge "x" (help "two") conflicts with gauge "x" (help "one"), which is already declared: they differ in help`},
		"unit":           {histogram(), histogram(fennel.Unit("bytes")), "they differ in unit"},
		"buckets":        {histogram(), histogram(fennel.Buckets(1)), "they differ in buckets"},
		"states":         {func(in fennel.MetricOption) { fennel.NewStateSet("x", "", phases, in) }, func(in fennel.MetricOption) { fennel.NewStateSet("x", "", []string{"y"}, in) }, "they differ in states"},
		"sample, later":  {gauge("x_bytes_count", ""), histogram(), `histogram "x_bytes" (help "", buckets [0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10]) conflicts with gauge "x_bytes_count" (help ""), which is already declared: both expose the name "x_bytes_count"`},
		"sample, before": {histogram(), gauge("x_bytes_sum", ""), `both expose the name "x_bytes_sum"`},
		"escaped":        {gauge("a.b", ""), gauge("a_b", ""), `both expose the name "a_b"`},
		"created":        {func(in fennel.MetricOption) { fennel.NewCounter("x_total", "", in) }, gauge("x_created", ""), `"x_created" is reserved`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, wrap := range []func(fennel.Gatherer) fennel.Gatherer{
				func(g fennel.Gatherer) fennel.Gatherer { return g },
				func(g fennel.Gatherer) fennel.Gatherer { return foreign{g} },
			} {
				a, b := fennel.NewRegistry(), fennel.NewRegistry()
				g := fennel.Merge(wrap(a), wrap(b))
				c.a(fennel.In(a))
				c.b(fennel.In(b))
				fennel.NewGauge("other", "", fennel.In(b)).Set(5)
				for range 2 {
					families, errs := gatherPartial(t, g)
					wantErrors(t, errs, c.want)
					want := gather(t, a)
					if len(families) != len(want)+1 || fmt.Sprint(families[0].Samples) != fmt.Sprint(want[0].Samples) && fmt.Sprint(families[1].Samples) != fmt.Sprint(want[0].Samples) {
						t.Errorf("families %+v, want %+v and other", families, want)
					}
				}
				var declared *fennel.DeclarationError
				if _, err := fennel.Gather(t.Context(), g); !errors.As(err, &declared) {
					t.Errorf("%v is no DeclarationError", err)
				}
			}
		})
	}
}

// A gauge foo of one beside a counter foo_total of another.
func TestMergeShadowsInItsOwnCopy(t *testing.T) {
	a, b, g := twoRegistries()
	counter := fennel.NewCounter("foo_total", "", fennel.In(b))
	counter.Inc()
	alone := "# TYPE foo counter\nfoo_total 1\n# EOF\n"
	wantBody(t, g, openMetrics, alone)
	fennel.NewGauge("foo", "", fennel.In(a)).Set(2)
	shadowed := "# TYPE foo gauge\nfoo 2\n# TYPE foo_total unknown\nfoo_total 1\n# EOF\n"
	for range 2 {
		wantBody(t, g, openMetrics, shadowed)
		wantBody(t, b, openMetrics, alone)
		wantBody(t, fennel.Only(g, "foo_total"), openMetrics, "# TYPE foo_total unknown\nfoo_total 1\n# EOF\n")
	}
	a.Forget("foo")
	wantBody(t, g, openMetrics, alone)
	// Of two without suffix the first may have the name.
	fennel.NewInfo("foo_info", "", build{}, fennel.In(a))
	if body := render(t, g, openMetrics); !strings.Contains(body, "# TYPE foo info\n") || !strings.Contains(body, "# TYPE foo_total unknown\n") {
		t.Errorf("body:\n%s", body)
	}
	// One that is shadowed already leaves it to the others, as long as it is.
	fennel.NewGauge("foo", "", fennel.In(a))
	v := fennel.Merge(fennel.Only(a, "foo_info"), b)
	if body := render(t, v, openMetrics); !strings.Contains(body, "# TYPE foo_info gauge\n") || !strings.Contains(body, "# TYPE foo counter\n") {
		t.Errorf("body:\n%s", body)
	}
	a.Forget("foo")
	if body := render(t, v, openMetrics); !strings.Contains(body, "# TYPE foo info\n") || !strings.Contains(body, "# TYPE foo_total unknown\n") {
		t.Errorf("body:\n%s", body)
	}
}

func TestMergeShadowsFamiliesWithOtherLabels(t *testing.T) {
	a, b, g := twoRegistries()
	fennel.NewGauge("x", "", fennel.In(a)).Set(1)
	register(t, b, func(w *fennel.Writer) error {
		w.Counter("x_total", "", fennel.LabelNames("k")).Write(2, "v")
		w.Counter("x_total", "", fennel.LabelNames("longer", "more.so")).Write(3, "v", "w")
		return nil
	})
	wantBody(t, g, exposition.Format{Syntax: exposition.OpenMetrics100}, `# TYPE x gauge
x 1
# TYPE x_total unknown
x_total{k="v"} 2
x_total{longer="v",more_so="w"} 3
# EOF
`)
	proto := exposition.Format{Syntax: exposition.Protobuf, Escaping: exposition.AllowUTF8}
	alone, err := exposition.Bytes(t.Context(), b, proto)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := exposition.Bytes(t.Context(), g, proto)
	if err != nil || !bytes.HasSuffix(merged, alone) {
		t.Errorf("the counter is not as it is without the gauge: %v\n%q\n%q", err, alone, merged)
	}
}

func TestMergeDoesNoWorkForNamesLeftOut(t *testing.T) {
	a, b, g := twoRegistries()
	var calls atomic.Int64
	fennel.NewGaugeFunc("callback", "", func() float64 { calls.Add(1); return 1 }, fennel.In(a))
	b.View("v_").MustRegister(&described{descs: []fennel.Desc{{Name: "described"}}, collect: func(context.Context, *fennel.Writer) error { calls.Add(1); return nil }})
	fennel.NewGauge("x", "", fennel.In(a))
	read := 0
	v := visitorFunc(func(*sample.Family, *sample.Batch) error { read++; return nil })
	for _, g := range []fennel.Gatherer{fennel.Only(g, "x"), fennel.Merge(fennel.Only(a, "x"), fennel.Only(b, "x")), fennel.Only(fennel.Only(g, "x", "y"), "x", "callback")} {
		if err := g.Visit(t.Context(), nil, v); err != nil || calls.Load() != 0 || read != 1 {
			t.Errorf("%d calls and %d visits, want one visit; %v", calls.Load(), read, err)
		}
		read = 0
	}
	// What a restriction leaves out clashes with nothing.
	fennel.NewCounter("x", "", fennel.In(b))
	wantSamples(t, fennel.Merge(fennel.Only(a, "callback"), b), "callback 1", "x 0")
}

// What formats prepare stays with a merge from one scrape to the next.
func TestMergeKeepsItsCopies(t *testing.T) {
	a, b, g := twoRegistries()
	for i, r := range []*fennel.Registry{a, b} {
		fennel.NewGauge("x", "", fennel.In(r), fennel.ConstLabels(shard(fmt.Sprint(i))))
	}
	seen := make(map[*sample.Family]bool)
	v := visitorFunc(func(f *sample.Family, _ *sample.Batch) error {
		if f.Name == "x" {
			seen[f] = true
		}
		return nil
	})
	for i := range 3 {
		fennel.NewGauge(fmt.Sprint("g", i), "", fennel.In(a)) // another plan
		if err := g.Visit(t.Context(), nil, v); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 1 {
		t.Errorf("%d copies of one family", len(seen))
	}
	if err := a.Visit(t.Context(), nil, v); err != nil || len(seen) != 2 {
		t.Error("the registry's own family is handed out by the merge")
	}
}

func TestMergeConcurrent(t *testing.T) {
	a, b, g := twoRegistries()
	concurrently(func(worker int) {
		r := []*fennel.Registry{a, b}[worker%2]
		for i := range 50 {
			vec := fennel.NewCounterVec[[2]int]("c_total", "", fennel.In(r), fennel.LabelNames("w", "i"))
			vec.With([2]int{worker, i}).Inc()
			fennel.NewGauge("c", "", fennel.In(a)).Set(1)
			gather(t, g)
			render(t, fennel.Only(g, "c_total"), openMetrics)
			a.Forget("c")
		}
	})
	families := gather(t, g)
	total := 0.0
	for _, f := range families {
		if f.Name == "c_total" {
			for _, s := range f.Samples {
				total += s.Value
			}
		}
	}
	if total != workers*50 {
		t.Errorf("%v of %d counts", total, workers*50)
	}
}
