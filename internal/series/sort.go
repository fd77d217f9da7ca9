package series

import (
	"math/rand/v2"
	"slices"
)

// keyed is a series with the next few bytes of its text, so that most
// comparisons of a sort touch no other memory than what is being sorted: without
// that, the first scrape of a million series waits seconds for its caches.
type keyed struct {
	key    uint64
	series *Series
}

// smallSort is the length up to which comparing whole texts is quicker.
const smallSort = 12

// sortSeries sorts by label values.
func sortSeries(list []*Series) {
	if len(list) <= smallSort {
		slices.SortFunc(list, compareSeries)
		return
	}
	if slices.IsSortedFunc(list, compareSeries) {
		return
	}
	items := make([]keyed, len(list))
	for i, s := range list {
		items[i].series = s
	}
	sortFrom(items, 0)
	for i, item := range items {
		list[i] = item.series
	}
}

func compareSeries(a, b *Series) int { return Compare(a.Labels(), b.Labels()) }

// sortFrom sorts items whose texts agree up to start, by the eight bytes behind what
// they have in common first.
func sortFrom(items []keyed, start int) {
	if len(items) > smallSort {
		start = commonPrefix(items, start)
		if start == int(items[0].series.size) {
			return // all alike
		}
		for i := range items {
			items[i].key = sortKey(items[i].series.Labels()[start:])
		}
	}
	sortKeyed(items, start)
}

// sortKeyed sorts items with their keys. It is a quicksort that puts what is equal to
// the pivot aside, to be sorted by what comes behind. The pivot is chosen by chance, so
// that there are no label values with which it is slow.
func sortKeyed(items []keyed, start int) {
	for len(items) > smallSort {
		less, greater := partition(items, pivotOf(items))
		sortKeyed(items[:less], start)
		sortFrom(items[less:greater], start)
		items = items[greater:]
	}
	for i := 1; i < len(items); i++ {
		item, j := items[i], i
		for ; j > 0 && item.precedes(&items[j-1]); j-- {
			items[j] = items[j-1]
		}
		items[j] = item
	}
}

// precedes compares the whole texts where the keys are equal, which those of a few
// items may be that agree in nothing else.
func (k *keyed) precedes(other *keyed) bool {
	if k.key != other.key {
		return k.key < other.key
	}
	return compareSeries(k.series, other.series) < 0
}

// pivotOf returns the middle one of three keys.
func pivotOf(items []keyed) uint64 {
	n := len(items)
	a, b, c := items[rand.IntN(n)].key, items[rand.IntN(n)].key, items[rand.IntN(n)].key
	return max(min(a, b), min(max(a, b), c))
}

// partition puts items whose keys are less than pivot first, and those whose keys are
// greater last. It returns where the former end and the latter begin.
func partition(items []keyed, pivot uint64) (less, greater int) {
	greater = len(items)
	for i := 0; i < greater; {
		switch key := items[i].key; {
		case key < pivot:
			items[i], items[less] = items[less], items[i]
			less++
			i++
		case key > pivot:
			greater--
			items[i], items[greater] = items[greater], items[i]
		default:
			i++
		}
	}
	return less, greater
}

// commonPrefix returns how many bytes the texts have in common, not ending
// within an escape. They agree up to start.
func commonPrefix(items []keyed, start int) int {
	first := items[0].series.Labels()
	n := len(first)
	for _, item := range items[1:] {
		n = start + common(item.series.Labels()[start:], first[start:n])
	}
	if escapesNext(first[:n]) {
		n--
	}
	return n
}

// sortKey returns the start of a text as a number that orders as [Compare] does.
func sortKey(text string) (key uint64) {
	for i, shift := 0, 56; i < len(text) && shift >= 0; i, shift = i+1, shift-8 {
		r := rank(text[i:], false)
		if text[i] == '\\' {
			i++
		}
		// One up, so that the end of a value comes before all bytes. No byte
		// of UTF-8 is 255.
		key |= uint64(r+1) << shift
	}
	return key
}
