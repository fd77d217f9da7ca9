// Package deflate compresses exposition text. It takes any bytes, but knows
// what such text looks like: a line begins as the one before it does, differs
// from it in one or two label values, which were seen a few lines ago, and ends
// in a number, which was not. So it looks for a match in few places, and is
// faster than what searches everywhere. What is no text, as protobuf, is searched
// everywhere.
package deflate

// Encoder compresses pieces of text, each for itself. The zero
// value is ready to use. It takes about 100 KB and must not be used by several
// goroutines at the same time.
type Encoder struct {
	matcher matcher
	block   block
}

// Append appends text to dst as blocks of raw DEFLATE (RFC 1951) and returns
// the result. That depends on nothing but text, refers to nothing before it,
// ends on a byte boundary, and has no final block: so pieces can be kept, and put
// one after another in any order, with a final block of the caller's behind the
// last. An empty text adds nothing. The Encoder keeps neither dst nor text.
//
// It allocates only if dst has no room: 32 bytes more than are appended always
// suffice. What can't be made smaller grows by less than one part in 4096 and 16
// bytes.
func (e *Encoder) Append(dst, text []byte) []byte {
	if len(text) == 0 {
		return dst
	}
	w := writer{dst: dst}
	e.matcher.reset()
	binary := isBinary(text)
	for len(text) > e.matcher.end {
		start := e.matcher.end
		var sequences []sequence
		if binary {
			sequences = e.matcher.nextBinary(text)
		} else {
			sequences = e.matcher.next(text)
		}
		e.block.write(&w, text[start:e.matcher.end], sequences, &e.matcher.counts)
	}
	w.align()
	return w.dst
}
