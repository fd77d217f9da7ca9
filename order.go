package fennel

import (
	"cmp"
	"slices"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
	"github.com/fennelmetrics/fennel/internal/small"
)

// sortSamples returns a batch in order without what is there twice. It is b if
// there is nothing to do.
func sortSamples(f *sample.Family, b *sample.Batch) *sample.Batch {
	if inOrder(b) {
		return b
	}
	indices := make([]int, b.Len())
	for i := range indices {
		indices[i] = i
	}
	compare := func(i, j int) int { return compareSamples(b, i, b, j) }
	small.Sort(indices, compare)
	indices = slices.CompactFunc(indices, func(i, j int) bool { return compare(i, j) == 0 })
	return b.Select(f, indices)
}

// compareSamples orders samples by their labels and times.
func compareSamples(a *sample.Batch, i int, b *sample.Batch, j int) int {
	return cmp.Or(series.Compare(a.Key(i), b.Key(j)), cmp.Compare(a.Time(i), b.Time(j)))
}

// inOrder reports whether there is nothing to sort or drop.
func inOrder(b *sample.Batch) bool {
	for i := 1; i < b.Len(); i++ {
		if series.Compare(b.Key(i-1), b.Key(i)) >= 0 {
			return false
		}
	}
	return true
}
