package deflate

// isBinary tells from the first bytes of a text whether it has no lines. Text
// has hardly any control characters; of a protobuf message, many tags and lengths
// are such.
func isBinary(text []byte) bool {
	const look, share = 256, 32
	start := text[:min(len(text), look)]
	controls := 0
	for _, c := range start {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			controls++
		}
	}
	return controls*share > len(start)
}

// nextBinary is next for what has no lines. A text is taken apart by one of them
// alone, as their hashes differ.
//
// In messages that follow each other, the same tags, names and values come in the
// same order, but not at the same distance: numbers and strings vary in length.
// So a match may begin anywhere, and is where the same six bytes were looked up
// last, or at the distance of the last match. A match of five bytes is mostly
// zeros and tags, which every message has, and would hide a longer one behind it.
func (m *matcher) nextBinary(text []byte) []sequence {
	m.counts = counts{}
	i, distance := m.end, m.distance
	literals := i // where they start
	misses, n := 0, 0
	limit := min(len(text)-7, i+maxBlock)
	for i < limit && n < maxSequences {
		d, length := m.longer(text, i, distance)
		if length < minMatch {
			i += 1 + misses>>5 // hurry through what has no matches
			misses++
			continue
		}
		misses, distance = 0, d
		for i > literals && i > d && text[i-1] == text[i-d-1] && length < maxMatch {
			i--
			length++
		}
		// A match begins behind what differs. When more differs the next time, the
		// same match begins one later.
		m.see(load64(text, i)>>8, i+1)
		m.counts.add(text[literals:i])
		m.sequences[n] = m.counts.match(i-literals, d, length)
		n++
		i += length
		literals = i
	}
	if i >= len(text)-7 {
		i = len(text)
	}
	m.counts.add(text[literals:i])
	m.end, m.distance = i, distance
	return m.sequences[:n]
}

// longer returns the longer one of two matches at i: with where the same bytes
// were looked up last, and at the distance last. If there is none, the length
// is 0.
func (m *matcher) longer(text []byte, i, last int) (distance, length int) {
	w := load64(text, i)
	distance = m.see(w, i)
	if distance > 0 && distance <= min(i, window) && uint32(w^load64(text, i-distance)) == 0 {
		length = extend(text, i-distance, i)
	}
	if last <= i && last != distance && uint32(w^load64(text, i-last)) == 0 {
		if n := extend(text, i-last, i); n > length {
			return last, n
		}
	}
	return distance, length
}

// see notes that the first six bytes of w are at i. It returns how far before
// that they were perhaps seen, in the lowest 16 bits.
func (m *matcher) see(w uint64, i int) int {
	entry := &m.table[w<<16*0x9e3779b185ebca87>>(64-tableBits)]
	d := uint16(i) - *entry
	*entry = uint16(i)
	return int(d)
}
