package integration

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// distribution is something that is observed.
type distribution struct {
	name   string
	sample func(*rand.Rand) float64
}

var distributions = []distribution{
	{"lognormal", func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64() - 3) }},
	{"two_peaks", func(r *rand.Rand) float64 { return []float64{0.01, 5}[r.IntN(2)] * (1 + r.Float64()/10) }},
	{"constant", func(*rand.Rand) float64 { return 0.25 }},
	{"wide", func(r *rand.Rand) float64 { return math.Exp(20 * r.NormFloat64()) }},
	{"both_signs", func(r *rand.Rand) float64 { return r.NormFloat64() }},
}

// quantileBounds are the classic buckets in these tests.
var quantileBounds = append([]float64{-2, -1, -0.5, -0.1, 0}, fennel.ExponentialBuckets(0.001, 1.5, 30)...)

// quantileKinds are histograms that quantiles are estimated from, with the ratio
// of two bounds of native buckets.
var quantileKinds = []struct {
	name   string
	native fennel.Native
	factor float64
}{
	{"default", fennel.Native{}, math.Exp2(1.0 / 8)},
	{"coarse", fennel.Native{Factor: 2}, 2},
	{"fine", fennel.Native{Schema: 8, MaxBuckets: unlimited}, math.Exp2(1.0 / 256)},
	{"limited", fennel.Native{MaxBuckets: 20}, 0}, // to be seen
}

// TestHistogramQuantile compares the quantiles that Prometheus estimates from
// native and from classic buckets with those of what was observed. They must be as
// near as the buckets are narrow.
func TestHistogramQuantile(t *testing.T) {
	const n = 2000
	r := fennel.NewRegistry()
	random := rand.New(rand.NewPCG(5, 6))
	observed := make(map[string][]float64)
	for _, d := range distributions {
		var values []float64
		for range n {
			values = append(values, d.sample(random))
		}
		for _, k := range quantileKinds {
			h := fennel.NewHistogram(d.name+"_"+k.name, "Native and classic.", fennel.In(r), k.native, fennel.Buckets(quantileBounds...))
			for _, v := range values {
				h.Observe(v)
			}
		}
		slices.Sort(values)
		observed[d.name] = values
	}
	p := startPrometheus(t, scrape{"quantiles", protobufFirst, readAll, inProtobuf}.target(show(t, r)))
	natives := p.natives(t, "quantiles")
	for _, d := range distributions {
		for _, k := range quantileKinds {
			name, factor := d.name+"_"+k.name, k.factor
			if factor == 0 {
				factor = math.Exp2(math.Exp2(-float64(natives[name].Schema)))
			}
			for _, q := range []float64{0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999} {
				low, high := around(observed[d.name], q)
				got := p.scalar(t, fmt.Sprintf("histogram_quantile(%v, %s)", q, name))
				if !within(got, towards0(low, factor), awayFrom0(low, factor), towards0(high, factor), awayFrom0(high, factor)) {
					t.Errorf("quantile %v of %s is %v, want from %v to %v within a factor of %v", q, name, got, low, high, factor)
				}
				got = p.scalar(t, fmt.Sprintf("histogram_quantile(%v, %s_bucket)", q, name))
				if below, above := classicBucket(low), classicBucket(high); !within(got, below.lower, below.upper, above.lower, above.upper) {
					t.Errorf("quantile %v of %s is %v by classic buckets, want from %v to %v within their buckets", q, name, got, low, high)
				}
			}
		}
	}
}

// around returns the observations between which a quantile lies, whatever the
// definition.
func around(sorted []float64, q float64) (low, high float64) {
	rank := q * float64(len(sorted))
	return sorted[max(0, int(math.Floor(rank))-1)], sorted[min(len(sorted)-1, int(math.Ceil(rank)))]
}

func towards0(v, factor float64) float64  { return v / factor * (1 - 1e-9) }
func awayFrom0(v, factor float64) float64 { return v * factor * (1 + 1e-9) }

// within reports whether v lies between the smallest and the largest of bounds.
func within(v float64, bounds ...float64) bool {
	return v >= slices.Min(bounds) && v <= slices.Max(bounds)
}

type interval struct{ lower, upper float64 }

// classicBucket returns the bucket in which a value is. Of those that have one
// bound only Prometheus says that bound.
func classicBucket(v float64) interval {
	i, _ := slices.BinarySearch(quantileBounds, v)
	return interval{quantileBounds[max(0, i-1)], quantileBounds[min(i, len(quantileBounds)-1)]}
}

// scalar runs a query whose result is one number.
func (p *prometheus) scalar(t *testing.T, expr string) float64 {
	t.Helper()
	got := p.query(t, expr)
	if len(got) != 1 || got[0].Histogram != nil {
		t.Errorf("%s = %v, want one number", expr, got)
		return math.NaN()
	}
	return got[0].Value
}
