// Package deflate compresses exposition text, and anything else correctly.
package deflate

import "encoding/binary"

const (
	minMatch  = 4
	maxMatch  = 258
	window    = 1 << 15
	tableBits = 13

	maxSequences = 1 << 13
	maxBlock     = 1 << 18
)

// sequence is a run of literals and the match that follows it.
type sequence struct {
	literals uint32
	distance uint16 // less one
	length   uint8  // less three
	code     uint8  // of the distance
}

type Encoder struct {
	table     [1 << tableBits]uint16
	sequences [maxSequences]sequence
	block     block
	finder    finder
}

type finder struct {
	at     int // where the search goes on
	line   int // the last newline before it
	column int // last distance
}

// Append …
func (e *Encoder) Append(dst, text []byte) []byte {
	if len(text) == 0 {
		return dst
	}
	clear(e.table[:])
	e.finder = finder{column: 1, line: -1}
	w := writer{dst: dst}
	for start := 0; start < len(text); {
		n, end := e.find(text, start)
		e.block.write(&w, text[start:end], e.sequences[:n])
		start = end
	}
	w.align()
	return w.dst
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

func load64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8 : i+8]) }
