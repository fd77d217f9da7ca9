package series

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// placed is a series that is in no page yet, with its text.
type placed struct {
	series *Series
	text   string
}

// merge makes pages from those of the merge before. Only pages in which something
// changes are made anew, and small ones behind those, so that pages don't crumble
// as series go. Its readers do it, as far as they come.
type merge struct {
	mu    sync.Mutex
	done  atomic.Bool // nothing changes any more, and no lock is needed
	pages []Page      // that are made: one is only ever appended

	// What is left to do. At the end, nothing is.
	epoch uint32 // that it ends: what is removed later is taken over
	old   []Page
	gone  []uint32 // of each old page, how many of its series were deleted
	added []placed // in order
	run   []piece  // of pages that are to be made next
	size  int      // how many series those are

	text []byte // memory for the text of a page
}

// piece is a run of living series of an old page, or of some that were added.
type piece struct {
	page     *Page
	from, to int
	added    []placed
}

func (p *piece) len() int { return p.to - p.from + len(p.added) }

// newMerge returns a merge in which nothing is done yet. The added are in order, the
// removed were removed in this epoch. Not all of them need be in a page: some died
// before they came there.
func newMerge(old []Page, added []placed, removed *list, epoch uint32) *merge {
	return &merge{
		epoch: epoch,
		pages: make([]Page, 0, len(old)+len(added)/pageSeries+1),
		old:   slices.Clone(old), // so as to let go of each when it is done
		gone:  countGone(old, removed),
		added: added,
	}
}

// all returns all pages.
func (m *merge) all() []Page {
	if m == nil {
		return nil
	}
	return m.upTo(math.MaxInt)
}

// upTo returns the pages that are made, which are n at least if there are as many.
func (m *merge) upTo(n int) []Page {
	if m.done.Load() {
		return m.pages
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.pages) < n && m.step() {
	}
	return m.pages
}

// step does a little of what is left, and reports whether there was something.
func (m *merge) step() bool {
	switch n := m.untouched(); {
	case n > 0:
		m.keep(n)
	case len(m.old) > 0:
		m.change()
	case len(m.added) > 0:
		m.add(min(len(m.added), pageSeries))
	case m.size > 0:
		m.flush()
	default:
		// What is not needed any more is not kept from the garbage collector.
		m.old, m.gone, m.added, m.run, m.text = nil, nil, nil, nil, nil
		m.done.Store(true)
		return false
	}
	return true
}

// untouched returns how many of the old pages, from the first on, nothing happens in.
func (m *merge) untouched() int {
	n := len(m.old)
	if len(m.added) > 0 {
		n = pageOf(m.old, m.added[0].text)
	}
	if i := slices.IndexFunc(m.gone[:n], func(gone uint32) bool { return gone > 0 }); i >= 0 {
		n = i
	}
	return n
}

// pageOf returns the index of the page in which a series with this text belongs, 0 if
// there is none. It is quicker to find the nearer it is.
func pageOf(pages []Page, text string) int {
	i, j := 0, 1
	for j < len(pages) && Compare(pages[j].first(), text) <= 0 {
		i, j = j, 2*j
	}
	for j = min(j, len(pages)); i+1 < j; {
		if mid := (i + j) / 2; Compare(pages[mid].first(), text) <= 0 {
			i = mid
		} else {
			j = mid
		}
	}
	return i
}

// keep takes over n old pages in which nothing happens.
func (m *merge) keep(n int) {
	if m.size > 0 && len(m.old[0].Series) < pageSeries/4 {
		m.change()
		return
	}
	m.flush()
	m.pages = append(m.pages, m.old[:n]...)
	m.old, m.gone = m.old[n:], m.gone[n:]
}

// change takes over the first old page with what happens in it.
func (m *merge) change() {
	page, gone := new(Page), m.gone[0] > 0
	*page, m.old[0] = m.old[0], Page{}
	m.old, m.gone = m.old[1:], m.gone[1:]
	if gone {
		Fetch(page.Series)
	}
	from := 0
	for len(m.added) > 0 && (len(m.old) == 0 || Compare(m.added[0].text, m.old[0].first()) < 0) {
		i := page.search(m.added[0].text, from)
		m.take(page, from, i, gone)
		from = i
		m.add(1)
	}
	m.take(page, from, len(page.Series), gone)
}

// take takes over series of a page, some of which may be gone.
func (m *merge) take(page *Page, from, to int, gone bool) {
	for from < to {
		n := to - from
		if gone {
			n = m.living(page.Series[from:to])
		}
		if n > 0 {
			m.put(piece{page: page, from: from, to: from + n})
		}
		from += n
		for gone && from < to && page.Series[from].removed(m.epoch) {
			from++
		}
	}
}

// living returns how many series, from the first on, were there when the merge began.
func (m *merge) living(list []*Series) int {
	for i, s := range list {
		if s.removed(m.epoch) {
			return i
		}
	}
	return len(list)
}

// add takes the next n that were added.
func (m *merge) add(n int) {
	m.put(piece{added: m.added[:n]})
	m.added = m.added[n:]
}

// put adds a piece to the run, and makes a page if there are enough for one more.
func (m *merge) put(p piece) {
	m.run = append(m.run, p)
	for m.size += p.len(); m.size >= 2*pageSeries; {
		m.cut(pageSeries)
	}
}

// flush cuts the run into pages of about equal length.
func (m *merge) flush() {
	if m.size == 0 {
		return
	}
	pages := (m.size + pageSeries - 1) / pageSeries
	for each := (m.size + pages - 1) / pages; m.size > 0; {
		m.cut(min(each, m.size))
	}
}

// cut makes a page of the next n series of the run, or of fewer if their text is
// long.
func (m *merge) cut(n int) {
	page := Page{Series: make([]*Series, 0, n), ends: make([]uint32, 0, n)}
	m.text = m.text[:0]
	for len(page.Series) < n && len(m.text) < pageText {
		p := &m.run[0]
		if p.page != nil {
			m.copyOld(&page, p, n)
		} else {
			m.copyAdded(&page, p, n)
		}
		if p.len() == 0 {
			m.run = m.run[1:]
		}
	}
	page.text = string(m.text)
	page.adopt()
	m.pages = append(m.pages, page)
	m.size -= len(page.Series)
}

// copyOld moves series of a piece of an old page to a new one, until that has n or
// enough text.
func (m *merge) copyOld(page *Page, p *piece, n int) {
	start := p.page.start(p.from)
	shift := uint32(len(m.text)) - start
	i, end := p.from, start
	for most := min(p.to, p.from+n-len(page.Series)); i < most && end+shift < pageText; i++ {
		end = p.page.ends[i]
		page.ends = append(page.ends, end+shift)
	}
	page.Series = append(page.Series, p.page.Series[p.from:i]...)
	m.text = append(m.text, p.page.text[start:end]...)
	p.from = i
}

// copyAdded is copyOld for a piece of what was added.
func (m *merge) copyAdded(page *Page, p *piece, n int) {
	for len(p.added) > 0 && len(page.Series) < n && len(m.text) < pageText {
		m.text = append(m.text, p.added[0].text...)
		page.Series = append(page.Series, p.added[0].series)
		page.ends = append(page.ends, uint32(len(m.text)))
		p.added[0] = placed{}
		p.added = p.added[1:]
	}
}
