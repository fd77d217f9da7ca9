package series

import "sync/atomic"

// index finds a series by its hash. It is a directory of small hash tables, its
// leaves, that split when they are full (extendible hashing: Fagin et al., 1979):
// so that the one that creates the millionth series waits for a few hundred to be
// moved, not for a million.
//
// Readers take no lock. What they may see of a change is described at leaf; a
// directory that is too short is replaced as a whole.
type index struct {
	// leaves are found by the low bits of the hash. Where not all of them are
	// needed to tell leaves apart, the same leaf stands in several places.
	leaves []atomic.Pointer[leaf]
}

const (
	leafSlots = 511 // at most, but for hashes that can't be told apart

	// A directory is no longer than what 2^-sparse series for each entry make
	// up for: more than any but a wicked distribution needs.
	sparse = 6
)

func newIndex() *index {
	x := &index{leaves: make([]atomic.Pointer[leaf], 1)}
	x.leaves[0].Store(newLeaf(firstSlots, 0))
	return x
}

// leaf returns the leaf of the series with this hash.
func (x *index) leaf(hash uint32) *leaf {
	return x.leaves[hash&uint32(len(x.leaves)-1)].Load()
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

// grow makes room in the full leaf of this hash: by leaving out tombstones, by
// more slots, or by a second leaf.
func (x *index) grow(l *leaf, hash uint32, live int) *index {
	slots := len(l.slots)
	switch {
	case l.live <= l.used*3/4:
		x.store(hash, l.resized(slots, l.depth))
	case slots >= leafSlots && len(x.leaves)>>l.depth > 1:
		x.split(l, hash)
	case slots >= leafSlots && len(x.leaves) <= live>>sparse:
		x = x.doubled()
		x.split(l, hash)
	default:
		x.store(hash, l.resized(2*slots+1, l.depth))
	}
	return x
}

// doubled returns an index with a directory of twice the length.
func (x *index) doubled() *index {
	n := len(x.leaves)
	y := &index{leaves: make([]atomic.Pointer[leaf], 2*n)}
	for i := range x.leaves {
		l := x.leaves[i].Load()
		y.leaves[i].Store(l)
		y.leaves[n+i].Store(l)
	}
	return y
}

// split puts two leaves in the place of the one of this hash, which stands in the
// directory at least twice.
func (x *index) split(l *leaf, hash uint32) {
	bit := uint32(1) << l.depth
	halves := [2]*leaf{newLeaf(leafSlots, l.depth+1), newLeaf(leafSlots, l.depth+1)}
	// A half may get all, if nothing tells them apart. It has room: l was not
	// longer or is done in a second step.
	for s := range l.all {
		half := &halves[s.hash>>l.depth&1]
		if (*half).full() {
			*half = (*half).resized(2*len((*half).slots)+1, l.depth+1)
		}
		(*half).put(s)
	}
	x.store(hash&^bit, halves[0])
	x.store(hash|bit, halves[1])
}

// store puts a leaf in all places that are its own.
func (x *index) store(hash uint32, l *leaf) {
	step := 1 << l.depth
	for i := int(hash) & (step - 1); i < len(x.leaves); i += step {
		x.leaves[i].Store(l)
	}
}

// remove takes a series out and reports whether it was there. Called under the
// table's mutex.
func (x *index) remove(s *Series) bool {
	l := x.leaf(s.hash)
	if !l.remove(s) {
		return false
	}
	if l.live <= leafSlots/8 && l.depth > 0 {
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
	both := l.resized(leafSlots, l.depth-1)
	for s := range other.all {
		both.put(s)
	}
	x.store(hash, both)
}

// all yields all series, in no order.
func (x *index) all(yield func(*Series) bool) {
	for i := range x.leaves {
		l := x.leaves[i].Load()
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
