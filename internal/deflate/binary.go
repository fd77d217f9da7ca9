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
// So a match may begin anywhere. It is the longer one of two: where the same six
// bytes were seen last, and at the distance of the last match. Fewer than six are
// mostly zeros and tags, which are in every message, and would hide a longer match
// that begins a little later.
func (m *matcher) nextBinary(text []byte) []sequence {
	m.counts = counts{}
	i, distance := m.end, m.distance
	literals := i // where they start
	misses, n := 0, 0
	limit := min(len(text)-7, i+maxBlock)
	for i < limit && n < maxSequences {
		w := load64(text, i)
		d, length := m.see(w, i), 0
		if d > 0 && uint32(w^load64(text, i-d)) == 0 {
			length = extend(text, i-d, i)
		}
		if distance != d && distance <= i && uint32(w^load64(text, i-distance)) == 0 {
			if again := extend(text, i-distance, i); again > length {
				d, length = distance, again
			}
		}
		if length == 0 {
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

// see returns how far before i the first six bytes of w, which are those at i,
// were perhaps seen, or 0.
func (m *matcher) see(w uint64, i int) int {
	entry := &m.table[w<<16*0x9e3779b185ebca87>>(64-tableBits)]
	d := int(uint16(i) - *entry)
	*entry = uint16(i)
	if d > min(i, window) {
		return 0
	}
	return d
}
