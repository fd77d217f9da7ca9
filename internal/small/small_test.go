package small_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fennelmetrics/fennel/internal/small"
)

// item is sorted by its key; number says where it was.
type item struct{ key, number int }

func byKey(a, b item) int { return cmp.Compare(a.key, b.key) }

// TestSort compares with a stable sort of the standard library: short lists and long
// ones, with many keys and with few.
func TestSort(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 3, 11, 12, 13, 14, 24, 25, 26, 27, 100, 1000, 4097} {
		for _, keys := range []int{1, 2, 10, 1 << 20} {
			list := make([]item, n)
			for i := range list {
				list[i] = item{random.IntN(keys), i}
			}
			want := slices.Clone(list)
			slices.SortStableFunc(want, byKey)
			small.Sort(list, byKey)
			if !slices.Equal(list, want) {
				t.Errorf("%d items with %d keys: %v, want %v", n, keys, list, want)
			}
		}
	}
}

func TestSortOfSortedListIsOneComparisonForEach(t *testing.T) {
	for _, alike := range []int{1, 10_000} {
		list := make([]int, 10_000)
		for i := range list {
			list[i] = i / alike
		}
		comparisons := 0
		small.Sort(list, func(a, b int) int { comparisons++; return a - b })
		if comparisons >= len(list) {
			t.Errorf("%d comparisons of %d items, %d of them alike", comparisons, len(list), alike)
		}
	}
}

func TestSortOfShortListAllocatesNothing(t *testing.T) {
	list := make([]item, 12)
	if n := testing.AllocsPerRun(100, func() {
		for i := range list {
			list[i].key = len(list) - i
		}
		small.Sort(list, byKey)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestInsert(t *testing.T) {
	for i := range 4 {
		for _, spare := range []int{0, 5} {
			list := append(make([]int, 0, 3+spare), 10, 20, 30)
			want := slices.Insert(slices.Clone(list), i, 99)
			if got := small.Insert(list, i, 99); !slices.Equal(got, want) {
				t.Errorf("at %d: %v, want %v", i, got, want)
			}
		}
	}
}
