package series

import (
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// Page is a run of series in order.
type Page struct {
	Series []*Series
	text   string // of all of them, one after the other
	ends   []uint32
}

const (
	pageSeries = 256      // at most, in a page
	pageText   = 64 << 10 // a page ends once its text is longer than that
)

// Fill lets b refer to the label text of the page, which must not be changed. The
// values are the caller's.
func (p *Page) Fill(b *sample.Batch) {
	b.Text, b.Ends, b.Start = unsafe.Slice(unsafe.StringData(p.text), len(p.text)), p.ends, 0
}

// first returns the text of the first series.
func (p *Page) first() string { return p.text[:p.ends[0]] }

// start returns where the text of series i begins, or that of all ends.
func (p *Page) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return p.ends[i-1]
}

// label returns the text of series i, without touching the memory of that.
func (p *Page) label(i int) string { return p.text[p.start(i):p.ends[i]] }

// search returns where in the page, from i on, a series with this text belongs: in
// front of one of the same text, which was deleted then. It is quicker to find the
// nearer it is.
func (p *Page) search(text string, i int) int {
	j := i
	for step := 4; j < len(p.Series) && Compare(p.label(j), text) < 0; step *= 2 {
		i, j = j+1, j+step
	}
	for j = min(j, len(p.Series)); i < j; {
		if mid := (i + j) / 2; Compare(p.label(mid), text) < 0 {
			i = mid + 1
		} else {
			j = mid
		}
	}
	return i
}

// adopt tells the series of a new page that their texts are here now.
func (p *Page) adopt() {
	Fetch(p.Series)
	for i, s := range p.Series {
		if s.length() > 0 {
			s.text.Store(unsafe.StringData(p.label(i)))
		}
	}
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
