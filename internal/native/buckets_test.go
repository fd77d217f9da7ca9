package native

import (
	"math"
	"slices"
	"testing"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// observation is n observations of v.
type observation struct {
	v float64
	n uint64
}

// made returns buckets that have counted what is given.
func made(schema int, threshold float64, observations ...observation) *Buckets {
	b := new(Buckets)
	b.Reset(schema, threshold)
	for _, o := range observations {
		b.Add(o.v, o.n)
	}
	return b
}

// buckets makes a list of buckets of their indices and counts.
func buckets(pairs ...int64) (all []sample.NativeBucket) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, sample.NativeBucket{Index: int32(pairs[i]), Count: uint64(pairs[i+1])})
	}
	return all
}

func filled(b *Buckets) (n sample.Native) {
	b.Fill(&n)
	return n
}

// check checks all counts of b against what was observed. Only where a zero
// threshold lies within a bucket that may not be swallowed is there a choice.
func check(t *testing.T, b *Buckets, straddles bool, observations []observation) {
	t.Helper()
	zero, total := uint64(0), uint64(0)
	sides := [2]map[int32]uint64{{}, {}}
	for _, o := range observations {
		total += o.n
		if math.Abs(o.v) <= b.threshold {
			zero += o.n
			continue
		}
		i := 0
		if o.v < 0 {
			i = 1
		}
		sides[i][Index(o.v, b.Schema())] += o.n
	}
	got := filled(b)
	if got.Total() != total || b.Total() != total {
		t.Fatalf("counted %d and %d, want %d", got.Total(), b.Total(), total)
	}
	around := int32(math.MinInt32)
	if b.threshold > 0 && straddles {
		around = Index(b.threshold, b.Schema())
	}
	for i, side := range [2][]sample.NativeBucket{got.Positive, got.Negative} {
		for j, bucket := range side {
			if j > 0 && bucket.Index <= side[j-1].Index {
				t.Fatalf("side %d: bucket %d comes after %d", i, bucket.Index, side[j-1].Index)
			}
			want := sides[i][bucket.Index]
			delete(sides[i], bucket.Index)
			if extra := bucket.Count - want; extra != 0 && bucket.Index == around && extra <= zero {
				zero -= extra
			} else if extra != 0 || bucket.Count == 0 {
				t.Fatalf("side %d: bucket %d has %d, want %d", i, bucket.Index, bucket.Count, want)
			}
		}
		if len(sides[i]) > 0 {
			t.Fatalf("side %d: buckets %v are missing", i, sides[i])
		}
	}
	if got.ZeroCount != zero {
		t.Fatalf("the zero bucket up to %v has %d, want %d", b.threshold, got.ZeroCount, zero)
	}
	if n := len(got.Positive) + len(got.Negative); n != b.Populated() {
		t.Fatalf("%d buckets are populated, %d are said to be", n, b.Populated())
	}
}

func TestBucketsCount(t *testing.T) {
	inf := math.Inf(1)
	for _, tt := range []struct {
		name      string
		schema    int
		threshold float64
		observed  []observation
		want      sample.Native
	}{
		{"nothing", 3, 0.5, nil, sample.Native{}},
		{"from one on", 0, 0, []observation{{1, 1}, {1.5, 2}, {2, 3}, {2.5, 4}},
			sample.Native{Positive: buckets(0, 1, 1, 5, 2, 4)}},
		{"spans and gaps", 0, 0, []observation{{0.25, 3}, {0.5, 5}, {4, 1}, {16, 3}, {32, 2}},
			sample.Native{Positive: buckets(-2, 3, -1, 5, 2, 1, 4, 3, 5, 2)}},
		{"negative", 0, 0, []observation{{-1, 1}, {-4, 2}, {4, 1}},
			sample.Native{Positive: buckets(2, 1), Negative: buckets(0, 1, 2, 2)}},
		{"zero only", 8, 0, []observation{{0, 2}, {math.Copysign(0, -1), 3}, {denormal, 1}},
			sample.Native{ZeroCount: 5, Positive: buckets(-1074*256, 1)}},
		{"the threshold is in the zero bucket", 0, 1, []observation{{1, 1}, {-1, 1}, {0.5, 1}, {math.Nextafter(1, 2), 1}},
			sample.Native{ZeroCount: 3, Positive: buckets(1, 1)}},
		{"infinities", 3, 0, []observation{{inf, 1}, {-inf, 2}, {math.MaxFloat64, 3}},
			sample.Native{Positive: buckets(8192, 3, 8193, 1), Negative: buckets(8193, 2)}},
		{"more than 32 bits, and then far below", 0, 0, []observation{{1, 1 << 40}, {0x1p-100, 1}, {0x1p-50, 1 << 50}},
			sample.Native{Positive: buckets(-100, 1, -50, 1<<50, 0, 1<<40)}},
		{"more than 32 bits", 0, 0, []observation{{1, math.MaxUint32}, {1, 1}, {1, 1}, {2, 1 << 40}, {2, 1<<32 - 1}, {4, 1 << 32}, {4, 1 << 32}},
			sample.Native{Positive: buckets(0, 1<<32+1, 1, 1<<40+1<<32-1, 2, 1<<33)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := made(tt.schema, tt.threshold, tt.observed...)
			tt.want.Schema, tt.want.ZeroThreshold = int32(tt.schema), tt.threshold
			got := filled(b)
			if got.Schema != tt.want.Schema || got.ZeroThreshold != tt.want.ZeroThreshold || got.ZeroCount != tt.want.ZeroCount ||
				!slices.Equal(got.Positive, tt.want.Positive) || !slices.Equal(got.Negative, tt.want.Negative) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			check(t, b, false, tt.observed)
		})
	}
}

// A zero value must not lose anything either.
func TestZeroBuckets(t *testing.T) {
	var b Buckets
	b.Add(1, 1)
	b.Add(0, 1)
	if b.Schema() != MaxSchema || b.Threshold() != 0 {
		t.Errorf("schema %d, threshold %v", b.Schema(), b.Threshold())
	}
	check(t, &b, false, []observation{{1, 1}, {0, 1}})
}

func TestFarApartObservationsAreCheap(t *testing.T) {
	b := made(8, 0, observation{1e-300, 1}, observation{1e300, 1}, observation{1, 1})
	if n := len(b.positive.low); n != 3 {
		t.Errorf("three observations take %d chunks", n)
	}
	check(t, b, false, []observation{{1e-300, 1}, {1e300, 1}, {1, 1}})
}

// What the zero bucket has swallowed takes no memory.
func TestSwallowedChunksGo(t *testing.T) {
	b := made(8, 0)
	var observed []observation
	for e := -1000; e < 1000; e += 10 {
		o := observation{math.Ldexp(-1, e), 1 << 33}
		observed = append(observed, o)
		b.Add(o.v, o.n)
		b.Limit(Limits{5, math.MaxFloat64})
		if keys, low, high := len(b.negative.keys), len(b.negative.low), len(b.negative.high); keys > 6 || low != keys || high != keys {
			t.Fatalf("5 buckets take %d keys and %d and %d chunks", keys, low, high)
		}
	}
	check(t, b, false, observed)
}

func TestLimit(t *testing.T) {
	powers := func(from, to int) (all []observation) {
		for e := from; e <= to; e++ {
			all = append(all, observation{math.Ldexp(1, e), 1})
		}
		return all
	}
	for _, tt := range []struct {
		name      string
		schema    int
		observed  []observation
		limits    Limits
		changed   bool
		wantTo    int // schema
		threshold float64
		populated int
	}{
		{"not reached", 0, powers(1, 4), Limits{4, 100}, false, 0, 0, 4},
		{"the zero bucket widens", 0, powers(1, 4), Limits{3, 2}, true, 0, 2, 3},
		{"on both sides at once", 0, append(powers(1, 4), observation{-2, 1}, observation{-4, 1}), Limits{4, 2}, true, 0, 2, 4},
		{"on the side that is closer", 0, append(powers(1, 4), observation{-1, 1}), Limits{4, 2}, true, 0, 1, 4},
		{"as far as it may", 0, powers(1, 4), Limits{1, 5}, true, -1, 4, 1},
		{"the resolution halves", 0, powers(1, 4), Limits{2, 1.9}, true, -1, 0, 2},
		{"more than once", 3, powers(1, 4), Limits{2, 0}, true, -1, 0, 2},
		{"both", 0, powers(1, 8), Limits{2, 2}, true, -2, 2, 2},
		{"to the coarsest", 8, powers(-200, 200), Limits{1, 0}, true, -4, 0, 26},
		{"infinity is not swallowed", 0, []observation{{math.Inf(1), 1}, {math.Inf(-1), 1}}, Limits{1, math.MaxFloat64}, true, -4, 0, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := made(tt.schema, 0, tt.observed...)
			if changed := b.Limit(tt.limits); changed != tt.changed {
				t.Errorf("Limit returns %v", changed)
			}
			if b.Schema() != tt.wantTo || b.Threshold() != tt.threshold || b.Populated() != tt.populated {
				t.Errorf("schema %d, threshold %v, %d buckets, want %d, %v, %d",
					b.Schema(), b.Threshold(), b.Populated(), tt.wantTo, tt.threshold, tt.populated)
			}
			check(t, b, false, tt.observed)
		})
	}
}

func TestResetRestoresSchemaAndThreshold(t *testing.T) {
	b := made(3, 0.001, observation{0.01, 1 << 40}, observation{-5, 2}, observation{7, 3})
	b.Limit(Limits{1, 0.02})
	b.Reset(3, 0.001)
	check(t, b, false, nil)
	if b.Schema() != 3 || b.Threshold() != 0.001 {
		t.Errorf("schema %d, threshold %v", b.Schema(), b.Threshold())
	}
	b.Add(5, 1)
	check(t, b, false, []observation{{5, 1}})
}

func TestMerge(t *testing.T) {
	for _, tt := range []struct {
		name      string
		a, b      *Buckets
		limit     float64
		wantTo    int // schema
		threshold float64
		straddles bool
		observed  []observation
	}{
		{"nothing", made(3, 0), made(3, 0), 0, 3, 0, false, nil},
		{"alike", made(3, 0, observation{1, 1}), made(3, 0, observation{1, 2}, observation{-1, 3}), 0, 3, 0, false,
			[]observation{{1, 3}, {-1, 3}}},
		{"to the coarser", made(5, 0, observation{1, 1}, observation{1.1, 1}), made(0, 0, observation{1.5, 2}), 0, 0, 0, false,
			[]observation{{1, 1}, {1.1, 1}, {1.5, 2}}},
		{"to the higher threshold", made(0, 1, observation{0.5, 1}, observation{2, 1}), made(0, 0, observation{0.5, 2}, observation{-1, 1}, observation{2, 1}),
			0, 0, 1, false, []observation{{0.5, 3}, {-1, 1}, {2, 2}}},
		{"the threshold is in a bucket that can be swallowed", made(0, 1.5, observation{1.2, 1}, observation{1.7, 1}, observation{-1.7, 1}), made(0, 0, observation{1.2, 2}, observation{4, 1}),
			2, 0, 2, false, []observation{{1.2, 3}, {1.7, 1}, {-1.7, 1}, {4, 1}}},
		{"in one on the negative side", made(0, 1.5), made(0, 0, observation{-1.2, 2}, observation{1.3, 1}, observation{-4, 1}),
			2, 0, 2, false, []observation{{-1.2, 2}, {1.3, 1}, {-4, 1}}},
		{"in one that can't", made(0, 1.5, observation{1.2, 1}, observation{1.7, 1}), made(0, 0, observation{1.2, 2}, observation{-1.1, 1}),
			1.9, 0, 1.5, true, []observation{{1.2, 3}, {1.7, 1}, {-1.1, 1}}},
		{"the threshold is in a bucket that has nothing", made(0, 1.5, observation{1.7, 1}), made(0, 0, observation{3, 1}),
			10, 0, 1.5, false, []observation{{1.7, 1}, {3, 1}}},
		{"coarser and higher each", made(3, 2, observation{1, 1}, observation{2.1, 1}), made(-1, 0, observation{1.5, 1}, observation{5, 1}),
			4, -1, 4, false, []observation{{1, 1}, {2.1, 1}, {1.5, 1}, {5, 1}}},
	} {
		for _, turned := range []bool{false, true} {
			name := tt.name
			to, from := new(Buckets), tt.b
			to.CopyFrom(tt.a)
			if turned {
				name += ", turned"
				to.CopyFrom(tt.b)
				from = tt.a
			}
			t.Run(name, func(t *testing.T) {
				before := filled(from)
				to.Merge(from, tt.limit)
				if to.Schema() != tt.wantTo || to.Threshold() != tt.threshold {
					t.Errorf("schema %d, threshold %v, want %d, %v", to.Schema(), to.Threshold(), tt.wantTo, tt.threshold)
				}
				check(t, to, tt.straddles, tt.observed)
				if after := filled(from); after.Total() != before.Total() || !slices.Equal(after.Positive, before.Positive) {
					t.Error("what is merged has changed")
				}
			})
		}
	}
}

func TestCopiesShareNothing(t *testing.T) {
	a := made(3, 0.5, observation{0.1, 1}, observation{1, 1 << 33}, observation{-7, 2})
	b := new(Buckets)
	b.Add(1e10, 1<<35)
	b.CopyFrom(a)
	a.Add(1, 1)
	a.Add(1e6, 1)
	check(t, b, false, []observation{{0.1, 1}, {1, 1 << 33}, {-7, 2}})
	b.CopyFrom(made(3, 0, observation{2, 1}))
	check(t, b, false, []observation{{2, 1}})
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	b := made(3, 0)
	other, merged, out := made(3, 0), made(3, 0), sample.Native{}
	steady := func() {
		for v := 0.001; v < 1000; v *= 1.3 {
			b.Add(v, 1)
			b.Add(-v, 1)
			other.Add(v, 1)
		}
		merged.CopyFrom(b)
		merged.Merge(other, 0)
		merged.Fill(&out)
		other.Reset(3, 0)
	}
	if n := testing.AllocsPerRun(10, steady); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
