// Package snappy compresses into streams of the Snappy framing format, as defined
// by framing_format.txt and format_description.txt of github.com/google/snappy. It
// is for texts that are compressed seldom, and so is simple rather than fast.
package snappy

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	streamStart = "\xff\x06\x00\x00sNaPpY"
	headSize    = 8 // of a chunk: its kind, its length, a checksum
	maxChunk    = 1 << 16

	compressed = 0x00
	plain      = 0x01
)

// Encode returns text as a stream, which depends on nothing else.
func Encode(text []byte) []byte {
	var e encoder
	out := append(make([]byte, 0, len(streamStart)+len(text)/2), streamStart...)
	for len(text) > 0 {
		n := min(len(text), maxChunk)
		out = e.appendChunk(out, text[:n])
		text = text[n:]
	}
	return out
}

// appendChunk appends a chunk, as it is if it doesn't get smaller.
func (e *encoder) appendChunk(out, text []byte) []byte {
	start, kind := len(out), byte(compressed)
	out = append(out, make([]byte, headSize)...)
	out = e.appendBlock(out, text)
	if len(out)-start-headSize >= len(text) {
		kind = plain
		out = append(out[:start+headSize], text...)
	}
	head := out[start:]
	binary.LittleEndian.PutUint32(head, uint32(len(head)-4)<<8|uint32(kind))
	// The table is made once, and only in programs that get here.
	sum := crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli))
	binary.LittleEndian.PutUint32(head[4:], (sum>>15|sum<<17)+0xa282ead8)
	return out
}
