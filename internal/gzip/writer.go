// Package gzip writes bodies that are mostly what they were a moment ago.
//
// A [Writer] makes one gzip member (RFC 1952) of a body, as any gzip writer does.
// But it cuts the text into segments that don't refer to each other, and takes
// from a [Cache] those whose text was seen before. Where a segment ends follows
// from the text around that place, and not from how much came before it. So a
// number that gains a digit, or a series that comes or goes, changes the segment
// that it is in, and hardly ever another one.
//
// It is made for the formats of metrics, and right for all bytes.
package gzip

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"sync"

	"github.com/fennelmetrics/fennel/internal/deflate"
)

// Writer compresses one body after another. It is for one goroutine at a time.
type Writer struct {
	cache *Cache
	w     io.Writer
	err   error

	now  uint32 // by the cache's clock, when the body began
	work *workspace
	look int    // how much text there has to be to look for a cut
	seen int    // how much of it was looked at before
	crc  uint32 // of the segments so far
	size uint32 // of the segments so far, modulo 2^32, as the format has it
}

// workspace is what a Writer has while there is a body. It is much, so writers of
// all caches share it.
type workspace struct {
	text    []byte // that is in no segment yet
	packed  []byte // what is written next
	encoder deflate.Encoder
}

var workspaces = sync.Pool{New: func() any {
	return &workspace{text: make([]byte, 0, mostText)}
}}

const (
	// Deflate, no flags, no time, compressed for speed, system unknown.
	header = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
	// An empty block, the final one.
	end = "\x03\x00"
)

var errNoBody = errors.New("gzip: the writer has no body: it needs a Reset")

// NewWriter returns a writer that uses c, or compresses all if that is nil. It
// writes nowhere before [Writer.Reset].
func NewWriter(c *Cache) *Writer { return &Writer{cache: c, err: errNoBody} }

// Reset begins a body, which is written to w, and forgets what is left of the one
// before. With nil, the writer is put by: it holds no memory, and refuses to write.
func (z *Writer) Reset(w io.Writer) {
	z.release()
	*z = Writer{cache: z.cache, w: w}
	if w == nil {
		z.err = errNoBody
		return
	}
	z.now, z.look = z.cache.now(), z.cache.firstLook()
}

// release gives the workspace back. After an error it doesn't: the writer below
// may be one that still reads what it failed to write, as that of HTTP/2 does
// when its stream is closed.
func (z *Writer) release() {
	if z.work != nil && z.err == nil {
		z.work.text = z.work.text[:0]
		workspaces.Put(z.work)
	}
	z.work = nil
}

// begin gets a workspace and writes the header, unless that is done.
func (z *Writer) begin() {
	if z.work != nil || z.err != nil {
		return
	}
	z.work = workspaces.Get().(*workspace)
	z.work.packed = append(z.work.packed[:0], header...)
	z.write(z.work.packed)
}

// Write takes p, and writes what has become whole segments. The error is that of
// the writer below; after one, only Reset helps.
func (z *Writer) Write(p []byte) (int, error) {
	z.begin()
	rest := p
	for len(rest) > 0 && z.err == nil {
		n := min(len(rest), z.look-len(z.work.text))
		z.work.text = append(z.work.text, rest[:n]...)
		rest = rest[n:]
		if len(z.work.text) == z.look {
			z.cut()
		}
	}
	return len(p) - len(rest), z.err
}

// cut writes all segments that are complete, and keeps the rest.
func (z *Writer) cut() {
	text := z.work.text
	rest := text
	for {
		var n int
		if n, z.seen = z.cache.cut(rest, z.seen); n == 0 {
			break
		}
		z.segment(rest[:n])
		rest = rest[n:]
	}
	z.work.text = text[:copy(text, rest)]
	z.look = min(max(z.cache.firstLook(), len(rest)+lookStep), mostText)
}

// Close ends the member. It doesn't close the writer below.
func (z *Writer) Close() error {
	z.begin()
	if z.err != nil {
		return z.err
	}
	z.cut()
	if len(z.work.text) > 0 {
		z.segment(z.work.text)
	}
	b := append(z.work.packed[:0], end...)
	b = binary.LittleEndian.AppendUint32(b, z.crc)
	b = binary.LittleEndian.AppendUint32(b, z.size)
	z.work.packed = b
	z.write(b)
	if z.err != nil {
		return z.err
	}
	z.cache.sweep(z.now)
	z.Reset(nil)
	return nil
}

// segment writes a segment.
func (z *Writer) segment(text []byte) {
	crc := crc32.ChecksumIEEE(text)
	z.crc = combine(z.crc, crc, len(text))
	z.size += uint32(len(text))
	z.write(z.pack(text, crc))
}

// pack returns a segment compressed. It is good until the next one, and must not
// be changed.
func (z *Writer) pack(text []byte, crc uint32) []byte {
	k := z.cache.key(text, crc)
	e, found := z.cache.find(k, z.now)
	if found {
		return e.packed
	}
	z.work.packed = z.work.encoder.Append(z.work.packed[:0], text)
	if e.wanted() {
		z.cache.keep(k, e, z.work.packed)
	}
	return z.work.packed
}

// write writes p, unless an error has come before.
func (z *Writer) write(p []byte) {
	if z.err != nil {
		return
	}
	n, err := z.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	z.err = err
}
