package series

import (
	"slices"
	"sync"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// order keeps the series of a table sorted by their label values, in pages that
// never change once they are published. A scrape reads pages in a row: label
// text that lies in the order in which it is written is worth a factor of four.
//
// The pages are values, and their pointers large objects, which the garbage collector
// follows first. So it marks series in an order that has something to do with where
// they lie, and when it comes to them again through the index, in no order at all, it
// has only to see that they are marked: it need not wait for one after the other.
type order struct {
	mu    sync.Mutex // held while merging, never while reading
	pages []Page     // never changed: a merge makes another slice
}

// Page is a run of series in order.
type Page struct {
	Series []*Series
	text   []byte
	ends   []uint32
}

const (
	pageSeries = 256      // at most, in a page
	pageText   = 64 << 10 // a page ends once its text is longer than that
)

// Fill lets b refer to the label text of the page. The values are the caller's.
func (p *Page) Fill(b *sample.Batch) { b.Text, b.Ends, b.Start = p.text, p.ends, 0 }

// Pages returns all series in order, as of now. The pages must not be changed.
func (t *Table) Pages() []Page {
	t.order.mu.Lock()
	defer t.order.mu.Unlock()
	added, removed := t.takePending()
	if len(added) > 0 || len(removed) > 0 {
		t.order.pages = merge(t.order.pages, added, removed)
	}
	return t.order.pages
}

// takePending returns the series that came, and those that went since the last
// call, both in order.
func (t *Table) takePending() (added, removed []*Series) {
	t.mu.Lock()
	p := t.pending
	t.pending = pending{epoch: p.epoch + 1}
	t.arena = nil
	t.mu.Unlock()
	added, removed = p.added.living(), slices.Collect(p.removed.all())
	sortSeries(added)
	sortSeries(removed)
	return added, removed
}

// first returns the text of the first series.
func (p *Page) first() string { return p.label(0) }

// label returns the text of series i, without touching the memory of that.
func (p *Page) label(i int) string {
	start := uint32(0)
	if i > 0 {
		start = p.ends[i-1]
	}
	n := p.ends[i] - start
	if n == 0 {
		return ""
	}
	return unsafe.String(&p.text[start], n) // which never changes
}

// search returns where in the page, from i on, the series with this text is or
// would be.
func (p *Page) search(text string, i int) (at int, found bool) {
	for j := len(p.Series); i < j; {
		mid := (i + j) / 2
		switch c := Compare(p.label(mid), text); {
		case c == 0:
			return mid, true
		case c < 0:
			i = mid + 1
		default:
			j = mid
		}
	}
	return i, false
}

// newPage copies the texts of a run to one place and moves the series there.
func newPage(run []placed, size int) Page {
	p := Page{
		Series: make([]*Series, len(run)),
		text:   make([]byte, 0, size),
		ends:   make([]uint32, len(run)),
	}
	for i, s := range run {
		p.Series[i] = s.series
		p.text = append(p.text, s.text...)
		p.ends[i] = uint32(len(p.text))
	}
	Fetch(p.Series)
	start := uint32(0)
	for i, s := range p.Series {
		if s.length() > 0 {
			s.text.Store(&p.text[start])
		}
		start = p.ends[i]
	}
	return p
}

// Fetch reads something of all series and returns it for no use: so the processor
// fetches the memory of many at once, and who reads or writes there next need not wait
// for that of one after the other.
//
//go:noinline
func Fetch(run []*Series) (sum uint32) {
	for _, s := range run {
		sum += s.size
	}
	return sum
}
