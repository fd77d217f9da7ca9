package fennel_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

// Every defect of the clients that came before is a test here. "python" is
// prometheus_client 0.25.0, "client_golang" is 1.24.1; the numbers are those of
// the lists that were made of each.
//
// Rows that belong to other packages:
//
//   - exposition: python 1 (names under the schemes), 5 (values that are no
//     number), 9 (unknown scheme), 32; client_golang 14, 16 (negotiation, as
//     python 3 and 4)
//   - fennelhttp: python 10 to 13; client_golang 2, 11, 12, 17
//   - push: python 2, 15 to 17; client_golang 13
//   - parsers: python 29, 30; Graphite: 27, 28; exemplars: 6, 19;
//     collectors: client_golang 20; remote write: 15
//   - python 24, decorators that measure nothing, has no counterpart in Go.
//
// Rows with tests of their own: the torn snapshots of python are
// TestHistogramReadsAreConsistentWhileWritten and its like for the summary,
// client_golang 1 is TestNothingWaitsForASlowScraper.
func TestDefectsOfOtherClients(t *testing.T) {
	for _, d := range []struct {
		name string
		test func(t *testing.T, r *fennel.Registry)
	}{
		{"python/7 negative timestamp", negativeTimestamp},
		{"python/8 escaping makes duplicate families or labels", escapingMakesDuplicates},
		{"python/14 restriction loses unit, order, metadata", restrictionKeepsMetadata},
		{"python/18 duplicate label names", duplicateLabelNames},
		{"python/20 bad bucket bounds", badBounds},
		{"python/21 NaN in the sum but not in the count", nanObservation},
		{"python/22 count without sum for negative bounds", negativeBounds},
		{"python/23 stateset label collision, duplicate states", stateSetCollisions},
		{"python/25 unregistered collector visible in restrictions", unregisteredIsGone},
		{"python/26 label values cut or dropped", labelValuesAreNotCut},
		{"python/31 legacy name with a trailing newline", trailingNewline},
		{"client_golang/3 panic in a wrapped collector", panicBehindRestriction},
		{"client_golang/4 panic reported twice", panicReportedOnce},
		{"client_golang/5 another type of the same name", otherTypeIsRefused},
		{"client_golang/6 suffix clash found at the scrape only", suffixClash},
		{"client_golang/7 unit lost", restrictionKeepsMetadata},
		{"client_golang/8 caller's buckets and strings retained", slicesAreCopied},
		{"client_golang/9 NaN poisons a counter, whole part wraps", counterIsNotPoisoned},
		{"client_golang/10 NaN bound", badBounds},
		{"client_golang/18 partial deletion takes a whole hash bucket", partialDeletion},
		{"client_golang/19 identity by hash", identityOfCollectors},
		{"client_golang unregister is remembered", unregisterForgets},
	} {
		t.Run(d.name, func(t *testing.T) { d.test(t, fennel.NewRegistry()) })
	}
}

func negativeTimestamp(t *testing.T, r *fennel.Registry) {
	register(t, r, func(w *fennel.Writer) error {
		g := w.Gauge("g", "", fennel.LabelNames("k"))
		g.At(time.Unix(-1, 5e8)).Write(1, "before 1970")
		g.At(time.Unix(0, 1)).Write(2, "after")
		return nil
	})
	_, errs := gatherPartial(t, r)
	wantErrors(t, errs, "timestamp")
	if got, want := samplesPartial(t, r), "g{k=\"after\"} 2 0\n"; got != want {
		t.Errorf("samples:\n%swant:\n%s", got, want)
	}
}

func escapingMakesDuplicates(t *testing.T, r *fennel.Registry) {
	fennel.NewGauge("a.b", "", fennel.In(r))
	refused(t, "a-b", func() { fennel.NewGauge("a-b", "", fennel.In(r)) }, `gauge "a.b"`)
	refused(t, "x", func() { fennel.NewGaugeVec[[2]string]("x", "", fennel.In(r), fennel.LabelNames("l.m", "l_m")) }, `"l.m" and "l_m"`)
	register(t, r, func(w *fennel.Writer) error { w.Gauge("a b", "").Write(1); return nil })
	_, errs := gatherPartial(t, r)
	wantErrors(t, errs, `gauge "a.b"`)
}

func restrictionKeepsMetadata(t *testing.T, r *fennel.Registry) {
	fennel.NewGauge("b_bytes", "B.", fennel.In(r), fennel.Unit("bytes"))
	fennel.NewCounter("a_total", "A.", fennel.In(r))
	fennel.NewCounter("c_total", "C.", fennel.In(r))
	want := "# TYPE b_bytes gauge\n# UNIT b_bytes bytes\n# HELP b_bytes B.\nb_bytes 0\n" +
		"# TYPE c counter\n# HELP c C.\nc_total 0\n# EOF\n"
	for range 10 {
		if got := render(t, fennel.Only(r, "c_total", "b_bytes", "a_created_"), openMetrics); got != want {
			t.Errorf("got:\n%swant:\n%s", got, want)
		}
	}
}

func duplicateLabelNames(t *testing.T, r *fennel.Registry) {
	type twice struct {
		A string `label:"a"`
		B string `label:"a"`
	}
	refused(t, "x", func() { fennel.NewGaugeVec[twice]("x", "", fennel.In(r)) }, `label "a" is there twice`)
}

func badBounds(t *testing.T, r *fennel.Registry) {
	inf := math.Inf(1)
	for _, bounds := range [][]float64{{1, 1}, {math.NaN()}, {1, math.NaN()}, {-inf, 1}, {inf, inf}, {1, inf, inf}, {2, 1}} {
		_, err := fennel.Try(func() any { return fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(bounds...)) })
		if err == nil {
			t.Errorf("bounds %v are not refused", bounds)
		}
	}
}

func nanObservation(t *testing.T, r *fennel.Registry) {
	h, s := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(1)), fennel.NewSummary("s", "", fennel.In(r))
	h.Observe(math.NaN())
	h.Observe(2)
	s.Observe(math.NaN())
	s.Observe(2)
	wantSamples(t, r, `h_bucket{le="1"} 0`, `h_bucket{le="+Inf"} 1`, "h_sum 2", "h_count 1", "s_sum 2", "s_count 1")
}

func negativeBounds(t *testing.T, r *fennel.Registry) {
	fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(-1)).Observe(-2)
	wantSamples(t, r, `h_bucket{le="-1"} 1`, `h_bucket{le="+Inf"} 1`, "h_sum -2", "h_count 1")
	if body := render(t, r, openMetrics); strings.Contains(body, "_sum") || strings.Contains(body, "_count") {
		t.Errorf("OpenMetrics has a sum or a count alone:\n%s", body)
	}
}

func stateSetCollisions(t *testing.T, r *fennel.Registry) {
	refused(t, "n_e", func() {
		fennel.NewStateSetVec[string]("n_e", "", []string{"a"}, fennel.In(r), fennel.LabelNames("n_e"))
	}, "reserved")
	refused(t, "e", func() { fennel.NewStateSet("e", "", []string{"a", "a"}, fennel.In(r)) }, "twice")
}

func unregisteredIsGone(t *testing.T, r *fennel.Registry) {
	c := &described{collect: func(_ context.Context, w *fennel.Writer) error { w.Gauge("x", "").Write(1); return nil }}
	only := fennel.Only(r, "x")
	r.MustRegister(c)
	wantSamples(t, only, "x 1")
	r.Unregister(c)
	wantSamples(t, only)
}

func labelValuesAreNotCut(t *testing.T, r *fennel.Registry) {
	register(t, r, func(w *fennel.Writer) error {
		g := w.Gauge("g", "", fennel.LabelNames("a", "b"))
		g.Write(1, "x")
		g.Write(2, "x", "y", "z")
		return nil
	})
	families, errs := gatherPartial(t, r)
	wantErrors(t, errs, `samples left out: 2, the first: sample ["x"]: 1 label values for the 2 labels ["a" "b"]`)
	if names(families) != "" {
		t.Errorf("gathered %v", families)
	}
}

func trailingNewline(t *testing.T, _ *fennel.Registry) {
	r := fennel.NewRegistry(fennel.WithLegacyNames())
	refused(t, "x\n", func() { fennel.NewGauge("x\n", "", fennel.In(r)) }, "legacy names only")
	refused(t, "x", func() { fennel.NewGaugeVec[string]("x", "", fennel.In(r), fennel.LabelNames("l\n")) }, "legacy names only")
}

func panicBehindRestriction(t *testing.T, r *fennel.Registry) {
	fennel.NewGauge("x", "", fennel.In(r))
	register(t, r, func(*fennel.Writer) error { panic("boom") })
	families, errs := gatherPartial(t, fennel.Only(r, "x"))
	wantErrors(t, errs, "panic: boom")
	if names(families) != "x" {
		t.Errorf("gathered %q", names(families))
	}
}

func panicReportedOnce(t *testing.T, r *fennel.Registry) {
	register(t, r, func(*fennel.Writer) error { panic("boom") })
	_, errs := gatherPartial(t, r)
	wantErrors(t, errs, "panic: boom")
	if n := own(t, r, "fennel_collector_errors_total", "fennel.CollectorFunc"); n != 2 {
		t.Errorf("%v errors counted in two scrapes", n)
	}
}

func otherTypeIsRefused(t *testing.T, r *fennel.Registry) {
	fennel.NewGauge("x", "h", fennel.In(r))
	refused(t, "x", func() { fennel.NewCounter("x", "h", fennel.In(r)) }, `counter "x"`, `gauge "x"`, "differ in type")
}

func suffixClash(t *testing.T, r *fennel.Registry) {
	fennel.NewHistogram("h", "", fennel.In(r))
	refused(t, "h_count", func() { fennel.NewGauge("h_count", "", fennel.In(r)) }, `histogram "h"`)
}

func slicesAreCopied(t *testing.T, r *fennel.Registry) {
	bounds := []float64{1, 2}
	h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(bounds...))
	bounds[0] = 5
	h.Observe(1.5)
	wantSamples(t, r, `h_bucket{le="1"} 0`, `h_bucket{le="2"} 1`, `h_bucket{le="+Inf"} 1`, "h_sum 1.5", "h_count 1")
}

func counterIsNotPoisoned(t *testing.T, r *fennel.Registry) {
	c := fennel.NewCounter("c_total", "", fennel.In(r))
	c.Add(math.NaN())
	c.Add(1.8e19)
	c.Add(1.8e19)
	if c.Value() != 3.6e19 {
		t.Errorf("Value() = %v, want 3.6e19", c.Value())
	}
	whole := fennel.NewCounter("whole_total", "", fennel.In(r))
	whole.AddUint(18e18)
	whole.AddUint(18e18)
	if whole.Value() != 3.6e19 {
		t.Errorf("Value() = %v, want 3.6e19", whole.Value())
	}
}

func partialDeletion(t *testing.T, r *fennel.Registry) {
	vec := fennel.NewGaugeVec[[2]int]("g", "", fennel.In(r), fennel.LabelNames("a", "b"))
	for i := range 20_000 {
		vec.With([2]int{i % 2, i})
	}
	if n := vec.DeletePartial(label("a", "1")); n != 10_000 || vec.Len() != 10_000 {
		t.Errorf("%d removed, %d left", n, vec.Len())
	}
	for labels := range vec.All() {
		if labels[0] != 0 {
			t.Fatalf("%v is left", labels)
		}
	}
}

func identityOfCollectors(t *testing.T, r *fennel.Registry) {
	for i := range 100 {
		c := &described{descs: []fennel.Desc{{Name: fmt.Sprint("x", i), Type: fennel.TypeGauge}}}
		if err := r.Register(c); err != nil {
			t.Error(err)
		}
	}
}

func unregisterForgets(t *testing.T, r *fennel.Registry) {
	c := &described{descs: []fennel.Desc{{Name: "x", Help: "one", Type: fennel.TypeGauge}}}
	r.MustRegister(c)
	r.Unregister(c)
	accepted(t, func() { fennel.NewHistogramVec[request]("x", "two", fennel.In(r)) })
	r.Forget("x")
	accepted(t, func() { fennel.NewCounter("x", "three", fennel.In(r)) })
}
