package deflate

import "math/bits"

// codeOrder is the order in which the lengths of the code of code lengths are written.
var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// header describes the two codes of a block.
type header struct {
	literals, distances int // how many lengths are written
	symbols             [literalCodes + distances]uint8
	extra               [literalCodes + distances]uint8
	n                   int
	counts              [19]uint32
	lengths             [19]uint8
	codes               [19]uint32
	last                int
	joined              [literalCodes + distances]uint8
}

// prepare returns how many bits the header takes.
func (h *header) prepare(huff *huffman, literals, distances []uint8) int {
	h.literals = trimmed(literals, firstLength)
	h.distances = trimmed(distances, 1)
	n := copy(h.joined[:], literals[:h.literals])
	n += copy(h.joined[n:], distances[:h.distances])
	h.runs(h.joined[:n])
	used := 0
	for _, c := range h.counts {
		used += min(int(c), 1)
	}
	if used < 2 {
		h.counts[0]++
		h.counts[1]++
	}
	huff.build(h.lengths[:], h.counts[:], 7)
	assign(h.codes[:], h.lengths[:])
	h.last = len(codeOrder)
	for h.last > 4 && h.lengths[codeOrder[h.last-1]] == 0 {
		h.last--
	}
	total := 3 + 14 + 3*h.last + 2*int(h.counts[16]) + 3*int(h.counts[17]) + 7*int(h.counts[18])
	for s, c := range h.counts {
		total += int(c) * int(h.lengths[s])
	}
	return total
}

func trimmed(lengths []uint8, least int) int {
	n := len(lengths)
	for n > least && lengths[n-1] == 0 {
		n--
	}
	return n
}

func (h *header) put(symbol, extra int) {
	h.symbols[h.n] = uint8(symbol)
	h.extra[h.n] = uint8(extra)
	h.n++
	h.counts[symbol]++
}

func (h *header) runs(lengths []uint8) {
	h.n = 0
	clear(h.counts[:])
	for i := 0; i < len(lengths); {
		l := lengths[i]
		run := 1
		for i+run < len(lengths) && lengths[i+run] == l {
			run++
		}
		i += run
		if l > 0 {
			h.put(int(l), 0)
			run--
		}
		for run > 0 {
			switch {
			case l == 0 && run >= 11:
				k := min(run, 138)
				h.put(18, k-11)
				run -= k
			case l == 0 && run >= 3:
				h.put(17, run-3)
				run = 0
			case l > 0 && run >= 3:
				k := min(run, 6)
				h.put(16, k-3)
				run -= k
			default:
				h.put(int(l), 0)
				run--
			}
		}
	}
}

func (h *header) write(w *writer) {
	w.bits(2<<1, 3)
	w.bits(uint64(h.literals-firstLength)|uint64(h.distances-1)<<5|uint64(h.last-4)<<10, 14)
	for _, s := range codeOrder[:h.last] {
		w.bits(uint64(h.lengths[s]), 3)
	}
	for i, s := range h.symbols[:h.n] {
		c := h.codes[s]
		w.bits(uint64(c&0xffff), uint(c>>16))
		switch s {
		case 16:
			w.bits(uint64(h.extra[i]), 2)
		case 17:
			w.bits(uint64(h.extra[i]), 3)
		case 18:
			w.bits(uint64(h.extra[i]), 7)
		}
	}
	_ = bits.Len
}
