package fennel_test

import (
	"math"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

func TestSummarySerial(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name    string
		observe []float64
		count   uint64
		sum     float64
	}{
		{"untouched", nil, 0, 0},
		{"some", []float64{1, 2.5, -4}, 3, -0.5},
		{"zeros", []float64{0, math.Copysign(0, -1)}, 2, 0},
		{"denormals", []float64{denormal, denormal}, 2, 2 * denormal},
		{"+Inf", []float64{inf, 1}, 2, inf},
		{"-Inf", []float64{-inf, 1}, 2, -inf},
		{"NaN is dropped", []float64{1, math.NaN()}, 1, 1},
		{"largest", []float64{math.MaxFloat64}, 1, math.MaxFloat64},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := fennel.NewRegistry()
			s := fennel.NewSummary("s", "", fennel.In(r))
			for _, v := range c.observe {
				s.Observe(v)
			}
			checkSummary(t, r, s, c.count, c.sum)
		})
	}
}

func checkSummary(t *testing.T, r *fennel.Registry, s *fennel.Summary, count uint64, sum float64) {
	t.Helper()
	if s.Count() != count || !same(s.Sum(), sum) {
		t.Errorf("count %d, sum %v, want %d, %v", s.Count(), s.Sum(), count, sum)
	}
	got := family(t, gather(t, r), "s").Samples[0]
	if got.Count != count || !same(got.Sum, sum) || len(got.Quantiles) != 0 {
		t.Errorf("gathered %+v, want count %d, sum %v and no quantiles", got, count, sum)
	}
}

func TestSummaryReset(t *testing.T) {
	r := fennel.NewRegistry()
	s := fennel.NewSummary("s", "", fennel.In(r))
	s.Observe(math.Inf(1))
	s.Reset()
	checkSummary(t, r, s, 0, 0)
	s.ObserveDuration(1500 * time.Millisecond)
	checkSummary(t, r, s, 1, 1.5)
}

func TestSummaryConcurrent(t *testing.T) {
	const each = 5000
	r := fennel.NewRegistry()
	s := fennel.NewSummary("s", "", fennel.In(r))
	concurrently(func(int) {
		for range each {
			s.Observe(0.5)
			s.ObserveDuration(time.Second)
			s.Observe(math.NaN())
		}
	})
	checkSummary(t, r, s, 2*workers*each, 1.5*workers*each)
	wantDropped(t, r, "s", "nan", workers*each)
}

func TestSummaryReadsAreConsistentWhileWritten(t *testing.T) {
	r := fennel.NewRegistry()
	s := fennel.NewSummary("s", "", fennel.In(r))
	concurrently(func(worker int) {
		for range 300 {
			if worker > 0 {
				s.Observe(1)
				continue
			}
			got := family(t, gather(t, r), "s").Samples[0]
			if got.Sum < float64(got.Count) {
				t.Errorf("the sum %v of ones is less than the count %d", got.Sum, got.Count)
			}
		}
	})
}

func TestSummaryIsExposedUnderItsName(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewSummaryVec[string]("s_bytes", "", fennel.In(r), fennel.Unit("bytes"), fennel.LabelNames("k"))
	vec.With("a").Observe(2)
	vec.With("a").Observe(0.5)
	want := "# TYPE s_bytes summary\n# UNIT s_bytes bytes\ns_bytes_sum{k=\"a\"} 2.5\ns_bytes_count{k=\"a\"} 2\n# EOF\n"
	if got := render(t, r, openMetrics); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestNilSummaryDoesNothing(t *testing.T) {
	var s *fennel.Summary
	s.Observe(1)
	s.Observe(math.NaN())
	s.ObserveDuration(time.Second)
	s.Timer().Stop()
	s.Reset()
	if s.Count() != 0 || s.Sum() != 0 {
		t.Error("a nil summary has observations")
	}
}

func TestZeroSummaryWorksWithoutBeingExposed(t *testing.T) {
	var s fennel.Summary
	s.Observe(2)
	s.Observe(math.NaN())
	if s.Count() != 1 || s.Sum() != 2 {
		t.Errorf("count %d, sum %v, want 1, 2", s.Count(), s.Sum())
	}
}
