package deflate

import (
	"math/bits"
	"slices"
)

// code is what is written for a symbol: up to 24 bits, the lowest goes first.
// How many they are is in the byte above.
type code uint32

func (c code) bits() uint64 { return uint64(c & 0xffffff) }
func (c code) size() uint   { return uint(c >> 24) }

// and returns c and behind it, n bits of x.
func (c code) and(x uint32, n int) code { return c + code(x<<c.size()) + code(n<<24) }

// builder finds out how long the codes of symbols are best. Its keys are ints, for
// which programs have a sort linked anyway.
type builder struct {
	keys  [literalCodes]int
	nodes [literalCodes]uint32
}

// lengths sets lengths to those of a Huffman code for symbols that occur as
// often as counts says, less than 1<<22 times, and 0 for those that don't. None
// is longer than limit.
//
// There are at least two codes, as zlib does it: decoders don't agree on
// what else is valid.
func (b *builder) lengths(lengths []uint8, counts []uint32, limit int) {
	const symbolBits = 9
	keys := b.keys[:0]
	for s, n := range counts {
		if n > 0 {
			keys = append(keys, int(n)<<symbolBits|s)
		}
	}
	for s := 0; len(keys) < 2; s++ {
		if counts[s] == 0 {
			keys = append(keys, 1<<symbolBits|s)
		}
	}
	slices.Sort(keys)
	nodes := b.nodes[:len(keys)]
	for i, k := range keys {
		nodes[i] = uint32(k >> symbolBits)
	}
	depths(nodes)
	var numbers [32]int
	for _, d := range nodes {
		numbers[min(int(d), limit)]++
	}
	shorten(numbers[:limit+1])
	clear(lengths)
	for l := limit; l > 0; l-- { // the rarest symbols have the longest codes
		for _, k := range keys[:numbers[l]] {
			lengths[k&(1<<symbolBits-1)] = uint8(l)
		}
		keys = keys[numbers[l]:]
	}
}

// depths replaces counts, which ascend, by the depths of the leaves of their
// Huffman tree, which descend. There are at least two. This is by Moffat and
// Katajainen: In-Place Calculation of Minimum-Redundancy Codes, 1995.
func depths(a []uint32) {
	join(a)
	// Now all but the last are inner nodes, and hold their parents.
	last := len(a) - 2
	a[last] = 0
	for i := last - 1; i >= 0; i-- {
		a[i] = a[a[i]] + 1
	}
	// Now they hold their depths. Where there is no inner node, there are leaves.
	inner, leaf := last, len(a)-1
	for depth, places := uint32(0), 1; places > 0; depth++ {
		used := 0
		for ; inner >= 0 && a[inner] == depth; inner-- {
			used++
		}
		for ; places > used; places-- {
			a[leaf] = depth
			leaf--
		}
		places = 2 * used
	}
}

// join joins, again and again, the two smallest of leaves and inner nodes. The
// inner nodes take the places of leaves that were joined.
func join(a []uint32) {
	inner, leaf := 0, 0
	for next := range len(a) - 1 {
		sum := uint32(0)
		for range 2 {
			if leaf >= len(a) || inner < next && a[inner] < a[leaf] {
				sum += a[inner]
				a[inner] = uint32(next)
				inner++
			} else {
				sum += a[leaf]
				leaf++
			}
		}
		a[next] = sum
	}
}

// shorten makes a code possible again whose lengths were cut at the longest
// one. numbers says how many codes of each length there are.
func shorten(numbers []int) {
	longest := len(numbers) - 1
	used := 0 // places at the lowest level of the tree
	for l := 1; l <= longest; l++ {
		used += numbers[l] << (longest - l)
	}
	for ; used > 1<<longest; used-- {
		// A leaf of the lowest level goes up beside one that goes down.
		l := longest - 1
		for numbers[l] == 0 {
			l--
		}
		numbers[l]--
		numbers[l+1] += 2
		numbers[longest]--
	}
}

// assign sets codes to those that follow from lengths, by RFC 1951, section
// 3.2.2.
func assign(codes []code, lengths []uint8) {
	var numbers, next [16]uint16
	for _, l := range lengths {
		numbers[l]++
	}
	numbers[0] = 0
	for l := 1; l < len(next); l++ {
		next[l] = (next[l-1] + numbers[l-1]) << 1
	}
	for s, l := range lengths {
		codes[s] = code(bits.Reverse16(next[l]<<(16-l))) | code(l)<<24
		next[l]++
	}
}
