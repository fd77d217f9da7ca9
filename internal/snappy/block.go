package snappy

import (
	"encoding/binary"
	"math/bits"
)

const (
	hashBits = 14
	minMatch = 4

	literalTag   = 0
	nearCopyTag  = 1 // of 4 to 11 bytes, from less than 2 KiB before
	farCopyTag   = 2 // of 1 to 64 bytes, from less than 64 KiB before
	longestCopy  = 64
	longestNear  = 11
	nearDistance = 1 << 11
)

// encoder finds text that was there before, within a block.
type encoder struct {
	last [1 << hashBits]uint16 // where four bytes with this hash were last
}

// appendBlock appends text as a block. It has at least one byte, and at most
// maxChunk.
func (e *encoder) appendBlock(out, text []byte) []byte {
	e.last = [1 << hashBits]uint16{}
	out = binary.AppendUvarint(out, uint64(len(text)))
	done, misses := 0, 0
	for at := 1; at+minMatch <= len(text); {
		four := binary.LittleEndian.Uint32(text[at:])
		place := &e.last[four*0x9e3779b1>>(32-hashBits)]
		from := int(*place)
		*place = uint16(at)
		if binary.LittleEndian.Uint32(text[from:]) != four {
			// Where there has been nothing for long, look in fewer places.
			at += 1 + misses>>5
			misses++
			continue
		}
		n := minMatch + matching(text[from+minMatch:], text[at+minMatch:])
		out = appendLiteral(out, text[done:at])
		out = appendCopy(out, at-from, n)
		at += n
		done, misses = at, 0
	}
	return appendLiteral(out, text[done:])
}

// matching returns how many bytes b begins with that a begins with, too. Of the
// two, b is the shorter one.
func matching(a, b []byte) int {
	n := 0
	for ; n+8 <= len(b); n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// appendLiteral appends bytes as they are.
func appendLiteral(out, text []byte) []byte {
	switch n := len(text) - 1; {
	case n < 0:
		return out
	case n < 60:
		out = append(out, literalTag|byte(n)<<2)
	case n < 1<<8:
		out = append(out, literalTag|60<<2, byte(n))
	default:
		out = append(out, literalTag|61<<2, byte(n), byte(n>>8))
	}
	return append(out, text...)
}

// appendCopy appends that n bytes are those from so far before.
func appendCopy(out []byte, distance, n int) []byte {
	for n > longestCopy {
		// What is left is long enough for a near copy.
		part := min(longestCopy, n-minMatch)
		out = appendFarCopy(out, distance, part)
		n -= part
	}
	if n <= longestNear && distance < nearDistance {
		return append(out, nearCopyTag|byte(n-minMatch)<<2|byte(distance>>8)<<5, byte(distance))
	}
	return appendFarCopy(out, distance, n)
}

func appendFarCopy(out []byte, distance, n int) []byte {
	return append(out, farCopyTag|byte(n-1)<<2, byte(distance), byte(distance>>8))
}
