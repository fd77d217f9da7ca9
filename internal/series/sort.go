package series

import (
	"cmp"
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

// sortFrom sorts items whose texts agree up to start: first by the eight bytes
// behind what they have in common, then each run that agrees in those, too.
func sortFrom(items []keyed, start int) {
	if len(items) <= smallSort {
		slices.SortFunc(items, func(a, b keyed) int { return compareSeries(a.series, b.series) })
		return
	}
	start = commonPrefix(items, start)
	if start == int(items[0].series.length()) {
		return // all alike
	}
	for i := range items {
		items[i].key = sortKey(items[i].series.Labels()[start:])
	}
	slices.SortFunc(items, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].key == items[0].key {
			n++
		}
		if n > 1 {
			sortFrom(items[:n], start)
		}
		items = items[n:]
	}
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
