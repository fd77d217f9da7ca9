package exposition

import (
	"io"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// The quantiles of all summaries are estimated in the same memory.
func TestScrapingQuantilesAllocatesLittle(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's pools allocate")
	}
	r := fennel.NewRegistry()
	v := fennel.NewSummaryVec[int]("s", "h", fennel.In(r), fennel.LabelNames("k"), fennel.Quantiles(0.5, 0.9, 0.99))
	for i := range 1000 {
		for j := range 20 {
			v.With(i).Observe(float64(i * j))
		}
	}
	n := testing.AllocsPerRun(20, func() {
		if err := Write(t.Context(), io.Discard, r, Format{Syntax: Text004}); err != nil {
			t.Fatal(err)
		}
	})
	if n > steadyAllocs {
		t.Errorf("%v allocations for 1000 summaries, want at most %d", n, steadyAllocs)
	}
}
