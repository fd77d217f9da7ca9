package integration

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/common/model"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// expected is what Prometheus should make of a registry that it was served in
// one format. It is computed from what the registry says that it holds, and
// shares no code with the writers.
type expected struct {
	format   exposition.Format
	values   map[string]float64 // by series, as [seriesName] spells it
	times    map[string]int64   // milliseconds, of those that have a timestamp
	families map[string]metadata
	lines    int // how many samples there are

	all []fennel.Family
}

// expect gathers from g and returns what a scrape in this format should give.
func expect(t *testing.T, g fennel.Gatherer, format exposition.Format) expected {
	t.Helper()
	families, err := fennel.Gather(t.Context(), g)
	if err != nil && !fennel.Partial(err) {
		t.Fatal(err)
	}
	e := expected{
		format:   format,
		values:   make(map[string]float64),
		times:    make(map[string]int64),
		families: make(map[string]metadata),
		all:      families,
	}
	for i := range families {
		e.addFamily(&families[i])
	}
	return e
}

// openMetrics reports whether the format is OpenMetrics.
func (e *expected) openMetrics() bool {
	return strings.HasPrefix(e.format.ContentType(), "application/openmetrics-text")
}

func (e *expected) addFamily(f *fennel.Family) {
	name, typ := e.header(f)
	unit := ""
	if u := e.metric(f.Unit); e.openMetrics() && u != "" && strings.HasSuffix(name, "_"+u) {
		unit = u
	}
	e.families[name] = metadata{Type: typ, Help: f.Help, Unit: unit}
	for i := range f.Samples {
		e.addSample(f, &f.Samples[i])
	}
}

// header returns the name and the type that the metadata of a family has.
func (e *expected) header(f *fennel.Family) (name, typ string) {
	name, typ = f.Name, f.Type.String()
	if !e.openMetrics() {
		if f.Type == fennel.TypeInfo || f.Type == fennel.TypeStateSet {
			typ = "gauge" // the text format has no better word
		}
		return e.metric(name), typ
	}
	base := baseName(f)
	switch shadowed := e.shadowed(f); {
	case f.Type == fennel.TypeInfo && shadowed:
		typ = "gauge"
	case f.Type == fennel.TypeCounter && (shadowed || base == name):
		typ = "unknown" // OpenMetrics has no counters without the suffix
	default:
		name = base
	}
	return e.metric(name), typ
}

// baseName returns the name of a family without the suffix that OpenMetrics
// takes away from it.
func baseName(f *fennel.Family) string {
	switch f.Type {
	case fennel.TypeInfo:
		return strings.TrimSuffix(f.Name, "_info")
	case fennel.TypeCounter:
		return strings.TrimSuffix(f.Name, "_total")
	}
	return f.Name
}

// shadowed reports whether a sample of another family has the base name of this
// one, or an earlier family has the same, under any escaping scheme: then it
// can't lose its suffix.
func (e *expected) shadowed(f *fennel.Family) bool {
	base := baseName(f)
	if base == f.Name {
		return false
	}
	first := true // of those that would have the base name
	for i := range e.all {
		other := &e.all[i]
		if other.Name == f.Name {
			first = false
			continue
		}
		if first && baseName(other) != other.Name && escapedAlike(baseName(other), base) {
			return true
		}
		for _, name := range sampleNames(other) {
			if escapedAlike(name, base) {
				return true
			}
		}
	}
	return false
}

// sampleNames returns the names that the samples of a family may have.
func sampleNames(f *fennel.Family) []string {
	switch f.Type {
	case fennel.TypeHistogram:
		return []string{f.Name, f.Name + "_bucket", f.Name + "_sum", f.Name + "_count", f.Name + "_created"}
	case fennel.TypeSummary:
		return []string{f.Name, f.Name + "_sum", f.Name + "_count", f.Name + "_created"}
	case fennel.TypeCounter:
		return []string{f.Name, baseName(f) + "_created"}
	}
	return []string{f.Name}
}

// escapedAlike reports whether two names can come out the same.
func escapedAlike(a, b string) bool {
	for _, x := range schemes {
		for _, y := range schemes {
			if escape(a, x) == escape(b, y) {
				return true
			}
		}
	}
	return false
}

var schemes = []model.EscapingScheme{model.NoEscaping, model.UnderscoreEscaping, model.DotsEscaping, model.ValueEncodingEscaping}

func (e *expected) addSample(f *fennel.Family, s *fennel.Sample) {
	switch f.Type {
	case fennel.TypeHistogram:
		e.addHistogram(f, s)
	case fennel.TypeSummary:
		for _, q := range s.Quantiles {
			e.add(f.Name, s, q.Value, "quantile", canonical(q.Rank))
		}
		e.add(f.Name+"_sum", s, s.Sum)
		e.add(f.Name+"_count", s, float64(s.Count))
	case fennel.TypeStateSet:
		for _, state := range s.States {
			value := 0.0
			if state.On {
				value = 1
			}
			e.add(f.Name, s, value, e.label(f.Name), state.Name)
		}
	default:
		e.add(f.Name, s, s.Value)
	}
}

func (e *expected) addHistogram(f *fennel.Family, s *fennel.Sample) {
	for _, b := range s.Buckets {
		e.add(f.Name+"_bucket", s, float64(b.Count), "le", canonical(b.UpperBound))
	}
	// OpenMetrics forbids the sum where observations may be negative, and with
	// the sum the count.
	if e.openMetrics() && len(s.Buckets) > 1 && s.Buckets[0].UpperBound < 0 {
		return
	}
	e.add(f.Name+"_sum", s, s.Sum)
	e.add(f.Name+"_count", s, float64(s.Count))
}

// add adds one series, with the sample's labels and perhaps one more.
func (e *expected) add(name string, s *fennel.Sample, value float64, extra ...string) {
	set := map[string]string{"__name__": e.metric(name)}
	for _, l := range s.Labels {
		set[e.label(l.Name)] = l.Value
	}
	if len(extra) > 0 {
		set[extra[0]] = extra[1]
	}
	series := seriesName(set)
	e.values[series] = value
	e.lines++
	if !s.Time.IsZero() {
		e.times[series] = s.Time.UnixMilli()
	}
}

// metric returns a metric name as the format's escaping has it.
func (e *expected) metric(name string) string { return escape(name, e.scheme()) }

// escape escapes a metric name by the code that Prometheus' own client has for
// it. Like that it leaves legal names alone.
func escape(name string, scheme model.EscapingScheme) string {
	if name == "" || isLegacy(name) {
		return name
	}
	return model.EscapeName(name, scheme)
}

// label is metric for label names, in which a colon is not legal. The reference
// takes it for legal everywhere, so another rune stands in for it.
func (e *expected) label(name string) string {
	if !strings.Contains(name, ":") || e.scheme() == model.NoEscaping {
		return e.metric(name)
	}
	standIn := '\uE000'
	for strings.ContainsRune(name, standIn) || strings.Contains(name, hexOf(standIn)) {
		standIn++
	}
	escaped := e.metric(strings.ReplaceAll(name, ":", string(standIn)))
	return strings.ReplaceAll(escaped, "_"+hexOf(standIn)+"_", "_"+hexOf(':')+"_")
}

// hexOf returns a rune as the scheme "values" writes it.
func hexOf(r rune) string { return strconv.FormatInt(int64(r), 16) }

// scheme returns the format's escaping scheme in the words of the reference.
func (e *expected) scheme() model.EscapingScheme {
	scheme, err := model.ToEscapingScheme(e.format.Escaping.String())
	if err != nil {
		panic(err)
	}
	return scheme
}

// canonical returns a bound or a rank as Prometheus spells it in labels.
func canonical(v float64) string {
	set := map[string]string{"v": strconv.FormatFloat(v, 'g', -1, 64)}
	normalizeFloat(set, "v")
	return set["v"]
}

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

var unescapeQuoted = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`)

// diff says how what a parser has read differs from what is expected; it is empty
// if it doesn't.
func (e *expected) diff(got Parsed) string {
	var b strings.Builder
	b.WriteString(diff(got.values(), e.values))
	if len(got.Samples) != e.lines {
		fmt.Fprintf(&b, "%d samples, want %d\n", len(got.Samples), e.lines)
	}
	for _, s := range got.Samples {
		if d := e.diffTime(s); d != "" {
			fmt.Fprintf(&b, "%.300s: %s\n", s.Name, d)
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
	want, timed := e.times[s.Name]
	switch {
	case timed != (s.Timestamp != nil):
		return fmt.Sprintf("has a timestamp: %v, want %v", s.Timestamp != nil, timed)
	case !timed || *s.Timestamp == want:
		return ""
	case e.openMetrics() && (*s.Timestamp == want-1 || *s.Timestamp == want+1):
		return "" // Prometheus reads seconds as a float, times 1000, and cuts the rest
	}
	return fmt.Sprintf("timestamp is %d, want %d", *s.Timestamp, want)
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
	maps.DeleteFunc(e.families, func(family string, _ metadata) bool { return name(family) })
}

// ignore drops the metrics whose names are to be ignored.
func (p *Parsed) ignore(name func(string) bool) {
	p.Samples = slices.DeleteFunc(p.Samples, func(s Sample) bool { return name(s.Name) })
	for _, set := range []map[string]string{p.Types, p.Helps, p.Units} {
		maps.DeleteFunc(set, func(family, _ string) bool { return name(family) })
	}
}
