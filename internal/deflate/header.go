package deflate

// Symbols for code lengths beyond the lengths themselves.
const (
	repeat     = 16 // the length before, 3 to 6 times
	zeros      = 17 // 3 to 10
	manyZeros  = 18 // 11 to 138
	sizeCodes  = 19
	maxSize    = 7 // how long the code of a code length may be
	blockCoded = 2 // the type of a block with codes of its own
)

// sizeOrder is the order in which the lengths of the codes of code lengths are
// written.
var sizeOrder = [sizeCodes]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// header is the beginning of a block: the lengths of its codes, in runs, which
// have a code of their own. See RFC 1951, section 3.2.7.
type header struct {
	literals, distances, sizes int // how many lengths are written

	all     [literalCodes + distanceCodes]uint8
	runs    [literalCodes + distanceCodes]run
	n       int // how many runs
	counts  [sizeCodes]uint32
	lengths [sizeCodes]uint8
	codes   [sizeCodes]code
}

// run is a symbol, and its extra bits.
type run struct{ symbol, extra uint8 }

// prepare takes the lengths of the codes of a block, and returns how many bits
// the header will have.
func (h *header) prepare(b *builder, literals, distances []uint8) int {
	h.literals, h.distances = used(literals), used(distances)
	n := copy(h.all[:], literals[:h.literals])
	n += copy(h.all[n:], distances[:h.distances])
	h.split(h.all[:n])
	b.lengths(h.lengths[:], h.counts[:], maxSize)
	h.sizes = sizeCodes
	for h.lengths[sizeOrder[h.sizes-1]] == 0 {
		h.sizes-- // ends above 4, at a length: there are no codes without one
	}
	size := 3 + 5 + 5 + 4 + 3*h.sizes
	for s, n := range h.counts {
		size += int(n) * (int(h.lengths[s]) + int(runExtra(uint8(s))))
	}
	return size
}

// used returns how many lengths there are without the zeros at the end.
func used(lengths []uint8) int {
	n := len(lengths)
	for lengths[n-1] == 0 {
		n--
	}
	return n
}

// split splits lengths into runs, and counts their symbols.
func (h *header) split(lengths []uint8) {
	h.n = 0
	clear(h.counts[:])
	for i := 0; i < len(lengths); {
		l, n := lengths[i], 1
		for i+n < len(lengths) && lengths[i+n] == l {
			n++
		}
		i += n
		if l != 0 {
			h.add(l, 0)
			n--
		}
		for n > 0 {
			n -= h.addRun(l, n)
		}
	}
}

// addRun adds a run of up to n times l, which for other than 0 was added before,
// and returns how many it took.
func (h *header) addRun(l uint8, n int) int {
	switch {
	case n < 3:
		h.add(l, 0)
		return 1
	case l != 0:
		n = min(n, 6)
		h.add(repeat, n-3)
	case n < 11:
		h.add(zeros, n-3)
	default:
		n = min(n, 138)
		h.add(manyZeros, n-11)
	}
	return n
}

func (h *header) add(symbol uint8, extra int) {
	h.runs[h.n] = run{symbol, uint8(extra)}
	h.n++
	h.counts[symbol]++
}

// write writes the header.
func (h *header) write(w *writer) {
	assign(h.codes[:], h.lengths[:])
	w.bits(blockCoded<<1, 3)
	w.bits(uint64(h.literals-firstLength), 5)
	w.bits(uint64(h.distances-1), 5)
	w.bits(uint64(h.sizes-4), 4)
	for _, s := range sizeOrder[:h.sizes] {
		w.bits(uint64(h.lengths[s]), 3)
	}
	for _, r := range h.runs[:h.n] {
		w.code(h.codes[r.symbol])
		w.bits(uint64(r.extra), runExtra(r.symbol))
	}
}

// runExtra returns how many extra bits a symbol has.
func runExtra(symbol uint8) uint {
	switch symbol {
	case repeat:
		return 2
	case zeros:
		return 3
	case manyZeros:
		return 7
	}
	return 0
}
