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
				line = i
				if l > d {
					line += (l - 1) / d * d
				}
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
					d = dh
					l, line = extendLines(text, i-dh, i, line)
					for i > anchor && i > d && l < maxMatch && text[i-1] == text[i-d-1] {
						i--
						l++
					}
					goto found
				}
			}
			if d <= i {
				if skip := sameRun(w ^ load64(text, i-d)); skip < 8 {
					i += skip
					l, line = extendLines(text, i-d, i, line)
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

// extendLines
func extendLines(text []byte, a, b, line int) (int, int) {
	start := b
	stop := min(b+maxMatch, len(text))
	for b+8 <= stop {
		w := load64(text, b)
		x := load64(text, a) ^ w
		z := w ^ '\n'*ones
		z = ^((z&^highs + 0x7f*ones) | z) & highs
		if x != 0 {
			z &= x&-x - 1
			if z != 0 {
				line = b + 7 - bits.LeadingZeros64(z)>>3
			}
			return b - start + bits.TrailingZeros64(x)>>3, line
		}
		if z != 0 {
			line = b + 7 - bits.LeadingZeros64(z)>>3
		}
		a += 8
		b += 8
	}
	for b < stop && text[a] == text[b] {
		if text[b] == '\n' {
			line = b
		}
		a++
		b++
	}
	return b - start, line
}
