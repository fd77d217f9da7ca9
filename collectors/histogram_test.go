package collectors

import (
	"math"
	"runtime/metrics"
	"slices"
	"testing"
)

func TestReduce(t *testing.T) {
	inf := math.Inf(1)
	for _, test := range []struct {
		unit   string
		limits []float64
		bounds []float64
		bucket []int
		middle []float64
	}{
		{"bytes", []float64{1, 9, 17, 25, 33, inf}, []float64{8, 16, 32}, []int{0, 1, 2, 2, 3}, []float64{4.5, 12.5, 20.5, 28.5, 33}},
		{"seconds", []float64{-inf, 0, .25, .5, 1, 2, 8, 32, inf}, []float64{.25, 1, 8}, []int{0, 0, 1, 1, 2, 2, 3, 3}, []float64{0, .125, .375, .75, 1.5, 5, 20, 32}},
		{"things", []float64{0, 1, 2, 3, 4}, []float64{1, 2, 4}, []int{0, 1, 2, 2}, []float64{.5, 1.5, 2.5, 3.5}},
	} {
		var h histogram
		h.reduce(test.limits, test.unit)
		if !slices.Equal(h.bounds, test.bounds) || !slices.Equal(h.bucket, test.bucket) || !slices.Equal(h.middle, test.middle) {
			t.Errorf("%s: bounds %v, buckets %v, middles %v", test.unit, h.bounds, h.bucket, h.middle)
		}
	}
}

// TestRealHistograms looks at what this version of Go makes of the promises.
func TestRealHistograms(t *testing.T) {
	got, err := gather(t, Go(RuntimeMetrics(MetricsAll)))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range metrics.All() {
		if d.Kind != metrics.KindFloat64Histogram {
			continue
		}
		name, unit := nameOf(d)
		h := got[name].Samples[0]
		if n := len(h.Buckets); n < 5 || n > 14 {
			t.Errorf("%s has %d buckets", name, n)
		}
		for i, b := range h.Buckets[:len(h.Buckets)-1] {
			switch {
			case b.UpperBound <= 0, unit == "bytes" && b.UpperBound != math.Trunc(b.UpperBound):
				t.Errorf("%s has a bound %v", name, b.UpperBound)
			case i > 0 && b.UpperBound < 2*h.Buckets[i-1].UpperBound:
				t.Errorf("%s has bounds %v and %v", name, h.Buckets[i-1].UpperBound, b.UpperBound)
			}
		}
	}
	sizes := got["go_gc_heap_allocs_by_size_bytes"].Samples[0]
	if sizes.Count == 0 || sizes.Sum != got["go_gc_heap_allocs_bytes_total"].Samples[0].Value {
		t.Errorf("sizes: %+v", sizes)
	}
	latencies := got["go_sched_latencies_seconds"].Samples[0]
	if latencies.Count == 0 || latencies.Sum <= 0 {
		t.Errorf("latencies: %+v", latencies)
	}
}
