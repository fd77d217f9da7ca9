package fennel_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

func newNative(opts ...fennel.HistogramOption) (*fennel.Registry, *fennel.Histogram) {
	r := fennel.NewRegistry()
	return r, fennel.NewHistogram("h", "", append(opts, fennel.In(r))...)
}

// nativeTotal is the number of observations in native buckets.
func nativeTotal(n *fennel.NativeHistogram) uint64 {
	total := n.ZeroCount
	for _, b := range slices.Concat(n.Positive, n.Negative) {
		total += b.Count
	}
	return total
}

func TestNativeOptions(t *testing.T) {
	for _, tt := range []struct {
		option    fennel.Native
		schema    int
		threshold float64
	}{
		{fennel.Native{}, 3, 0x1p-128},
		{fennel.Native{Factor: 1.1}, 3, 0x1p-128},
		{fennel.Native{Factor: 2}, 0, 0x1p-128},
		{fennel.Native{Factor: 1.0001}, 8, 0x1p-128},
		{fennel.Native{Factor: math.MaxFloat64}, -4, 0x1p-128},
		{fennel.Native{Schema: -4}, -4, 0x1p-128},
		{fennel.Native{Schema: 8, ZeroThreshold: 0.5}, 8, 0.5},
		{fennel.Native{ZeroThreshold: -1}, 3, 0},
		{fennel.Native{ZeroThreshold: math.Copysign(0, -1)}, 3, 0x1p-128},
		{fennel.Native{Only: true, MaxZeroThreshold: 1, MinReset: time.Hour, MaxBuckets: 1}, 3, 0x1p-128},
	} {
		_, h := newNative(tt.option)
		if n := h.Native(); n == nil || n.Schema != tt.schema || n.ZeroThreshold != tt.threshold || nativeTotal(n) != 0 {
			t.Errorf("%+v: %+v, want schema %d, zero threshold %v, and nothing in it", tt.option, n, tt.schema, tt.threshold)
		}
	}
}

func TestWrongNativeDeclarations(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	buckets := fennel.Buckets(1, 2)
	for _, tt := range []struct {
		option fennel.Native
		beside fennel.HistogramOption
		want   string
	}{
		{fennel.Native{Factor: 1.1, Schema: 3}, nil, "drop one"},
		{fennel.Native{Factor: 1}, nil, "greater than 1"},
		{fennel.Native{Factor: -2}, nil, "greater than 1"},
		{fennel.Native{Factor: nan}, nil, "greater than 1"},
		{fennel.Native{Factor: inf}, nil, "finite"},
		{fennel.Native{Schema: 9}, nil, "from -4 to 8"},
		{fennel.Native{Schema: -5}, nil, "from -4 to 8"},
		{fennel.Native{ZeroThreshold: nan}, nil, "finite"},
		{fennel.Native{ZeroThreshold: inf}, nil, "finite"},
		{fennel.Native{ZeroThreshold: -inf}, nil, "finite"},
		{fennel.Native{MaxZeroThreshold: nan}, nil, "finite and not negative"},
		{fennel.Native{MaxZeroThreshold: inf}, nil, "finite and not negative"},
		{fennel.Native{MaxZeroThreshold: -1}, nil, "finite and not negative"},
		{fennel.Native{ZeroThreshold: 1, MaxZeroThreshold: 0.5}, nil, "raise it"},
		{fennel.Native{MaxZeroThreshold: 1e-50}, nil, "raise it"},
		{fennel.Native{MaxBuckets: -1}, nil, "positive"},
		{fennel.Native{MinReset: -1}, nil, "not be negative"},
		{fennel.Native{Only: true}, buckets, "drop Only or Buckets"},
	} {
		_, err := fennel.Try(func() *fennel.Histogram {
			return fennel.NewHistogram("h", "", tt.option, tt.beside, fennel.In(fennel.NewRegistry()))
		})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `"h"`) {
			t.Errorf("%+v: %v, want an error that says %q", tt.option, err, tt.want)
		}
	}
}

func TestNativeDeclaredTwice(t *testing.T) {
	r, h := newNative(fennel.Native{Factor: 1.1})
	again := func(opts ...fennel.HistogramOption) (*fennel.Histogram, error) {
		return fennel.Try(func() *fennel.Histogram {
			return fennel.NewHistogram("h", "", append(opts, fennel.In(r))...)
		})
	}
	for _, alike := range []fennel.Native{{}, {Schema: 3}, {Factor: 1.1, MaxBuckets: 160}, {ZeroThreshold: 0x1p-128}} {
		if got, err := again(alike); err != nil || got != h {
			t.Errorf("%+v: %v, want the same histogram", alike, err)
		}
	}
	for _, other := range []fennel.Native{{Factor: 2}, {MaxBuckets: 100}, {MaxZeroThreshold: 1}, {ZeroThreshold: -1}, {MinReset: 1}} {
		if _, err := again(other); err == nil || !strings.Contains(err.Error(), "native buckets") {
			t.Errorf("%+v: %v, want an error that names native buckets", other, err)
		}
	}
	if _, err := again(); err == nil || !strings.Contains(err.Error(), "native buckets") {
		t.Errorf("without native buckets: %v", err)
	}
	if _, err := again(fennel.Native{Only: true}); err == nil || !strings.Contains(err.Error(), "buckets") {
		t.Errorf("without classic buckets: %v", err)
	}
	if fennel.NewHistogram("none", "", fennel.Native{}, fennel.In(nil)) != nil {
		t.Error("there is a histogram in no registry")
	}
}

func TestNativeSerial(t *testing.T) {
	inf := math.Inf(1)
	bucket := func(index int, count uint64) fennel.NativeBucket {
		return fennel.NativeBucket{Index: index, Count: count}
	}
	for _, tt := range []struct {
		name     string
		observe  []float64
		counts   []uint64 // of the classic buckets up to 1, 2 and +Inf, cumulative
		sum      float64
		zero     uint64
		positive []fennel.NativeBucket
		negative []fennel.NativeBucket
	}{
		{"untouched", nil, []uint64{0, 0, 0}, 0, 0, nil, nil},
		{"both sides", []float64{1, 1.5, 4, -3}, []uint64{2, 3, 4}, 3.5, 0,
			[]fennel.NativeBucket{bucket(0, 1), bucket(1, 1), bucket(2, 1)}, []fennel.NativeBucket{bucket(2, 1)}},
		{"zeros", []float64{0, 1e-300, -1e-300}, []uint64{3, 3, 3}, 0, 3, nil, nil},
		{"infinity", []float64{inf, math.MaxFloat64}, []uint64{0, 0, 2}, inf, 0,
			[]fennel.NativeBucket{bucket(1024, 1), bucket(1025, 1)}, nil},
		{"negative infinity", []float64{-inf, 1}, []uint64{2, 2, 2}, -inf, 0,
			[]fennel.NativeBucket{bucket(0, 1)}, []fennel.NativeBucket{bucket(1025, 1)}},
		{"NaN is dropped", []float64{math.NaN(), 2}, []uint64{0, 1, 1}, 2, 0, []fennel.NativeBucket{bucket(1, 1)}, nil},
	} {
		for _, only := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, only %v", tt.name, only), func(t *testing.T) {
				opts := []fennel.HistogramOption{fennel.Native{Factor: 2, Only: only}}
				counts := tt.counts[2:]
				if !only {
					opts, counts = append(opts, fennel.Buckets(1, 2)), tt.counts
				}
				r, h := newNative(opts...)
				for _, v := range tt.observe {
					h.Observe(v)
				}
				checkHistogram(t, r, h, counts, tt.sum)
				for _, n := range []*fennel.NativeHistogram{h.Native(), family(t, gather(t, r), "h").Samples[0].Native} {
					if n.ZeroCount != tt.zero || !slices.Equal(n.Positive, tt.positive) || !slices.Equal(n.Negative, tt.negative) {
						t.Errorf("native buckets %+v, want %d, %v, %v", n, tt.zero, tt.positive, tt.negative)
					}
				}
			})
		}
	}
}

func TestNativeMethods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newNative(fennel.Native{Factor: 2}, fennel.Buckets(1, 2))
		created := h.Created()
		h.ObserveN(1.5, 10)
		h.ObserveN(3, 0)
		h.ObserveN(math.NaN(), 7)
		h.ObserveDuration(500 * time.Millisecond)
		timer := h.Timer()
		time.Sleep(4 * time.Second)
		timer.Stop()
		checkHistogram(t, r, h, []uint64{1, 11, 12}, 19.5)
		wantDropped(t, r, "h", "nan", 1)
		if n := nativeTotal(h.Native()); n != 12 {
			t.Errorf("%d in native buckets, want 12", n)
		}
		if s := family(t, gather(t, r), "h").Samples[0]; !s.Created.Equal(created) || created.IsZero() {
			t.Errorf("created %v, gathered %v", created, s.Created)
		}
		h.Reset()
		checkHistogram(t, r, h, []uint64{0, 0, 0}, 0)
		if n := nativeTotal(h.Native()); n != 0 || !h.Created().Equal(time.Now()) {
			t.Errorf("after Reset: %d in native buckets, created %v", n, h.Created())
		}
		h.Observe(2)
		checkHistogram(t, r, h, []uint64{0, 1, 1}, 2)
	})
}

func TestNativeVec(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewHistogramVec[string]("h", "", fennel.Native{Factor: 2}, fennel.In(r), fennel.LabelNames("k"))
	vec.With("b").ObserveN(3, 2)
	vec.With("c")
	vec.With("a").Observe(1)
	vec.With("a").Observe(-1)
	for i, want := range []uint64{2, 2, 0} {
		s := family(t, gather(t, r), "h").Samples[i]
		if s.Labels[0].Value != "abc"[i:i+1] || s.Count != want || nativeTotal(s.Native) != want || len(s.Native.Negative) != 1-min(i, 1) {
			t.Errorf("sample %d: %+v, %+v, want %d observations", i, s, s.Native, want)
		}
	}
	if !vec.Delete("b") || len(family(t, gather(t, r), "h").Samples) != 2 {
		t.Error("b is still there")
	}
}

func TestHistogramsWithoutNativeBuckets(t *testing.T) {
	_, h := newNative()
	h.Observe(1)
	for name, h := range map[string]*fennel.Histogram{"classic": h, "nil": nil, "zero": {}} {
		if h.Native() != nil {
			t.Errorf("%s: there are native buckets", name)
		}
	}
}

func TestNativeOnlyShowsTheLastBucketInText(t *testing.T) {
	r, h := newNative(fennel.Native{Only: true})
	h.Observe(3)
	h.Observe(-1)
	wantSamples(t, r, `h_bucket{le="+Inf"} 2`, `h_sum 2`, `h_count 2`)
}

func TestNativeStaysWithinItsLimit(t *testing.T) {
	r, h := newNative(fennel.Native{Schema: 8, MaxBuckets: 20, MaxZeroThreshold: 0.01})
	for v := 0.0001; v < 1000; v *= 1.01 {
		h.Observe(v)
		h.Observe(-v)
	}
	n := family(t, gather(t, r), "h").Samples[0].Native
	if got := len(n.Positive) + len(n.Negative); got > 20 || got < 10 {
		t.Errorf("%d buckets, want at most 20 and not many fewer", got)
	}
	if n.ZeroThreshold > 0.01 || n.ZeroThreshold < 0.009 || n.Schema != -1 {
		t.Errorf("schema %d, zero threshold %v", n.Schema, n.ZeroThreshold)
	}
	if nativeTotal(n) != h.Count() || h.Count() != 2*1620 {
		t.Errorf("%d of %d observations are in native buckets", nativeTotal(n), h.Count())
	}
}

// TestNativeReset follows a histogram that gets too many buckets over several
// scrapes.
func TestNativeReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newNative(fennel.Native{Factor: 2, MaxBuckets: 4, MinReset: time.Hour}, fennel.Buckets(1))
		created := h.Created()
		scrape := func(step string, schema int, count uint64, sum float64, created time.Time) fennel.Sample {
			t.Helper()
			s := family(t, gather(t, r), "h").Samples[0]
			if s.Native.Schema != schema || s.Count != count || nativeTotal(s.Native) != count || s.Sum != sum || !s.Created.Equal(created) {
				t.Errorf("%s: %d observations (%d native) of %v at schema %d since %v, want %d of %v at %d since %v", step,
					s.Count, nativeTotal(s.Native), s.Sum, s.Native.Schema, s.Created, count, sum, schema, created)
			}
			return s
		}
		h.ObserveWithExemplar(1, fennel.Label{Name: "trace_id", Value: "a"})
		h.ObserveN(2, 2)
		time.Sleep(2 * time.Hour)
		scrape("due, but fine", 0, 3, 5, created)
		scrape("still there", 0, 3, 5, created)
		for v := 4.0; v <= 32; v *= 2 {
			h.Observe(v)
		}
		h.Native() // who reads a value resets nothing
		h.Count()
		if s := scrape("due, too coarse", -1, 7, 65, created); len(s.Exemplars) != 1 || s.Buckets[0].Count != 1 {
			t.Errorf("before the reset: %+v", s)
		}
		created = time.Now()
		if s := scrape("reset", 0, 0, 0, created); len(s.Exemplars) != 0 || s.Buckets[0].Count != 0 {
			t.Errorf("after the reset: %+v", s)
		}
		for v := 1.0; v <= 32; v *= 2 {
			h.Observe(v)
		}
		time.Sleep(time.Hour - 1)
		scrape("too coarse, not due", -1, 6, 63, created)
		h.Observe(1)
		time.Sleep(time.Nanosecond)
		scrape("now it is", -1, 7, 64, created)
		scrape("reset", 0, 0, 0, time.Now())
	})
}

func TestNativeIsNeverResetUnlessAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newNative(fennel.Native{Factor: 2, MaxBuckets: 1})
		h.Observe(1)
		h.Observe(16)
		for range 3 {
			time.Sleep(1000 * time.Hour)
			if s := family(t, gather(t, r), "h").Samples[0]; s.Count != 2 {
				t.Errorf("%d observations, want 2", s.Count)
			}
		}
	})
}

func TestNativeExemplarsBesideClassicBuckets(t *testing.T) {
	r, h := newNative(fennel.Native{}, fennel.Buckets(1))
	for i, v := range []float64{0.5, 2, 0.7} {
		h.ObserveWithExemplar(v, fennel.Label{Name: "i", Value: fmt.Sprint(i)})
	}
	s := family(t, gather(t, r), "h").Samples[0]
	if len(s.Exemplars) != 2 || s.Exemplars[0].Value != 0.7 || s.Exemplars[1].Value != 2 || s.Count != 3 {
		t.Errorf("%d observations with exemplars %v", s.Count, s.Exemplars)
	}
}

func TestNativeOnlyExemplars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newNative(fennel.Native{Only: true})
		exemplars := func() (values []float64) {
			for _, e := range family(t, gather(t, r), "h").Samples[0].Exemplars {
				if e.Labels[0].Name != "v" || e.Labels[0].Value != fmt.Sprint(e.Value) || e.Time.IsZero() {
					t.Errorf("exemplar %+v", e)
				}
				values = append(values, e.Value)
			}
			return values
		}
		observe := func(v float64) {
			time.Sleep(time.Second)
			h.ObserveWithExemplar(v, fennel.Label{Name: "v", Value: fmt.Sprint(v)})
		}
		want := func(step string, want ...float64) {
			t.Helper()
			if got := exemplars(); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", step, got, want)
			}
		}
		want("none")
		for _, v := range []float64{8, 2, 1, 4, -4, 1024, 64, 0, 16, 32} {
			observe(v)
		}
		want("ten", -4, 0, 1, 2, 4, 8, 16, 32, 64, 1024)
		observe(1000)
		want("close to a new one", -4, 0, 1, 2, 4, 8, 16, 32, 64, 1000)
		observe(3e6)
		want("1 and 2, of which 2 is older", -4, 0, 1, 4, 8, 16, 32, 64, 1000, 3e6)
		observe(3e6)
		want("the same again", -4, 0, 1, 4, 8, 16, 32, 64, 1000, 3e6)
		time.Sleep(5*time.Minute - 10*time.Second)
		observe(1e9)
		want("the oldest, 8, is more than five minutes old", -4, 0, 1, 4, 16, 32, 64, 1000, 3e6, 1e9)
		observe(math.Inf(1))
		observe(math.Inf(-1))
		want("infinities", math.Inf(-1), -4, 0, 16, 32, 64, 1000, 3e6, 1e9, math.Inf(1))
		h.ObserveWithExemplar(math.NaN(), fennel.Label{Name: "v", Value: "NaN"})
		h.ObserveWithExemplar(5)
		h.ObserveWithExemplar(5, fennel.Label{Name: "v", Value: strings.Repeat("x", 128)})
		want("no exemplars", math.Inf(-1), -4, 0, 16, 32, 64, 1000, 3e6, 1e9, math.Inf(1))
		wantDropped(t, r, "h", "exemplar_too_long", 1)
		h.Reset()
		want("none after Reset")
		observe(7)
		want("one after Reset", 7)
	})
}

// countReads reads until done and returns how much was seen over all resets.
func countReads(t *testing.T, r *fennel.Registry, done <-chan struct{}) (count uint64, sum float64) {
	var last fennel.Sample
	take := func() {
		s := family(t, gather(t, r), "h").Samples[0]
		if !s.Created.Equal(last.Created) {
			count, sum = count+last.Count, sum+last.Sum
		} else if s.Count < last.Count {
			t.Errorf("the count fell from %d to %d without a reset", last.Count, s.Count)
		} else if s.Native.Schema > last.Native.Schema || s.Native.ZeroThreshold < last.Native.ZeroThreshold {
			t.Errorf("schema %d, zero threshold %v became finer: %d, %v", last.Native.Schema, last.Native.ZeroThreshold, s.Native.Schema, s.Native.ZeroThreshold)
		}
		if n := len(s.Native.Positive); n > 10 {
			t.Errorf("%d buckets, want at most 10", n)
		}
		last = s
	}
	for {
		select {
		case <-done:
			take()
			return count + last.Count, sum + last.Sum
		default:
			take()
		}
	}
}

// TestNativeConcurrent observes on all processors while one scraper causes
// resets all the time and others read.
func TestNativeConcurrent(t *testing.T) {
	const goroutines, each = 8, 20_000
	for _, option := range []fennel.Native{
		{MaxBuckets: 10, MinReset: 1}, {MaxBuckets: 10}, {MaxBuckets: 10, MaxZeroThreshold: 4, MinReset: 1},
		{MaxBuckets: 10, MinReset: 1, Only: true}, {Schema: 8, MaxBuckets: 10, MaxZeroThreshold: 4, Only: true},
	} {
		t.Run(fmt.Sprintf("%+v", option), func(t *testing.T) {
			r, h := newNative(option)
			done := make(chan struct{})
			var observers, readers sync.WaitGroup
			for g := range goroutines {
				observers.Go(func() {
					for i := range each {
						h.Observe(float64((i*(g+1))%1000 + 1))
					}
				})
			}
			var count uint64
			var sum float64
			readers.Go(func() { count, sum = countReads(t, r, done) })
			readers.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					h.Native()
					h.Sum()
					h.Created()
					h.Count()
				}
			})
			observers.Wait()
			close(done)
			readers.Wait()
			want := 0.0
			for g := range goroutines {
				for i := range each {
					want += float64((i*(g+1))%1000 + 1)
				}
			}
			if count != goroutines*each || sum != want {
				t.Errorf("read %d observations, sum %v, want %d, %v", count, sum, goroutines*each, want)
			}
		})
	}
}

func TestNativeDoesNotAllocate(t *testing.T) {
	for _, only := range []bool{false, true} {
		r, h := newNative(fennel.Native{Only: only})
		label := []fennel.Label{{Name: "trace_id", Value: "4bf92f3577b34da6"}}
		i := 0
		observe := func() { h.Observe(logNormal[i&1023]); i++ }
		exemplar := func() { h.ObserveWithExemplar(logNormal[i&1023], label...); i++ }
		for range 1024 {
			exemplar()
		}
		visitAll(t, r)
		for name, update := range map[string]func(){
			"Observe":             observe,
			"ObserveN":            func() { h.ObserveN(logNormal[7], 3) },
			"ObserveWithExemplar": exemplar,
			"Sum":                 func() { h.Sum() },
			"Created":             func() { h.Created() },
		} {
			if n := testing.AllocsPerRun(1000, update); n != 0 {
				t.Errorf("only %v: %s: %v allocations, want 0", only, name, n)
			}
		}
	}
}

func ExampleNative() {
	r := fennel.NewRegistry()
	sizes := fennel.NewHistogram("upload_size_bytes", "Size of uploads.",
		fennel.Native{Factor: 2}, fennel.Buckets(1000, 1e6), fennel.In(r))
	for _, size := range []float64{900, 1000, 1025, 2e6} {
		sizes.Observe(size)
	}
	for _, b := range sizes.Native().Positive {
		fmt.Printf("above %v: %d\n", math.Exp2(float64(b.Index-1)), b.Count)
	}
	for bound, count := range sizes.Buckets() {
		fmt.Printf("up to %v: %d\n", bound, count)
	}
	// Output:
	// above 512: 2
	// above 1024: 1
	// above 1.048576e+06: 1
	// up to 1000: 2
	// up to 1e+06: 3
	// up to +Inf: 4
}
