package fennel_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/fennelmetrics/fennel"
)

func TestBucketHelpers(t *testing.T) {
	for _, c := range []struct {
		name string
		got  []float64
		want []float64
	}{
		{"default", fennel.DefaultBuckets(), []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}},
		{"linear", fennel.LinearBuckets(-5, 5, 4), []float64{-5, 0, 5, 10}},
		{"linear, one", fennel.LinearBuckets(7, 1, 1), []float64{7}},
		{"exponential", fennel.ExponentialBuckets(1, 2, 5), []float64{1, 2, 4, 8, 16}},
		{"exponential, one", fennel.ExponentialBuckets(0.5, 10, 1), []float64{0.5}},
		{"exponential range", fennel.ExponentialBucketsRange(1, 100, 3), []float64{1, 10, 100}},
		{"exponential range, two", fennel.ExponentialBucketsRange(0.1, 7, 2), []float64{0.1, 7}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestLinearBucketsDontAddUpErrors(t *testing.T) {
	if got := fennel.LinearBuckets(0.1, 0.1, 10)[9]; got != 1 {
		t.Errorf("the tenth of 0.1, 0.2, … is %v, want 1", got)
	}
}

func TestExponentialBucketsRangeEndsExactly(t *testing.T) {
	for n := 2; n < 50; n++ {
		b := fennel.ExponentialBucketsRange(0.003, 17, n)
		if len(b) != n || b[0] != 0.003 || b[n-1] != 17 || !slices.IsSorted(b) {
			t.Errorf("%d buckets: %v", n, b)
		}
	}
}

func TestBucketHelpersRefuseBadArguments(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, make := range map[string]func() []float64{
		"linear, none":           func() []float64 { return fennel.LinearBuckets(0, 1, 0) },
		"linear, negative count": func() []float64 { return fennel.LinearBuckets(0, 1, -1) },
		"linear, no width":       func() []float64 { return fennel.LinearBuckets(0, 0, 3) },
		"linear, negative width": func() []float64 { return fennel.LinearBuckets(0, -1, 3) },
		"linear, NaN width":      func() []float64 { return fennel.LinearBuckets(0, nan, 3) },
		"linear, infinite width": func() []float64 { return fennel.LinearBuckets(0, inf, 3) },
		"exponential, none":      func() []float64 { return fennel.ExponentialBuckets(1, 2, 0) },
		"exponential, from 0":    func() []float64 { return fennel.ExponentialBuckets(0, 2, 3) },
		"exponential, negative":  func() []float64 { return fennel.ExponentialBuckets(-1, 2, 3) },
		"exponential, factor 1":  func() []float64 { return fennel.ExponentialBuckets(1, 1, 3) },
		"exponential, NaN":       func() []float64 { return fennel.ExponentialBuckets(1, nan, 3) },
		"exponential, from NaN":  func() []float64 { return fennel.ExponentialBuckets(nan, 2, 3) },
		"range, one":             func() []float64 { return fennel.ExponentialBucketsRange(1, 2, 1) },
		"range, from 0":          func() []float64 { return fennel.ExponentialBucketsRange(0, 2, 3) },
		"range, empty":           func() []float64 { return fennel.ExponentialBucketsRange(2, 2, 3) },
		"range, backwards":       func() []float64 { return fennel.ExponentialBucketsRange(2, 1, 3) },
		"range, NaN":             func() []float64 { return fennel.ExponentialBucketsRange(nan, 1, 3) },
		"range, to NaN":          func() []float64 { return fennel.ExponentialBucketsRange(1, nan, 3) },
	} {
		if _, err := fennel.Try(make); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

func TestBucketsAreChecked(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		bounds []float64
		part   string
	}{
		{[]float64{2, 1}, "bucket 1 comes after 2: sort the bounds"},
		{[]float64{1, 1}, "bucket 1 is there twice"},
		{[]float64{0, math.Copysign(0, -1)}, "is there twice"},
		{[]float64{math.NaN()}, "bucket 0 is NaN"},
		{[]float64{1, math.NaN(), 2}, "bucket 1 is NaN"},
		{[]float64{math.Inf(-1), 1}, "bucket 0 is -Inf"},
		{[]float64{inf, 1}, "bucket 0 is +Inf"},
		{[]float64{1, inf, inf}, "bucket 1 is +Inf"},
	} {
		r := fennel.NewRegistry()
		refused(t, "h", func() { fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(c.bounds...)) }, c.part)
		if len(r.Descs()) != 0 {
			t.Errorf("%v: the refused histogram stays declared", c.bounds)
		}
	}
}

func TestBucketsAreCopied(t *testing.T) {
	r := fennel.NewRegistry()
	bounds := []float64{1, 2, math.Inf(1)}
	h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(bounds...))
	if fmt.Sprint(bounds) != "[1 2 +Inf]" {
		t.Errorf("the caller's slice was changed: %v", bounds)
	}
	bounds[0], bounds[1] = 7, 0
	h.Observe(1.5)
	again := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(1, 2))
	if again != h {
		t.Error("declared again alike, it is another histogram")
	}
	wantSamples(t, r, `h_bucket{le="1"} 0`, `h_bucket{le="2"} 1`, `h_bucket{le="+Inf"} 1`, `h_sum 1.5`, `h_count 1`)
}

func TestDefaultBucketsCannotBeSpoilt(t *testing.T) {
	fennel.DefaultBuckets()[0] = 99
	if got := fennel.DefaultBuckets()[0]; got != .005 {
		t.Errorf("the first default bucket is %v", got)
	}
}
