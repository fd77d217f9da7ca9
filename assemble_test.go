package fennel_test

import (
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// What was decided about families is decided again when others come, go, or are
// declared in another order.
func TestCollectedFamiliesFitWhatElseThereIs(t *testing.T) {
	r := fennel.NewRegistry()
	var writes []string
	register(t, r, func(w *fennel.Writer) error {
		for _, name := range writes {
			w.Gauge(name, "").Write(1)
		}
		return nil
	})
	want := func(what, families string, errors ...string) {
		t.Helper()
		for range 2 { // the second scrape uses what the first has decided
			got, errs := gatherPartial(t, r)
			if names(got) != families {
				t.Errorf("%s: gathered %q, want %q", what, names(got), families)
			}
			wantErrors(t, errs, errors...)
		}
	}
	writes = []string{"a", "m_count"}
	want("first", "a m_count")
	writes = []string{"m_count", "a"}
	want("another order", "a m_count")
	writes = []string{"m_count", "a", "target_info"}
	want("one more", "target_info a m_count")
	writes = []string{"z", "a"}
	want("another", "a z")
	writes = []string{"m_count", "a"}
	want("as before", "a m_count")
	fennel.NewHistogram("m", "", fennel.In(r))
	want("a clash with what is stored", "a m", `both expose the name "m_count"`)
	r.Forget("m")
	want("no clash any more", "a m_count")
	writes = []string{"a", "x", "x_count"}
	want("nothing new", "a x x_count")
	register(t, r, func(w *fennel.Writer) error {
		w.Histogram("x", "", nil).Write(fennel.HistogramValue{Counts: []uint64{1}})
		return nil
	})
	want("a clash with another collector", "a x x_count", "conflicts with")
}

// A counter foo_total is not to lose its suffix once there is a gauge foo.
func TestCollectedFamiliesAreShadowedLater(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewCounter("foo_total", "", fennel.In(r))
	register(t, r, func(w *fennel.Writer) error { w.Gauge("foo", "").Write(1); return nil })
	first := render(t, r, openMetrics)
	if !strings.Contains(first, "# TYPE foo gauge\n") || !strings.Contains(first, "\nfoo_total 0\n") || strings.Contains(first, "# TYPE foo counter") {
		t.Errorf("got:\n%s", first)
	}
	if second := render(t, r, openMetrics); first != second {
		t.Errorf("got:\n%sand then:\n%s", first, second)
	}
	r.Forget("foo_total")
	fennel.NewCounter("foo_total", "", fennel.In(r)) // anew
	if again := render(t, r, openMetrics); first != again {
		t.Errorf("got:\n%safter it was declared anew:\n%s", first, again)
	}
}
