package fennel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The start table must never lead past the right bucket, whatever the bounds.
func TestFindIsLinearSearch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		bounds := randomBounds(random)
		c := newClassicBuckets(bounds)
		values := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat64,
			-math.MaxFloat64, math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64}
		for _, b := range bounds {
			values = append(values, b, math.Nextafter(b, math.Inf(1)), math.Nextafter(b, math.Inf(-1)))
		}
		for range 50 {
			values = append(values, randomFloat(random))
		}
		for _, v := range values {
			if got, want := c.find(v), linear(bounds, v); got != want {
				t.Fatalf("find(%v) in %v = %d, want %d", v, bounds, got, want)
			}
		}
	}
}

func linear(bounds []float64, v float64) int {
	for i, b := range bounds {
		if v <= b {
			return i
		}
	}
	return len(bounds)
}

// randomBounds returns up to 300 bounds, of either sign or close to each other.
func randomBounds(random *rand.Rand) []float64 {
	n := random.IntN(20)
	if random.IntN(10) == 0 {
		n = random.IntN(300)
	}
	var bounds []float64
	for range n {
		bounds = append(bounds, randomFloat(random))
	}
	slices.Sort(bounds)
	return slices.Compact(bounds)
}

// randomFloat returns any finite number, and often one near 1.
func randomFloat(random *rand.Rand) float64 {
	if random.IntN(2) == 0 {
		return random.NormFloat64()
	}
	for {
		if v := math.Float64frombits(random.Uint64()); !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v
		}
	}
}
