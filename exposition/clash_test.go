package exposition

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// related are names that meet in some format or look as if they did.
var related = []string{
	"foo", "foo_total", "foo_info", "foo_bucket", "foo_count", "foo_sum", "foo_created", "foo_total_total", "foo_total_info",
	"foo_info_total", "foo.total", "foo:total", "foo__total", "foo_dot_total", "U__foo_2e_total", "foo.",
}

var kindsOfMetric = []string{"counter", "gauge", "histogram", "summary", "unknown", "info", "stateset"}

// declareKind declares a metric with one series, or panics.
func declareKind(r *fennel.Registry, kind, name string) {
	in := fennel.In(r)
	switch kind {
	case "counter":
		fennel.NewCounter(name, "h", in)
	case "gauge":
		fennel.NewGauge(name, "h", in)
	case "histogram":
		fennel.NewHistogram(name, "h", in, fennel.Buckets(1))
	case "summary":
		fennel.NewSummary(name, "h", in)
	case "unknown":
		fennel.NewUnknown(name, "h", in)
	case "info":
		fennel.NewInfo(name, "h", struct{}{}, in)
	case "stateset":
		fennel.NewStateSet(name, "h", []string{"a"}, in)
	}
}

// writeKind writes a sample of a metric through a collector's writer.
func writeKind(w *fennel.Writer, kind, name string) {
	switch kind {
	case "counter":
		w.Counter(name, "h").Write(1)
	case "gauge":
		w.Gauge(name, "h").Write(1)
	case "histogram":
		w.Histogram(name, "h", nil).Write(fennel.HistogramValue{Counts: []uint64{1}})
	case "summary":
		w.Summary(name, "h", nil).Write(fennel.SummaryValue{})
	case "unknown":
		w.Unknown(name, "h").Write(1)
	case "info":
		w.Info(name, "h").Write()
	case "stateset":
		w.StateSet(name, "h", []string{"a"}).Write(nil)
	}
}

// pairsOfMetrics yields all pairs of related metrics.
func pairsOfMetrics(yield func(kind1, name1, kind2, name2 string) bool) {
	for _, name1 := range related {
		for _, kind1 := range kindsOfMetric {
			for _, name2 := range related {
				for _, kind2 := range kindsOfMetric {
					if name1 != name2 && !yield(kind1, name1, kind2, name2) {
						return
					}
				}
			}
		}
	}
}

// checkAllFormats checks that a registry's families don't meet in any format.
func checkAllFormats(t *testing.T, r *fennel.Registry, what string) {
	t.Helper()
	for f := range formats {
		if f.Syntax == Text100 {
			continue // the same bytes as Text004
		}
		body, err := Bytes(t.Context(), r, f)
		if err != nil && !fennel.Partial(err) {
			t.Fatal(err)
		}
		if _, err := parseAs(body, f); err != nil {
			t.Errorf("%s: %v: %v\n%s", what, f, err, body)
			return
		}
	}
}

// Two metrics that a registry takes side by side don't meet in any format.
func TestAcceptedMetricsNeverMeet(t *testing.T) {
	accepted := 0
	pairsOfMetrics(func(kind1, name1, kind2, name2 string) bool {
		r := fennel.NewRegistry()
		_, err := fennel.Try(func() any {
			declareKind(r, kind1, name1)
			declareKind(r, kind2, name2)
			return nil
		})
		if err != nil {
			return true
		}
		if accepted++; raceDetector && accepted%7 != 0 {
			return true
		}
		checkAllFormats(t, r, fmt.Sprintf("%s %s, %s %s", kind1, name1, kind2, name2))
		return !t.Failed()
	})
	if accepted < 1000 {
		t.Errorf("%d pairs were accepted", accepted)
	}
}

// The same for what collectors write, beside each other and beside what is
// declared.
func TestCollectedMetricsNeverMeet(t *testing.T) {
	n := 0
	pairsOfMetrics(func(kind1, name1, kind2, name2 string) bool {
		if n++; n%5 != 0 || raceDetector && n%35 != 0 {
			return true
		}
		what := fmt.Sprintf("%s %s, %s %s", kind1, name1, kind2, name2)
		collector := func(kind, name string) fennel.Collector {
			return fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error { writeKind(w, kind, name); return nil })
		}
		both := fennel.NewRegistry()
		both.MustRegister(collector(kind1, name1), collector(kind2, name2))
		checkAllFormats(t, both, "collected: "+what)
		beside := fennel.NewRegistry()
		if _, err := fennel.Try(func() any { declareKind(beside, kind1, name1); return nil }); err == nil {
			beside.MustRegister(collector(kind2, name2))
			checkAllFormats(t, beside, "declared and collected: "+what)
		}
		return !t.Failed()
	})
}

// A gauge foo beside a counter foo_total: OpenMetrics would call both families
// foo, so the counter keeps its name and loses its type there. It gets it back
// when the gauge goes.
func TestGaugeBesideCounter(t *testing.T) {
	r := fennel.NewRegistry()
	counter := func() { declareKind(r, "counter", "foo_total") }
	gauge := func() { declareKind(r, "gauge", "foo") }
	info := func() { declareKind(r, "info", "foo_info") }
	alone := "# TYPE foo counter\n# HELP foo h\nfoo_total 0\n# EOF\n"
	beside := "# TYPE foo gauge\n# HELP foo h\nfoo 0\n# TYPE foo_total unknown\n# HELP foo_total h\nfoo_total 0\n# EOF\n"
	steps := []struct {
		what string
		do   func()
		want string
	}{
		{"the counter", counter, alone},
		{"the gauge joins it", gauge, beside},
		{"the gauge goes", func() { r.Forget("foo") }, alone},
		{"the gauge comes back", gauge, beside},
		{"the counter goes", func() { r.Forget("foo_total") }, "# TYPE foo gauge\n# HELP foo h\nfoo 0\n# EOF\n"},
		{"the counter comes back", counter, beside},
		{"an info joins them", info, strings.Replace(beside, "# TYPE foo_total", "# TYPE foo_info gauge\n# HELP foo_info h\nfoo_info 1\n# TYPE foo_total", 1)},
		{"gauge and counter go", func() { r.Forget("foo"); r.Forget("foo_total") }, "# TYPE foo info\n# HELP foo h\nfoo_info 1\n# EOF\n"},
	}
	for _, step := range steps {
		step.do()
		body, err := Bytes(t.Context(), r, om100)
		if err != nil || string(body) != step.want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", step.what, err, body, step.want)
		}
		checkAllFormats(t, r, step.what)
	}
}

// A counter foo_total and an info foo_info have one family name in OpenMetrics.
func TestCounterBesideInfo(t *testing.T) {
	for _, order := range [][2]string{{"counter foo_total", "info foo_info"}, {"info foo_info", "counter foo_total"}} {
		r := fennel.NewRegistry()
		_, err := fennel.Try(func() any {
			for _, m := range order {
				kind, name, _ := strings.Cut(m, " ")
				declareKind(r, kind, name)
			}
			return nil
		})
		if err == nil {
			checkAllFormats(t, r, fmt.Sprint(order))
		}
	}
}

// A collector's gauge takes the header's name from a declared counter, too.
func TestCollectedGaugeBesideDeclaredCounter(t *testing.T) {
	r := fennel.NewRegistry()
	declareKind(r, "counter", "foo_total")
	on := true
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		if on {
			w.Gauge("foo", "h").Write(1)
		}
		return nil
	}))
	for range 3 {
		checkAllFormats(t, r, "gauge written")
		on = !on
	}
}
