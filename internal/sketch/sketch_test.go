package sketch

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// ranks are quantiles at which estimates are compared with what they estimate.
var ranks = []float64{0, 1e-9, 0.01, 0.07, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1 - 1e-9, 1}

func sketchOf(values ...float64) *Sketch {
	s := new(Sketch)
	for _, v := range values {
		s.Add(v)
	}
	return s
}

func snapshotOf(sketches ...*Sketch) *Snapshot {
	s := new(Snapshot)
	for _, from := range sketches {
		s.Add(from)
	}
	return s
}

// within reports whether an estimate is as close as is promised.
func within(estimate, exact float64) bool {
	if estimate == exact {
		return true
	}
	return math.Abs(estimate-exact) <= math.Abs(exact)/128
}

// checkEstimates compares a snapshot with all that was observed.
func checkEstimates(t *testing.T, s *Snapshot, values []float64) {
	t.Helper()
	if got := s.Count(); got != uint64(len(values)) {
		t.Fatalf("%d observations, want %d", got, len(values))
	}
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, cmp.Compare)
	for _, q := range ranks {
		if len(sorted) == 0 {
			if got := s.Quantile(q); !math.IsNaN(got) {
				t.Errorf("quantile %v of nothing is %v", q, got)
			}
			continue
		}
		// Exact for as few as can be tested, and for ranks without rounding errors.
		want := sorted[max(1, int(math.Ceil(q*float64(len(sorted))*(1-1e-15))))-1]
		if got := s.Quantile(q); !within(got, want) {
			t.Errorf("quantile %v of %d is %v, want %v", q, len(sorted), got, want)
		}
	}
}

func TestEstimatesAreWithinOnePercent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	many := func(n int, next func() float64) []float64 {
		all := make([]float64, n)
		for i := range all {
			all[i] = next()
		}
		return all
	}
	inf, tiny := math.Inf(1), math.SmallestNonzeroFloat64
	var powers []float64
	for e := -1080; e <= 1023; e += 18 {
		powers = append(powers, math.Ldexp(1, e), -math.Ldexp(1.999, e))
	}
	for name, values := range map[string][]float64{
		"none":             nil,
		"one":              {0.3},
		"zeros":            make([]float64, 1000),
		"zeros of a sign":  {0, math.Copysign(0, -1), 0, 1},
		"infinities":       {inf, -inf, inf, 1, -1, 0},
		"infinities alone": {-inf, inf},
		"extremes":         {math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64 * 0.998, tiny, -tiny},
		"subnormal":        {tiny, 2 * tiny, 3 * tiny, 127 * tiny, 129 * tiny, 255 * tiny, 0x1p-1022 - tiny, 0x1p-1022},
		"negative":         {-1, -2, -3, -1000, -0.001, 5},
		"powers of two":    powers,
		"exponential":      many(5000, random.ExpFloat64),
		"normal":           many(5000, random.NormFloat64),
		"log-normal":       many(5000, func() float64 { return 0.05 * math.Exp(3*random.NormFloat64()) }),
		"every bit":        many(200, func() float64 { return math.Ldexp(random.Float64()-0.5, random.IntN(100)-1080) }),
		"next to a power":  {math.Nextafter(8, 0), 8, math.Nextafter(8, 9)},
	} {
		t.Run(name, func(t *testing.T) { checkEstimates(t, snapshotOf(sketchOf(values...)), values) })
	}
}

func TestSmallWholeNumbersAreExact(t *testing.T) {
	for i := -128.0; i <= 128; i++ {
		if got := snapshotOf(sketchOf(i)).Quantile(0.5); got != i {
			t.Errorf("%v is estimated as %v", i, got)
		}
	}
}

// FuzzEstimates checks the bound on the error, and that sketches of parts
// add up to the sketch of the whole, for any float64s.
func FuzzEstimates(f *testing.F) {
	add := func(values ...float64) {
		var b []byte
		for _, v := range values {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		f.Add(b)
	}
	add()
	add(0, math.Copysign(0, -1), 1, -1, 1e-300, 1e300)
	add(math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64)
	add(5e-324, -5e-324, 0x1p-1022, math.Nextafter(0x1p-1022, 0), 200*5e-324, 1.99*0x1p-1023)
	f.Fuzz(func(t *testing.T, data []byte) {
		var values []float64
		var parts [3]Sketch
		for i := 0; len(data) >= 8 && i < maxChunks; i++ {
			v := math.Float64frombits(binary.LittleEndian.Uint64(data))
			data = data[8:]
			if v == v {
				values = append(values, v)
				parts[i%len(parts)].Add(v)
			}
		}
		whole := snapshotOf(sketchOf(values...))
		checkEstimates(t, whole, values)
		sum := snapshotOf(&parts[0], &parts[1], &parts[2])
		checkEstimates(t, sum, values)
		checkEqual(t, sum, whole)
	})
}

// checkEqual checks that two snapshots have the same counts everywhere.
func checkEqual(t *testing.T, got, want *Snapshot) {
	t.Helper()
	if got.count != want.count || len(got.order) != len(want.order) {
		t.Fatalf("%d observations in %d octaves, want %d in %d", got.count, len(got.order), want.count, len(want.order))
	}
	for i, p := range want.order {
		if got.order[i].key != p.key || *got.at(i) != *want.at(i) {
			t.Errorf("octave %d is %d: %v, want %d: %v", i, got.order[i].key, got.at(i), p.key, want.at(i))
		}
	}
}

func TestPartsAddUpToTheWhole(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	whole, parts := new(Sketch), make([]Sketch, 7)
	for i := range 10000 {
		v := math.Exp(5 * random.NormFloat64())
		if i%3 == 0 {
			v = -v
		}
		whole.Add(v)
		parts[random.IntN(len(parts))].Add(v)
	}
	sum := new(Snapshot)
	for i := range parts {
		sum.Add(&parts[i])
	}
	checkEqual(t, sum, snapshotOf(whole))
}

func TestASnapshotCanBeUsedAgain(t *testing.T) {
	s := snapshotOf(sketchOf(1, -2, 1e9, 0))
	s.Reset()
	checkEstimates(t, s, nil)
	s.Add(sketchOf(3, 1))
	checkEqual(t, s, snapshotOf(sketchOf(1, 3)))
}

// The quantile is an observation, and which one is exact: that of which the
// number is q*n, rounded up.
func TestRank(t *testing.T) {
	for percent := range uint64(101) {
		q := float64(percent) / 100
		for _, n := range []uint64{1, 2, 3, 7, 10, 99, 100, 101, 1000, 12345, 1e6, 1e6 + 1, 1e12} {
			want := max(1, (percent*n+99)/100)
			if got := rank(q, n); got != want {
				t.Errorf("quantile %v of %d is number %d, want %d", q, n, got, want)
			}
		}
	}
	for _, c := range []struct {
		q       float64
		n, want uint64
	}{
		{math.SmallestNonzeroFloat64, 1000, 1},
		{math.Nextafter(1, 0), 1000, 1000},
		{0.5, math.MaxUint64, 1<<63 - 4096}, // as exact as a float64 is
		{1, math.MaxUint64, math.MaxUint64},
		{0.999999, 1e6, 999999},
		{0.001, 1000, 1},
		{0.0011, 1000, 2},
	} {
		if got := rank(c.q, c.n); got != c.want {
			t.Errorf("quantile %v of %d is number %d, want %d", c.q, c.n, got, c.want)
		}
	}
}

func TestQuantilesOutsideOfTheRangeAreNaN(t *testing.T) {
	s := snapshotOf(sketchOf(1, 2, 3))
	for _, q := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got := s.Quantile(q); !math.IsNaN(got) {
			t.Errorf("quantile %v is %v", q, got)
		}
	}
}

// fill sets the count of the bucket of v, as if it had had so many observations.
func fill(s *Sketch, v float64, n uint32) {
	b := locate(v)
	s.sides[b.side].Load().chunk(uint64(b.octave))[b.cell].Store(n)
}

func TestCountsAreCarriedBeyond32Bits(t *testing.T) {
	subnormal := -0x1p-1060
	s := sketchOf(1, subnormal)
	for range 3 {
		fill(s, 1, math.MaxUint32)
		s.Add(1)
	}
	fill(s, subnormal, math.MaxUint32)
	s.Add(subnormal)
	s.Add(subnormal)
	snap := snapshotOf(s)
	if want := uint64(4<<32 + 1); snap.Count() != want {
		t.Errorf("%d observations, want %d", snap.Count(), want)
	}
	for q, want := range map[float64]float64{0: subnormal, 0.25: subnormal, 0.251: 1, 1: 1} {
		if got := snap.Quantile(q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := new(Sketch)
	var values []float64
	for i := range maxChunks { // of which none is next to another
		values = append(values, math.Ldexp(1.5, 2*i-300))
	}
	for _, v := range values {
		s.Add(v)
	}
	checkEstimates(t, snapshotOf(s), values)

	for v, want := range map[float64]float64{
		math.Ldexp(1, 1000):          math.Ldexp(1, 210) * 127 / 64, // above all
		math.Ldexp(1, -900):          math.Ldexp(1, -300),           // below all
		math.Ldexp(1.5, -299) * 1.01: math.Ldexp(127./64, -300),     // between two
		-1e-10:                       0,                             // there are none of its sign
	} {
		before := snapshotOf(s)
		s.Add(v)
		after := snapshotOf(s)
		b := locate(want)
		key := int32(b.octave)
		i := slices.IndexFunc(after.order, func(p position) bool { return p.key == key })
		if i < 0 || after.at(i).cells[b.cell] != 1 || after.Count() != before.Count()+1 {
			t.Errorf("%v is not counted as %v", v, want)
		}
	}
	if s.chunks != maxChunks {
		t.Errorf("%d chunks, want %d", s.chunks, maxChunks)
	}
	s.Add(1.5) // what has room goes on being exact
	checkRoom(t, s, 1.5)
}

func checkRoom(t *testing.T, s *Sketch, v float64) {
	t.Helper()
	b := locate(v)
	if n := s.sides[0].Load().chunk(uint64(b.octave))[b.cell].Load(); n != 2 {
		t.Errorf("%v was counted %d times, want 2", v, n)
	}
}

func TestConcurrentObservationsAreAllCounted(t *testing.T) {
	const workers, each = 8, 5000
	s, plain := new(Sketch), new(Sketch)
	var wg sync.WaitGroup
	for w := range workers {
		random := rand.New(rand.NewPCG(uint64(w), 0))
		for range each {
			plain.Add(1000 * random.NormFloat64())
		}
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 0))
			for range each {
				s.Add(1000 * random.NormFloat64())
			}
		})
	}
	wg.Go(func() {
		last := uint64(0)
		for range 200 {
			snap := snapshotOf(s)
			if n := snap.Count(); n < last || n > workers*each {
				t.Errorf("%d observations after %d", n, last)
			} else if q := snap.Quantile(0.5); n > 1000 && !(math.Abs(q) < 500) {
				t.Errorf("the median is %v", q)
			}
			last = snap.Count()
		}
	})
	wg.Wait()
	checkEqual(t, snapshotOf(s), snapshotOf(plain))
}

func TestOnlyTheFirstObservationOfAnOctaveAllocates(t *testing.T) {
	values := []float64{0, 1, 1.2, -3, math.Inf(1), math.Inf(-1), 1e300, 5e-324}
	s := sketchOf(values...)
	if n := testing.AllocsPerRun(100, func() {
		for _, v := range values {
			s.Add(v)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	snap := snapshotOf(s)
	if n := testing.AllocsPerRun(100, func() {
		snap.Reset()
		snap.Add(s)
		snap.Quantile(0.5)
	}); n != 0 {
		t.Errorf("reading: %v allocations, want 0", n)
	}
}
