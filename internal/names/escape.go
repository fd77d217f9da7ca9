package names

import (
	"slices"
	"strconv"
	"strings"
)

// Scheme is one of the four ways to write a name that may not stand bare.
// The zero value, Underscores, is the default when nothing was negotiated.
// A value out of range acts as Underscores.
type Scheme uint8

const (
	// Underscores writes one "_" for each illegal rune. Different names may
	// come out the same: "a.b" and "a-b" both give "a_b".
	Underscores Scheme = iota
	// AllowUTF8 leaves every name as it is; the encoder puts it in quotes.
	AllowUTF8
	// Dots writes "_dot_" for ".", "__" for "_" and "__" for any other illegal
	// rune, so that dotted names stay readable. Different names may come out
	// the same.
	Dots
	// Values writes "U__", then "__" for "_" and "_<hex>_" for any other illegal
	// rune. It loses nothing: each name can be read back.
	Values
)

// All returns all schemes.
func All() [4]Scheme { return [...]Scheme{AllowUTF8, Underscores, Dots, Values} }

// Spellings returns the metric names as all schemes write them, each once.
func Spellings(metrics ...string) []string {
	var all []string
	for _, m := range metrics {
		for _, scheme := range All() {
			if s := scheme.Metric(m); !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

var schemes = [...]string{
	Underscores: "underscores",
	AllowUTF8:   "allow-utf-8",
	Dots:        "dots",
	Values:      "values",
}

// String returns the scheme as the escaping parameter of a media type names it.
func (s Scheme) String() string {
	if int(s) >= len(schemes) {
		return schemes[Underscores]
	}
	return schemes[s]
}

// ParseScheme returns the scheme that String gives as s, in upper or lower
// case, and whether there is one.
func ParseScheme(s string) (Scheme, bool) {
	for i, name := range schemes {
		// Equal length keeps EqualFold to ASCII: every rune beyond ASCII that
		// folds to a letter is longer than the letter.
		if len(s) == len(name) && strings.EqualFold(s, name) {
			return Scheme(i), true
		}
	}
	return Underscores, false
}

// Metric returns the metric name as the scheme writes it. Give it the whole
// name of the sample, suffix included: escaping first and appending "_total"
// after gives a name that Values can't read back.
//
// A legal name is returned as it is, without allocation, under each scheme.
// Under Dots this departs from the text of the specification and follows what
// prometheus/common puts on the wire, so that "foo_bar" does not change its
// name with the scraper. The price under Dots and Values is that a legal name
// which looks escaped ("a_dot_b") is not told from the one that was ("a.b").
// The empty name is returned as it is.
func (s Scheme) Metric(name string) string { return s.escape(name, metricChars) }

// Label returns the label name as the scheme writes it. It does as Metric
// does, but a colon is not legal in a label name, and so is escaped.
func (s Scheme) Label(name string) string { return s.escape(name, labelChars) }

func (s Scheme) escape(name string, c charset) string {
	if s == AllowUTF8 || name == "" || c.spell(name) {
		return name
	}
	var buf [128]byte
	switch s {
	case Dots:
		return string(appendDots(buf[:0], name, c))
	case Values:
		return string(appendValues(buf[:0], name, c))
	default:
		return string(appendUnderscores(buf[:0], name, c))
	}
}

// The loops below go by rune, and a byte that is not UTF-8 counts as one
// U+FFFD: "é" is one underscore, not two.

func appendUnderscores(dst []byte, name string, c charset) []byte {
	for i, r := range name {
		if c.has(r, i) {
			dst = append(dst, byte(r))
		} else {
			dst = append(dst, '_')
		}
	}
	return dst
}

func appendDots(dst []byte, name string, c charset) []byte {
	for i, r := range name {
		switch {
		case r == '.':
			dst = append(dst, "_dot_"...)
		case r != '_' && c.has(r, i):
			dst = append(dst, byte(r))
		default:
			// The specification says "_" for what is not "_" itself; both
			// client_golang and client_java write two, and servers see those.
			dst = append(dst, "__"...)
		}
	}
	return dst
}

func appendValues(dst []byte, name string, c charset) []byte {
	dst = append(dst, "U__"...)
	for i, r := range name {
		switch {
		case r == '_':
			dst = append(dst, "__"...)
		case c.has(r, i):
			dst = append(dst, byte(r))
		default:
			dst = append(dst, '_')
			dst = strconv.AppendInt(dst, int64(r), 16)
			dst = append(dst, '_')
		}
	}
	return dst
}

// AppendQuoted appends name to dst as a quoted name: between double quotes,
// with \, " and newline written as \\, \" and \n. See "Quoting" in
// https://prometheus.io/docs/instrumenting/exposition_formats. It is not inlined: to
// the compiler appending is small, in a program it is large.
//
//go:noinline
func AppendQuoted(dst []byte, name string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(name) {
		var esc string
		switch name[i] {
		case '\\':
			esc = `\\`
		case '"':
			esc = `\"`
		case '\n':
			esc = `\n`
		default:
			continue
		}
		dst = append(dst, name[start:i]...)
		dst = append(dst, esc...)
		start = i + 1
	}
	dst = append(dst, name[start:]...)
	return append(dst, '"')
}
