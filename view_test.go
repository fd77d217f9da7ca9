package fennel_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
)

func shard(v string) fennel.Label { return label("shard", v) }

func TestViewDeclaresAndGathersUnderFullNames(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGauge("depth", "", fennel.In(r)).Set(1)
	db := r.View("db_", shard("3"))
	fennel.NewCounter("queries_total", "", fennel.In(db)).Inc()
	fennel.NewCounterVec[string]("errors_total", "", fennel.In(db), fennel.LabelNames("kind"), fennel.ConstLabels(label("a", "1"))).With("io").Inc()
	fennel.NewStateSet("phase", "", []string{"up"}, fennel.In(db))
	fennel.NewInfo("build_info", "", struct {
		V string `label:"v"`
	}{"2"}, fennel.In(db))
	fennel.NewGaugeFunc("conns", "", func() float64 { return 7 }, fennel.In(db))
	fennel.NewHistogram("wait", "", fennel.In(db), fennel.Buckets()).Observe(1)
	in := []string{
		`db_build_info{shard="3",v="2"} 1`,
		`db_conns{shard="3"} 7`,
		`db_errors_total{a="1",shard="3",kind="io"} 1`,
		`db_phase{shard="3",db_phase="up"} 1`,
		`db_queries_total{shard="3"} 1`,
		`db_wait_bucket{shard="3",le="+Inf"} 1`, `db_wait_sum{shard="3"} 1`, `db_wait_count{shard="3"} 1`,
	}
	wantSamples(t, db, in...)
	wantSamples(t, r, append(in, "depth 1")...)
	wantSamples(t, fennel.Only(db, "db_conns", "conns", "depth"), in[1])
	if got := len(db.Descs()); got != 6 {
		t.Errorf("the view has %d descriptions, want 6", got)
	}
	if d := db.Descs()[2]; d.Name != "db_errors_total" || !slices.Equal(d.Labels, []string{"a", "shard", "kind"}) {
		t.Errorf("description %+v", d)
	}
}

func TestViewTakesPrefixOrLabelsAlone(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGauge("x", "", fennel.In(r.View("a_"))).Set(1)
	fennel.NewGauge("y", "", fennel.In(r.View("", shard("1")))).Set(2)
	same := r.View("")
	fennel.NewGauge("z", "", fennel.In(same)).Set(3)
	fennel.NewGauge("z", "", fennel.In(r)).Inc()
	wantSamples(t, r, "a_x 1", `y{shard="1"} 2`, "z 4")
	wantSamples(t, same, "z 4")
}

func TestViewsNest(t *testing.T) {
	var r fennel.Registry // the zero value, too
	outer := r.View("a_", label("x", "1"))
	inner := outer.View("b_", label("c", "2"))
	fennel.NewGauge("g", "", fennel.In(inner)).Set(1)
	fennel.NewGauge("g", "", fennel.In(outer)).Set(2)
	wantSamples(t, inner, `a_b_g{c="2",x="1"} 1`)
	wantSamples(t, outer, `a_b_g{c="2",x="1"} 1`, `a_g{x="1"} 2`)
	wantSamples(t, &r, `a_b_g{c="2",x="1"} 1`, `a_g{x="1"} 2`)
	if outer.Forget("b_g"); len(inner.Descs()) != 0 {
		t.Error("the inner view still has what the outer one forgot")
	}
}

func TestViewOfNil(t *testing.T) {
	var r *fennel.Registry
	v := r.View("a_", shard("1"))
	if v != nil || fennel.NewGauge("g", "", fennel.In(v)) != nil {
		t.Error("a view of nothing is something")
	}
}

// One metric, in all of their gatherings.
func TestViewSharesMetrics(t *testing.T) {
	r := fennel.NewRegistry()
	a, b := r.View("x_", shard("1")), r.View("", shard("1"))
	one := fennel.NewCounter("c_total", "", fennel.In(a))
	two := fennel.NewCounter("x_c_total", "", fennel.In(b))
	three := fennel.NewCounter("x_c_total", "", fennel.In(r), fennel.ConstLabels(shard("1")))
	if one != two || two != three {
		t.Error("three metrics of one name and one set of labels")
	}
	one.Inc()
	for _, g := range []*fennel.Registry{a, b, r} {
		wantSamples(t, g, `x_c_total{shard="1"} 1`)
	}
	fennel.NewCounter("c_total", "", fennel.In(r.View("x_", shard("2"))))
	wantSamples(t, a, `x_c_total{shard="1"} 1`)
	wantSamples(t, r, `x_c_total{shard="1"} 1`, `x_c_total{shard="2"} 0`)
}

func TestViewRefusesAtTheDeclaration(t *testing.T) {
	r := fennel.NewRegistry(fennel.WithLegacyNames())
	fennel.NewGauge("v_taken", "", fennel.In(r))
	twice := r.View("v_", shard("1"), shard("2"))
	gauge := func(name string, r *fennel.Registry, opts ...fennel.GaugeOption) func() {
		return func() { fennel.NewGauge(name, "", append(opts, fennel.In(r))...) }
	}
	v := r.View("v_", shard("1"))
	for name, c := range map[string]struct {
		declare func()
		want    string
	}{
		"constant label": {gauge("g", v, fennel.ConstLabels(shard("2"))), `metric "v_g": label "shard" is given twice, by the view that it is declared through, as "1", and by the declaration`},
		"label":          {func() { fennel.NewGaugeVec[string]("g", "", fennel.In(v), fennel.LabelNames("shard")) }, `metric "v_g": label "shard" is given twice`},
		"callback": {func() {
			fennel.NewGaugeFuncVec[string]("g", "", func(func(string, float64) bool) {}, fennel.In(v), fennel.LabelNames("shard"))
		}, `metric "v_g": label "shard" is given twice`},
		"nested views":    {gauge("g", v.View("w_", shard("2"))), `metric "v_w_g": label "shard" is given twice by the views that it is declared through, as "1" and as "2"`},
		"one view":        {gauge("g", twice), `metric "v_g": label "shard" is given twice`},
		"prefix":          {gauge("g", r.View("0.")), `metric "0.g": the registry takes legacy names only`},
		"reserved":        {gauge("g", r.View("", label("__a", ""))), "must not begin with __"},
		"not UTF-8":       {gauge("g", r.View("", label("a", "\xff"))), "not valid UTF-8"},
		"empty name":      {gauge("", v), "the name is empty"},
		"conflict":        {func() { fennel.NewCounter("taken", "", fennel.In(v)) }, `counter "v_taken"`},
		"without a label": {gauge("taken", v), "they differ in labels"},
		"label names":     {gauge("g", v, fennel.LabelNames("a")), `metric "v_g": it has label names`},
		"label set":       {func() { fennel.NewGaugeVec[float64]("g", "", fennel.In(v), fennel.LabelNames("a")) }, `metric "v_g": label set`},
		"info":            {func() { fennel.NewInfo("i_info", "", 1, fennel.In(v)) }, `metric "v_i_info": the value of an info`},
	} {
		t.Run(name, func(t *testing.T) { wantRefusal(t, c.declare, c.want) })
	}
	wantSamples(t, r, "v_taken 0")
	wantSamples(t, v)
}

// wantRefusal checks that a declaration panics with a DeclarationError.
func wantRefusal(t *testing.T, declare func(), want string) {
	t.Helper()
	_, err := fennel.Try(func() any { declare(); return nil })
	var refused *fennel.DeclarationError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
		t.Errorf("refused with %v, want %q", err, want)
	}
}

func TestViewForgetsOnlyItsOwn(t *testing.T) {
	r := fennel.NewRegistry()
	a, b := r.View("x_", shard("1")), r.View("x_", shard("2"))
	also := r.View("x_", shard("1"))
	declare := func(r *fennel.Registry) *fennel.Gauge { return fennel.NewGauge("g", "", fennel.In(r)) }
	old := declare(a)
	declare(also)
	declare(b).Set(2)
	if a.Forget("x_g") || b.Forget("none") || !a.Forget("g") || a.Forget("g") {
		t.Error("a view forgets what isn't its own, or not once")
	}
	wantSamples(t, a)
	wantSamples(t, r, `x_g{shard="2"} 2`)
	wantRefusal(t, func() { fennel.NewCounter("x_g", "", fennel.In(r)) }, "conflicts")
	if again := declare(a); again == old {
		t.Error("the forgotten metric has come back")
	} else {
		again.Set(3)
	}
	if also.Forget("g") {
		t.Error("a view forgets what was forgotten and declared again without it")
	}
	old.Set(9)
	wantSamples(t, a, `x_g{shard="1"} 3`)
	wantSamples(t, also)
	r.Forget("x_g")
	for _, v := range []*fennel.Registry{a, b, also, r} {
		if wantSamples(t, v); len(v.Descs()) != 0 {
			t.Errorf("descriptions %v of what is forgotten", v.Descs())
		}
	}
	fennel.NewCounter("g", "other", fennel.In(b)).Inc()
	wantSamples(t, b, `x_g{shard="2"} 1`)
	if b.Forget("g"); len(r.Descs()) != 0 {
		t.Error("with the last member the family is still there")
	}
}

func TestViewLeavesOutTheRegistrysOwnMetrics(t *testing.T) {
	r := fennel.NewRegistry()
	v := r.View("v_")
	fennel.NewCounter("c_total", "", fennel.In(v)).Add(-1)
	if body := render(t, v, text004); strings.Contains(body, "fennel_") {
		t.Errorf("the view has:\n%s", body)
	}
	if n, _ := fennel.SampleValue(t.Context(), r, "fennel_dropped_updates_total", label("metric", "v_c_total"), label("reason", "negative")); n != 1 {
		t.Errorf("%v drops under the full name, want 1", n)
	}
	if r.View("fennel_").Forget("dropped_updates_total") {
		t.Error("a view forgets the registry's own metrics")
	}
}

func TestViewAdaptsCollectors(t *testing.T) {
	r := fennel.NewRegistry()
	v := r.View("v_", shard("1"))
	var wanted []bool
	c := fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		wanted = []bool{w.Wants("g"), w.Wants("v_g")}
		w.Gauge("g", "", fennel.LabelNames("k")).Write(1, "a")
		w.Counter("c_total", "", fennel.ConstLabels(label("z", "2"))).Write(2)
		w.StateSet("s", "", []string{"on"}).Write(nil)
		return nil
	})
	v.MustRegister(c)
	all := []string{`v_c_total{shard="1",z="2"} 2`, `v_g{shard="1",k="a"} 1`, `v_s{shard="1",v_s="on"} 0`}
	wantSamples(t, v, all...)
	wantSamples(t, r, all...)
	wantSamples(t, fennel.Only(r, "v_g"), all[1])
	if !slices.Equal(wanted, []bool{true, false}) {
		t.Errorf("wanted %v, want g without the prefix alone", wanted)
	}
	register(t, r.View("w_", label("k", "1")), func(w *fennel.Writer) error {
		w.Gauge("g", "", fennel.LabelNames("k")).Write(1, "a")
		return nil
	})
	_, errs := gatherPartial(t, r)
	wantErrors(t, errs, `metric "w_g": label "k" is given twice, by the view`)
}

func TestViewAdaptsDescribers(t *testing.T) {
	r := fennel.NewRegistry()
	a, b := r.View("v_", shard("1")), r.View("v_", shard("2"))
	c := &described{
		descs: []fennel.Desc{{Name: "x", Type: fennel.TypeGauge, Labels: []string{"k"}}},
		collect: func(_ context.Context, w *fennel.Writer) error {
			w.Gauge("x", "", fennel.LabelNames("k")).Write(1, "a")
			return nil
		},
	}
	a.MustRegister(c)
	b.MustRegister(c) // once for each view whose labels differ
	if err := r.View("v_", shard("1")).Register(c); err == nil || !strings.Contains(err.Error(), "registered already") {
		t.Errorf("registered twice under the same labels: %v", err)
	}
	want := []fennel.Desc{{Name: "v_x", Type: fennel.TypeGauge, Labels: []string{"shard", "k"}, ConstLabels: []fennel.Label{shard("1")}}}
	if got := a.Descs(); !reflect.DeepEqual(got, want) {
		t.Errorf("descriptions %+v, want %+v", got, want)
	}
	wantSamples(t, a, `v_x{shard="1",k="a"} 1`)
	wantSamples(t, r, `v_x{shard="1",k="a"} 1`, `v_x{shard="2",k="a"} 1`)
	c.calls.Store(0)
	gather(t, fennel.Only(r, "x"))
	gather(t, fennel.Only(a, "x"))
	if n := c.calls.Load(); n != 0 {
		t.Errorf("called %d times for scrapes that don't want it", n)
	}
	wantRefusal(t, func() { fennel.NewGauge("v_x", "", fennel.In(r)) }, `both expose the name "v_x"`)
	if err := r.View("", label("k", "")).Register(c); err == nil || !strings.Contains(err.Error(), `label "k" is given twice`) {
		t.Errorf("registered with a label that it has: %v", err)
	}
	if a.View("").Unregister(c) || !a.Unregister(c) || a.Unregister(c) {
		t.Error("a view unregisters what isn't its own, or not once")
	}
	wantSamples(t, r, `v_x{shard="2",k="a"} 1`)
	if !r.Unregister(c) {
		t.Error("the registry doesn't know the view's collector")
	}
	wantSamples(t, b)
	fennel.NewGauge("v_x", "", fennel.In(r))
}

func TestViewsDoNotCallOtherCollectors(t *testing.T) {
	r := fennel.NewRegistry()
	register(t, r, func(*fennel.Writer) error { panic("called") })
	register(t, r.View("a_"), func(*fennel.Writer) error { panic("called") })
	b := r.View("b_")
	register(t, b, func(w *fennel.Writer) error { w.Gauge("g", "").Write(1); return nil })
	wantSamples(t, b, "b_g 1")
}

// What a view's collector writes may not clash with what the registry has besides.
func TestViewCollectorClashesWithTheRest(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGauge("v_g", "", fennel.In(r))
	v := r.View("v_")
	register(t, v, func(w *fennel.Writer) error { w.Gauge("g", "").Write(1); return nil })
	_, errs := gatherPartial(t, v)
	wantErrors(t, errs, `both expose the name "v_g"`)
}

func TestViewConcurrent(t *testing.T) {
	r := fennel.NewRegistry()
	shared := r.View("v_")
	concurrently(func(worker int) {
		own := shared.View("", shard(fmt.Sprint(worker)))
		for i := range 20 {
			fennel.NewCounter("c_total", "", fennel.In(own)).Inc()
			fennel.NewGauge(fmt.Sprint("g", i%3), "", fennel.In(own)).Set(1)
			c := &described{descs: []fennel.Desc{{Name: fmt.Sprint("d", worker), Type: fennel.TypeGauge}}, collect: func(_ context.Context, w *fennel.Writer) error {
				w.Gauge(fmt.Sprint("d", worker), "").Write(1)
				return nil
			}}
			own.MustRegister(c)
			gather(t, shared)
			gather(t, own)
			gather(t, fennel.Merge(own, shared, fennel.Only(r, "v_c_total")))
			own.Descs()
			own.Unregister(c)
			own.Forget(fmt.Sprint("g", i%3))
		}
	})
	if families := gather(t, shared); len(families) != 1 || len(families[0].Samples) != workers {
		t.Errorf("gathered %+v, want one series for each worker", families)
	}
}

// A gathering that has begun is not disturbed by what is forgotten meanwhile.
func TestViewForgetDuringGather(t *testing.T) {
	r := fennel.NewRegistry()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			v := r.View("v_", shard("1"))
			for range 200 {
				fennel.NewGauge("g", "", fennel.In(v)).Set(1)
				for _, f := range gather(t, v) {
					if f.Name != "v_g" || len(f.Samples) != 1 {
						t.Errorf("gathered %+v", f)
					}
				}
				v.Forget("g")
			}
		})
	}
	wait.Wait()
}

// Of two that gather a view after a metric was forgotten, one takes it out. The
// other must not see it meanwhile.
func TestViewShowsNothingForgottenToAnybody(t *testing.T) {
	r := fennel.NewRegistry()
	v := r.View("v_")
	for i := range 1000 { // so that it takes a while
		fennel.NewGauge(fmt.Sprint("z", i), "", fennel.In(v))
	}
	g := fennel.Only(v, "v_g")
	for range 300 {
		fennel.NewGauge("g", "", fennel.In(v))
		r.Forget("v_g")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if families, _ := fennel.Gather(t.Context(), g); len(families) > 0 {
					t.Error("a metric that was forgotten is gathered")
				}
			})
		}
		all.Wait()
	}
}
