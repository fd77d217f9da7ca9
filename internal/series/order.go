package series

import (
	"slices"
	"sync"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// order keeps the series of a table sorted by their label values, in pages that
// never change once they are published. A scrape reads pages in a row: label
// text that lies in the order in which it is written is worth a factor of four.
type order struct {
	mu    sync.Mutex // held while merging, never while reading
	pages []*Page    // never changed: a merge makes another slice
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
func (t *Table) Pages() []*Page {
	t.order.mu.Lock()
	defer t.order.mu.Unlock()
	added, removed := t.takePending()
	if len(added) > 0 || len(removed) > 0 {
		t.order.pages = merge(t.order.pages, added, removed)
	}
	return t.order.pages
}

// takePending returns the series that came, in order, and those that went since
// the last call.
func (t *Table) takePending() (added, removed []*Series) {
	t.mu.Lock()
	p := t.pending
	t.pending = pending{epoch: p.epoch + 1}
	t.arena = nil
	t.mu.Unlock()
	added = p.added.living()
	sortSeries(added)
	return added, slices.Collect(p.removed.all())
}

// merge returns the pages with added, which is sorted, put in and the dead left
// out. Only pages that this touches are made anew, and small ones behind those,
// so that pages don't crumble as series go.
func merge(old []*Page, added, removed []*Series) []*Page {
	touched := make([]bool, len(old))
	for _, s := range removed {
		if i := pageOf(old, s); i < len(old) {
			touched[i] = true
		}
	}
	out := make([]*Page, 0, len(old)+len(added)/pageSeries+1)
	var run []*Series // series of touched pages in a row
	flush := func() {
		out = appendPages(out, run)
		run = run[:0]
	}
	for i, page := range old {
		n := len(added)
		if i+1 < len(old) {
			n, _ = slices.BinarySearchFunc(added, old[i+1].Series[0], compareSeries)
		}
		small := len(run) > 0 && len(page.Series) < pageSeries/4
		if n == 0 && !touched[i] && !small {
			flush()
			out = append(out, page)
			continue
		}
		run = mergeSeries(run, page.Series, added[:n])
		added = added[n:]
	}
	run = append(run, added...)
	flush()
	return out
}

// pageOf returns the index of the page in which s is, if it is in one.
func pageOf(pages []*Page, s *Series) int {
	i, found := slices.BinarySearchFunc(pages, s, func(p *Page, s *Series) int {
		return compareSeries(p.Series[0], s)
	})
	if found {
		return i
	}
	if i == 0 {
		return len(pages)
	}
	return i - 1
}

// mergeSeries appends two sorted runs as one, without the dead.
func mergeSeries(dst, a, b []*Series) []*Series {
	for len(a) > 0 || len(b) > 0 {
		var s *Series
		if len(b) == 0 || len(a) > 0 && compareSeries(a[0], b[0]) <= 0 {
			s, a = a[0], a[1:]
		} else {
			s, b = b[0], b[1:]
		}
		if !s.Dead() {
			dst = append(dst, s)
		}
	}
	return dst
}

// appendPages cuts a run of series into pages of about equal length.
func appendPages(dst []*Page, run []*Series) []*Page {
	if len(run) == 0 {
		return dst
	}
	pages := (len(run) + pageSeries - 1) / pageSeries
	each := (len(run) + pages - 1) / pages
	for len(run) > 0 {
		n, size := 0, 0
		for n < min(each, len(run)) && size < pageText {
			size += int(run[n].size)
			n++
		}
		dst = append(dst, newPage(run[:n], size))
		run = run[n:]
	}
	return dst
}

// newPage copies the texts of a run to one place and moves the series there.
func newPage(run []*Series, size int) *Page {
	p := &Page{
		Series: slices.Clone(run),
		text:   make([]byte, 0, size),
		ends:   make([]uint32, len(run)),
	}
	for i, s := range run {
		start := len(p.text)
		p.text = append(p.text, s.Labels()...)
		p.ends[i] = uint32(len(p.text))
		if s.size > 0 {
			s.text.Store(&p.text[start])
		}
	}
	return p
}
