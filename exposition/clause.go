package exposition

import (
	"strings"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/quality"
)

// clause is one element of an Accept header, as far as it matters here.
type clause struct {
	media     media
	version   version
	quality   quality.Value
	escaping  Escaping
	hasEscape bool

	// Parameters of protobuf: the message, and what is around it.
	proto    match
	encoding match
}

// syntax returns what c is answered with, if it is served at all.
func (c clause) syntax() (Syntax, bool) {
	switch c.media {
	case anyMedia, anyText:
		return Text004, true
	case plainText:
		switch c.version {
		case unversioned, version004:
			return Text004, true
		case version100:
			return Text100, true
		}
	case openMetrics:
		switch c.version {
		// Prometheus up to 2.33 asks for 0.0.1 alone, a draft that 1.0.0 is
		// compatible with.
		case unversioned, version001, version100:
			return OpenMetrics100, true
		case version200:
			return OpenMetrics200, true
		}
	case protobuf:
		return Protobuf, c.proto == same && c.encoding == same
	}
	return 0, false
}

// covers reports whether c refuses s when its q is 0. That is stricter than
// what c is answered with: to refuse version 0.0.1 is not to refuse 1.0.0.
// The escaping plays no part: better to serve too plain a format than one that
// was refused.
func (c clause) covers(s Syntax) bool {
	named := func(v version) bool { return c.version == unversioned || c.version == v }
	switch c.media {
	case anyMedia:
		return true
	case anyText:
		return s == Text004 || s == Text100
	case anyApplication:
		return s == OpenMetrics100 || s == OpenMetrics200 || s == Protobuf
	case plainText:
		return s == Text004 && named(version004) || s == Text100 && named(version100)
	case openMetrics:
		return s == OpenMetrics100 && named(version100) || s == OpenMetrics200 && named(version200)
	case protobuf:
		return s == Protobuf && c.proto != other && c.encoding != other
	}
	return false
}

// specificity ranks */* below text/* below text/plain below
// text/plain;version=1.0.0.
func (c clause) specificity() int {
	bare := c.version == unversioned
	if c.media == protobuf {
		bare = c.proto == absent && c.encoding == absent
	}
	switch {
	case c.media == anyMedia:
		return 0
	case c.media == anyText, c.media == anyApplication:
		return 1
	case bare:
		return 2
	}
	return 3
}

const specificities = 4

// media is the type of a clause, without its parameters.
type media uint8

const (
	otherMedia     media = iota
	anyMedia             // */*
	anyText              // text/*
	anyApplication       // application/*
	plainText            // text/plain
	openMetrics          // application/openmetrics-text
	protobuf             // application/vnd.google.protobuf
)

// version is the version parameter of a clause, among those that matter.
type version uint8

const (
	unversioned version = iota
	otherVersion
	version001
	version004
	version100
	version200
)

// match is what a parameter has that must be one value.
type match uint8

const (
	absent match = iota
	same
	other
)

// parseClause reads one element of an Accept header (RFC 9110, section 12.5.1)
// and reports whether it is well formed. It bears with what clients really
// send: empty and repeated parameters, of which the first counts (Prometheus
// 3.0 to 3.2 repeat the escaping), white space around "=", parameters behind
// q, and parameters without a value, which count as absent.
func parseClause(s string) (c clause, ok bool) {
	s, params := cut(s, ';')
	c.media, ok = parseMedia(trim(s))
	for ok && params != "" {
		s, params = cut(params, ';')
		ok = c.parseParam(trim(s))
	}
	if c.quality == quality.Unstated {
		c.quality = quality.Most
	}
	return c, ok
}

func (c *clause) parseParam(s string) bool {
	if s == "" {
		return true
	}
	name, value, _ := strings.Cut(s, "=")
	name = trim(name)
	value, ok := unquote(trim(value))
	if !ok || !isToken(name) {
		return false
	}
	switch {
	case strings.EqualFold(name, "q"):
		if c.quality == quality.Unstated {
			c.quality = quality.Parse(value)
		}
	case strings.EqualFold(name, "version"):
		if c.version == unversioned {
			c.version = parseVersion(value)
		}
	case strings.EqualFold(name, "escaping"):
		if !c.hasEscape {
			scheme, known := names.ParseScheme(value)
			c.escaping, c.hasEscape = Escaping(scheme), known
		}
	case strings.EqualFold(name, "proto"):
		c.proto.compare(value, "io.prometheus.client.MetricFamily")
	case strings.EqualFold(name, "encoding"):
		c.encoding.compare(value, "delimited")
	}
	return true
}

// compare notes whether a parameter has the value that it should have, unless it
// was there before or is empty.
func (m *match) compare(value, want string) {
	switch {
	case *m != absent || value == "":
	case value == want:
		*m = same
	default:
		*m = other
	}
}

func parseMedia(s string) (media, bool) {
	main, sub, _ := strings.Cut(s, "/")
	if !isToken(main) || !isToken(sub) {
		return otherMedia, false
	}
	switch {
	case s == "*/*":
		return anyMedia, true
	case strings.EqualFold(s, "text/*"):
		return anyText, true
	case strings.EqualFold(s, "application/*"):
		return anyApplication, true
	case strings.EqualFold(s, "text/plain"):
		return plainText, true
	case strings.EqualFold(s, "application/openmetrics-text"):
		return openMetrics, true
	case strings.EqualFold(s, "application/vnd.google.protobuf"):
		return protobuf, true
	}
	return otherMedia, true
}

// parseVersion reads up to three numbers; the missing ones are 0.
func parseVersion(s string) version {
	if s == "" {
		return unversioned
	}
	var parts [3]int
	more := true
	for i := 0; more; i++ {
		var part string
		part, s, more = strings.Cut(s, ".")
		n, ok := parseNumber(part)
		if !ok || i == len(parts) {
			return otherVersion
		}
		parts[i] = n
	}
	switch parts {
	case [3]int{0, 0, 1}:
		return version001
	case [3]int{0, 0, 4}:
		return version004
	case [3]int{1, 0, 0}:
		return version100
	case [3]int{2, 0, 0}:
		return version200
	}
	return otherVersion
}

// parseNumber reads decimal digits and nothing else. A number that no version
// has comes out as some other that no version has.
func parseNumber(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = min(10*n+int(s[i]-'0'), 1000)
	}
	return n, s != ""
}

// cut splits s at the first sep that stands outside quotes.
func cut(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == '"':
			quoted = !quoted
		case b == '\\' && quoted:
			i++
		case b == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// trim strips optional white space, which is blanks and tabs only.
func trim(s string) string {
	for s != "" && isBlank(s[0]) {
		s = s[1:]
	}
	for s != "" && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

// unquote returns the value of a parameter, which is a token, a quoted string
// or nothing, and reports whether it is one of them.
func unquote(s string) (string, bool) {
	if s == "" || s[0] != '"' {
		return s, s == "" || isToken(s)
	}
	s = s[1:]
	if i := strings.IndexAny(s, `"\`); i >= 0 && s[i] == '"' {
		return s[:i], i == len(s)-1
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i == len(s)-1
		case '\\':
			if i++; i == len(s) {
				return "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", false
}

// isToken reports whether s is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(b byte) bool {
	switch {
	case '0' <= b && b <= '9', 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}
