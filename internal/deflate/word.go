package deflate

import (
	"encoding/binary"
	"math/bits"
)

// What follows works on the eight bytes of a word at once. The first one is in
// the lowest bits.

const (
	each = 0x0101010101010101 // times a byte: eight of it
	high = 0x80 * each
)

// load64 returns the eight bytes from i on. Such a slice, of which the compiler
// knows that its capacity is not 0, costs the least.
func load64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8 : i+8]) }

func load32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i : i+4 : i+4]) }

func store64(b []byte, i int, w uint64) { binary.LittleEndian.PutUint64(b[i:i+8:i+8], w) }

// zeroBytes returns the highest bit of each byte that is 0.
func zeroBytes(w uint64) uint64 { return ^(w&^high + 0x7f*each | w | ^uint64(high)) }

// digitRun returns how many of the first bytes are digits.
func digitRun(w uint64) int {
	w ^= '0' * each // digits are now below 10
	return bits.TrailingZeros64((w&^high+0x76*each|w)&high) >> 3
}

// equalRun returns where the first four bytes in a row are 0, or 8.
func equalRun(w uint64) int {
	z := zeroBytes(w)
	return bits.TrailingZeros64(z&(z>>8)&(z>>16)&(z>>24)) >> 3
}
