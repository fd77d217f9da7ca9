package series

import (
	"cmp"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/small"
)

// keyed is a text of a list that is being sorted, by its index, with a few of its
// bytes, so that most of the sort touches no other memory than what is moved:
// without that, the first scrape of a million series waits seconds for its caches.
// There is no pointer in it, which the garbage collector would want to know of.
type keyed struct {
	key  uint64
	text uint32
}

// sorter sorts items by the texts of a list, which it doesn't move.
type sorter struct {
	list  []placed
	spare []keyed // as long as all that is sorted
}

const (
	smallSort = 12  // up to that many, comparing whole texts is quicker
	radixSort = 256 // from that many on, counting is quicker than comparing keys
)

// sortPlaced returns the list sorted by label values, for which it may use its memory.
func sortPlaced(list []placed) []placed {
	if len(list) <= smallSort || slices.IsSortedFunc(list, comparePlaced) {
		small.Sort(list, comparePlaced)
		return list
	}
	items := make([]keyed, len(list))
	for i := range items {
		items[i].text = uint32(i)
	}
	s := sorter{list, make([]keyed, len(list))}
	s.sortFrom(items, 0)
	sorted := make([]placed, len(list))
	for i, item := range items {
		sorted[i] = list[item.text]
	}
	return sorted
}

func comparePlaced(a, b placed) int { return Compare(a.text, b.text) }

// text returns the text of an item.
func (s *sorter) text(item keyed) string { return s.list[item.text].text }

// sortFrom sorts items whose texts agree up to start: first by the eight bytes
// behind what they have in common, then each run that agrees in those, too.
func (s *sorter) sortFrom(items []keyed, start int) {
	if len(items) <= smallSort {
		small.Sort(items, func(a, b keyed) int { return Compare(s.text(a), s.text(b)) })
		return
	}
	start = s.commonPrefix(items, start)
	if start == len(s.text(items[0])) {
		return // all alike
	}
	for i := range items {
		items[i].key = sortKey(s.text(items[i])[start:])
	}
	s.sortKeys(items)
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].key == items[0].key {
			n++
		}
		if n > 1 {
			s.sortFrom(items[:n], start)
		}
		items = items[n:]
	}
}

// commonPrefix returns how many bytes the texts have in common, not ending
// within an escape. They agree up to start.
func (s *sorter) commonPrefix(items []keyed, start int) int {
	first := s.text(items[0])
	n := len(first)
	for _, item := range items[1:] {
		n = start + common(s.text(item)[start:], first[start:n])
	}
	if escapesNext(first[:n]) {
		n--
	}
	return n
}

// sortKeys sorts by key: many of them by one byte after the other, the last one
// first. Bytes that all keys have in common need no sorting.
func (s *sorter) sortKeys(items []keyed) {
	if len(items) < radixSort {
		small.Sort(items, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
		return
	}
	differ := uint64(0)
	for i := range items {
		differ |= items[i].key ^ items[0].key
	}
	from, to := items, s.spare[:len(items)]
	for shift := 0; shift < 64; shift += 8 {
		if uint8(differ>>shift) != 0 {
			countingSort(to, from, shift)
			from, to = to, from
		}
	}
	if &from[0] != &items[0] {
		copy(items, from)
	}
}

// countingSort copies items sorted by one byte of their keys, and otherwise in the
// order in which they are.
func countingSort(to, from []keyed, shift int) {
	var next [256]uint32
	for i := range from {
		next[uint8(from[i].key>>shift)]++
	}
	sum := uint32(0)
	for i, n := range next {
		next[i] = sum
		sum += n
	}
	for _, item := range from {
		at := &next[uint8(item.key>>shift)]
		to[*at] = item
		*at++
	}
}

// sortKey returns the start of a text as a number that orders as [Compare] does:
// bytes are one up, so that the end of a value comes before all of them. No byte of
// UTF-8 is 255.
func sortKey(text string) uint64 {
	if len(text) < 8 {
		return sortKeySlow(text)
	}
	x := load64(unsafe.Pointer(unsafe.StringData(text)), 0)
	if zeroBytes(x^slashes) != 0 {
		return sortKeySlow(text)
	}
	ends := zeroBytes(x ^ quotes)
	return bits.ReverseBytes64((x + lowBits) &^ (ends >> 7 * 0xff))
}

// zeroBytes returns the high bits of the bytes of x that are 0.
func zeroBytes(x uint64) uint64 {
	return ^((x&^highBits + ^uint64(highBits)) | x) & highBits
}

func sortKeySlow(text string) (key uint64) {
	for i, shift := 0, 56; i < len(text) && shift >= 0; i, shift = i+1, shift-8 {
		r := rank(text[i:], false)
		if text[i] == '\\' {
			i++
		}
		key |= uint64(r+1) << shift
	}
	return key
}
