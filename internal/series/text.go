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

// Labels yields the names and values of a label text. They do not share its
// memory.
func Labels(text string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for name, value := range RawLabels(text) {
			if !yield(Unescape(name), Unescape(value)) {
				return
			}
		}
	}
}

// RawLabels yields the names and values as they stand in the text, escaped and
// without quotes.
func RawLabels(text string) iter.Seq2[string, string] {
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
	for name, value := range RawLabels(text) {
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
	return string(AppendUnescaped(make([]byte, 0, len(s)), s))
}

// AppendUnescaped appends what Unescape returns.
func AppendUnescaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			i++
			if c = s[i]; c == 'n' {
				c = '\n'
			}
		}
		dst = append(dst, c)
	}
	return dst
}
