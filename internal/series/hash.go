package series

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// The hash is in the manner of wyhash: two words and one wide multiplication at
// a time. It is written here and not taken from hash/maphash because it inlines
// into the look-up and takes half the time there. It only spreads series over
// the index: equality is always decided on the values themselves. The seed is
// secret and goes into both factors, so that nobody can prepare label values
// that collide.

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// The loads go through byte arrays: one instruction where the processor reads
// unaligned words, and correct where it does not.

func load64(p unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, i))[:])
}

func load32(p unsafe.Pointer, i int) uint64 {
	return uint64(binary.LittleEndian.Uint32((*[4]byte)(unsafe.Add(p, i))[:]))
}

func load8(p unsafe.Pointer, i int) uint64 { return uint64(*(*byte)(unsafe.Add(p, i))) }

// hashValues is the hash of a label set's values, in order. The strings' loop is
// written out here: a call for each would take as long as the hashing.
func hashValues(seed uint64, values []string) uint32 {
	h := seed ^ 0x9e3779b97f4a7c15
	for i := range values {
		p, n := unsafe.Pointer(unsafe.StringData(values[i])), len(values[i])
		var a, b uint64
		switch {
		case n > 16:
			for i := 0; i < n-16; i += 16 {
				h = mix(load64(p, i)^seed, load64(p, i+8)^h)
			}
			a, b = load64(p, n-16), load64(p, n-8)
		case n >= 8:
			a, b = load64(p, 0), load64(p, n-8)
		case n >= 4:
			a, b = load32(p, 0), load32(p, n-4)
		case n > 0:
			a = load8(p, 0) | load8(p, n/2)<<8 | load8(p, n-1)<<16
		}
		// The length turns the secret. In the data, another byte could make up
		// for it, and so "22" collide with "322" under every seed.
		h = mix(a^bits.RotateLeft64(seed, n), b^h)
	}
	return uint32(h ^ h>>32)
}
