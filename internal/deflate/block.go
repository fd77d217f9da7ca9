package deflate

import "math/bits"

const (
	endOfBlock    = 256
	firstLength   = 257 // the symbols from here on are lengths of matches
	literalCodes  = 286
	distanceCodes = 30

	// maxCode is how long a code may be, in bits. RFC 1951 allows 15; four of 14
	// fit into a word that has seven bits already.
	maxCode = 14
)

// block counts the symbols of a block, and writes it.
type block struct {
	literals  [256]uint32
	lengths   [maxMatch - 3 + 1]uint32 // by length, less three
	distances [distanceCodes]uint32

	builder         builder
	header          header
	symbols         [literalCodes]uint32 // literals and lengths
	literalLengths  [literalCodes]uint8
	distanceLengths [distanceCodes]uint8

	codes        [literalCodes]code
	literalCode  [512]code // the upper half is empty
	lengthCode   [maxMatch - 3 + 1]code
	distanceCode [distanceCodes]code
}

// reset forgets all counts.
func (b *block) reset() {
	clear(b.literals[:])
	clear(b.lengths[:])
	clear(b.distances[:])
}

// count counts literals.
func (b *block) count(literals []byte) {
	for _, c := range literals {
		b.literals[c]++
	}
}

// match counts a match and returns it, with the literals before it.
func (b *block) match(literals, distance, length int) sequence {
	s := sequence{uint32(literals), uint16(distance - 1), uint8(length - 3), distanceCode(distance)}
	b.lengths[s.length]++
	b.distances[s.distanceCode]++
	return s
}

// write writes text, which sequences are of, in the smallest way: with codes of
// its own, or as it is.
func (b *block) write(w *writer, text []byte, sequences []sequence) {
	size := b.prepare()
	if size > storedSize(len(text)) {
		w.stored(text)
		return
	}
	w.grow(size)
	assign(b.codes[:], b.literalLengths[:])
	assign(b.distanceCode[:], b.distanceLengths[:])
	copy(b.literalCode[:endOfBlock], b.codes[:])
	b.joinLengths()
	b.header.write(w)
	b.body(w, text, sequences)
	w.code(b.codes[endOfBlock])
}

// prepare decides on the lengths of all codes, and returns how many bits the
// block will have.
func (b *block) prepare() int {
	size := b.countSymbols()
	b.builder.lengths(b.literalLengths[:], b.symbols[:], maxCode)
	b.builder.lengths(b.distanceLengths[:], b.distances[:], maxCode)
	for s, n := range b.symbols {
		size += int(n) * int(b.literalLengths[s])
	}
	for c, n := range b.distances {
		size += int(n) * (int(b.distanceLengths[c]) + distanceExtra(c))
	}
	return size + b.header.prepare(&b.builder, b.literalLengths[:], b.distanceLengths[:])
}

// countSymbols joins the counts of literals and lengths. It returns the number
// of extra bits that the lengths have.
func (b *block) countSymbols() (extra int) {
	copy(b.symbols[:], b.literals[:])
	b.symbols[endOfBlock] = 1
	clear(b.symbols[firstLength:])
	for s := firstLength; s < literalCodes; s++ {
		first, n := lengthsOf(s)
		for _, count := range b.lengths[first : first+n] {
			b.symbols[s] += count
		}
		extra += int(b.symbols[s]) * lengthExtra(s)
	}
	return extra
}

// joinLengths joins the codes of lengths with their extra bits.
func (b *block) joinLengths() {
	for s := firstLength; s < literalCodes; s++ {
		first, n := lengthsOf(s)
		for x := range n {
			b.lengthCode[first+x] = b.codes[s].and(uint32(x), lengthExtra(s))
		}
	}
}

// body writes the sequences, and the literals behind the last of them. There is
// room for all that.
func (b *block) body(w *writer, text []byte, sequences []sequence) {
	out := w.dst[len(w.dst):cap(w.dst)]
	pending, n, at := w.pending, w.n, 0 // in registers
	pos := 0
	for i := range sequences {
		s := &sequences[i]
		// Four literals at a time: the length of a run can't be foreseen, so a
		// branch for each would cost more than codes that are empty. They are
		// followed by a match, so there always are four bytes.
		for p, left := pos, int(s.literals); left > 0; p, left = p+4, left-4 {
			four := load32(text, p)
			c0 := b.literalCode[uint8(four)]
			c1 := b.literalCode[uint(uint8(four>>8))|beyond(1, left)]
			c2 := b.literalCode[uint(uint8(four>>16))|beyond(2, left)]
			c3 := b.literalCode[uint(uint8(four>>24))|beyond(3, left)]
			pending |= c0.bits() << n
			n += c0.size()
			pending |= c1.bits() << (n & 63)
			n += c1.size()
			pending |= c2.bits() << (n & 63)
			n += c2.size()
			pending |= c3.bits() << (n & 63)
			n += c3.size()
			store64(out, at, pending)
			at += int(n >> 3)
			pending >>= n & 56
			n &= 7
		}
		length, distance := b.lengthCode[s.length], b.distanceCode[s.distanceCode]
		pending |= length.bits() << n
		n += length.size()
		pending |= distance.bits() << (n & 63)
		n += distance.size()
		extra := uint(distanceExtra(int(s.distanceCode)))
		pending |= uint64(s.distance) & (1<<(extra&63) - 1) << (n & 63)
		n += extra
		store64(out, at, pending)
		at += int(n >> 3)
		pending >>= n & 56
		n &= 7
		pos += int(s.literals) + int(s.length) + 3
	}
	w.dst, w.pending, w.n = w.dst[:len(w.dst)+at], pending, n
	for _, c := range text[pos:] {
		w.code(b.literalCode[c])
	}
}

// beyond returns endOfBlock if there are no more than i literals left, or 0.
func beyond(i, left int) uint { return ^uint(i-left) >> (bits.UintSize - 1) << 8 }

// lengthsOf returns which lengths, less three, symbol s is for: the first, and
// how many.
func lengthsOf(s int) (first, n int) {
	extra := lengthExtra(s)
	switch {
	case s == literalCodes-1:
		return maxMatch - 3, 1
	case extra == 0:
		return s - firstLength, 1
	}
	first, n = (4+(s-firstLength)&3)<<extra, 1<<extra
	return first, min(n, maxMatch-3-first)
}

// lengthExtra returns how many extra bits symbol s has, which is for lengths.
func lengthExtra(s int) int {
	if s == literalCodes-1 {
		return 0
	}
	return max(0, (s-firstLength)>>2-1)
}

// distanceExtra returns how many extra bits a code of distances has.
func distanceExtra(c int) int { return max(0, c>>1-1) }
