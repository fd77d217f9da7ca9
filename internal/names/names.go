// Package names tells which metric and label names may stand bare in an
// exposition, and writes the others in the way that a scraper asked for.
//
// Any non-empty UTF-8 string is a name since Prometheus 3. Older servers, and
// the bare syntax of every text format, take only what the legacy charset
// allows; the escaping schemes of
// https://prometheus.io/docs/instrumenting/escaping_schemes bring the one into
// the other.
package names

// LegalMetric reports whether name may stand bare as a metric name, that is
// whether it matches [a-zA-Z_:][a-zA-Z0-9_:]* from its first byte to its last.
func LegalMetric(name string) bool { return metricChars.spell(name) }

// LegalLabel reports whether name may stand bare as a label name, that is
// whether it matches [a-zA-Z_][a-zA-Z0-9_]* from its first byte to its last.
// A colon, legal in a metric name, is not legal here.
func LegalLabel(name string) bool { return labelChars.spell(name) }

// charset is what a bare name of one kind is made of. The two kinds differ in
// nothing but the colon.
type charset struct{ colon bool }

var (
	metricChars = charset{colon: true}
	labelChars  = charset{}
)

// has reports whether r may stand at byte offset i of a bare name.
func (c charset) has(r rune, i int) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r == '_':
		return true
	case '0' <= r && r <= '9':
		return i > 0
	}
	return r == ':' && c.colon
}

// spell reports whether name is made of c alone. It looks at bytes: the bytes
// of a multi-byte rune lie outside ASCII, so none of them passes.
func (c charset) spell(name string) bool {
	for i := range len(name) {
		if !c.has(rune(name[i]), i) {
			return false
		}
	}
	return name != ""
}
