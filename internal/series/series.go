// Package series is the table of a metric family's series: found by their label
// values without a lock, kept in order for the scrape, and read page by page
// without holding anybody up.
//
// A look-up takes one hash and one comparison. Creating and deleting take a
// mutex for as long as one slot changes, or a few hundred at most. A scrape reads
// immutable, ordered pages, and merges into each, before it reads it, what has come
// and gone since the last scrape: it shares no lock with look-ups, and none at all
// while it writes.
package series

import (
	"sync/atomic"
	"unsafe"
)

// Series is the identity of one series. It is the head of every metric's
// record: a counter, say, is a struct whose first field is a Series, so that a
// pointer to the one is a pointer to the other.
type Series struct {
	table *Table
	// text points to the rendered labels. They move once, from the arena in
	// which they were created into a page; the bytes never change, so a reader
	// sees the same text wherever it finds it.
	text  atomic.Pointer[byte]
	size  uint32 // of the text, and whether that is irregular
	hash  uint32
	flags atomic.Uint32
	epoch uint32 // of the table, when the series was created, or removed since
}

const (
	flagEscaped = 1 << iota // some value was escaped in the text
	flagDead                // deleted: not exposed any more
	flagRemoved             // deleted by itself, and not with all others
)

// Table returns the table that the series belongs to, or nil for the zero value.
func (s *Series) Table() *Table { return s.table }

// Labels returns the rendered labels.
func (s *Series) Labels() string {
	if s.length() == 0 {
		return ""
	}
	return unsafe.String(s.text.Load(), s.length())
}

// irregular is in the size of a text that Layout.lieAlong is not for: something is
// escaped, or there are no values. So a look-up need not ask: such a size is never the
// one that it expects.
const irregular = 1 << 31

// length is the length of the text.
func (s *Series) length() uint32 { return s.size &^ irregular }

// Values returns the values of the labels that vary.
func (s *Series) Values() []string { return s.table.layout.values(s.Labels()) }

func (s *Series) escaped() bool { return s.flags.Load()&flagEscaped != 0 }

// Dead reports whether the series was deleted.
func (s *Series) Dead() bool { return s.flags.Load()&flagDead != 0 }

// bury marks a series as dead that went with all others. Who still reads these,
// reads all of them.
func (s *Series) bury() { s.flags.Or(flagDead) }

// remove marks a series as dead that goes by itself in an epoch, and returns that in
// which it was created. Called under the table's mutex.
func (s *Series) remove(epoch uint32) (created uint32) {
	created, s.epoch = s.epoch, epoch
	s.flags.Or(flagDead | flagRemoved)
	return created
}

// removed reports whether the series went by itself in this epoch. Who sees the flag
// sees the epoch that was set before.
func (s *Series) removed(epoch uint32) bool {
	return s.flags.Load()&flagRemoved != 0 && s.epoch == epoch
}
