// Package gzip compresses bodies of metrics into gzip members (RFC 1952), in
// segments: pieces that don't refer to each other. The compressed bytes of a
// segment are kept in a [Cache] and sent again as long as its text is the same.
//
// Where a segment ends follows from the text itself, not from how much came
// before it. So a number that gains a digit, or a series that comes or goes,
// changes the segment that it is in, and hardly ever another one.
package gzip

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"hash/maphash"
	"io"

	"github.com/fennelmetrics/fennel/internal/deflate"
)

// Writer compresses one body after another, each as one gzip member. It is for
// one goroutine at a time.
type Writer struct {
	w     io.Writer
	cache *Cache // nil for none
	seed  maphash.Seed
	err   error

	text    []byte // that is in no segment yet
	scanned int    // how much of it has no place for a cut
	packed  []byte // what is written next
	crc     uint32
	size    uint32 // of the body, modulo 2^32, as the format has it
	begun   bool   // the header is out

	encoder deflate.Encoder
}

// NewWriter returns a writer that uses c, or compresses all if that is nil. It
// writes nowhere before [Writer.Reset].
func NewWriter(c *Cache) *Writer {
	z := &Writer{cache: c, text: make([]byte, 0, textRoom)}
	if c != nil {
		z.seed = c.seed
	} else {
		z.seed = maphash.MakeSeed()
	}
	z.Reset(nil)
	return z
}

// Reset begins a body, which is written to w. With nil, the writer is put by and
// refuses to write.
func (z *Writer) Reset(w io.Writer) {
	z.w, z.err = w, nil
	z.text, z.packed = z.text[:0], z.packed[:0]
	z.scanned, z.crc, z.size, z.begun = 0, 0, 0, false
	if w == nil {
		z.err = errors.New("gzip: write without Reset")
		return
	}
	if z.cache != nil {
		z.cache.begin()
	}
}

// Write takes p, and writes what has become whole segments. The error is that of
// the writer below; after one, only Reset helps.
func (z *Writer) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		taken := min(len(p)-n, cap(z.text)-len(z.text))
		z.text = append(z.text, p[n:n+taken]...)
		n += taken
		z.cut()
		if z.err != nil {
			return 0, z.err
		}
	}
	return len(p), z.err
}

// Close ends the member. It doesn't close the writer below.
func (z *Writer) Close() error {
	if len(z.text) > 0 {
		z.segment(z.text)
		z.text = z.text[:0]
	}
	z.begin()
	z.packed = append(z.packed, 0x03, 0x00) // an empty block, the final one
	z.packed = binary.LittleEndian.AppendUint32(z.packed, z.crc)
	z.packed = binary.LittleEndian.AppendUint32(z.packed, z.size)
	z.flush()
	err := z.err
	if err == nil {
		z.err = errors.New("gzip: write after Close")
	}
	return err
}

// cut writes all segments that are complete, and keeps the rest.
func (z *Writer) cut() {
	start := 0
	for {
		n, ok := findCut(z.seed, z.text[start:], z.scanned)
		if !ok {
			z.scanned = n
			break
		}
		z.segment(z.text[start : start+n])
		start += n
		z.scanned = 0
	}
	z.text = z.text[:copy(z.text, z.text[start:])]
}

// segment writes a segment of the body.
func (z *Writer) segment(text []byte) {
	if z.err != nil {
		return
	}
	z.begin()
	crc := crc32.ChecksumIEEE(text)
	z.crc = combine(z.crc, crc, len(text))
	z.size += uint32(len(text))
	if z.cache == nil || len(text) < leastCached {
		z.packed = z.encoder.Append(z.packed, text)
		z.flush()
		return
	}
	k := key{maphash.Bytes(z.seed, text), crc, uint32(len(text))}
	packed, seen := z.cache.find(k)
	if packed != nil {
		z.flush()
		z.write(packed)
		return
	}
	start := len(z.packed)
	z.packed = z.encoder.Append(z.packed, text)
	if seen && z.cache.fits(len(z.packed)-start) {
		z.cache.keep(k, z.packed[start:])
	}
	z.flush()
}

// begin puts the header before the first bytes.
func (z *Writer) begin() {
	if !z.begun {
		z.begun = true
		// Deflate, no flags, no time, compressed for speed, system unknown.
		z.packed = append(z.packed, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff)
	}
}

// flush writes what is packed.
func (z *Writer) flush() {
	z.write(z.packed)
	z.packed = z.packed[:0]
}

func (z *Writer) write(p []byte) {
	if z.err == nil && len(p) > 0 {
		_, z.err = z.w.Write(p)
	}
}
