package series

import "unsafe"

// Layout is what the label texts of one label set type have in common.
type Layout struct {
	// before[i] stands in front of value i: `method="` for the first, with the
	// constant labels in front of that, and `",status="` for the others.
	before []string
	// skips are the lengths of before.
	skips []int
	// size is the length of all of before and the closing quote.
	size int
	// fixed is the whole text where no label varies.
	fixed string
}

// NewLayout prepares the text of label sets with these constant labels
// (name, value, name, value …) and these names of labels that vary.
func NewLayout(constant, varying []string) Layout {
	var b []byte
	for i := 0; i+1 < len(constant); i += 2 {
		b = AppendLabel(b, i == 0, constant[i], constant[i+1])
	}
	l := Layout{fixed: string(b)}
	for i, name := range varying {
		if i > 0 {
			b = append(b[:0], '"') // which closes the value before
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = appendName(b, name)
		b = append(b, '=', '"')
		l.before = append(l.before, string(b))
		l.skips = append(l.skips, len(b))
		l.size += len(b)
	}
	if len(varying) > 0 {
		l.size++
	}
	return l
}

// Append renders a label set: one value for each label that varies.
func (l *Layout) Append(dst []byte, values []string) []byte {
	if len(l.before) == 0 {
		return append(dst, l.fixed...)
	}
	for i, v := range values {
		dst = append(dst, l.before[i]...)
		dst = AppendValue(dst, v)
	}
	return append(dst, '"')
}

// equal reports whether text, in which no value needed an escape, is
// the rendering of values.
func (l *Layout) equal(text string, values []string) bool {
	n := l.size
	for i := range values {
		n += len(values[i])
	}
	return n == len(text) && l.lieAlong(unsafe.Pointer(unsafe.StringData(text)), values)
}

// lieAlong is equal for a text that is known to be as long as the rendering of
// values is. It looks at values, and at the quotes around them.
//
// It never searches for the end of a value: pieces and values are laid along
// the text one after the other. A value that holds a quote can't slip through. The
// first one that ends otherwise than the text's ends too early, inside of that, which
// has no quote; or the next begins too late, inside of the text's again, or even
// behind it, and then it ends too late itself. The last one would do so, too, but the
// lengths agree. That is so whatever quotes the names have.
//
// As long as the lengths agree nothing is read that is not in the text, whatever
// differs, so that is asked once, at the end.
func (l *Layout) lieAlong(text unsafe.Pointer, values []string) bool {
	var diff uint64
	p := text
	for i, skip := range l.skips {
		if i > 0 {
			diff |= load8(p, 0) ^ '"'
		}
		p = unsafe.Add(p, skip)
		diff |= load8(p, -1) ^ '"'
		// Label values are short: calling the runtime's comparison takes longer
		// than comparing.
		v, n := unsafe.Pointer(unsafe.StringData(values[i])), len(values[i])
		if n >= 8 {
			for i := 0; i < n-16; i += 16 {
				diff |= (load64(p, i) ^ load64(v, i)) | (load64(p, i+8) ^ load64(v, i+8))
			}
			m := max(n-16, 0)
			diff |= (load64(p, m) ^ load64(v, m)) | (load64(p, n-8) ^ load64(v, n-8))
		} else if n >= 4 {
			diff |= (load32(p, 0) ^ load32(v, 0)) | (load32(p, n-4) ^ load32(v, n-4))
		} else if n >= 2 {
			diff |= (load16(p, 0) ^ load16(v, 0)) | (load16(p, n-2) ^ load16(v, n-2))
		} else if n > 0 {
			diff |= load8(p, 0) ^ load8(v, 0)
		}
		p = unsafe.Add(p, n)
	}
	return diff == 0
}

// equalEscaped is equal for a text in which a value was escaped.
func (l *Layout) equalEscaped(text string, values []string) bool {
	for i, v := range values {
		text = text[len(l.before[i]):]
		n := escapedPrefix(text, v)
		if n < 0 {
			return false
		}
		text = text[n:]
	}
	return true
}

// escapedPrefix returns the length of the rendering of value that text starts
// with, up to the closing quote, or -1 if it does not start with that.
func escapedPrefix(text, value string) int {
	n := 0
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c == '\\' || c == '"' || c == '\n' {
			if text[n] != '\\' {
				return -1
			}
			n++
			c = escapeLetter(c)
		}
		// The closing quote ends the text's value at the latest: an unescaped
		// byte of value is never equal to it.
		if text[n] != c {
			return -1
		}
		n++
	}
	if text[n] != '"' {
		return -1
	}
	return n
}

// values takes a text apart again. The strings do not share its memory.
func (l *Layout) values(text string) []string {
	out := make([]string, len(l.before))
	for i, b := range l.before {
		text = text[len(b):]
		end := closingQuote(text)
		out[i] = Unescape(text[:end])
		text = text[end:]
	}
	return out
}
