package series

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fennelmetrics/fennel/internal/names"
)

// Text is how the labels of a series are kept: rendered once, as all text
// formats write them, `method="GET",status="200"`. A value needs no copy
// beside it, because the rendering can be compared with values and taken
// apart again.

// Layout is what the label texts of one label set type have in common.
type Layout struct {
	// before[i] stands in front of value i: `method="` for the first, with the
	// constant labels in front of that, and `",status="` for the others.
	before []string
	// size is the length of all of before and the closing quote.
	size int
	// fixed is the whole text where no label varies.
	fixed string
	// quoted says that there are quotes in before that are not a value's.
	quoted bool
}

// NewLayout prepares the text of label sets with these constant labels
// (name, value, name, value …) and these names of labels that vary.
func NewLayout(constant, varying []string) Layout {
	var b []byte
	for i := 0; i+1 < len(constant); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendName(b, constant[i])
		b = append(b, '=', '"')
		b = AppendValue(b, constant[i+1])
		b = append(b, '"')
	}
	l := Layout{fixed: string(b)}
	for i, name := range varying {
		if i > 0 {
			b = append(b[:0], '"')
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = appendName(b, name)
		b = append(b, '=', '"')
		l.before = append(l.before, string(b))
		l.quoted = l.quoted || !names.LegalLabel(name)
		l.size += len(b)
	}
	if len(varying) > 0 {
		l.size++
	}
	return l
}

func appendName(dst []byte, name string) []byte {
	if names.LegalLabel(name) {
		return append(dst, name...)
	}
	return names.AppendQuoted(dst, name)
}

// AppendLabel adds `name="value"` to label text, after a comma unless it is the
// first. The name must be valid; the value is escaped.
func AppendLabel(dst []byte, first bool, name, value string) []byte {
	if !first {
		dst = append(dst, ',')
	}
	dst = appendName(dst, name)
	dst = append(dst, '=', '"')
	dst = AppendValue(dst, value)
	return append(dst, '"')
}

// AppendValue appends a label value with backslash, quote and line feed escaped.
func AppendValue(dst []byte, value string) []byte {
	for {
		i := strings.IndexAny(value, "\\\"\n")
		if i < 0 {
			return append(dst, value...)
		}
		dst = append(dst, value[:i]...)
		dst = append(dst, '\\', escapeLetter(value[i]))
		value = value[i+1:]
	}
}

func escapeLetter(c byte) byte {
	if c == '\n' {
		return 'n'
	}
	return c
}

func needsEscape(values []string) bool {
	for _, v := range values {
		if strings.ContainsAny(v, "\\\"\n") {
			return true
		}
	}
	return false
}

// Mend returns value with what is not UTF-8 replaced by U+FFFD.
func Mend(value string) string { return strings.ToValidUTF8(value, "\uFFFD") }

// MendAll returns the values with what is not UTF-8 replaced, or nil if there is
// nothing to replace.
func MendAll(values []string) []string {
	if !slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) }) {
		return nil
	}
	mended := make([]string, len(values))
	for i, v := range values {
		// Also those that are valid: they may lie on the caller's stack.
		mended[i] = strings.Clone(Mend(v))
	}
	return mended
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

// equal reports whether text, in which no value needed an escape, is the
// rendering of values.
//
// It never searches for the end of a value: pieces and values are laid along
// the text one after the other, and both lengths must agree. A value that holds
// a quote can't slip through: the text has as many quotes as the pieces have,
// and each piece has found its own.
func (l *Layout) equal(text string, values []string) bool {
	n := l.size
	for _, v := range values {
		n += len(v)
	}
	if n != len(text) {
		return false
	}
	p := 0
	for i, v := range values {
		b := l.before[i]
		q := p + len(b)
		if i > 0 && (text[p] != '"' || text[q-1] != '"' || l.quoted && text[p:q] != b) {
			return false
		}
		p = q + len(v)
		if !same(text[q:p], v) {
			return false
		}
	}
	return true
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

// Labels yields the names and values of a label text. They do not share its
// memory.
func Labels(text string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for name, value := range rawLabels(text) {
			if !yield(Unescape(name), Unescape(value)) {
				return
			}
		}
	}
}

// rawLabels yields the names and values as they stand in the text, escaped and
// without quotes.
func rawLabels(text string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for text != "" {
			text = strings.TrimPrefix(text, ",")
			var name string
			if text[0] == '"' {
				end := 1 + closingQuote(text[1:])
				name, text = text[1:end], text[end+1:]
			} else {
				end := strings.IndexByte(text, '=')
				name, text = text[:end], text[end:]
			}
			text = text[len(`="`):]
			end := closingQuote(text)
			if !yield(name, text[:end]) {
				return
			}
			text = text[end+1:]
		}
	}
}

// AppendRenamed appends a label text with the names that rename returns, one for
// each label. Names and values are escaped as in the text.
func AppendRenamed(dst []byte, text string, rename func(i int, name string) string) []byte {
	i := 0
	for name, value := range rawLabels(text) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, rename(i, name)...)
		dst = append(dst, '=', '"')
		dst = append(dst, value...)
		dst = append(dst, '"')
		i++
	}
	return dst
}

// closingQuote returns the index of the first quote that is not escaped.
func closingQuote(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(s)
}

// Unescape undoes AppendValue. The result does not share the argument's memory.
func Unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return strings.Clone(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			i++
			if c = s[i]; c == 'n' {
				c = '\n'
			}
		}
		b = append(b, c)
	}
	return string(b)
}

// Compare orders two label texts with the same names by their values, in the
// order of the names.
func Compare(a, b string) int {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	if i == n {
		return len(a) - len(b)
	}
	escaped := escapesNext(a[:i])
	return rank(a[i:], escaped) - rank(b[i:], escaped)
}

// escapesNext reports whether what follows s is the second half of an escape:
// whether s ends in an odd number of backslashes.
func escapesNext(s string) bool {
	odd := false
	for i := len(s) - 1; i >= 0 && s[i] == '\\'; i-- {
		odd = !odd
	}
	return odd
}

// rank says where the byte at the start of a rendered value sorts: the end of
// the value before everything else, an escape as what it stands for.
func rank(s string, escaped bool) int {
	c := s[0]
	switch {
	case escaped && c == 'n':
		return '\n'
	case escaped:
		return int(c)
	case c == '"':
		return -1
	case c == '\\' && len(s) > 1:
		return rank(s[1:], true)
	}
	return int(c)
}
