package fennel_test

import (
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

func TestSummariesOfCollectorsHaveStarts(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		s := w.Summary("s", "", []float64{0.5}, fennel.LabelNames("k"))
		value := fennel.SummaryValue{Count: 1, Sum: 2, Quantiles: []float64{3}}
		s.Write(value, "c")
		s.Since(start).Write(value, "b")
		s.Since(start).Since(time.Unix(0, 0)).At(start).Write(value, "a")
		s.Since(time.Unix(-1, 0)).Write(value, "d")
	})
	families, errs := gatherPartial(t, r)
	wantErrors(t, errs, `metric "s": exemplars or start times left out: 1, the first: sample ["d"]: the start time is not between 1970 and 2262`)
	want := []time.Time{time.Unix(0, 0), start, {}, {}}
	for i, s := range family(t, families, "s").Samples {
		if !s.Created.Equal(want[i]) || s.Count != 1 || s.Sum != 2 || s.Quantiles[0].Value != 3 {
			t.Errorf("sample %d: %+v, want it to begin at %v", i, s, want[i])
		}
	}
}
