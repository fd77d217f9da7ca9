package fennel

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"sort"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/series"
)

// texts are the label texts of samples, one behind the other.
type texts struct {
	bytes []byte
	ends  []uint32
}

func (t *texts) len() int { return len(t.ends) }

// at returns text i, as short-lived as t.
func (t *texts) at(i uint32) string {
	start, end := uint32(0), t.ends[i]
	if i > 0 {
		start = t.ends[i-1]
	}
	text := t.bytes[start:end]
	return unsafe.String(unsafe.SliceData(text), len(text))
}

func (t *texts) add(text string) {
	t.bytes = append(t.bytes, text...)
	t.ends = append(t.ends, uint32(len(t.bytes)))
}

func (t *texts) reset() { t.bytes, t.ends = t.bytes[:0], t.ends[:0] }

// inOrder reports whether each text is behind the one before it, and none is
// there twice.
func (t *texts) inOrder() bool {
	for i := 1; i < t.len(); i++ {
		if series.Compare(t.at(uint32(i-1)), t.at(uint32(i))) >= 0 {
			return false
		}
	}
	return true
}

// search returns where a text is among texts that are in order.
func (t *texts) search(text string) (i uint32, ok bool) {
	n, ok := sort.Find(t.len(), func(i int) int { return series.Compare(text, t.at(uint32(i))) })
	return uint32(n), ok
}

// textIndex finds texts by their values. It is an open-addressing table; each slot
// has the hash above the number of the text, from 1 on, so that hardly ever a wrong
// text is looked at.
type textIndex struct {
	slots []uint64
	seed  uint64
	raw   []string // memory
	text  []byte   // memory
}

// build makes the index one of these texts, which are all different and rendered by
// one layout.
func (x *textIndex) build(l *series.Layout, all *texts) {
	if size := 2 << bits.Len(uint(all.len())); size <= cap(x.slots) {
		x.slots = x.slots[:size]
		clear(x.slots)
	} else {
		x.slots = make([]uint64, size)
	}
	x.seed = rand.Uint64()
	x.raw = slices.Grow(x.raw, 8)
	for i := range all.ends {
		hash := l.HashText(x.seed, all.at(uint32(i)), x.raw)
		slot := x.slot(hash)
		for x.slots[slot] != 0 {
			slot = x.after(slot)
		}
		x.slots[slot] = uint64(hash)<<32 | uint64(i+1)
	}
}

func (x *textIndex) slot(hash uint32) int { return int(hash) & (len(x.slots) - 1) }
func (x *textIndex) after(slot int) int   { return (slot + 1) & (len(x.slots) - 1) }
func (x *textIndex) size() int            { return 8 * cap(x.slots) }

// find returns the number of the text that l renders of values. That is escaped if
// there may be a backslash in one of the texts.
func (x *textIndex) find(l *series.Layout, all *texts, escaped bool, values []string) (i uint32, ok bool) {
	raw := values
	if escaped {
		raw = x.escape(values)
	}
	hash := series.Hash(x.seed, raw)
	for slot := x.slot(hash); x.slots[slot] != 0; slot = x.after(slot) {
		if s := x.slots[slot]; uint32(s>>32) == hash {
			if i := uint32(s) - 1; l.Renders(all.at(i), escaped, values) {
				return i, true
			}
		}
	}
	return 0, false
}

// escape returns the values as they stand in a text, until the next call.
func (x *textIndex) escape(values []string) []string {
	raw, text := x.raw[:0], x.text[:0]
	for _, v := range values {
		start := len(text)
		text = series.AppendValue(text, v) // may move, but not what lies before
		raw = append(raw, unsafe.String(unsafe.SliceData(text[start:]), len(text)-start))
	}
	x.raw, x.text = raw, text
	return raw
}
