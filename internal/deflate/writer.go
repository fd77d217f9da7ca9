package deflate

import (
	"encoding/binary"
	"slices"
)

const maxStored = 1<<16 - 1

type writer struct {
	dst []byte
	acc uint64
	n   uint
}

func (w *writer) grow(n int) { w.dst = slices.Grow(w.dst, n) }

// bits appends n bits, at most 56; w has room for eight bytes.
func (w *writer) bits(v uint64, n uint) {
	w.acc |= v << w.n
	w.n += n
	for w.n >= 8 {
		w.dst = append(w.dst, byte(w.acc))
		w.acc >>= 8
		w.n -= 8
	}
}

// stored
func (w *writer) stored(text []byte) {
	w.grow(len(text) + (len(text)/maxStored+1)*5 + 16)
	for first := true; first || len(text) > 0; first = false {
		part := text[:min(len(text), maxStored)]
		text = text[len(part):]
		w.bits(0, 3)
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
