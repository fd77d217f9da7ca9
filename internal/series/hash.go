package series

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// The hash is in the manner of wyhash and of NH: two words and one wide
// multiplication at a time. It is written here and not taken from hash/maphash
// because it takes half the time for values as short as those of labels. It only
// spreads series over the index: equality is always decided on the values themselves.
// The seed is secret and goes into both factors, so that nobody can prepare label
// values that collide.

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

func load16(p unsafe.Pointer, i int) uint64 {
	return uint64(binary.LittleEndian.Uint16((*[2]byte)(unsafe.Add(p, i))[:]))
}

func load8(p unsafe.Pointer, i int) uint64 { return uint64(*(*byte)(unsafe.Add(p, i))) }

// hashValues is the hash of a label set's values, in order.
func hashValues(seed uint64, values []string) uint32 {
	hash, _ := measure(seed, values)
	return hash
}

// step is between the secret words of a look-up: the golden ratio's bits.
const step = 0x9e3779b97f4a7c15

// measure returns the hash of a label set's values, in order, and their length in
// all. The strings' loop is written out here: a call for each would take as long as
// the hashing.
//
// It multiplies two words, of sixteen bytes or of what is left, and adds up the
// products. None waits for the one before: each has secret words of its own, key and
// key*key. So what changes places is multiplied by something else, and for no two
// places is it known what would make up for that.
func measure(seed uint64, values []string) (hash uint32, size int) {
	var h uint64
	key := seed + step
	for i := range values {
		p, n := unsafe.Pointer(unsafe.StringData(values[i])), len(values[i])
		size += n
		var a, b uint64
		if n >= 8 {
			for i := 0; i < n-16; i += 16 {
				h += mix(load64(p, i)^key, load64(p, i+8)^key*key)
				key += step
			}
			a, b = load64(p, max(n-16, 0)), load64(p, n-8)
		} else if n >= 4 {
			a, b = load32(p, 0), load32(p, n-4)
		} else if n >= 2 {
			a, b = load16(p, 0), load16(p, n-2)
		} else if n > 0 {
			a = load8(p, 0)
		}
		// The length multiplies the secret. In the data, another byte could make up
		// for it, and so "22" collide with "322" under every seed. The factor is
		// never 1, so that the end of a value is no other's middle.
		h += mix(a^key*uint64(2*n+3), b^key*key)
		key += step
	}
	return uint32(h ^ h>>32), size
}
