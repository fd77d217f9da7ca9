package deflate

import (
	"math/bits"
	"slices"
)

// code is a Huffman code for symbols up to some number.
type code struct {
	lengths []uint8
}

// scratch is what building a Huffman code needs.
type huffman struct {
	keys  [286]uint32
	nodes [286]uint32
}

// lengths sets lengths to those of a Huffman code for symbols that occur as
// often as counts says, none longer than limit.
func (h *huffman) build(lengths []uint8, counts []uint32, limit int) {
	clear(lengths)
	keys := h.keys[:0]
	for s, c := range counts {
		if c > 0 {
			keys = append(keys, min(c, 1<<22)<<9|uint32(s))
		}
	}
	switch len(keys) {
	case 0:
		return
	case 1:
		lengths[keys[0]&511] = 1
		return
	}
	slices.Sort(keys)
	nodes := h.nodes[:len(keys)]
	for i, k := range keys {
		nodes[i] = k >> 9
	}
	minimumRedundancy(nodes)
	var perLength [33]int
	for _, l := range nodes {
		perLength[min(int(l), limit)]++
	}
	limitLengths(perLength[:limit+1])
	// The rarest symbols get the longest codes.
	i := 0
	for l := limit; l > 0; l-- {
		for range perLength[l] {
			lengths[keys[i]&511] = uint8(l)
			i++
		}
	}
}

// minimumRedundancy replaces frequencies, in ascending order, by code lengths:
// Moffat and Katajainen, In-place calculation of minimum-redundancy codes (1995).
func minimumRedundancy(a []uint32) {
	n := len(a)
	a[0] += a[1]
	root, leaf := 0, 2
	for next := 1; next < n-1; next++ {
		if leaf >= n || a[root] < a[leaf] {
			a[next] = a[root]
			a[root] = uint32(next)
			root++
		} else {
			a[next] = a[leaf]
			leaf++
		}
		if leaf >= n || (root < next && a[root] < a[leaf]) {
			a[next] += a[root]
			a[root] = uint32(next)
			root++
		} else {
			a[next] += a[leaf]
			leaf++
		}
	}
	a[n-2] = 0
	for next := n - 3; next >= 0; next-- {
		a[next] = a[a[next]] + 1
	}
	available, used, depth := 1, 0, uint32(0)
	root = n - 2
	next := n - 1
	for available > 0 {
		for root >= 0 && a[root] == depth {
			used++
			root--
		}
		for available > used {
			a[next] = depth
			next--
			available--
		}
		available = 2 * used
		depth++
		used = 0
	}
}

// limitLengths makes a code of one that was cut at the longest length.
func limitLengths(perLength []int) {
	limit := len(perLength) - 1
	total := 0
	for l := 1; l <= limit; l++ {
		total += perLength[l] << (limit - l)
	}
	for ; total > 1<<limit; total-- {
		perLength[limit]--
		for l := limit - 1; ; l-- {
			if perLength[l] > 0 {
				perLength[l]--
				perLength[l+1] += 2
				break
			}
		}
	}
}

// assign sets codes to the canonical codes of lengths: the bits, in the order in which they are
// written, and above them, shifted by 16, how many.
func assign(codes []uint32, lengths []uint8) {
	var count, next [17]uint32
	for _, l := range lengths {
		count[l]++
	}
	count[0] = 0
	for l := 1; l <= 15; l++ {
		next[l+1] = (next[l] + count[l]) << 1
	}
	// next[l] is the first code of length l
	for s, l := range lengths {
		if l == 0 {
			codes[s] = 0
			continue
		}
		codes[s] = uint32(bits.Reverse16(uint16(next[l])<<(16-l))) | uint32(l)<<16
		next[l]++
	}
}
