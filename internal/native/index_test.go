package native

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

const denormal = math.SmallestNonzeroFloat64

// The checksum is that of the table which was taken from Prometheus.
func TestBoundsAreThoseOfPrometheus(t *testing.T) {
	sum := fnv.New64a()
	for _, b := range bounds[:perPower] {
		fmt.Fprintf(sum, "%016x", b)
	}
	if got := sum.Sum64(); got != 0x920c9b2351be3ece {
		t.Errorf("the checksum of the bounds is %x", got)
	}
	for i := range perPower {
		if bounds[i] >= bounds[i+1] {
			t.Errorf("bound %d is not below the next", i)
		}
	}
	if first, last := math.Float64frombits(bounds[0]), math.Float64frombits(bounds[perPower]); first != 0.5 || last != 1 {
		t.Errorf("the bounds go from %v to %v, want 0.5 to 1", first, last)
	}
}

func TestSchemaOf(t *testing.T) {
	for factor, want := range map[float64]int{
		math.MaxFloat64: -4, 1e6: -4, 65536: -4, 65535: -3, 256: -3, 16: -2, 4: -1, 2: 0, 1.5: 1, 1.2: 2,
		1.1: 3, 1.09: 4, 1.05: 4, 1.03: 5, 1.02: 6, 1.01: 7, 1.005: 8, 1.001: 8, math.Nextafter(1, 2): 8,
	} {
		if got := SchemaOf(factor); got != want {
			t.Errorf("SchemaOf(%v) = %d, want %d", factor, got, want)
		}
	}
}

func TestIndex(t *testing.T) {
	schemas := []int{-4, -1, 0, 3, 5, 8}
	for _, tt := range []struct {
		v    float64
		want []int32
	}{
		{0.001, []int32{0, -4, -9, -79, -318, -2551}},
		{0.5, []int32{0, 0, -1, -8, -32, -256}},
		{0.75, []int32{0, 0, 0, -3, -13, -106}},
		{1, []int32{0, 0, 0, 0, 0, 0}},
		{1.09, []int32{1, 1, 1, 1, 4, 32}},
		{2, []int32{1, 1, 1, 8, 32, 256}},
		{3, []int32{1, 1, 2, 13, 51, 406}},
		{1000, []int32{1, 5, 10, 80, 319, 2552}},
		{1e300, []int32{63, 499, 997, 7973, 31891, 255125}},
		{math.MaxFloat64, []int32{64, 512, 1024, 8192, 32768, 262144}},
		{math.Inf(1), []int32{65, 513, 1025, 8193, 32769, 262145}},
	} {
		for i, schema := range schemas {
			if got := Index(tt.v, schema); got != tt.want[i] {
				t.Errorf("Index(%v, %d) = %d, want %d", tt.v, schema, got, tt.want[i])
			}
			if got := Index(-tt.v, schema); got != tt.want[i] {
				t.Errorf("Index(%v, %d) = %d, want %d", -tt.v, schema, got, tt.want[i])
			}
		}
	}
}

// indexBySearch is what the specification says, step by step.
func indexBySearch(v float64, schema int) int32 {
	infinite := math.IsInf(v, 0)
	if infinite {
		v = math.MaxFloat64
	}
	fraction, exponent := math.Frexp(math.Abs(v))
	index := exponent
	if schema > 0 {
		n := 1 << schema
		index = (exponent-1)*n + sort.Search(n, func(i int) bool {
			return math.Float64frombits(bounds[i<<(MaxSchema-schema)]) >= fraction
		})
	} else {
		if fraction == 0.5 {
			index--
		}
		index = (index + 1<<-schema - 1) >> -schema
	}
	if infinite {
		index++
	}
	return int32(index)
}

func checkIndex(t *testing.T, v float64) {
	t.Helper()
	for schema := MinSchema; schema <= MaxSchema; schema++ {
		got, want := Index(v, schema), indexBySearch(v, schema)
		if got != want {
			t.Errorf("Index(%v, %d) = %d, want %d", v, schema, got, want)
		}
		if end, start := UpperBound(got, schema), UpperBound(got-1, schema); math.Abs(v) > end || math.Abs(v) <= start {
			t.Errorf("%v is not in bucket %d of schema %d: (%v, %v]", v, got, schema, start, end)
		}
	}
}

func TestIndexIsThatOfTheSpecification(t *testing.T) {
	for _, v := range []float64{denormal, 2 * denormal, 3 * denormal, 1e-310, 0x1p-1022, math.Nextafter(0x1p-1022, 0), math.Inf(1), math.Inf(-1)} {
		checkIndex(t, v)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		v := math.Float64frombits(random.Uint64())
		if v != 0 && v == v {
			checkIndex(t, v)
		}
	}
}

// The neighbours of each bound, and of the ends of the parts in which a bound is
// looked for.
func TestIndexAtBounds(t *testing.T) {
	for _, exponent := range []int{-1073, -1022, -1021, -600, -1, 0, 1, 2, 52, 1000, 1023, 1024} {
		check := func(fraction float64) {
			v := math.Ldexp(fraction, exponent)
			for _, v := range []float64{math.Nextafter(v, 0), v, math.Nextafter(v, math.Inf(1))} {
				if v != 0 {
					checkIndex(t, v)
				}
			}
		}
		for _, b := range bounds {
			check(math.Float64frombits(b))
		}
		for part := range starts {
			check(math.Float64frombits(half | uint64(part)<<startShift))
		}
	}
}

func TestUpperBound(t *testing.T) {
	for _, tt := range []struct {
		index  int32
		schema int
		want   float64
	}{
		{0, 8, 1}, {0, 0, 1}, {0, -4, 1}, {1, 0, 2}, {-1, 0, 0.5}, {1, -4, 65536}, {-1, -4, 1.0 / 65536},
		{1, 1, 2 * math.Float64frombits(bounds[128])}, {8, 3, 2}, {-7, 3, math.Float64frombits(bounds[32])},
		{262143, 8, math.Ldexp(math.Float64frombits(bounds[255]), 1024)}, {262144, 8, math.MaxFloat64}, {262145, 8, math.Inf(1)},
		{1024, 0, math.MaxFloat64}, {1025, 0, math.Inf(1)}, {64, -4, math.MaxFloat64}, {65, -4, math.Inf(1)},
		{-1074, 0, denormal}, {-1075, 0, 0}, {-1074 * 8, 3, denormal}, {-1022, 0, 0x1p-1022},
	} {
		if got := UpperBound(tt.index, tt.schema); got != tt.want {
			t.Errorf("UpperBound(%d, %d) = %v, want %v", tt.index, tt.schema, got, tt.want)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	values := make([]float64, 1024)
	for i := range values {
		values[i] = math.Exp(rand.NormFloat64())
	}
	sum := int32(0)
	for i := range b.N {
		sum += Index(values[i&1023], 3)
	}
	sink = sum
}

var sink int32

// The table that is written out is what its comment says.
func TestStartsFollowFromTheBounds(t *testing.T) {
	for part, got := range starts {
		first := half | uint64(part)<<startShift
		want, _ := slices.BinarySearch(bounds[:], first)
		if int(got) != want {
			t.Errorf("starts[%d] is %d, want %d", part, got, want)
		}
	}
}
