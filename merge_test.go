package fennel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

func TestMergeKeepsEverything(t *testing.T) {
	a, b := oneOfEach(t), fennel.NewRegistry()
	all := fennel.ConstLabels(label("from", "b"))
	in := fennel.In(b)
	h := fennel.NewHistogram("latency_seconds", "Time.", in, all, fennel.Unit("seconds"), fennel.Buckets(1))
	h.ObserveWithExemplar(0.25, label("trace_id", "x"))
	c := fennel.NewCounter("requests_total", "Requests.", in, all)
	c.IncWithExemplar(label("trace_id", "y"))
	c.AddUint(1<<63 + 1)
	s := fennel.NewSummary("size_bytes", "Size.", in, all, fennel.Unit("bytes"))
	s.Observe(2)
	fennel.NewStateSet("phase", "Phase.", phases, in, all).Set(running)
	register(t, b, func(w *fennel.Writer) error {
		w.Histogram("native", "", nil).Write(fennel.HistogramValue{Native: &fennel.NativeHistogram{
			Schema: 3, ZeroThreshold: 0.5, ZeroCount: 1, Positive: []fennel.NativeBucket{{Index: 2, Count: 3}},
		}})
		w.Gauge("timed", "", fennel.LabelNames("k")).At(time.Unix(7, 0)).Write(1, "b")
		return nil
	})
	register(t, a, func(w *fennel.Writer) error {
		w.Histogram("native", "", nil, fennel.LabelNames("k")).Write(fennel.HistogramValue{Counts: []uint64{2}}, "a")
		w.Gauge("timed", "", fennel.LabelNames("k")).Write(1, "a")
		return nil
	})
	byName := make(map[string]fennel.Family)
	for _, f := range gather(t, fennel.Merge(a, b)) {
		byName[f.Name] = f
	}
	mine := make(map[string]fennel.Sample)
	for _, f := range gather(t, b) {
		mine[f.Name] = f.Samples[0]
	}
	for name, want := range mine {
		if strings.HasPrefix(name, "fennel_") {
			continue
		}
		got := byName[name].Samples
		i := slices.IndexFunc(got, func(s fennel.Sample) bool { return reflect.DeepEqual(s, want) })
		if i < 0 || len(got) != 2 {
			t.Errorf("%s: %+v, want %+v among two", name, got, want)
			continue
		}
		if want.Native != nil && got[i].Native == nil {
			t.Errorf("%s: the native buckets are gone", name)
		}
	}
	if f := byName["latency_seconds"]; f.Unit != "seconds" || f.Help != "Time." || len(byName) != 9 {
		t.Errorf("%d families, among them %+v", len(byName), f)
	}
	body := render(t, fennel.Merge(a, b), openMetrics)
	if n := strings.Count(body, "# TYPE "); n != len(byName) {
		t.Errorf("%d headers, want %d:\n%s", n, len(byName), body)
	}
	if !strings.Contains(body, `requests_total{from="b"} 9223372036854775810`) {
		t.Errorf("the counter isn't exact:\n%s", body)
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

func TestMergeReportsDuplicates(t *testing.T) {
	a, b, g := twoRegistries()
	for i, r := range []*fennel.Registry{a, b} {
		vec := fennel.NewGaugeVec[string]("x", "", fennel.In(r), fennel.LabelNames("k"))
		vec.With("same").Set(float64(i))
		vec.With("too").Set(float64(i))
		vec.With(fmt.Sprint(i)).Set(float64(i))
	}
	families, errs := gatherPartial(t, g)
	wantErrors(t, errs, `metric "x": samples left out because another registry has their labels, too: 2`)
	if got := fmt.Sprint(families[0].Samples); strings.Count(got, "same") != 1 {
		t.Errorf("samples %s", got)
	}
	body, err := exposition.Bytes(t.Context(), g, utf8Text)
	if want := "# TYPE x gauge\nx{k=\"0\"} 0\nx{k=\"1\"} 1\nx{k=\"same\"} 0\nx{k=\"too\"} 0\n"; string(body) != want || !fennel.Partial(err) {
		t.Errorf("body with %v:\n%swant:\n%s", err, body, want)
	}
}

// Samples with the same names of labels are told apart in one order of them.
func TestMergeOfFamiliesWithOtherLabels(t *testing.T) {
	a, b, g := twoRegistries()
	fennel.NewGaugeVec[[2]string]("x", "", fennel.In(a), fennel.LabelNames("k", "l")).With([2]string{"1", "\"2"}).Set(1)
	other := fennel.NewGaugeVec[[2]string]("x", "", fennel.In(b), fennel.LabelNames("l", "k"))
	other.With([2]string{"\"2", "0"}).Set(2)
	other.With([2]string{"\"2", "1"}).Set(3)
	other.With([2]string{"1", "2"}).Set(4)
	families, errs := gatherPartial(t, g)
	wantErrors(t, errs, "samples left out because another registry has their labels, too: 1")
	if got, want := fmt.Sprint(values(families[0])), "[2 1 4]"; got != want {
		t.Errorf("values %s in %+v, want %s", got, families, want)
	}
	b.Forget("x")
	register(t, b, func(w *fennel.Writer) error {
		w.Gauge("x", "", fennel.LabelNames("z.z")).Write(5, "1")
		w.Gauge("x", "", fennel.LabelNames("l", "k")).Write(6, "2", "3")
		w.Gauge("x", "").Write(7)
		return nil
	})
	wantBody(t, g, text004, "# TYPE x gauge\nx 7\nx{z_z=\"1\"} 5\nx{k=\"1\",l=\"\\\"2\"} 1\nx{k=\"3\",l=\"2\"} 6\n")
}

func values(f fennel.Family) (values []float64) {
	for _, s := range f.Samples {
		values = append(values, s.Value)
	}
	return values
}

func TestMergeAddsUpTheRegistriesOwnMetrics(t *testing.T) {
	a, b, g := twoRegistries()
	for i, r := range []*fennel.Registry{a, b} {
		fennel.NewCounter("c_total", "", fennel.In(r), fennel.ConstLabels(shard(fmt.Sprint(i)))).Add(-1)
		fennel.NewCounter(fmt.Sprintf("m%d_total", i), "", fennel.In(r)).Add(-1)
	}
	body := render(t, g, text004)
	for _, want := range []string{`{metric="c_total",reason="negative"} 2`, `{metric="m0_total",reason="negative"} 1`, `{metric="m1_total",reason="negative"} 1`} {
		if !strings.Contains(body, "fennel_dropped_updates_total"+want) {
			t.Errorf("no %s in:\n%s", want, body)
		}
	}
}

func TestMergeJoinsErrors(t *testing.T) {
	a, b := fennel.NewRegistry(), fennel.NewRegistry()
	for i, r := range []*fennel.Registry{a, b} {
		register(t, r, func(w *fennel.Writer) error {
			w.Gauge(fmt.Sprint("g", i), "").Write(1)
			return fmt.Errorf("failure %d", i)
		})
	}
	families, errs := gatherPartial(t, fennel.Merge(foreign{a}, b))
	wantErrors(t, errs, "failure 0", "failure 1")
	if names(families) != "fennel_collector_errors_total g0 g1" && names(families) != "g0 g1" {
		t.Errorf("families %s", names(families))
	}
}

// Of the sum it is known since when all of it counts: since the earliest.
func TestMergeAddsUpSinceTheEarliest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late, early := fennel.NewRegistry(), fennel.NewRegistry()
		start := time.Now()
		for _, r := range []*fennel.Registry{early, late} {
			fennel.NewCounter("c_total", "", fennel.In(r), fennel.ConstLabels(shard(fmt.Sprint(r == late)))).Add(-1)
			time.Sleep(time.Hour)
		}
		for _, g := range []fennel.Gatherer{fennel.Merge(late, early), fennel.Merge(early, late)} {
			for _, f := range gather(t, g) {
				if s := f.Samples[0]; f.Name == "fennel_dropped_updates_total" && (s.Value != 2 || !s.Created.Equal(start)) {
					t.Errorf("%v since %v, want 2 since %v", s.Value, s.Created, start)
				}
			}
		}
	})
}

// Collectors that share a family, and of which a part is given twice.
func TestMergeOfPartsOfAFamily(t *testing.T) {
	r := fennel.NewRegistry()
	v := r.View("")
	for i, r := range []*fennel.Registry{r, v, v} {
		register(t, r, func(w *fennel.Writer) error {
			w.Gauge("x", "", fennel.LabelNames("k")).Write(1, fmt.Sprint(i))
			return nil
		})
	}
	wantSamples(t, fennel.Merge(fennel.Only(r, "x"), fennel.Only(v, "x")), `x{k="0"} 1`, `x{k="1"} 1`, `x{k="2"} 1`)
}

type failing struct{ err error }

func (f failing) Visit(ctx context.Context, _ *sample.Request, _ sample.Visitor) error {
	if f.err == nil {
		panic("at the visit")
	}
	return f.err
}

func TestMergeEndsWithTheFirstHardError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		r.MustRegister(fennel.CollectorFunc(func(ctx context.Context, _ *fennel.Writer) error {
			<-ctx.Done() // nobody waits for it when the other has failed
			return ctx.Err()
		}))
		failure := errors.New("disk on fire")
		if _, err := fennel.Gather(t.Context(), fennel.Merge(r, failing{failure})); err != failure {
			t.Errorf("error %v, want %v", err, failure)
		}
		func() {
			defer func() {
				if p := recover(); p != "at the visit" {
					t.Errorf("recovered %v", p)
				}
			}()
			fennel.Gather(t.Context(), fennel.Merge(r, failing{}))
		}()
	})
}

func TestMergeEndsWhenTheVisitorFails(t *testing.T) {
	a, b, g := twoRegistries()
	for i, r := range []*fennel.Registry{a, b} {
		fennel.NewGaugeVec[string]("x", "", fennel.In(r), fennel.LabelNames("k")).With(fmt.Sprint(i))
		fennel.NewGauge(fmt.Sprint("g", i), "", fennel.In(r))
	}
	failure := errors.New("hung up")
	for n := range 3 {
		v := &countdown{n, failure}
		if err := g.Visit(t.Context(), nil, v); err != failure {
			t.Errorf("error %v after %d visits, want %v", err, n, failure)
		}
	}
}

// countdown fails at a visit.
type countdown struct {
	n   int
	err error
}

func (c *countdown) Visit(*sample.Family, *sample.Batch) error {
	if c.n--; c.n < 0 {
		return c.err
	}
	return nil
}

func TestMergeEndsWithItsContext(t *testing.T) {
	a, b, g := twoRegistries()
	for i, r := range []*fennel.Registry{a, b} {
		vec := fennel.NewGaugeVec[[2]int]("x", "", fennel.In(r), fennel.LabelNames("i", "k"))
		for k := range 2000 {
			vec.With([2]int{i, k})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	visits := 0
	v := visitorFunc(func(*sample.Family, *sample.Batch) error {
		if visits++; visits == 3 {
			cancel()
		}
		return nil
	})
	if err := g.Visit(ctx, nil, v); err != context.Canceled || visits != 3 {
		t.Errorf("error %v after %d visits", err, visits)
	}
	if err := g.Visit(ctx, nil, v); err != context.Canceled || visits != 3 {
		t.Errorf("error %v after %d visits, done before", err, visits)
	}
}

type visitorFunc func(*sample.Family, *sample.Batch) error

func (f visitorFunc) Visit(fam *sample.Family, b *sample.Batch) error { return f(fam, b) }

// Collectors of all registries run at the same time, and a late one costs only its
// own part.
func TestMergeRunsCollectorsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, g := twoRegistries()
		for i, r := range []*fennel.Registry{a, b} {
			register(t, r, func(w *fennel.Writer) error {
				time.Sleep(8 * time.Second)
				w.Gauge(fmt.Sprint("g", i), "").Write(1)
				return nil
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if families, errs := gatherPartialUnder(ctx, t, g); names(families) != "g0 g1" || len(errs) != 0 {
			t.Errorf("families %s with %v", names(families), errs)
		}
		register(t, a, func(w *fennel.Writer) error { time.Sleep(time.Minute); return nil })
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		families, errs := gatherPartialUnder(ctx, t, g)
		wantErrors(t, errs, "late")
		if got := names(families); !strings.Contains(got, "g0") || !strings.Contains(got, "g1") {
			t.Errorf("families %s", got)
		}
		time.Sleep(time.Hour)
	})
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
