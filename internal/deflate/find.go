package deflate

import "math/bits"

func hash(w uint64) uint32 { return uint32(w) * 0x9e3779b1 >> (32 - tableBits) }

// find
func (e *Encoder) find(text []byte, start int) (n, end int) {
	f := &e.finder
	b := &e.block
	b.reset()
	i, line, d := f.at, f.line, f.column
	anchor := start
	limit := min(len(text)-16, start+maxBlock)
	misses := 0
	for i < limit && n < maxSequences {
		w := load64(text, i)
		var l int
		digits := digitRun(w)
		if digits < 8 && text[i+digits] == '\n' {
			i += digits
			if line >= 0 && i-line <= window {
				l = extend(text, line+1, i+1) + 1
			}
			if l >= 3 {
				d = i - line
				line = i + (l-1)/d*d
				goto found
			}
			line = i
			i++
			continue
		}
		{
			h := hash(w)
			dh := int(uint16(i) - e.table[h])
			e.table[h] = uint16(i)
			if uint(dh-1) < window && dh <= i {
				if x := w ^ load64(text, i-dh); uint32(x) == 0 {
					l = extend(text, i-dh+4, i+4) + 4
					d = dh
					if k := lastNewline(text[i : i+l]); k >= 0 {
						line = i + k
					}
					goto found
				}
			}
			if d <= i {
				if skip := sameRun(w ^ load64(text, i-d)); skip < 8 {
					i += skip
					l = extend(text, i-d+4, i+4) + 4
					if k := lastNewline(text[i : i+l]); k >= 0 {
						line = i + k
					}
					goto found
				}
			}
			i += max(1, digits) + misses>>5
			misses++
			continue
		}
	found:
		misses = 0
		l = min(l, maxMatch)
		code := distanceCode(d)
		e.sequences[n] = sequence{uint32(i - anchor), uint16(d - 1), uint8(l - 3), code}
		n++
		for _, c := range text[anchor:i] {
			b.literals[c]++
		}
		b.lengths[uint8(l-3)]++
		b.distances[code]++
		i += l
		anchor = i
	}
	end = min(max(i, anchor), len(text))
	if i >= len(text)-16 {
		end = len(text)
	}
	for _, c := range text[anchor:end] {
		b.literals[c]++
	}
	f.at, f.line, f.column = i, line, d
	return n, end
}

func distanceCode(d int) uint8 {
	d--
	if d < 2 {
		return uint8(d)
	}
	k := bits.Len32(uint32(d))
	return uint8(2*k - 2 + d>>(k-2)&1)
}

// digitRun returns how many of the first bytes of w are digits.
func digitRun(w uint64) int {
	x := w ^ 0x30*ones
	return bits.TrailingZeros64((x|(x&^highs+0x76*ones))&highs) >> 3
}

// sameRun returns the first of the bytes from which four bytes of x are zero, or 8.
func sameRun(x uint64) int {
	y := ^((x&^highs + 0x7f*ones) | x) & highs
	return bits.TrailingZeros64(y&(y>>8)&(y>>16)&(y>>24)) >> 3
}

// extend returns how many bytes from a on are the same as those from b on, at most maxMatch.
func extend(text []byte, a, b int) int {
	start := b
	stop := min(b+maxMatch, len(text))
	for b+8 <= stop {
		if x := load64(text, a) ^ load64(text, b); x != 0 {
			return b - start + bits.TrailingZeros64(x)>>3
		}
		a += 8
		b += 8
	}
	for b < stop && text[a] == text[b] {
		a++
		b++
	}
	return b - start
}

// lastNewline
func lastNewline(b []byte) int {
	i := len(b)
	for ; i >= 8; i -= 8 {
		x := load64(b, i-8) ^ '\n'*ones
		if y := ^((x&^highs + 0x7f*ones) | x) & highs; y != 0 {
			return i - 1 - bits.LeadingZeros64(y)>>3
		}
	}
	for i--; i >= 0 && b[i] != '\n'; i-- {
	}
	return i
}
