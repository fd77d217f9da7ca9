package series

import (
	"cmp"
	"slices"
	"unsafe"
)

// extent says where in memory the text of a page lies.
type extent struct {
	start, end uintptr
	page       uint32
}

// countGone returns how many series of each page are among those that were removed.
// A series in a page has its text there, so that where its text lies says in which
// page it is, without a comparison of texts.
func countGone(pages []*Page, removed []*Series) []uint32 {
	gone := make([]uint32, len(pages))
	if len(pages) == 0 || len(removed) == 0 {
		return gone
	}
	extents := make([]extent, len(pages))
	for i, p := range pages {
		start := address(unsafe.StringData(p.text))
		extents[i] = extent{start, start + uintptr(len(p.text)), uint32(i)}
	}
	slices.SortFunc(extents, func(a, b extent) int { return cmp.Compare(a.start, b.start) })
	for _, s := range removed {
		switch at := address(s.text.Load()); {
		case s.size == 0:
			gone[0]++ // there is no label, and but this series
		default:
			i, j := 0, len(extents)
			for i+1 < j {
				if mid := int(uint(i+j) / 2); extents[mid].start <= at {
					i = mid
				} else {
					j = mid
				}
			}
			if e := extents[i]; e.start <= at && at < e.end {
				gone[e.page]++
			}
		}
	}
	return gone
}

// address returns where p points to, as a number to compare with others. What the
// garbage collector has moved once, it would compare wrongly: it moves nothing that
// is in the heap, where all texts are.
func address(p *byte) uintptr { return uintptr(unsafe.Pointer(p)) }
