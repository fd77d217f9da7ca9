package series

import (
	"cmp"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/small"
)

// extent says where in memory the text of a page lies.
type extent struct {
	start, end uintptr
	page       uint32
}

// countGone returns how many series of each page are among those that were removed.
// A series in a page has its text there, so that where its text lies says in which
// page it is, without a comparison of texts. One that died before it came into a page
// has its text in an arena, which as long as it has is no page's memory.
func countGone(pages []Page, removed *list) []uint32 {
	gone := make([]uint32, len(pages))
	if len(pages) == 0 || removed.n == 0 {
		return gone
	}
	if pages[0].text == "" {
		gone[0] = 1 // there is no label, and one series
		return gone
	}
	extents := make([]extent, len(pages))
	for i := range pages {
		p := &pages[i]
		start := address(unsafe.StringData(p.text))
		extents[i] = extent{start, start + uintptr(len(p.text)), uint32(i)}
	}
	small.Sort(extents, func(a, b extent) int { return cmp.Compare(a.start, b.start) })
	for _, at := range addresses(removed) {
		i, j := 0, len(extents)
		for i+1 < j {
			if mid := (i + j) / 2; extents[mid].start <= at {
				i = mid
			} else {
				j = mid
			}
		}
		if e := &extents[i]; e.start <= at && at < e.end {
			gone[e.page]++
		}
	}
	return gone
}

// addresses returns where the texts of series lie. It does nothing else, so that the
// processor fetches the memory of many series at once.
func addresses(l *list) []uintptr {
	addresses := make([]uintptr, 0, l.n)
	for s := range l.all() {
		addresses = append(addresses, address(s.text.Load()))
	}
	return addresses
}

// address returns where p points to, as a number to compare with others. That is
// sound because texts lie in the heap, and nothing is ever moved there.
func address(p *byte) uintptr { return uintptr(unsafe.Pointer(p)) }
