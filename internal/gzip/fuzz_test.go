package gzip

import (
	"bytes"
	"testing"
)

// FuzzWriter writes a body, and what becomes of it by small edits, through one
// cache, in pieces of any size.
func FuzzWriter(f *testing.F) {
	f.Add([]byte("a{b=\"c\"} 1\n"), []byte{3, 200, 7, 1, 0, 9}, uint16(1000), uint16(9000))
	f.Add([]byte{0, 1, 2, '\n', 255}, []byte{0, 0, 0, 255, 255, 1}, uint16(1), uint16(65535))
	f.Add([]byte("x"), []byte{}, uint16(0), uint16(65535))
	c := NewCache(1 << 20)
	z := NewWriter(c)
	f.Fuzz(func(t *testing.T, part, edits []byte, step, times uint16) {
		body := bytes.Repeat(part, min(int(times), 400_000/(len(part)+1)))
		for range 3 { // seen, kept, found
			check(t, compress(t, z, body, int(step)+64), body)
		}
		for ; len(edits) >= 3 && len(body) > 0; edits = edits[3:] {
			at := (int(edits[0])<<8 | int(edits[1])) * 7 % len(body)
			switch edits[2] % 3 {
			case 0:
				body[at] ^= edits[2] | 1
			case 1:
				body = append(body[:at], body[at+1:]...)
			case 2:
				body = append(body[:at], append([]byte{edits[2]}, body[at:]...)...)
			}
			check(t, compress(t, z, body, int(step)+64), body)
		}
	})
}
