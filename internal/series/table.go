package series

import (
	"math/rand/v2"
	"slices"
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
	index  atomic.Pointer[index]

	mu      sync.Mutex // guards the fields below, and changes of the index
	live    int
	arena   []byte    // text of series that are in no page yet
	epoch   uint32    // counts the merges
	added   []*Series // in this epoch, so not in a page yet
	stale   int       // how many of added are dead
	removed []*Series // dead, but still in a page

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
	t.index.Store(newIndex(0))
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
	if s := t.find(hashValues(t.seed, values), values); s != nil {
		return s
	}
	mended := MendAll(values)
	if mended == nil {
		return nil
	}
	return t.find(hashValues(t.seed, mended), mended)
}

func (t *Table) find(hash uint32, values []string) *Series {
	x := t.index.Load()
	mask := uint32(len(x.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := x.slots[i].Load()
		if s == nil {
			return nil
		}
		if s.hash == hash && s != tombstone && t.matches(s, values) {
			return s
		}
	}
}

func (t *Table) matches(s *Series, values []string) bool {
	if len(values) == 0 {
		return true
	}
	if s.flags.Load()&flagEscaped != 0 {
		return t.layout.equalEscaped(s.Labels(), values)
	}
	return t.layout.equal(s.Labels(), values)
}

// Get returns the series with these values, and creates it if need be. Values
// that are not UTF-8 are mended. The values are cloned, never kept.
func (t *Table) Get(values []string) *Series {
	hash := hashValues(t.seed, values)
	if s := t.find(hash, values); s != nil {
		return s
	}
	return t.getSlow(hash, values)
}

// getSlow is kept out of Get so that the latter's values stay on the stack.
func (t *Table) getSlow(hash uint32, values []string) *Series {
	if mended := MendAll(values); mended != nil {
		t.Mend()
		values, hash = mended, hashValues(t.seed, mended)
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
	s.table = t
	s.hash = hash
	s.epoch = t.epoch
	if needsEscape(values) {
		s.flags.Store(flagEscaped)
	}
	t.setText(s, values)

	x := t.index.Load()
	if x.full() {
		bigger := newIndex(t.live + 1)
		x.each(bigger.put)
		x = bigger
	}
	x.put(s)
	t.index.Store(x)
	t.added = append(t.added, s)
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
	if s == nil {
		return false
	}
	t.remove(s)
	return true
}

// DeleteSeries removes this very series and reports whether it was there.
func (t *Table) DeleteSeries(s *Series) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.Dead() {
		return false
	}
	t.remove(s)
	return true
}

// remove is called under the mutex, with a series that is not dead.
func (t *Table) remove(s *Series) {
	t.index.Load().remove(s)
	t.live--
	t.bury(s)
}

// bury marks a series as dead and notes it for the next merge. The notes stay
// bounded, so that series may come and go for ever without a scrape.
func (t *Table) bury(s *Series) {
	s.flags.Or(flagDead)
	if s.epoch != t.epoch {
		t.removed = append(t.removed, s)
		return
	}
	t.stale++
	if t.stale > 64 && t.stale > len(t.added)/2 {
		t.added = slices.DeleteFunc(t.added, (*Series).Dead)
		t.stale = 0
	}
}

// Clear removes all series and returns how many there were.
func (t *Table) Clear() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.live
	t.index.Load().each(t.bury)
	t.index.Store(newIndex(0))
	t.live = 0
	return n
}

// Head returns the record of which s is the head, as a pointer to R. R must be
// the type that the table's New allocates, and s its first field.
func Head[R any](s *Series) *R { return (*R)(unsafe.Pointer(s)) }
