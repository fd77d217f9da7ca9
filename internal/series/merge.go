package series

// placed is a series with its text, where that lies now.
type placed struct {
	series *Series
	text   string
}

// merger makes the pages of one scrape from those of the one before. Only pages in
// which something changes are made anew, and small ones behind those, so that pages
// don't crumble as series go. The memory of a series that stays is touched once,
// when its text moves.
type merger struct {
	out []Page
	run []placed // series of changed pages in a row
}

// merge returns the pages with added put in and removed left out, both in order. Not
// all of removed need be in a page: some died before they came there.
func merge(old []Page, added, removed []*Series) []Page {
	m := merger{out: make([]Page, 0, len(old)+len(added)/pageSeries+1)}
	for len(old) > 0 && len(added)+len(removed) > 0 {
		i := pageOf(old, firstText(added, removed))
		m.keep(old[:i])
		page := &old[i]
		old = old[i+1:]
		n, k := len(added), len(removed)
		if len(old) > 0 {
			n, k = before(added, &old[0]), before(removed, &old[0])
		}
		m.change(page, added[:n], removed[:k])
		added, removed = added[n:], removed[k:]
	}
	m.keep(old)
	for _, s := range added {
		m.add(s, s.Labels())
	}
	m.flush()
	return m.out
}

// firstText returns the first text of two lists, of which one may be empty.
func firstText(a, b []*Series) string {
	if len(a) == 0 || len(b) > 0 && compareSeries(b[0], a[0]) < 0 {
		a = b
	}
	return a[0].Labels()
}

// pageOf returns the index of the page in which the series with this text is or
// belongs.
func pageOf(pages []Page, text string) int {
	i, j := 0, len(pages)
	for i+1 < j {
		if mid := (i + j) / 2; Compare(pages[mid].first(), text) <= 0 {
			i = mid
		} else {
			j = mid
		}
	}
	return i
}

// before returns how many of the list belong before the page.
func before(list []*Series, page *Page) int {
	n, text := 0, page.first()
	for n < len(list) && Compare(list[n].Labels(), text) < 0 {
		n++
	}
	return n
}

// keep takes over pages in which nothing changes.
func (m *merger) keep(pages []Page) {
	for len(pages) > 0 && len(m.run) > 0 && len(pages[0].Series) < pageSeries/4 {
		m.change(&pages[0], nil, nil)
		pages = pages[1:]
	}
	if len(pages) > 0 {
		m.flush()
		m.out = append(m.out, pages...)
	}
}

// change takes over a page with changes.
func (m *merger) change(page *Page, added, removed []*Series) {
	from := 0
	for len(added)+len(removed) > 0 {
		if len(added) == 0 || len(removed) > 0 && compareSeries(removed[0], added[0]) <= 0 {
			s := removed[0]
			removed = removed[1:]
			if i, found := page.search(s.Labels(), from); found && page.Series[i] == s {
				m.take(page, from, i)
				from = i + 1
			}
			continue
		}
		s := added[0]
		added = added[1:]
		i, _ := page.search(s.Labels(), from)
		m.take(page, from, i)
		from = i
		m.add(s, s.Labels())
	}
	m.take(page, from, len(page.Series))
}

// take adds series i to j-1 of a page to the run.
func (m *merger) take(page *Page, i, j int) {
	for ; i < j; i++ {
		m.add(page.Series[i], page.label(i))
	}
}

// add adds a series to the run, which is kept short.
func (m *merger) add(s *Series, text string) {
	m.run = append(m.run, placed{s, text})
	if len(m.run) == 16*pageSeries {
		m.flush()
	}
}

// flush cuts the run into pages of about equal length.
func (m *merger) flush() {
	run := m.run
	m.run = run[:0]
	if len(run) == 0 {
		return
	}
	pages := (len(run) + pageSeries - 1) / pageSeries
	each := (len(run) + pages - 1) / pages
	for len(run) > 0 {
		n, size := 0, 0
		for n < min(each, len(run)) && size < pageText {
			size += len(run[n].text)
			n++
		}
		m.out = append(m.out, newPage(run[:n], size))
		run = run[n:]
	}
}
