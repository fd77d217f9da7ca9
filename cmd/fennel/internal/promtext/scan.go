package promtext

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// scanner reads one line from left to right.
type scanner struct{ rest string }

// line is a sample's line, taken apart.
type line struct {
	name   string
	labels []label
	value  number
	time   int64
}

// blanks skips blanks and tabs, and reports whether there were any.
func (s *scanner) blanks() bool {
	rest := strings.TrimLeft(s.rest, " \t")
	skipped := len(rest) < len(s.rest)
	s.rest = rest
	return skipped
}

// word takes what stands before the next blank.
func (s *scanner) word() string {
	end := strings.IndexAny(s.rest, " \t")
	if end < 0 {
		end = len(s.rest)
	}
	w := s.rest[:end]
	s.rest = s.rest[end:]
	return w
}

// take takes one byte if it is next.
func (s *scanner) take(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// bare takes a name that stands without quotes. It may not be one.
func (s *scanner) bare() string {
	end := strings.IndexAny(s.rest, " \t{}=,\"")
	if end < 0 {
		end = len(s.rest)
	}
	name := s.rest[:end]
	s.rest = s.rest[end:]
	return name
}

// bareMetric takes the name of a metric that stands without quotes.
func (s *scanner) bareMetric() (string, error) {
	switch name := s.bare(); {
	case name == "":
		return "", fmt.Errorf("the name of a metric is missing before %s", s.shown())
	case !names.LegalMetric(name):
		return "", fmt.Errorf("a metric can be called %.100q only in quotes, and on a sample's line within the braces", name)
	default:
		return name, nil
	}
}

// quoted takes a text in quotes.
func (s *scanner) quoted() (string, error) {
	if !s.take('"') {
		return "", fmt.Errorf("a text in quotes is missing before %s", s.shown())
	}
	text, n, err := unescape(s.rest, `"`)
	if err != nil {
		return "", err
	}
	if n == len(s.rest) {
		return "", fmt.Errorf("a closing quote is missing")
	}
	s.rest = s.rest[n+1:]
	return text, nil
}

// unescape undoes escapes up to the first of the bytes in end, or to the end of s,
// and returns how far it came.
func unescape(s, end string) (string, int, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s):
			i++
			switch {
			case s[i] == '\\':
				b.WriteByte('\\')
			case s[i] == 'n':
				b.WriteByte('\n')
			case s[i] == '"' && end != "":
				b.WriteByte('"')
			default:
				return "", 0, fmt.Errorf(`there is no escape \%c: write \\ for a backslash`, rune(s[i]))
			}
		case c == '\\':
			return "", 0, fmt.Errorf(`a backslash ends the line: write \\`)
		case strings.IndexByte(end, c) >= 0:
			return b.String(), i, nil
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), len(s), nil
}

// shown is what comes next, for messages.
func (s *scanner) shown() string {
	if s.rest == "" {
		return "the end of the line"
	}
	return fmt.Sprintf("%.20q", s.rest)
}

// metricName takes a name, bare or, where that may be, in quotes.
func (s *scanner) metricName() (string, error) {
	if strings.HasPrefix(s.rest, `"`) {
		name, err := s.quoted()
		if err == nil && name == "" {
			err = fmt.Errorf("the name of the metric is empty")
		}
		return name, err
	}
	return s.bareMetric()
}

// sample takes a whole sample line.
func (s *scanner) sample() (line, error) {
	l := line{time: sample.NoTime}
	s.blanks()
	var err error
	if !strings.HasPrefix(s.rest, "{") {
		if l.name, err = s.bareMetric(); err != nil {
			return l, err
		}
	}
	apart := s.blanks()
	if s.take('{') {
		if err := s.braces(&l); err != nil {
			return l, err
		}
		apart = true
		s.blanks()
	}
	if l.name == "" {
		return l, fmt.Errorf("the line has no name of a metric")
	}
	if !apart && s.rest != "" {
		return l, fmt.Errorf("a blank is missing before %s", s.shown())
	}
	if l.value, err = parseNumber(s.word()); err != nil {
		return l, err
	}
	s.blanks()
	if s.rest == "" {
		return l, nil
	}
	if l.time, err = parseTime(s.word()); err != nil {
		return l, err
	}
	s.blanks()
	if s.rest != "" {
		return l, fmt.Errorf("there is more behind the timestamp: %s", s.shown())
	}
	return l, nil
}

// braces takes labels, and the name of the metric if it stands among them, up to
// the closing brace.
func (s *scanner) braces(l *line) error {
	for {
		s.blanks()
		if s.take('}') {
			break
		}
		if err := s.pair(l); err != nil {
			return err
		}
		s.blanks()
		if s.take('}') {
			break
		}
		if !s.take(',') {
			return fmt.Errorf("a comma or a closing brace is missing before %s", s.shown())
		}
	}
	slices.SortFunc(l.labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(l.labels); i++ {
		if l.labels[i].name == l.labels[i-1].name {
			return fmt.Errorf("the label %q is there twice", l.labels[i].name)
		}
	}
	return nil
}

// pair takes a label, or the name of the metric.
func (s *scanner) pair(l *line) error {
	inQuotes := strings.HasPrefix(s.rest, `"`)
	var name string
	var err error
	if inQuotes {
		name, err = s.quoted()
	} else if name = s.bare(); name == "" {
		err = fmt.Errorf("the name of a label is missing before %s", s.shown())
	} else if !names.LegalLabel(name) {
		err = fmt.Errorf("a label can be called %.100q only in quotes", name)
	}
	if err != nil {
		return err
	}
	s.blanks()
	if !s.take('=') {
		switch {
		case !inQuotes:
			return fmt.Errorf("the label %q has no value", name)
		case l.name != "":
			return fmt.Errorf("a metric can't have two names, %q and %q", l.name, name)
		case name == "":
			return fmt.Errorf("the name of the metric is empty")
		}
		l.name = name
		return nil
	}
	if name == "" || strings.HasPrefix(name, "__") {
		return fmt.Errorf("a label can't be called %q: that is reserved", name)
	}
	s.blanks()
	value, err := s.quoted()
	if err != nil {
		return fmt.Errorf("label %q: %w", name, err)
	}
	l.labels = append(l.labels, label{name, value})
	return nil
}

// parseNumber parses a value in the spelling of the format, which is Go's without
// hexadecimal numbers and underscores.
func parseNumber(s string) (number, error) {
	if s == "" {
		return number{}, fmt.Errorf("the value is missing")
	}
	if whole, err := strconv.ParseUint(s, 10, 64); err == nil {
		return number{float: float64(whole), whole: whole, exact: true}, nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.ContainsAny(s, "xX_") {
		return number{}, fmt.Errorf("%.40q is no number", s)
	}
	return number{float: v}, nil
}

// parseTime parses a timestamp, in milliseconds since 1970, that nanoseconds have
// room for.
func parseTime(s string) (int64, error) {
	const perMillisecond = 1_000_000
	ms, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%.40q is no timestamp: it must be a number of milliseconds", s)
	case ms < 0 || ms > math.MaxInt64/perMillisecond:
		return 0, fmt.Errorf("the timestamp %d is not between 1970 and 2262: it must be in milliseconds", ms)
	}
	return ms * perMillisecond, nil
}

// checkText says what is wrong with a text as such, and in which line.
func checkText(text string) (int, string) {
	at := func(i int) int { return 1 + strings.Count(text[:i], "\n") }
	switch {
	case text == "":
		return 0, ""
	case strings.HasPrefix(text, "\uFEFF"):
		return 1, "it begins with a byte order mark: write it without"
	case !utf8.ValidString(text):
		return at(validPrefix(text)), "it is not UTF-8"
	}
	if i := strings.IndexByte(text, '\r'); i >= 0 && strings.HasPrefix(text[i:], "\r\n") {
		return at(i), "the line ends in CR LF: write LF alone"
	}
	if !strings.HasSuffix(text, "\n") {
		return at(len(text)), "the last line has no line feed: is this half a file?"
	}
	return 0, ""
}

// validPrefix returns how much of a text is UTF-8.
func validPrefix(text string) int {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			return i
		}
	}
	return len(text)
}
