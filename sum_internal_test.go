package fennel

import (
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

func TestDurationsAreSummedExactly(t *testing.T) {
	const n = 200_000
	reg := NewRegistry()
	h := NewHistogram("h", "", In(reg))
	native := NewHistogram("n", "", In(reg), Native{})
	s := NewSummary("s", "", In(reg))
	drifting := 0.0
	for range n {
		h.ObserveDuration(100 * time.Millisecond)
		native.ObserveDuration(100 * time.Millisecond)
		s.ObserveDuration(100 * time.Millisecond)
		drifting += 0.1
	}
	if drifting == n/10 {
		t.Error("a float64 would do")
	}
	if h.Sum() != n/10 || native.Sum() != n/10 || s.Sum() != n/10 {
		t.Errorf("sums %v, %v and %v, want %v", h.Sum(), native.Sum(), s.Sum(), n/10)
	}
	families, err := reg.Gather(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if sum := f.Samples[0].Sum; sum != n/10 {
			t.Errorf("a scrape sees the sum %v in %s", sum, f.Name)
		}
	}
}

func TestSumsOfExtremeDurations(t *testing.T) {
	const longest = time.Duration(math.MaxInt64)
	for _, test := range []struct {
		name      string
		durations []time.Duration
		want      float64
	}{
		{"none", nil, 0},
		{"zero", []time.Duration{0}, 0},
		{"negative", []time.Duration{-1500 * time.Millisecond, 250 * time.Millisecond}, -1.25},
		{"more than fits", []time.Duration{longest, longest, longest}, 3 * longest.Seconds()},
		{"less than fits", []time.Duration{-longest, -longest}, -2 * longest.Seconds()},
		{"there and back", []time.Duration{longest, longest, -longest, -longest}, 0},
		{"nanoseconds", []time.Duration{1, 1, 1}, 3e-9},
	} {
		t.Run(test.name, func(t *testing.T) {
			reg := NewRegistry()
			h := NewHistogram("h", "", In(reg))
			striped := spreadHistogram(NewHistogram("striped", "", In(reg)))
			native := NewHistogram("n", "", In(reg), Native{Only: true})
			s := NewSummary("s", "", In(reg))
			for _, d := range test.durations {
				h.ObserveDuration(d)
				striped.ObserveDuration(d)
				native.ObserveDuration(d)
				s.ObserveDuration(d)
			}
			for _, got := range []float64{h.Sum(), striped.Sum(), native.Sum(), s.Sum()} {
				if math.Abs(got-test.want) > 1e-15*math.Abs(test.want) {
					t.Errorf("sum %v, want %v", got, test.want)
				}
			}
			if h.Count() != uint64(len(test.durations)) {
				t.Errorf("count %d", h.Count())
			}
		})
	}
}

func TestDurationsAreRoundedOnce(t *testing.T) {
	for ms := range 100_000 {
		d := time.Duration(ms) * time.Millisecond
		want, err := strconv.ParseFloat(fmt.Sprintf("%d.%03d", ms/1000, ms%1000), 64)
		if err != nil {
			t.Fatal(err)
		}
		var sum total
		sum.add(0, int64(d)-5e9)
		sum.add(0, 5e9)
		if inSeconds(int64(d)) != want || inSeconds(-int64(d)) != -want || sum.value() != want {
			t.Fatalf("%v is %v seconds, %v as a sum, want %v", d, inSeconds(int64(d)), sum.value(), want)
		}
	}
	for _, c := range []struct {
		nanos int64
		want  float64
	}{
		{1<<53 + 1, 9007199.254740993},
		{math.MaxInt64, 9223372036.854775807},
		{math.MinInt64, -9223372036.854775808},
	} {
		var sum total
		sum.add(0, c.nanos)
		if got := inSeconds(c.nanos); got != c.want || sum.value() != c.want {
			t.Errorf("%d is %v seconds, %v as a sum, want %v", c.nanos, got, sum.value(), c.want)
		}
	}
	const odd = 1118 * time.Millisecond
	h := NewHistogram("h", "", In(NewRegistry()), Buckets(1.118))
	h.ObserveDuration(odd)
	h.ObserveDuration(odd + 1)
	if counts := h.appendCounts(nil); counts[0] != 1 || counts[1] != 1 {
		t.Errorf("%v and a nanosecond more are counted as %v around that bound", odd, counts)
	}
}

// The nanoseconds are a word of their own, which is forgotten easily.
func TestResetForgetsDurations(t *testing.T) {
	in := In(NewRegistry())
	h, s := NewHistogram("h", "", in), NewSummary("s", "", in)
	native := NewHistogram("n", "", in, Native{})
	for range 2 {
		h.ObserveDuration(time.Second)
		s.ObserveDuration(time.Second)
		native.ObserveDuration(time.Second)
		if h.Sum() != 1 || s.Sum() != 1 || native.Sum() != 1 {
			t.Errorf("sums %v, %v and %v, want 1", h.Sum(), s.Sum(), native.Sum())
		}
		h.Reset()
		s.Reset()
		native.Reset()
		spreadHistogram(h)
		spreadSummary(s)
		native.native().striped()
	}
}

// The nanoseconds of several stripes may be more than an int64 has together.
func TestNativeStripesSumDurationsExactly(t *testing.T) {
	const longest = time.Duration(math.MaxInt64)
	h := newRecord(Native{Factor: 2}, Buckets(1))
	stripes := h.striped()
	for _, s := range stripes[:2] {
		for range 30 {
			s.observe(h, 0.1, 1, 100*time.Millisecond)
		}
	}
	counts, sum, n := h.reading(0)
	if sum != 6 || h.Sum() != 6 || counts[0] != 60 || n.Total() != 60 {
		t.Errorf("60 times 0.1 are %v and %v, counts %v and %d", sum, h.Sum(), counts, n.Total())
	}
	h.Reset()
	for _, s := range stripes[:2] {
		s.observe(h, inSeconds(int64(longest)), 1, longest)
	}
	if _, sum, _ = h.reading(0); sum != 2*inSeconds(int64(longest)) || h.Sum() != sum {
		t.Errorf("twice the longest duration is %v and %v", sum, h.Sum())
	}
}

// Numbers and durations of many goroutines, in all that observes.
func TestDurationsAreSummedExactlyConcurrent(t *testing.T) {
	const each = 3000
	in := In(NewRegistry())
	for _, o := range []interface {
		Observer
		ObserveDuration(time.Duration)
		Count() uint64
		Sum() float64
	}{
		NewHistogram("h", "", in), NewHistogram("n", "", in, Native{}), NewSummary("s", "", in),
		NewSummary("q", "", in, Quantiles(0.5)),
		spreadHistogram(NewHistogram("striped", "", in)), spreadSummary(NewSummary("wide", "", in)),
	} {
		together(func(int) {
			for range each {
				o.ObserveDuration(100 * time.Millisecond)
				o.Observe(0.25)
			}
		})
		if want := 8 * each * 0.35; o.Count() != 2*8*each || o.Sum() != want {
			t.Errorf("%T: %d observations are %v, want %d and %v", o, o.Count(), o.Sum(), 2*8*each, want)
		}
	}
}

func TestCollisionsAreWhereTheAdditionIs(t *testing.T) {
	for _, start := range []int64{0, 1, -1, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64} {
		for _, d := range []int64{0, 1, 2, -1, math.MaxInt64, math.MinInt64} {
			var sum, nanos atomic.Uint64
			nanos.Store(uint64(start))
			word := collision(&sum, &nanos, d)
			before := word.Load()
			if !tryAdd(&sum, &nanos, 1.5, d) || word.Load() == before {
				t.Errorf("%d after %d: looked at the wrong word", d, start)
			}
		}
	}
}

func TestStripedObservationsDoNotAllocate(t *testing.T) {
	in := In(NewRegistry())
	h, s := spreadHistogram(NewHistogram("h", "", in)), spreadSummary(NewSummary("s", "", in))
	native := NewHistogram("n", "", in, Native{})
	native.native().striped()
	note := Label{"trace_id", "4bf92f35"}
	for name, update := range map[string]func(){
		"Histogram.Observe":             func() { h.Observe(0.3) },
		"Histogram.ObserveDuration":     func() { h.ObserveDuration(time.Second) },
		"Histogram.ObserveWithExemplar": func() { h.ObserveWithExemplar(0.3, note) },
		"Histogram.Timer":               func() { h.Timer().Stop() },
		"Histogram.Sum":                 func() { h.Sum() },
		"Summary.Observe":               func() { s.Observe(0.3) },
		"Summary.Timer":                 func() { s.Timer().Stop() },
		"Native, ObserveDuration":       func() { native.ObserveDuration(time.Second) },
	} {
		if n := testing.AllocsPerRun(100, update); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func TestTimersReportExactly(t *testing.T) {
	reg := NewRegistry()
	h := NewHistogram("h", "", In(reg))
	s := NewSummary("s", "", In(reg))
	sum := h.Timer().Stop() + StartTimer().StopTo(h)
	if got := int64(h.nanos().Load()); got != int64(sum) || h.Count() != 2 {
		t.Errorf("%d nanoseconds of %d observations, want %d of 2", got, h.Count(), sum)
	}
	sum = s.Timer().Stop() + StartTimer().StopTo(s)
	if got := int64(s.nanos.Load()); got != int64(sum) || s.Count() != 2 {
		t.Errorf("%d nanoseconds of %d observations, want %d of 2", got, s.Count(), sum)
	}
}
