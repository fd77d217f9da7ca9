package fennel_test

import (
	"reflect"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// An option may be made once and used for many metrics. What it was made from
// belongs to the caller again as soon as the option is made.
func TestOptionsDoNotKeepTheCallersSlices(t *testing.T) {
	bounds, labels, labelNames := []float64{1}, []fennel.Label{{Name: "c", Value: "1"}}, []string{"l"}
	buckets := fennel.Buckets(bounds...)
	consts := fennel.ConstLabels(labels...)
	names := fennel.LabelNames(labelNames...)
	bounds[0], labels[0], labelNames[0] = 2, fennel.Label{Name: "d", Value: "2"}, "m"

	r := fennel.NewRegistry()
	fennel.NewHistogramVec[string]("h", "", fennel.In(r), buckets, consts, names).With("x").Observe(1)
	wantSamples(t, r,
		`h_bucket{c="1",l="x",le="1"} 1`, `h_bucket{c="1",l="x",le="+Inf"} 1`,
		`h_sum{c="1",l="x"} 1`, `h_count{c="1",l="x"} 1`)

	ranks := []float64{0.9, 0.5}
	quantiles := fennel.Quantiles(ranks...)
	if ranks[0] != 0.9 {
		t.Error("the caller's quantiles are sorted")
	}
	ranks[0] = 0.1
	r = fennel.NewRegistry()
	fennel.NewSummary("s", "", fennel.In(r), quantiles)
	wantSamples(t, r, `s{quantile="0.5"} NaN`, `s{quantile="0.9"} NaN`, "s_sum 0", "s_count 0")
}

func TestOptionsCanBeUsedAgain(t *testing.T) {
	r := fennel.NewRegistry()
	in := fennel.In(r)
	consts := fennel.ConstLabels(fennel.Label{Name: "c", Value: "1"})
	names := fennel.LabelNames("l")
	for _, name := range []string{"a", "b"} {
		fennel.NewGaugeVec[int](name, "", in, consts, names).With(7).Inc()
	}
	wantSamples(t, r, `a{c="1",l="7"} 1`, `b{c="1",l="7"} 1`)
}

func TestOptionsOfTheSameKindAddUp(t *testing.T) {
	r := fennel.NewRegistry()
	a := fennel.ConstLabels(fennel.Label{Name: "b", Value: "1"})
	b := fennel.ConstLabels(fennel.Label{Name: "a", Value: "2"})
	fennel.NewGaugeVec[[2]int]("g", "", fennel.In(r), a, b, fennel.LabelNames("x"), fennel.LabelNames("y")).With([2]int{3, 4})
	wantSamples(t, r, `g{a="2",b="1",x="3",y="4"} 0`)
}

func TestWithoutInItIsTheDefaultRegistry(t *testing.T) {
	t.Cleanup(func() { fennel.Default.Forget("without_in") })
	g := fennel.NewGauge("without_in", "")
	if g != fennel.NewGauge("without_in", "", fennel.In(fennel.Default)) {
		t.Error("In(Default) and no In give different gauges")
	}
	if got := names(gather(t, fennel.Default)); got != "without_in" {
		t.Errorf("the default registry has %q", got)
	}
}

func TestInNilThereAreNoMetrics(t *testing.T) {
	for kind, declare := range declarations(fennel.In(nil)) {
		if h := declare("x_info"); !reflect.ValueOf(h).IsNil() {
			t.Errorf("%s: %v, want nil", kind, h)
		}
	}
	fennel.NewInfo("x_info", "", build{}, fennel.In(nil)).Set(build{})
	fennel.NewHistogramVec[request]("x", "", fennel.In(nil)).With(request{"GET", 200}).Observe(1)
	if got := names(gather(t, fennel.Default)); got != "" {
		t.Errorf("the default registry has %q", got)
	}
}

func TestInNilDeclarationsAreCheckedAllTheSame(t *testing.T) {
	refused(t, "", func() { fennel.NewGauge("", "", fennel.In(nil)) }, "the name is empty")
	refused(t, "x", func() { fennel.NewHistogram("x", "", fennel.In(nil), fennel.Buckets(2, 1)) }, "sort the bounds")
	refused(t, "x", func() { fennel.NewGaugeVec[float64]("x", "", fennel.In(nil)) }, "float64")
}

func TestOptionsThatAreNilArePassedOver(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGauge("g", "", nil, fennel.In(r), nil).Set(1)
	register(t, r, func(w *fennel.Writer) error { w.Gauge("w", "", nil).Write(1); return nil })
	wantSamples(t, r, "g 1", "w 1")
}
