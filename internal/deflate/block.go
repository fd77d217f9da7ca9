package deflate

import (
	"encoding/binary"
	"math/bits"
)

const (
	endOfBlock   = 256
	firstLength  = 257
	literalCodes = 286
	distances    = 30
	longest      = 14 // bits of a code, so that four fit into a word with seven left over
)

type block struct {
	literals  [256]uint32
	lengths   [256]uint32
	distances [distances]uint32

	symbols   [literalCodes]uint32
	all       [literalCodes + distances]uint8
	codes     [literalCodes]uint32
	lengthOut [256]uint32
	literalOut [512]uint32
	distOut   [distances]uint32
	huffman   huffman
	header    header
}

func (b *block) reset() {
	clear(b.literals[:])
	clear(b.lengths[:])
	clear(b.distances[:])
}

func extraOfLength(s int) int {
	if s < 265 || s == 285 {
		return 0
	}
	return (s - 261) >> 2
}

func extraOfDistance(c int) int { return max(0, c>>1-1) }

// write writes text as one block.
func (b *block) write(w *writer, text []byte, sequences []sequence) {
	bitsNeeded := 0
	copy(b.symbols[:256], b.literals[:])
	b.symbols[endOfBlock] = 1
	l := 0
	for s := firstLength; s < literalCodes; s++ {
		extra := extraOfLength(s)
		sum := uint32(0)
		to := l + 1<<extra
		if s == 284 {
			to = 255
		}
		for ; l < to; l++ {
			sum += b.lengths[l]
		}
		b.symbols[s] = sum
		bitsNeeded += int(sum) * extra
	}
	lengths := b.all[:literalCodes]
	b.huffman.build(lengths, b.symbols[:], longest)
	for s, c := range b.symbols {
		bitsNeeded += int(c) * int(lengths[s])
	}
	distLengths := b.all[literalCodes:]
	used := 0
	for c, n := range b.distances {
		if n > 0 {
			used++
		}
		bitsNeeded += int(n) * extraOfDistance(c)
	}
	for c := 0; used < 2; c++ {
		if b.distances[c] == 0 {
			b.distances[c] = 1
			used++
		}
	}
	b.huffman.build(distLengths, b.distances[:], longest)
	for c, n := range b.distances {
		bitsNeeded += int(n) * int(distLengths[c])
	}
	bitsNeeded += b.header.prepare(&b.huffman, lengths, distLengths)
	stored := len(text)*8 + (len(text)/maxStored+1)*40
	if stored < bitsNeeded {
		w.stored(text)
		return
	}
	w.grow(bitsNeeded>>3 + 16)
	assign(b.codes[:], lengths)
	assign(b.distOut[:], distLengths)
	b.combine()
	b.header.write(w)
	b.body(w, text, sequences)
}

// combine
func (b *block) combine() {
	l := 0
	for s := firstLength; s < literalCodes; s++ {
		extra := extraOfLength(s)
		c := b.codes[s]
		n := c >> 16
		c &= 0xffff
		to := 1 << extra
		if s == 284 {
			to = 31
		}
		for x := range to {
			b.lengthOut[l] = c | uint32(x)<<n | (n+uint32(extra))<<24
			l++
		}
	}
}

func (b *block) body(w *writer, text []byte, sequences []sequence) {
	acc, n := w.acc, w.n
	out := w.dst[len(w.dst):cap(w.dst)]
	o := 0
	codes := &b.literalOut
	copy(codes[:256], b.codes[:])
	pos := 0
	for i := range sequences {
		s := &sequences[i]
		for p, left := pos, int(s.literals); left > 0; p, left = p+4, left-4 {
			w := binary.LittleEndian.Uint32(text[p : p+4 : p+4])
			a := codes[uint8(w)]
			b := codes[uint(uint8(w>>8))|uint(1-left)>>63<<8^256]
			c := codes[uint(uint8(w>>16))|uint(2-left)>>63<<8^256]
			d := codes[uint(uint8(w>>24))|uint(3-left)>>63<<8^256]
			acc |= uint64(a&0xffff) << n
			n += uint(a >> 16)
			acc |= uint64(b&0xffff) << (n & 63)
			n += uint(b >> 16)
			acc |= uint64(c&0xffff) << (n & 63)
			n += uint(c >> 16)
			acc |= uint64(d&0xffff) << (n & 63)
			n += uint(d >> 16)
			binary.LittleEndian.PutUint64(out[o:o+8:o+8], acc)
			o += int(n >> 3)
			acc >>= n & 56
			n &= 7
		}
		lc := b.lengthOut[s.length]
		acc |= uint64(lc&0xffffff) << n
		n += uint(lc >> 24)
		dc := b.distOut[s.code]
		acc |= uint64(dc&0xffff) << (n & 63)
		n += uint(dc >> 16)
		extra := uint(extraOfDistance(int(s.code)))
		x := uint64(s.distance) & (1<<(extra&63) - 1)
		acc |= x << (n & 63)
		n += extra
		binary.LittleEndian.PutUint64(out[o:o+8:o+8], acc)
		o += int(n >> 3)
		acc >>= n & 56
		n &= 7
		pos += int(s.literals) + int(s.length) + 3
	}
	for _, c := range text[pos:] {
		a := codes[c]
		acc |= uint64(a&0xffff) << n
		n += uint(a >> 16)
		binary.LittleEndian.PutUint64(out[o:o+8:o+8], acc)
		o += int(n >> 3)
		acc >>= n & 56
		n &= 7
	}
	w.acc, w.n = acc, n
	w.dst = w.dst[:len(w.dst)+o]
	a := b.codes[endOfBlock]
	w.bits(uint64(a&0xffff), uint(a>>16))
	_ = bits.Len
}
