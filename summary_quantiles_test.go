package fennel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

func TestQuantilesAreExposedInEachFormat(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewSummaryVec[string]("s_seconds", "H.", fennel.In(r), fennel.LabelNames("k"),
		fennel.Quantiles(1, 0.5, 0)) // in any order
	for i := range 11 {
		vec.With("a").Observe(float64(i + 10))
	}
	vec.With("empty")
	vec.With("inf").Observe(math.Inf(1))
	for _, c := range []struct {
		format string
		got    string
		rank   [3]string
	}{
		{"text 0.0.4", render(t, r, text004), [3]string{"0", "0.5", "1"}},
		{"text 1.0.0", render(t, r, utf8Text), [3]string{"0", "0.5", "1"}},
		{"OpenMetrics", render(t, r, openMetrics), [3]string{"0.0", "0.5", "1.0"}},
	} {
		var want strings.Builder
		for _, s := range []struct {
			label      string
			quantiles  [3]string
			sum, count string
		}{
			{"a", [3]string{"10", "15", "20"}, "165", "11"},
			{"empty", [3]string{"NaN", "NaN", "NaN"}, "0", "0"},
			{"inf", [3]string{"+Inf", "+Inf", "+Inf"}, "+Inf", "1"},
		} {
			for i, q := range s.quantiles {
				fmt.Fprintf(&want, "s_seconds{k=%q,quantile=%q} %s\n", s.label, c.rank[i], q)
			}
			fmt.Fprintf(&want, "s_seconds_sum{k=%q} %s\ns_seconds_count{k=%[1]q} %[3]s\n", s.label, s.sum, s.count)
		}
		if got := floatless(sampleLines(c.got)); got != want.String() {
			t.Errorf("%s: got:\n%swant:\n%s", c.format, got, want.String())
		}
	}
}

// floatless writes whole values of OpenMetrics without a fraction, as the other
// formats do.
func floatless(lines string) string { return strings.ReplaceAll(lines, ".0\n", "\n") }

func TestQuantilesAreGathered(t *testing.T) {
	r := fennel.NewRegistry()
	s := fennel.NewSummary("s", "", fennel.In(r), fennel.Quantiles(0.25, 0.75))
	for i := range 4 {
		s.Observe(float64(i))
	}
	got := family(t, gather(t, r), "s").Samples[0]
	want := []fennel.Quantile{{Rank: 0.25, Value: 0}, {Rank: 0.75, Value: 2}}
	if !slices.Equal(got.Quantiles, want) || got.Count != 4 || got.Sum != 6 {
		t.Errorf("gathered %+v, want quantiles %v, count 4 and sum 6", got, want)
	}
}

// checkQuantiles compares estimates with the observations themselves.
func checkQuantiles(t *testing.T, s *fennel.Summary, observed []float64) {
	t.Helper()
	slices.Sort(observed)
	for _, percent := range []int{0, 1, 10, 50, 90, 99, 100} {
		q := float64(percent) / 100
		want := observed[max(1, (percent*len(observed)+99)/100)-1]
		if got := s.Quantile(q); math.Abs(got-want) > math.Abs(want)/100 {
			t.Errorf("quantile %v is %v, want %v within one percent", q, got, want)
		}
	}
}

func TestQuantilesAreWithinOnePercent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for name, next := range map[string]func() float64{
		"latencies":        func() float64 { return 0.05 * math.Exp(random.NormFloat64()) },
		"of either sign":   random.NormFloat64,
		"nearly constant":  func() float64 { return 3 + random.Float64()/1e6 },
		"mostly zeros":     func() float64 { return math.Floor(random.ExpFloat64() / 3) },
		"of any magnitude": func() float64 { return math.Exp2(float64(random.IntN(200))) * random.Float64() },
	} {
		t.Run(name, func(t *testing.T) {
			s := fennel.NewSummary("s", "", fennel.In(fennel.NewRegistry()), fennel.Quantiles(0.5))
			all := make([]float64, 3000)
			for i := range all {
				all[i] = next()
				s.Observe(all[i])
			}
			checkQuantiles(t, s, all)
		})
	}
}

func TestQuantileOfNothingIsNaN(t *testing.T) {
	r := fennel.NewRegistry()
	plain := fennel.NewSummary("plain", "", fennel.In(r))
	plain.Observe(1)
	observed := fennel.NewSummary("observed", "", fennel.In(r), fennel.Quantiles(0.5))
	observed.Observe(1)
	dropped := fennel.NewSummary("dropped", "", fennel.In(r), fennel.Quantiles(0.5))
	dropped.Observe(math.NaN())
	for name, got := range map[string]float64{
		"nil":               (*fennel.Summary)(nil).Quantile(0.5),
		"zero value":        new(fennel.Summary).Quantile(0.5),
		"without quantiles": plain.Quantile(0.5),
		"no observation":    fennel.NewSummary("none", "", fennel.In(r), fennel.Quantiles(0.5)).Quantile(0.5),
		"only NaN":          dropped.Quantile(0.5),
		"below 0":           observed.Quantile(-0.01),
		"above 1":           observed.Quantile(1.01),
		"NaN":               observed.Quantile(math.NaN()),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s: %v, want NaN", name, got)
		}
	}
	if got := observed.Quantile(0.123); got != 1 { // not among those that are exposed
		t.Errorf("the only observation is %v, want 1", got)
	}
	wantDropped(t, r, "dropped", "nan", 1)
}

func TestQuantilesAreOfTheWindowAndCountsOfAllTime(t *testing.T) {
	for _, c := range []struct {
		window time.Duration
		opts   []fennel.SummaryOption
	}{
		{10 * time.Minute, nil},
		{time.Minute, []fennel.SummaryOption{fennel.Window(time.Minute)}},
		{time.Millisecond, []fennel.SummaryOption{fennel.Window(time.Millisecond)}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := fennel.NewRegistry()
			s := fennel.NewSummary("s", "", append(c.opts, fennel.In(r), fennel.Quantiles(1))...)
			s.Observe(7)
			time.Sleep(c.window)
			s.Observe(3)
			wantSamples(t, r, `s{quantile="1"} 7`, "s_sum 10", "s_count 2")
			time.Sleep(c.window / 4)
			wantSamples(t, r, `s{quantile="1"} 3`, "s_sum 10", "s_count 2")
			time.Sleep(c.window)
			wantSamples(t, r, `s{quantile="1"} NaN`, "s_sum 10", "s_count 2")
			s.Observe(5)
			wantSamples(t, r, `s{quantile="1"} 5`, "s_sum 15", "s_count 3")
		})
	}
}

func TestResetEmptiesTheWindowOfASummary(t *testing.T) {
	r := fennel.NewRegistry()
	s := fennel.NewSummary("s", "", fennel.In(r), fennel.Quantiles(0.5))
	s.Observe(7)
	s.Reset()
	wantSamples(t, r, `s{quantile="0.5"} NaN`, "s_sum 0", "s_count 0")
	s.Observe(1)
	wantSamples(t, r, `s{quantile="0.5"} 1`, "s_sum 1", "s_count 1")
}

func TestSummaryWithQuantilesConcurrent(t *testing.T) {
	const each = 3000
	r := fennel.NewRegistry()
	vec := fennel.NewSummaryVec[int]("s", "", fennel.In(r), fennel.LabelNames("k"), fennel.Quantiles(0, 0.5, 1))
	vec.Create(0) // so that the first scrape has something to see
	concurrently(func(worker int) {
		if worker == 0 {
			for range 100 {
				for _, s := range family(t, gather(t, r), "s").Samples {
					for _, q := range s.Quantiles {
						if !(q.Value >= 1 && q.Value <= 3 || math.IsNaN(q.Value)) {
							t.Errorf("quantile %v is %v, and only 1, 2 and 3 were observed", q.Rank, q.Value)
						}
					}
				}
			}
		}
		for i := range each {
			vec.With(i % 2).Observe(float64(1 + i%3))
		}
	})
	for k := range 2 {
		s := vec.With(k)
		if s.Count() != workers*each/2 || s.Sum() != workers*each {
			t.Errorf("count %d, sum %v, want %d, %d", s.Count(), s.Sum(), workers*each/2, workers*each)
		}
		// A third of all is 1, a third 2, a third 3: any one more or less would show.
		for q, want := range map[float64]float64{0: 1, 1. / 3: 1, 0.3334: 2, 2. / 3: 2, 0.6667: 3, 1: 3} {
			if got := s.Quantile(q); got != want {
				t.Errorf("quantile %v is %v, want %v", q, got, want)
			}
		}
	}
}

func TestWrongQuantilesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []fennel.SummaryOption
		part string
	}{
		{"above 1", []fennel.SummaryOption{fennel.Quantiles(0.5, 99)}, "quantile 99 is not in [0,1]: write 0.99"},
		{"negative", []fennel.SummaryOption{fennel.Quantiles(-0.5)}, "quantile -0.5 is not in [0,1]"},
		{"NaN", []fennel.SummaryOption{fennel.Quantiles(0.5, math.NaN())}, "quantile NaN is not in [0,1]"},
		{"twice", []fennel.SummaryOption{fennel.Quantiles(0.9, 0.5, 0.9)}, "quantile 0.9 is there twice: drop one"},
		{"window alone", []fennel.SummaryOption{fennel.Window(time.Minute)}, "add the option Quantiles or drop the option Window"},
		{"no quantile", []fennel.SummaryOption{fennel.Quantiles(), fennel.Window(time.Minute)}, "add the option Quantiles"},
		{"no window", []fennel.SummaryOption{fennel.Quantiles(0.5), fennel.Window(0)}, "the window 0s is shorter than 1ms"},
		{"negative window", []fennel.SummaryOption{fennel.Window(-time.Hour), fennel.Quantiles(0.5)}, "the window -1h0m0s is shorter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused(t, "s", func() {
				fennel.NewSummary("s", "", append(c.opts, fennel.In(fennel.NewRegistry()))...)
			}, c.part)
			refused(t, "s", func() {
				fennel.NewSummaryVec[string]("s", "", append(c.opts, fennel.In(nil), fennel.LabelNames("k"))...)
			}, c.part)
		})
	}
}

func TestTheSameQuantilesInAnotherOrderAreTheSame(t *testing.T) {
	in := fennel.In(fennel.NewRegistry())
	a := fennel.NewSummary("s", "", in, fennel.Quantiles(0.5, 0.9), fennel.Window(10*time.Minute))
	if b := fennel.NewSummary("s", "", in, fennel.Quantiles(0.9, 0.5)); a != b {
		t.Error("the second is another")
	}
	plain := fennel.NewSummary("plain", "", in)
	if b := fennel.NewSummary("plain", "", in, fennel.Quantiles()); plain != b {
		t.Error("no quantiles are not the same as none")
	}
}

func ExampleQuantiles() {
	s := fennel.NewSummary("job_duration_seconds", "Time that a job takes.",
		fennel.In(fennel.NewRegistry()), fennel.Quantiles(0.5, 0.99), fennel.Window(time.Hour))
	for i := range 100 {
		s.Observe(float64(i + 1))
	}
	fmt.Println(s.Quantile(0.5), s.Quantile(0.99))
	// Output: 50 99
}
