package fennel_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// described is a collector that announces what it writes.
type described struct {
	descs   []fennel.Desc
	collect func(ctx context.Context, w *fennel.Writer) error
	calls   atomic.Int64
}

func (d *described) Describe() []fennel.Desc { return d.descs }

func (d *described) Collect(ctx context.Context, w *fennel.Writer) error {
	d.calls.Add(1)
	if d.collect == nil {
		return nil
	}
	return d.collect(ctx, w)
}

func (d *described) String() string { return "described" }

func TestDescriberIsCheckedAtOnce(t *testing.T) {
	gauge := func(name string) fennel.Desc { return fennel.Desc{Name: name, Type: fennel.TypeGauge} }
	for _, c := range []struct {
		descs []fennel.Desc
		part  string
	}{
		{[]fennel.Desc{gauge("stored")}, `gauge "stored" (help "") conflicts with histogram "stored"`},
		{[]fennel.Desc{gauge("free"), gauge("stored_count")}, `both expose the name "stored_count"`},
		{[]fennel.Desc{gauge("stored.sum")}, `both expose the name "stored_sum"`},
		{[]fennel.Desc{gauge("other")}, "registered twice"},
		{[]fennel.Desc{gauge("twice"), gauge("twice")}, "registered twice"},
		{[]fennel.Desc{gauge("free"), gauge("")}, "the name is empty"},
		{[]fennel.Desc{{Name: "x", Type: fennel.TypeInfo}}, "must end in _info"},
		{[]fennel.Desc{{Name: "x", Unit: "bytes"}}, "not the name's suffix"},
		{[]fennel.Desc{{Name: "x", Labels: []string{"__a"}}}, "reserved"},
		{[]fennel.Desc{{Name: "x", Type: fennel.TypeStateSet, Labels: []string{"x"}}}, "reserved"},
	} {
		r := fennel.NewRegistry()
		fennel.NewHistogram("stored", "", fennel.In(r))
		r.MustRegister(&described{descs: []fennel.Desc{gauge("other")}})
		bad := &described{descs: c.descs}
		err := r.Register(bad)
		if err == nil || !strings.Contains(err.Error(), c.part) || !strings.Contains(err.Error(), "collector described") {
			t.Errorf("Register: %v\nwant it to contain %q", err, c.part)
		}
		gather(t, r)
		if bad.calls.Load() != 0 || r.Unregister(bad) {
			t.Error("the refused collector is registered")
		}
		accepted(t, func() { fennel.NewGauge("free", "", fennel.In(r)) })
	}
}

// Instances of one collector, for several databases say, share their families
// and are told apart by a constant label.
func TestDescribersShareAFamilyByConstantLabels(t *testing.T) {
	instance := func(db string) *described {
		label := fennel.Label{Name: "db", Value: db}
		return &described{
			descs: []fennel.Desc{{Name: "rows_total", Type: fennel.TypeCounter, Labels: []string{"db", "table"}, ConstLabels: []fennel.Label{label}}},
			collect: func(_ context.Context, w *fennel.Writer) error {
				w.Counter("rows_total", "", fennel.ConstLabels(label), fennel.LabelNames("table")).WriteUint(1, "users")
				return nil
			},
		}
	}
	r := fennel.NewRegistry()
	a, b := instance("a"), instance("b")
	r.MustRegister(a, b)
	wantSamples(t, r, `rows_total{db="a",table="users"} 1`, `rows_total{db="b",table="users"} 1`)
	if err := r.Register(instance("a")); err == nil || !strings.Contains(err.Error(), "registered twice") {
		t.Errorf("the same constant labels: %v", err)
	}
	r.Unregister(a)
	refused(t, "rows_total", func() { fennel.NewCounter("rows_total", "", fennel.In(r)) }, "both expose")
	r.Unregister(b)
	accepted(t, func() { fennel.NewCounter("rows_total", "", fennel.In(r)) })
}

// The name that a family has in OpenMetrics' headers finds a Describer, too.
func TestDescriberIsFoundByItsNameWithoutSuffix(t *testing.T) {
	r := fennel.NewRegistry()
	r.MustRegister(&described{
		descs:   []fennel.Desc{{Name: "jobs_total", Type: fennel.TypeCounter}},
		collect: func(_ context.Context, w *fennel.Writer) error { w.Counter("jobs_total", "").Write(1); return nil },
	})
	families, err := fennel.Gather(t.Context(), fennel.Only(r, "jobs"))
	if len(families) != 1 || err != nil {
		t.Errorf("gathered %v, %v", families, err)
	}
}

// A collector that withdraws in the middle of a scrape, and whose name is taken
// at once, must not meet its successor.
func TestDescriberThatUnregistersInTheMiddle(t *testing.T) {
	r := fennel.NewRegistry()
	d := &described{descs: []fennel.Desc{{Name: "x", Type: fennel.TypeGauge}}}
	d.collect = func(_ context.Context, w *fennel.Writer) error {
		w.Gauge("x", "").Write(1)
		r.Unregister(d)
		fennel.NewGauge("x", "", fennel.In(r)).Set(2)
		return nil
	}
	r.MustRegister(d)
	families, _ := gatherPartial(t, r)
	if x := family(t, families, "x"); len(x.Samples) != 1 {
		t.Errorf("%d samples of x", len(x.Samples))
	}
}

func TestDescriberKeepsItsNames(t *testing.T) {
	r := fennel.NewRegistry()
	c := &described{descs: []fennel.Desc{{Name: "x", Type: fennel.TypeSummary}, {Name: "s", Type: fennel.TypeStateSet}}}
	r.MustRegister(c)
	refused(t, "x_sum", func() { fennel.NewGauge("x_sum", "", fennel.In(r)) }, `summary "x"`, `both expose the name "x_sum"`)
	refused(t, "s", func() { fennel.NewStateSet("s", "", phases, fennel.In(r)) }, `stateset "s"`)
	r.Unregister(c)
	accepted(t, func() { fennel.NewGauge("x_sum", "", fennel.In(r)) })
}

func TestDescriberIsListed(t *testing.T) {
	r := fennel.NewRegistry()
	labels := []string{"k"}
	descs := []fennel.Desc{{Name: "b", Help: "Two.", Type: fennel.TypeGauge, Labels: labels}, {Name: "a", Type: fennel.TypeCounter}}
	r.MustRegister(&described{descs: descs})
	fennel.NewGauge("aa", "", fennel.In(r))
	got := r.Descs()
	if len(got) != 3 || got[0].Name != "a" || got[1].Name != "aa" || fmt.Sprintf("%q", got[2]) != fmt.Sprintf("%q", descs[0]) {
		t.Errorf("Descs() = %q", got)
	}
	// Neither the collector's slices nor those that were returned are shared.
	descs[0].Name, labels[0] = "changed", "changed"
	r.Descs()[2].Labels[0] = "changed"
	if last := r.Descs()[2]; last.Name != "b" || last.Labels[0] != "k" {
		t.Errorf("the list was changed from outside: %+v", last)
	}
}

func TestDescriberIsCalledOnlyForItsFamilies(t *testing.T) {
	r := fennel.NewRegistry()
	c := &described{descs: []fennel.Desc{{Name: "x", Type: fennel.TypeHistogram}, {Name: "y.z", Type: fennel.TypeGauge}}}
	r.MustRegister(c)
	for i, name := range []string{"x", "x_count", "y.z", "y_z"} {
		gather(t, fennel.Only(r, name))
		if got := c.calls.Load(); got != int64(i+1) {
			t.Errorf("after Only(%q) the collector was called %d times, want %d", name, got, i+1)
		}
	}
	gather(t, fennel.Only(r, "other", "x_total"))
	gather(t, fennel.Only(r))
	if got := c.calls.Load(); got != 4 {
		t.Errorf("the collector was called for what it doesn't have")
	}
}

func TestDescriberMayWriteWhatItAnnounced(t *testing.T) {
	r := fennel.NewRegistry()
	r.MustRegister(&described{
		descs: []fennel.Desc{{Name: "x", Type: fennel.TypeGauge}},
		collect: func(_ context.Context, w *fennel.Writer) error {
			w.Gauge("x", "").Write(1)
			return nil
		},
	})
	wantSamples(t, r, "x 1")
}

// What becomes of a family that two collectors write must not depend on which
// of them was registered first.
func TestAnnouncedFamilyOfTwoCollectorsInEitherOrder(t *testing.T) {
	write := func(k string) func(context.Context, *fennel.Writer) error {
		return func(_ context.Context, w *fennel.Writer) error {
			w.Gauge("x", "", fennel.LabelNames("k")).Write(1, k)
			return nil
		}
	}
	announced := &described{descs: []fennel.Desc{{Name: "x", Type: fennel.TypeGauge, Labels: []string{"k"}}}, collect: write("a")}
	other := &described{collect: write("b")}
	var got [2]string
	for i, order := range [][]fennel.Collector{{announced, other}, {other, announced}} {
		r := fennel.NewRegistry()
		r.MustRegister(order...)
		families, errs := gatherPartial(t, r)
		got[i] = fmt.Sprint(family(t, families, "x").Samples, len(errs))
	}
	if got[0] != got[1] {
		t.Errorf("with the describer first: %s\nlast: %s", got[0], got[1])
	}
}
