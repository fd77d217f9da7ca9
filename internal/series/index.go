package series

import "sync/atomic"

// index finds a series by its hash. It is a directory of small hash tables, its
// leaves, that split when they are full (extendible hashing: Fagin et al., 1979):
// so that the one that creates the millionth series waits for a few hundred to be
// moved, not for a million.
//
// Readers take no lock. What they may see of a change is described at leaf; an
// index whose directory or whose leaves are too small is replaced as a whole.
type index struct {
	// slots is how many slots each leaf has. It stands here, once for all of them,
	// because a look-up that had to ask the leaf would wait for its memory twice.
	slots int
	// bases are the leaves as readers know them: the first of slots slots. They are
	// found by the low bits of the hash. Where not all bits are needed to tell
	// leaves apart, the same leaf stands in several places.
	bases []atomic.Pointer[slot]
	// leaves are the same. Under the table's mutex.
	leaves []*leaf
}

const (
	firstSlots = 7
	leafSlots  = 511 // at most, but for hashes that can't be told apart

	// A directory has no more entries than there are series for each of them to
	// have 2^sparse: more than that only a wicked distribution would need.
	sparse = 6
)

func newIndex() *index {
	x := makeIndex(firstSlots, 1)
	x.store(0, newLeaf(firstSlots, 0))
	return x
}

// makeIndex returns an index without leaves, which are to be stored.
func makeIndex(slots, entries int) *index {
	return &index{slots: slots, bases: make([]atomic.Pointer[slot], entries), leaves: make([]*leaf, entries)}
}

// leaf returns the leaf of the series with this hash.
func (x *index) leaf(hash uint32) *leaf { return x.leaves[int(hash)&(len(x.leaves)-1)] }

// store puts a leaf in all places that are its own: one at first.
func (x *index) store(hash uint32, l *leaf) {
	step := 1 << l.depth
	for i := int(hash) & (step - 1); i < len(x.leaves); i += step {
		x.leaves[i] = l
		x.bases[i].Store(&l.slots[0])
	}
}

// put adds a series that is not in the index, of the live ones that there are
// then, and returns the index that is to be used from now on, which may be another
// one. Called under the table's mutex.
func (x *index) put(s *Series, live int) *index {
	l := x.leaf(s.hash)
	for l.full() {
		x = x.grow(l, s.hash, live)
		l = x.leaf(s.hash)
	}
	l.put(s)
	return x
}

// grow makes room in the full leaf of this hash: by leaving out tombstones, by a
// second leaf, or by more slots in each.
func (x *index) grow(l *leaf, hash uint32, live int) *index {
	switch {
	case l.live <= l.used*3/4:
		x.store(hash, l.resized(x.slots, l.depth))
		return x
	case x.slots >= leafSlots && len(x.leaves)>>l.depth > 1:
		x.split(l, hash)
		return x
	case x.slots >= leafSlots && len(x.leaves) <= live>>sparse:
		return x.copied(x.slots, 2*len(x.leaves))
	}
	return x.copied(2*x.slots+1, len(x.leaves))
}

// copied returns an index with the same series whose leaves have that many slots,
// and whose directory has that many entries, both as many as before or more.
func (x *index) copied(slots, entries int) *index {
	y := makeIndex(slots, entries)
	for i, l := range x.leaves {
		if i>>l.depth > 0 {
			continue // it was there before
		}
		if slots != x.slots {
			l = l.resized(slots, l.depth)
		}
		y.store(uint32(i), l)
	}
	return y
}

// split puts two leaves in the place of the one of this hash, which stands in the
// directory at least twice.
func (x *index) split(l *leaf, hash uint32) {
	bit := uint32(1) << l.depth
	halves := [2]*leaf{newLeaf(x.slots, l.depth+1), newLeaf(x.slots, l.depth+1)}
	l.fetch()
	for s := range l.all {
		halves[s.hash>>l.depth&1].put(s)
	}
	x.store(hash&^bit, halves[0])
	x.store(hash|bit, halves[1])
}

// remove takes a series out and reports whether it was there. Called under the
// table's mutex.
func (x *index) remove(s *Series) bool {
	l := x.leaf(s.hash)
	if !l.remove(s) {
		return false
	}
	if l.depth > 0 && l.live <= leafSlots/8 {
		x.join(l, s.hash)
	}
	return true
}

// join puts one leaf in the place of the one of this hash and of that from which
// it was split, if few series are left in them.
func (x *index) join(l *leaf, hash uint32) {
	other := x.leaf(hash ^ 1<<(l.depth-1))
	if other.depth != l.depth || l.live+other.live > leafSlots/4 {
		return
	}
	both := l.resized(x.slots, l.depth-1)
	for s := range other.all {
		both.put(s)
	}
	x.store(hash, both)
}

// all yields all series, in no order.
func (x *index) all(yield func(*Series) bool) {
	for i, l := range x.leaves {
		if i>>l.depth > 0 {
			continue // it was there before
		}
		for s := range l.all {
			if !yield(s) {
				return
			}
		}
	}
}
