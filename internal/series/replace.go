package series

// Replace has fill put series into another, empty table, and puts them in the
// place of those of t, all at once: Pages are of the ones or of the others. Both
// tables are alike, and what is created in the other belongs to t. Nobody else
// needs to be kept from changing t meanwhile; what was created is replaced, too.
// Changes of the other table after fill has returned change nothing in t.
//
// Old handles go on working and are not exposed. If fill panics, nothing happens.
func (t *Table) Replace(fill func(next *Table)) {
	next := t.successor()
	fill(next)
	next.Pages() // so that they are in order, and nobody waits for that later
	t.takeOver(next)
}

// Clear removes all series and returns how many there were.
func (t *Table) Clear() int { return t.takeOver(t.successor()) }

// successor returns an empty table in which series are made for t.
func (t *Table) successor() *Table {
	next := &Table{layout: t.layout, config: t.config, seed: t.seed, owner: t.owner}
	next.index.Store(newIndex())
	return next
}

// takeOver puts the series of next in the place of those of t and returns how many
// these were, which are marked as dead when nobody can wait for that.
func (t *Table) takeOver(next *Table) int {
	old, n := t.swap(next)
	for s := range old.all {
		s.bury()
	}
	return n
}

// swap exchanges the series of both tables and returns the old ones of t, which
// are in no table then.
func (t *Table) swap(next *Table) (old *index, n int) {
	t.order.mu.Lock()
	defer t.order.mu.Unlock()
	next.order.mu.Lock()
	defer next.order.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	next.mu.Lock()
	defer next.mu.Unlock()

	old, n = t.index.Load(), t.live
	t.index.Store(next.index.Load())
	t.live, t.pending, t.order.merge = next.live, next.pending, next.order.merge
	next.index.Store(newIndex())
	next.live, next.pending, next.order.merge = 0, pending{}, nil
	return old, n
}
