package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fennelmetrics/fennel/exposition"
)

// unquote returns metadata with the names as they were given: the server's text
// parsers leave the escapes in the quoted name of a metadata line as they are.
func unquote[V any](families map[string]V) map[string]V {
	out := make(map[string]V, len(families))
	for name, m := range families {
		out[unescapeQuoted.Replace(name)] = m
	}
	return out
}

// unquote is the function unquote for all metadata.
func (p *Parsed) unquote() {
	p.Types, p.Helps, p.Units = unquote(p.Types), unquote(p.Helps), unquote(p.Units)
}

var (
	unescapeQuoted = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`)
	escapeQuoted   = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// diff says how what a parser has read differs from what is expected; it is empty
// if it doesn't.
func (e *expected) diff(got Parsed) string {
	var b strings.Builder
	b.WriteString(diff(got.values(), e.values))
	b.WriteString(diffNatives(got.natives(), e.natives))
	if len(got.Samples) != e.lines {
		fmt.Fprintf(&b, "%d samples, want %d\n", len(got.Samples), e.lines)
	}
	for _, s := range got.Samples {
		for _, d := range []string{e.diffTime(s), e.diffStart(s), e.diffExemplars(s.Name, s.Exemplars)} {
			if d != "" {
				fmt.Fprintf(&b, "%.300s: %s\n", s.Name, d)
			}
		}
	}
	families := make(map[string]metadata)
	for name, typ := range got.Types {
		families[name] = metadata{typ, got.Helps[name], got.Units[name]}
	}
	b.WriteString(e.diffFamilies(families))
	return b.String()
}

// diffFamilies says how metadata by family, as Prometheus has it, differs from
// what is expected.
func (e *expected) diffFamilies(got map[string]metadata) string {
	var b strings.Builder
	for name, m := range e.families {
		if got[name] != m {
			fmt.Fprintf(&b, "metadata of %q: got %+q, want %+q\n", name, got[name], m)
		}
	}
	if len(got) != len(e.families) {
		fmt.Fprintf(&b, "%d families, want %d\n", len(got), len(e.families))
	}
	return b.String()
}

// diffTime says how the timestamp of a sample differs from what is expected.
func (e *expected) diffTime(s Sample) string {
	want := e.times[s.Name]
	switch {
	case len(want) > 0 != (s.Timestamp != nil):
		return fmt.Sprintf("has a timestamp: %v, want %v", s.Timestamp != nil, want)
	case len(want) == 0 || slices.ContainsFunc(want, func(at int64) bool { return e.sameTime(*s.Timestamp, at) }):
		return ""
	}
	return fmt.Sprintf("timestamp is %d, want %d", *s.Timestamp, want)
}

// sameTime reports whether a time in milliseconds is as expected. Of OpenMetrics
// Prometheus reads seconds as a float, times 1000, and cuts the rest.
func (e *expected) sameTime(got, want int64) bool {
	seconds := e.openMetrics() || e.format.Syntax == exposition.OpenMetrics200
	return got == want || seconds && (got == want-1 || got == want+1)
}

// diffStart says how the start time of a sample differs from what is expected.
func (e *expected) diffStart(s Sample) string {
	if want := e.starts[s.Name]; !e.sameTime(s.Start, want) {
		return fmt.Sprintf("start time is %d, want %d", s.Start, want)
	}
	return ""
}

// diffExemplars says how the exemplars of a series differ from those that it
// may have. The series of a float has one of them, a native histogram has all.
func (e *expected) diffExemplars(series string, got []Exemplar) string {
	want := slices.Clone(e.exemplars[series])
	n := len(want)
	if _, all := e.natives[series]; !all && e.format.Syntax != exposition.OpenMetrics200 {
		n = min(n, 1)
	}
	if len(got) > n || len(got) < n && !e.partly[series] {
		return fmt.Sprintf("%d exemplars %v, want %d of %v", len(got), got, n, want)
	}
	for _, x := range got {
		i := slices.IndexFunc(want, func(w Exemplar) bool {
			return x.Labels == w.Labels && same(x.Value, w.Value) && x.Timestamp != nil && e.sameTime(*x.Timestamp, *w.Timestamp)
		})
		if i < 0 {
			return fmt.Sprintf("exemplar %v is none of %v", x, want)
		}
		want = slices.Delete(want, i, i+1)
	}
	return ""
}

// withHelps returns e with other help texts.
func (e expected) withHelps(mapping func(string) string) expected {
	e.families = maps.Clone(e.families)
	for name, m := range e.families {
		m.Help = mapping(m.Help)
		e.families[name] = m
	}
	return e
}

// ignore drops the metrics whose names are to be ignored.
func (e *expected) ignore(name func(string) bool) {
	for series := range e.values {
		if name(series) {
			delete(e.values, series)
			e.lines--
		}
	}
	for series := range e.natives {
		if name(series) {
			delete(e.natives, series)
			e.lines--
		}
	}
	maps.DeleteFunc(e.families, func(family string, _ metadata) bool { return name(family) })
}

// ignore drops the metrics whose names are to be ignored.
func (p *Parsed) ignore(name func(string) bool) {
	p.Samples = slices.DeleteFunc(p.Samples, func(s Sample) bool { return name(s.Name) })
	for _, set := range []map[string]string{p.Types, p.Helps, p.Units} {
		maps.DeleteFunc(set, func(family, _ string) bool { return name(family) })
	}
}
