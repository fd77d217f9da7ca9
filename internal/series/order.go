package series

import "sync"

// order keeps the series of a table sorted by their label values, in pages that
// never change once they are made. A scrape reads pages in a row: label text that
// lies in the order in which it is written is worth a factor of four.
//
// What came and went since the last scrape is merged in by the one that reads, a
// few pages at a time, just before it reads them: both the text that is copied and
// the records of the series, each of which has to be told where its text is then,
// are still in the processor's cache when they are read.
//
// The pages are values, and their pointers large objects, which the garbage collector
// follows first. So it marks series in an order that has something to do with where
// they lie, and when it comes to them again through the index, in no order at all, it
// has only to see that they are marked: it need not wait for one after the other.
type order struct {
	mu    sync.Mutex // held while a merge begins
	merge *merge     // the last one, whose pages have all series; nil for none
}

// Reader reads the pages of a table, in order. It is for one goroutine.
type Reader struct {
	merge *merge
	pages []Page // of the merge, as far as they are made
	next  int
}

// Next returns the next page, or nil at the end. It may take a moment to make it,
// and waits for another reader that does so; what it returns is read without a
// lock.
func (r *Reader) Next() *Page {
	if r.next == len(r.pages) && r.merge != nil {
		r.pages = r.merge.upTo(r.next + 1)
	}
	if r.next == len(r.pages) {
		return nil
	}
	r.next++
	return &r.pages[r.next-1]
}

// Read returns a reader of all series in order, as of now: it sees neither what is
// created nor what is deleted later.
func (t *Table) Read() Reader {
	t.order.mu.Lock()
	defer t.order.mu.Unlock()
	p := t.takePending()
	if added := sortPlaced(p.added.living()); len(added) > 0 || p.removed.n > 0 {
		t.order.merge = newMerge(t.order.merge.all(), added, &p.removed, p.epoch)
	}
	return Reader{merge: t.order.merge}
}

// Pages returns all series in order, as of now. The pages must not be changed.
func (t *Table) Pages() []Page {
	r := t.Read()
	return r.merge.all()
}

// takePending returns what came and what went since the last call. An epoch in which
// nothing did goes on: who only reads can't bring their number round to where a
// series, or a merge that nobody has brought to its end, has an old one.
func (t *Table) takePending() pending {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.pending
	if !p.empty() {
		t.pending = pending{epoch: p.epoch + 1}
		t.arena = nil
	}
	return p
}
