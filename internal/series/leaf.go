package series

import "sync/atomic"

// leaf is a hash table of a few hundred series whose hashes agree in their low
// bits: open addressing, linear probing, by the high bits of the hash.
//
// Readers take no lock. A slot goes from empty to a series to the tombstone, and
// from there back to a series, or to empty if nothing stands behind it. A leaf that
// was replaced by others never changes again: who still reads it finds what was
// there when it was replaced.
type leaf struct {
	slots []slot // 2^n-1, which with the allocator's header is a size that it has
	depth uint8  // in how many low bits the hashes agree

	// Under the table's mutex:
	used int // slots that are not empty
	live int // slots that have a series
}

type slot = atomic.Pointer[Series]

// tombstone is in slots whose series was deleted. Its size is nobody's.
var tombstone = &Series{size: irregular}

func newLeaf(slots int, depth uint8) *leaf {
	return &leaf{slots: make([]slot, slots), depth: depth}
}

// home is the slot of n in which the search for a hash begins.
func home(hash uint32, n int) int { return int(uint64(hash) * uint64(n) >> 32) }

// full reports whether there is no room for another series.
func (l *leaf) full() bool { return l.used >= len(l.slots)*3/4 }

// put adds a series that is not there.
func (l *leaf) put(s *Series) {
	l.live++
	for i := home(s.hash, len(l.slots)); ; i++ {
		if i == len(l.slots) {
			i = 0
		}
		switch l.slots[i].Load() {
		case nil:
			l.used++
			l.slots[i].Store(s)
			return
		case tombstone:
			l.slots[i].Store(s)
			return
		}
	}
}

// remove takes a series out and reports whether it was there.
func (l *leaf) remove(s *Series) bool {
	for i := home(s.hash, len(l.slots)); ; i++ {
		if i == len(l.slots) {
			i = 0
		}
		switch l.slots[i].Load() {
		case s:
			l.live--
			l.slots[i].Store(tombstone)
			l.trim(i)
			return true
		case nil:
			return false
		}
	}
}

// trim empties the slot at i, and those in front of it, as far as they are
// tombstones with nothing behind: no search that leads to a series passes there.
func (l *leaf) trim(i int) {
	n := len(l.slots)
	if l.slots[(i+1)%n].Load() != nil {
		return
	}
	for ; l.slots[i].Load() == tombstone; i = (i + n - 1) % n {
		l.slots[i].Store(nil)
		l.used--
	}
}

// resized returns a leaf with the same series and that many slots, which must do.
func (l *leaf) resized(slots int, depth uint8) *leaf {
	r := newLeaf(slots, depth)
	l.fetch()
	for s := range l.all {
		r.put(s)
	}
	return r
}

// fetch reads the hashes of all series and does nothing with them: so the processor
// fetches the memory of many at once. Whoever moves series next would wait for
// that of one after the other.
//
//go:noinline
func (l *leaf) fetch() (sum uint32) {
	for i := range l.slots {
		if s := l.slots[i].Load(); s != nil {
			sum += s.hash
		}
	}
	return sum
}

// all yields all series, in no order.
func (l *leaf) all(yield func(*Series) bool) {
	for i := range l.slots {
		if s := l.slots[i].Load(); s != nil && s != tombstone && !yield(s) {
			return
		}
	}
}
