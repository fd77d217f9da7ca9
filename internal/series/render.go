package series

import (
	"bytes"
	"unicode/utf8"
	"unsafe"
)

// Render appends the text of a label set, in which what is not UTF-8 is replaced,
// and reports whether there was something to replace. The values are not kept.
func (l *Layout) Render(dst []byte, values []string) (text []byte, mended bool) {
	if len(l.before) == 0 {
		return append(dst, l.fixed...), false
	}
	for i, v := range values {
		dst = append(dst, l.before[i]...)
		switch {
		case plain(v):
			dst = append(dst, v...)
		case utf8.ValidString(v):
			dst = AppendValue(dst, v)
		default:
			dst, mended = AppendValue(dst, Mend(v)), true
		}
	}
	return append(dst, '"'), mended
}

// Renders reports whether text, which l has rendered, is what it makes of values.
// It is not for values that have to be mended: those it never finds alike. The
// text is said to be escaped if there may be a backslash in it.
func (l *Layout) Renders(text string, escaped bool, values []string) bool {
	switch {
	case len(l.before) == 0:
		return true // all texts are the same
	case escaped:
		return l.equalEscaped(text, values)
	}
	return l.equal(text, values)
}

// Hash returns a hash of values. A seed that is secret keeps others from preparing
// values that collide.
func Hash(seed uint64, values []string) uint32 { return hashValues(seed, values) }

// HashText returns the hash of the values as they stand in a text that l has
// rendered: that of the values themselves if nothing is escaped. It uses the memory
// of raw.
func (l *Layout) HashText(seed uint64, text string, raw []string) uint32 {
	raw = raw[:0]
	for _, b := range l.before {
		text = text[len(b):]
		end := closingQuote(text)
		raw, text = append(raw, text[:end]), text[end:]
	}
	return hashValues(seed, raw)
}

// Each bit pattern has one byte in all places of a word.
const (
	lowBits   = 0x0101010101010101
	highBits  = 0x8080808080808080
	quotes    = '"' * lowBits
	slashes   = '\\' * lowBits
	lineFeeds = '\n' * lowBits
)

// special has a bit set if one of the bytes of a word is not ASCII, or is escaped
// in label text. Subtracting 1 borrows from the high bit of a byte that was 0, and
// of others only above such a byte: whether there is one is told exactly.
func special(x uint64) uint64 {
	q, s, n := x^quotes, x^slashes, x^lineFeeds
	return (x | (q-lowBits)&^q | (s-lowBits)&^s | (n-lowBits)&^n) & highBits
}

// plain reports whether a value is valid UTF-8, and in label text the same, because
// all of it is ASCII and nothing is escaped. It may be false for others that are.
func plain(s string) bool {
	p, n := unsafe.Pointer(unsafe.StringData(s)), len(s)
	switch {
	case n >= 8:
		for i := 0; i < n-8; i += 8 {
			if special(load64(p, i)) != 0 {
				return false
			}
		}
		return special(load64(p, n-8)) == 0
	case n >= 4:
		return special(load32(p, 0)|load32(p, n-4)<<32) == 0
	case n > 0:
		return special(load8(p, 0)|load8(p, n/2)<<8|load8(p, n-1)<<16) == 0
	}
	return true
}

// Escaped reports whether there is a backslash in a label text, as there is where
// something was escaped.
func Escaped(text []byte) bool { return bytes.IndexByte(text, '\\') >= 0 }
