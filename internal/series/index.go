package series

import "sync/atomic"

// index finds a series by its hash: open addressing, linear probing. Readers
// take no lock: a slot goes from empty to a series to the tombstone, and a
// larger index replaces a full one as a whole.
type index struct {
	slots []atomic.Pointer[Series]
	used  int // slots that are not empty, tombstones included; under the table's mutex
}

// tombstone is in slots whose series was deleted.
var tombstone = &Series{}

// newIndex returns an index with room for twice that many series.
func newIndex(series int) *index {
	size := 8
	for size < 2*series {
		size *= 2
	}
	return &index{slots: make([]atomic.Pointer[Series], size)}
}

// full reports whether another series must not be put before it grows.
func (x *index) full() bool { return x.used >= len(x.slots)/4*3 }

// put adds a series that is not in the index. Called under the table's mutex.
func (x *index) put(s *Series) {
	mask := uint32(len(x.slots) - 1)
	for i := s.hash & mask; ; i = (i + 1) & mask {
		switch x.slots[i].Load() {
		case nil:
			x.used++
			x.slots[i].Store(s)
			return
		case tombstone:
			x.slots[i].Store(s)
			return
		}
	}
}

// remove puts a tombstone in the series' place. Called under the table's mutex.
func (x *index) remove(s *Series) {
	mask := uint32(len(x.slots) - 1)
	for i := s.hash & mask; ; i = (i + 1) & mask {
		switch x.slots[i].Load() {
		case s:
			x.slots[i].Store(tombstone)
			return
		case nil:
			return
		}
	}
}

// each calls yield with all series, in no order.
func (x *index) each(yield func(*Series)) {
	for i := range x.slots {
		if s := x.slots[i].Load(); s != nil && s != tombstone {
			yield(s)
		}
	}
}
