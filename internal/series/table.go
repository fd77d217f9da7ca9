package series

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Table holds the series of one family that share their constant labels.
// All methods are safe for concurrent use.
type Table struct {
	layout Layout
	config Config
	seed   uint64
	owner  *Table // whose the series are: t, or the table that they are made for
	index  atomic.Pointer[index]

	mu      sync.Mutex // guards the fields below, and changes of the index
	live    int
	arena   []byte // text of series that are in no page yet
	pending pending

	order order
}

// Config is what a table is made with.
type Config struct {
	Constant []string // constant labels: name, value, name, value …
	Labels   []string // names of the labels that vary

	// New allocates the record of a series and returns its head. It is called
	// under the table's mutex.
	New func() *Series

	// Mended, if set, is called when a label value was not UTF-8.
	Mended func()
	// Dropped, if set, is called when an update was dropped, with the reason.
	Dropped func(reason string)
}

// NewTable returns an empty table.
func NewTable(c Config) *Table {
	t := &Table{
		layout: NewLayout(c.Constant, c.Labels),
		config: c,
		seed:   rand.Uint64(),
	}
	t.owner = t
	t.index.Store(newIndex())
	return t
}

// Drop counts an update that was dropped. A nil table does nothing.
func (t *Table) Drop(reason string) {
	if t != nil && t.config.Dropped != nil {
		t.config.Dropped(reason)
	}
}

// Mend counts label values that were not UTF-8. A nil table does nothing.
func (t *Table) Mend() {
	if t != nil && t.config.Mended != nil {
		t.config.Mended()
	}
}

// Len returns the number of series.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.live
}

// Find returns the series with these values, mended as for Get, or nil. The
// values, as many as the table has labels that vary, are not kept.
func (t *Table) Find(values []string) *Series {
	if s := t.Lookup(values); s != nil {
		return s
	}
	mended := MendAll(values)
	if mended == nil {
		return nil
	}
	return t.Lookup(mended)
}

// Lookup returns the series with exactly these values, or nil. The values are not
// kept.
//
// This is where a look-up spends its time. So the loop over the slots goes by
// address: an index's bases are each the first of as many slots as it says. And it
// ends at the first series with this hash: that is nearly always the right one, so
// all else that may be so is asked in find.
func (t *Table) Lookup(values []string) *Series {
	hash, size := measure(t.seed, values)
	x := t.index.Load()
	base := unsafe.Pointer(x.bases[int(hash)&(len(x.bases)-1)].Load())
	for i := home(hash, x.slots); ; {
		s := (*slot)(unsafe.Add(base, i*int(unsafe.Sizeof(slot{})))).Load()
		if s == nil {
			return nil
		}
		if s.hash == hash {
			if int(s.size) == t.layout.size+size && t.layout.lieAlong(unsafe.Pointer(s.text.Load()), values) {
				return s
			}
			return t.find(hash, values)
		}
		if i++; i == x.slots {
			i = 0
		}
	}
}

// find returns the series with these values and this hash of them, or nil.
func (t *Table) find(hash uint32, values []string) *Series {
	x := t.index.Load()
	base := unsafe.Pointer(x.bases[int(hash)&(len(x.bases)-1)].Load())
	for i := home(hash, x.slots); ; {
		s := (*slot)(unsafe.Add(base, i*int(unsafe.Sizeof(slot{})))).Load()
		if s == nil {
			return nil
		}
		if s.hash == hash && s != tombstone && t.layout.Renders(s.Labels(), s.escaped(), values) {
			return s
		}
		if i++; i == x.slots {
			i = 0
		}
	}
}

// Get returns the series with these values, and creates it if need be. Values
// that are not UTF-8 are mended. The values are cloned, never kept. It returns nil
// as [Table.Add] does.
func (t *Table) Get(values []string) *Series {
	if s := t.Lookup(values); s != nil {
		return s
	}
	return t.Add(values)
}

// tooLong are values of half a gigabyte: escaped they may be twice as long, and with
// the names they still fit in the 31 bits that a size has.
const tooLong = 1 << 29

// Add is Get for values that [Table.Lookup] has not found. Values that are together
// half a gigabyte or longer it drops, and returns nil.
func (t *Table) Add(values []string) *Series {
	if mended := MendAll(values); mended != nil {
		t.Mend()
		values = mended
	}
	hash, size := measure(t.seed, values)
	if size >= tooLong {
		t.Drop("labels_too_long")
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.find(hash, values); s != nil {
		return s
	}
	return t.create(hash, values)
}

// create adds a series that is not there. Called under the mutex.
func (t *Table) create(hash uint32, values []string) *Series {
	s := t.config.New()
	s.table = t.owner
	s.hash = hash
	s.epoch = t.pending.epoch
	t.setText(s, values)
	escaped := needsEscape(values)
	if escaped {
		s.flags.Store(flagEscaped)
	}
	if escaped || len(values) == 0 {
		s.size |= irregular
	}
	t.index.Store(t.index.Load().put(s, t.live))
	t.pending.added.add(s)
	t.live++
	return s
}

// arenaSize is how much text is allocated at a time.
const arenaSize = 8 << 10

// setText renders the labels into the arena, which spares an allocation for
// each series.
func (t *Table) setText(s *Series, values []string) {
	room := t.layout.size + len(t.layout.fixed)
	for _, v := range values {
		room += 2 * len(v)
	}
	if cap(t.arena)-len(t.arena) < room {
		t.arena = make([]byte, 0, max(room, min(arenaSize, room*t.live)))
	}
	start := len(t.arena)
	t.arena = t.layout.Append(t.arena, values)
	s.size = uint32(len(t.arena) - start)
	if s.size > 0 {
		s.text.Store(&t.arena[start])
	}
}

// Delete removes the series with these values and reports whether there was
// one. Handles to it go on working and are not exposed.
func (t *Table) Delete(values []string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.Find(values)
	return s != nil && t.remove(s)
}

// DeleteSeries removes this very series and reports whether it was there.
func (t *Table) DeleteSeries(s *Series) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.remove(s)
}

// remove takes a series out and reports whether it was there. Called under the
// mutex. What the index has is what there is: series that were swapped out may not
// be marked as dead yet.
func (t *Table) remove(s *Series) bool {
	if !t.index.Load().remove(s) {
		return false
	}
	t.live--
	t.pending.remove(s)
	return true
}

// Head returns the record of which s is the head, as a pointer to R. R must be
// the type that the table's New allocates, and s its first field.
func Head[R any](s *Series) *R { return (*R)(unsafe.Pointer(s)) }
