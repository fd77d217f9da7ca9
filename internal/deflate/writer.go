package deflate

import (
	"encoding/binary"
	"slices"
)

const (
	maxStored  = 1<<16 - 1 // bytes in a stored block
	storedHead = 5         // bytes before them, at most
)

// writer appends bits to dst.
type writer struct {
	dst     []byte
	pending uint64 // what is less than a byte
	n       uint   // how many bits that is
}

// grow makes room for n bits, a word that is written behind them, and what
// align writes.
func (w *writer) grow(n int) { w.dst = slices.Grow(w.dst, n/8+24) }

// bits writes the n lowest bits of v, at most 32. The others are 0.
func (w *writer) bits(v uint64, n uint) {
	w.pending |= v << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.dst = append(w.dst, byte(w.pending))
		w.pending >>= 8
	}
}

func (w *writer) code(c code) { w.bits(c.bits(), c.size()) }

// storedSize returns how many bits stored takes for n bytes, at most.
func storedSize(n int) int { return 8 * (n + (n/maxStored+1)*storedHead) }

// stored writes text as it is, in blocks of their own, and ends on a byte
// boundary. An empty text is one empty block.
func (w *writer) stored(text []byte) {
	w.grow(storedSize(len(text)))
	for more := true; more; more = len(text) > 0 {
		part := text[:min(len(text), maxStored)]
		text = text[len(part):]
		w.bits(0, 3) // not the final one, not compressed
		w.bits(0, -w.n&7)
		w.dst = binary.LittleEndian.AppendUint16(w.dst, uint16(len(part)))
		w.dst = binary.LittleEndian.AppendUint16(w.dst, ^uint16(len(part)))
		w.dst = append(w.dst, part...)
	}
}

// align ends on a byte boundary.
func (w *writer) align() {
	if w.n > 0 {
		w.stored(nil)
	}
}
