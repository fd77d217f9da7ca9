package fennel

import (
	"hash/maphash"
	"math/bits"
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

// textIndex finds texts. It is an open-addressing table; each slot has half of
// a text's hash above the number of the text, from 1 on, so that hardly ever a
// wrong text is looked at.
type textIndex struct {
	slots []uint64
	seed  maphash.Seed
}

// build makes the index one of these texts. They must all be different.
func (x *textIndex) build(all *texts) {
	if size := 2 << bits.Len(uint(all.len())); size <= cap(x.slots) {
		x.slots = x.slots[:size]
		clear(x.slots)
	} else {
		x.slots = make([]uint64, size)
	}
	x.seed = maphash.MakeSeed()
	for i := range all.ends {
		hash := maphash.String(x.seed, all.at(uint32(i)))
		slot := x.slot(hash)
		for ; x.slots[slot] != 0; slot = x.after(slot) {
		}
		x.slots[slot] = hash&^(1<<32-1) | uint64(i+1)
	}
}

func (x *textIndex) slot(hash uint64) int { return int(uint32(hash)) & (len(x.slots) - 1) }
func (x *textIndex) after(slot int) int   { return (slot + 1) & (len(x.slots) - 1) }
func (x *textIndex) size() int            { return 8 * cap(x.slots) }

// find returns which of the texts that the index was built of this one is.
func (x *textIndex) find(all *texts, text []byte) (i uint32, ok bool) {
	hash := maphash.Bytes(x.seed, text)
	for slot := x.slot(hash); x.slots[slot] != 0; slot = x.after(slot) {
		if s := x.slots[slot]; s>>32 == hash>>32 {
			if i := uint32(s) - 1; all.at(i) == string(text) {
				return i, true
			}
		}
	}
	return 0, false
}
