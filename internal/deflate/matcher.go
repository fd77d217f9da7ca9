package deflate

import "math/bits"

const (
	window   = 1 << 15 // how far back a match may lie
	maxMatch = 258
	minMatch = 4 // three are allowed, but a hash of four finds better ones

	tableBits    = 12
	maxSequences = 1 << 13 // in a block
	maxBlock     = 1 << 18 // bytes of text, or a few more
)

// sequence is a run of literals and the match behind it.
type sequence struct {
	literals     uint32
	distance     uint16 // of the match, less one
	length       uint8  // of the match, less three
	distanceCode uint8
}

// counts says how often the symbols of a block occur.
type counts struct {
	literals  [256]uint32
	lengths   [maxMatch - 3 + 1]uint32 // by length, less three
	distances [distanceCodes]uint32
}

// add counts literals.
func (c *counts) add(literals []byte) {
	for _, l := range literals {
		c.literals[l]++
	}
}

// match counts a match and returns it, with the number of literals before it.
func (c *counts) match(literals, distance, length int) sequence {
	s := sequence{uint32(literals), uint16(distance - 1), uint8(length - 3), distanceCode(distance)}
	c.lengths[s.length]++
	c.distances[s.distanceCode]++
	return s
}

// matcher takes a text apart into sequences.
type matcher struct {
	table     [1 << tableBits]uint16 // the low bits of where bytes of this hash were looked up last
	sequences [maxSequences]sequence
	counts    counts
	end       int // of the text that is done
	line      int // the last newline before end, or -1
	distance  int // that of the last match
}

// reset makes m ready for a new text.
func (m *matcher) reset() {
	clear(m.table[:])
	m.end, m.line, m.distance = 0, -1, 1
}

// next returns the sequences of the next block, which starts at m.end, and
// leaves in m.end where it ends. What follows the last sequence are literals.
// m.counts has the numbers of all symbols.
//
// There are three places where a match may begin. At the end of a line, reached
// over the digits of its value, it is the end of the line before. Where that one
// ends, in a label value, it is where the same four bytes were looked up last.
// Failing that, it is behind the next few bytes, at the distance of the last
// match: the same column of an earlier line. What lies within a match is never
// looked up.
func (m *matcher) next(text []byte) []sequence {
	m.counts = counts{}
	i, line, distance := m.end, m.line, m.distance
	literals := i // where they start
	misses, n := 0, 0
	limit := min(len(text)-7, i+maxBlock)
	for i < limit && n < maxSequences {
		w := load64(text, i)
		digits := digitRun(w)
		length := 0
		if digits < 8 && text[i+digits] == '\n' {
			i += digits
			digits = 0
			line, distance, length = matchLine(text, line, i, distance)
		} else if d := m.lookUp(w, i); d > 0 && worthwhile(w^load64(text, i-d), d) {
			distance = d
			length, line = extendLines(text, i-d, i, line)
			for i > literals && i > d && text[i-1] == text[i-d-1] && length < maxMatch {
				i--
				length++
			}
		} else if distance <= i {
			if skip := equalRun(w ^ load64(text, i-distance)); skip < 8 {
				i += skip
				length, line = extendLines(text, i-distance, i, line)
			}
		}
		if length < minMatch {
			i += max(digits, 1) + misses>>5 // hurry through what has no matches
			misses++
			continue
		}
		misses = 0
		m.counts.add(text[literals:i])
		m.sequences[n] = m.counts.match(i-literals, distance, length)
		n++
		i += length
		literals = i
	}
	if i >= len(text)-7 {
		i = len(text)
	}
	m.counts.add(text[literals:i])
	m.end, m.line, m.distance = i, line, distance
	return m.sequences[:n]
}

// lookUp returns how far before i the bytes of w, which are those at i, were
// perhaps seen, or 0.
func (m *matcher) lookUp(w uint64, i int) int {
	entry := &m.table[uint32(w)*0x9e3779b1>>(32-tableBits)]
	d := int(uint16(i) - *entry)
	*entry = uint16(i)
	if d > min(i, window) {
		return 0
	}
	return d
}

// worthwhile tells whether to use a match at a distance, where x is the
// difference of the first eight bytes. Four bytes that are far away are mostly
// digits, and take no more bits as literals.
func worthwhile(x uint64, distance int) bool {
	return uint32(x) == 0 && (distance < 1<<12 || x<<24 == 0)
}

// matchLine matches the end of a line, at i, with the one at line. It returns
// the last newline that is then passed, and the match; a match that is too short
// leaves the distance as it is.
func matchLine(text []byte, line, i, distance int) (last, d, length int) {
	d = i - line
	if line < 0 || d > window {
		return i, distance, 0
	}
	length = min(1+extend(text, line+1, i+1), maxMatch)
	if length < minMatch {
		return i, distance, length
	}
	last = i
	if length > d { // lines are repeated
		last += (length - 1) / d * d
	}
	return last, d, length
}

// extend returns how many bytes are the same from a as from b on, at most
// maxMatch.
func extend(text []byte, a, b int) int {
	start := b
	end := min(b+maxMatch, len(text))
	for b+8 <= end {
		if x := load64(text, a) ^ load64(text, b); x != 0 {
			return b - start + bits.TrailingZeros64(x)>>3
		}
		a += 8
		b += 8
	}
	for b < end && text[a] == text[b] {
		a++
		b++
	}
	return b - start
}

// extendLines is extend, and returns the last newline among these bytes, too, or
// line if there is none.
func extendLines(text []byte, a, b, line int) (length, last int) {
	start := b
	end := min(b+maxMatch, len(text))
	for b+8 <= end {
		w := load64(text, b)
		x := load64(text, a) ^ w
		newlines := zeroBytes(w ^ '\n'*each)
		if x != 0 {
			if newlines &= x&-x - 1; newlines != 0 {
				line = b + 7 - bits.LeadingZeros64(newlines)>>3
			}
			return b - start + bits.TrailingZeros64(x)>>3, line
		}
		if newlines != 0 {
			line = b + 7 - bits.LeadingZeros64(newlines)>>3
		}
		a += 8
		b += 8
	}
	for b < end && text[a] == text[b] {
		if text[b] == '\n' {
			line = b
		}
		a++
		b++
	}
	return b - start, line
}

// distanceCode returns the code of a distance.
func distanceCode(distance int) uint8 {
	d := uint32(distance - 1)
	if d < 2 {
		return uint8(d)
	}
	n := bits.Len32(d)
	return uint8(2*n-2) + uint8(d>>(n-2)&1)
}
