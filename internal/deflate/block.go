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

// block writes a block, with codes that are made for it.
type block struct {
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

// write writes text, which sequences are of, in the smallest way: with codes of
// its own, or as it is.
func (b *block) write(w *writer, text []byte, sequences []sequence, c *counts) {
	size := b.prepare(c)
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
func (b *block) prepare(c *counts) int {
	size := b.countSymbols(c)
	b.builder.lengths(b.literalLengths[:], b.symbols[:], maxCode)
	b.builder.lengths(b.distanceLengths[:], c.distances[:], maxCode)
	for s, n := range b.symbols {
		size += int(n) * int(b.literalLengths[s])
	}
	for s, n := range c.distances {
		size += int(n) * (int(b.distanceLengths[s]) + distanceExtra(s))
	}
	return size + b.header.prepare(&b.builder, b.literalLengths[:], b.distanceLengths[:])
}

// countSymbols joins the counts of literals and lengths. It returns the number
// of extra bits that the lengths have.
func (b *block) countSymbols(c *counts) (extra int) {
	copy(b.symbols[:], c.literals[:])
	b.symbols[endOfBlock] = 1
	clear(b.symbols[firstLength:])
	counts := c.lengths[:]
	for s := firstLength; s < literalCodes; s++ {
		n := lengthsOf(s)
		for _, count := range counts[:n] {
			b.symbols[s] += count
		}
		counts = counts[n:]
		extra += int(b.symbols[s]) * lengthExtra(s)
	}
	return extra
}

// joinLengths joins the codes of lengths with their extra bits.
func (b *block) joinLengths() {
	codes := b.lengthCode[:]
	for s := firstLength; s < literalCodes; s++ {
		n, extra := lengthsOf(s), lengthExtra(s)
		for x := range codes[:n] {
			codes[x] = b.codes[s].and(uint32(x), extra)
		}
		codes = codes[n:]
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

// lengthsOf returns how many lengths symbol s is for. They follow those of the
// symbol before.
func lengthsOf(s int) int {
	if s == literalCodes-2 {
		return 31 // 258 has a symbol of its own
	}
	return 1 << lengthExtra(s)
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
