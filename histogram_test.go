package fennel_test

import (
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

func TestHistogramSerial(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name    string
		bounds  []float64
		observe []float64
		counts  []uint64 // cumulative
		sum     float64
	}{
		{"untouched", []float64{1, 2}, nil, []uint64{0, 0, 0}, 0},
		{"one in each", []float64{1, 2}, []float64{0.5, 1.5, 2.5}, []uint64{1, 2, 3}, 4.5},
		{"bounds belong to their bucket", []float64{1, 2}, []float64{1, 2}, []uint64{1, 2, 2}, 3},
		{"just above a bound", []float64{1, 2}, []float64{math.Nextafter(1, 2)}, []uint64{0, 1, 1}, math.Nextafter(1, 2)},
		{"negative values", []float64{1}, []float64{-1, -2.5}, []uint64{2, 2}, -3.5},
		{"negative bounds", []float64{-2, -1, 0}, []float64{-3, -1.5, 1}, []uint64{1, 2, 2, 3}, -3.5},
		{"zeros", []float64{0}, []float64{0, math.Copysign(0, -1)}, []uint64{2, 2}, 0},
		{"denormals", []float64{0, denormal}, []float64{denormal, denormal}, []uint64{0, 2, 2}, 2 * denormal},
		{"+Inf", []float64{1}, []float64{inf, 1}, []uint64{1, 2}, inf},
		{"-Inf", []float64{1}, []float64{-inf, 2}, []uint64{1, 2}, -inf},
		{"NaN is dropped", []float64{1}, []float64{math.NaN(), 1}, []uint64{1, 1}, 1},
		{"largest", []float64{math.MaxFloat64}, []float64{math.MaxFloat64}, []uint64{1, 1}, math.MaxFloat64},
		{"no bounds", []float64{}, []float64{1, 2}, []uint64{2}, 3},
		{"only +Inf", []float64{inf}, []float64{1, 2}, []uint64{2}, 3},
		{"trailing +Inf", []float64{1, inf}, []float64{1, 2}, []uint64{1, 2}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := fennel.NewRegistry()
			h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(c.bounds...))
			for _, v := range c.observe {
				h.Observe(v)
			}
			checkHistogram(t, r, h, c.counts, c.sum)
		})
	}
}

// checkHistogram checks what a histogram says in each way in which it is read.
func checkHistogram(t *testing.T, r *fennel.Registry, h *fennel.Histogram, counts []uint64, sum float64) {
	t.Helper()
	total := counts[len(counts)-1]
	if h.Count() != total || !same(h.Sum(), sum) {
		t.Errorf("count %d, sum %v, want %d, %v", h.Count(), h.Sum(), total, sum)
	}
	s := family(t, gather(t, r), "h").Samples[0]
	if s.Count != total || !same(s.Sum, sum) {
		t.Errorf("gathered count %d, sum %v, want %d, %v", s.Count, s.Sum, total, sum)
	}
	i := 0
	for bound, n := range h.Buckets() {
		if n != counts[i] || s.Buckets[i] != (fennel.Bucket{UpperBound: bound, Count: n}) {
			t.Errorf("bucket %d: %v has %d, gathered %v, want %d", i, bound, n, s.Buckets[i], counts[i])
		}
		i++
	}
	if last := s.Buckets[len(s.Buckets)-1].UpperBound; i != len(counts) || !math.IsInf(last, 1) {
		t.Errorf("%d buckets up to %v, want %d up to +Inf", i, last, len(counts))
	}
}

func TestHistogramHasDefaultBuckets(t *testing.T) {
	h := fennel.NewHistogram("h", "", fennel.In(fennel.NewRegistry()))
	var got []float64
	for bound := range h.Buckets() {
		got = append(got, bound)
	}
	want := append(fennel.DefaultBuckets(), math.Inf(1))
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("buckets %v, want %v", got, want)
	}
}

// The search changes from linear to binary between these.
func TestHistogramFindsTheBucketAmongAnyNumber(t *testing.T) {
	for _, n := range []int{1, 2, 11, 31, 32, 33, 34, 64, 500} {
		r := fennel.NewRegistry()
		h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(fennel.LinearBuckets(0, 1, n)...))
		for i := range n {
			h.Observe(float64(i))
			h.Observe(float64(i) + 0.5)
		}
		h.Observe(math.Inf(-1))
		i := uint64(0)
		for bound, count := range h.Buckets() {
			if want := min(2+2*i, 2*uint64(n)+1); count != want {
				t.Errorf("%d buckets: le %v has %d, want %d", n, bound, count, want)
			}
			i++
		}
	}
}

func TestHistogramObserveN(t *testing.T) {
	r := fennel.NewRegistry()
	h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(1, 2))
	h.ObserveN(1.5, 10)
	h.ObserveN(3, 0)
	h.ObserveN(math.NaN(), 7)
	h.ObserveN(math.NaN(), 0)
	h.ObserveDuration(500 * time.Millisecond)
	checkHistogram(t, r, h, []uint64{1, 11, 11}, 15.5)
	wantDropped(t, r, "h", "nan", 1)
}

func TestHistogramReset(t *testing.T) {
	r := fennel.NewRegistry()
	h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(1, 2))
	h.Observe(math.Inf(1))
	h.Observe(1)
	h.Reset()
	checkHistogram(t, r, h, []uint64{0, 0, 0}, 0)
	h.Observe(2)
	checkHistogram(t, r, h, []uint64{0, 1, 1}, 2)
}

func TestHistogramBucketsStopWhenTheLoopDoes(t *testing.T) {
	h := fennel.NewHistogram("h", "", fennel.In(fennel.NewRegistry()))
	seen := 0
	for range h.Buckets() {
		seen++
		break
	}
	if seen != 1 {
		t.Errorf("the loop ran %d times", seen)
	}
}

func TestHistogramConcurrent(t *testing.T) {
	const each = 3000
	r := fennel.NewRegistry()
	h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(1, 2, 3))
	concurrently(func(int) {
		for i := range each {
			h.Observe(float64(i%4) + 0.5)
			h.ObserveN(0.5, 2)
			h.Observe(math.NaN())
		}
	})
	const quarter = workers * each / 4
	checkHistogram(t, r, h, []uint64{9 * quarter, 10 * quarter, 11 * quarter, 12 * quarter}, 12*quarter)
	wantDropped(t, r, "h", "nan", workers*each)
}

// While observations of 1 go on, whatever is read fits together: the count is
// that of +Inf, no bucket is fuller than the next, and the sum holds all that
// are counted.
func TestHistogramReadsAreConsistentWhileWritten(t *testing.T) {
	r := fennel.NewRegistry()
	h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(0, 1, 2))
	done := make(chan struct{})
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() { observeUntil(done, h) })
	}
	for range 300 {
		checkConsistent(t, family(t, gather(t, r), "h").Samples[0])
		checkConsistent(t, parseHistogram(t, samples(t, r)))
		count := h.Count()
		if sum := h.Sum(); sum < float64(count) {
			t.Errorf("the sum %v of ones is less than the count %d", sum, count)
		}
	}
	close(done)
	writers.Wait()
	if h.Sum() != float64(h.Count()) {
		t.Errorf("at rest the sum is %v, the count %d", h.Sum(), h.Count())
	}
}

func observeUntil(done <-chan struct{}, h *fennel.Histogram) {
	for {
		select {
		case <-done:
			return
		default:
			h.Observe(1)
			h.ObserveN(1, 3)
		}
	}
}

func checkConsistent(t *testing.T, s fennel.Sample) {
	t.Helper()
	last := uint64(0)
	for _, b := range s.Buckets {
		if b.Count < last {
			t.Errorf("bucket %v has %d, less than the %d before", b.UpperBound, b.Count, last)
		}
		last = b.Count
	}
	if s.Count != last {
		t.Errorf("the count is %d, the +Inf bucket has %d", s.Count, last)
	}
	if s.Sum < float64(s.Count) {
		t.Errorf("the sum %v of ones is less than the count %d", s.Sum, s.Count)
	}
}

// parseHistogram reads the only histogram in a scrape.
func parseHistogram(t *testing.T, body string) (s fennel.Sample) {
	t.Helper()
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		switch name {
		case "h_sum":
			s.Sum = v
		case "h_count":
			s.Count = uint64(v)
		default:
			s.Buckets = append(s.Buckets, fennel.Bucket{Count: uint64(v)})
		}
	}
	return s
}

func TestHistogramIsExposedUnderItsName(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewHistogramVec[string]("h_seconds", "How long.", fennel.In(r), fennel.Unit("seconds"),
		fennel.Buckets(0.5, 1), fennel.LabelNames("k"))
	vec.With("b").Observe(2)
	vec.With("a").Observe(0.25)
	want := `# TYPE h_seconds histogram
# UNIT h_seconds seconds
# HELP h_seconds How long.
h_seconds_bucket{k="a",le="0.5"} 1
h_seconds_bucket{k="a",le="1.0"} 1
h_seconds_bucket{k="a",le="+Inf"} 1
h_seconds_sum{k="a"} 0.25
h_seconds_count{k="a"} 1
h_seconds_bucket{k="b",le="0.5"} 0
h_seconds_bucket{k="b",le="1.0"} 0
h_seconds_bucket{k="b",le="+Inf"} 1
h_seconds_sum{k="b"} 2
h_seconds_count{k="b"} 1
# EOF
`
	if got := render(t, r, openMetrics); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestNilHistogramDoesNothing(t *testing.T) {
	var h *fennel.Histogram
	h.Observe(1)
	h.Observe(math.NaN())
	h.ObserveN(1, 2)
	h.ObserveDuration(time.Second)
	h.Timer().Stop()
	h.Reset()
	if h.Count() != 0 || h.Sum() != 0 || len(maps.Collect(h.Buckets())) != 0 {
		t.Error("a nil histogram has observations")
	}
}

func TestZeroHistogramDropsWhatItGets(t *testing.T) {
	var h fennel.Histogram
	h.Observe(1)
	h.Observe(math.NaN())
	h.ObserveN(1, 2)
	h.Timer().Stop()
	h.Reset()
	if h.Count() != 0 || h.Sum() != 0 || len(maps.Collect(h.Buckets())) != 0 {
		t.Error("the zero histogram has observations")
	}
}
