package integration

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// expected is what Prometheus should make of a registry that it was served in
// one format. It is computed from what the registry says that it holds, and
// shares no code with the writers.
type expected struct {
	format    exposition.Format
	reading   reading
	values    map[string]float64 // by series, as [seriesName] spells it
	natives   map[string]native
	exemplars map[string][]Exemplar // those that a series may have; it has as many of them as it can
	partly    map[string]bool       // series that may have lost some of them
	starts    map[string]int64      // milliseconds, of those that have a start time
	times     map[string][]int64    // milliseconds, of those that have a timestamp, in the order written
	families  map[string]metadata
	lines     int // how many samples there are

	all []fennel.Family
}

// reading says what Prometheus is told to make of histograms.
type reading struct {
	natives bool // take native histograms
	classic bool // take the classic buckets beside them, too
	custom  bool // make native histograms of classic buckets
}

// extra returns the settings of a scrape job that reads like that.
func (r reading) extra() map[string]any {
	return map[string]any{
		"scrape_native_histograms":           r.natives,
		"always_scrape_classic_histograms":   r.classic,
		"convert_classic_histograms_to_nhcb": r.custom,
	}
}

// readAll is how [parse] reads: it takes all that there is.
var readAll = reading{natives: true, classic: true}

// expect gathers from g and returns what a scrape in this format should give.
func expect(t *testing.T, g fennel.Gatherer, format exposition.Format) expected {
	t.Helper()
	return readAll.expect(t, g, format)
}

// expect is the function expect for another reading.
func (r reading) expect(t *testing.T, g fennel.Gatherer, format exposition.Format) expected {
	t.Helper()
	families, err := fennel.Gather(t.Context(), g)
	if err != nil && !fennel.Partial(err) {
		t.Fatal(err)
	}
	e := expected{
		format:    format,
		reading:   r,
		values:    make(map[string]float64),
		natives:   make(map[string]native),
		exemplars: make(map[string][]Exemplar),
		partly:    make(map[string]bool),
		starts:    make(map[string]int64),
		times:     make(map[string][]int64),
		families:  make(map[string]metadata),
		all:       families,
	}
	for i := range families {
		e.addFamily(&families[i])
	}
	return e
}

// openMetrics reports whether the format is OpenMetrics 1.0, which takes suffixes
// away.
func (e *expected) openMetrics() bool { return e.format.Syntax == exposition.OpenMetrics100 }

// composite reports whether the format has histograms and summaries whole, with
// all that belongs to them.
func (e *expected) composite() bool {
	return e.format.Syntax == exposition.Protobuf || e.format.Syntax == exposition.OpenMetrics200
}

// text reports whether the format is one of Prometheus's text formats.
func (e *expected) text() bool { return !e.openMetrics() && !e.composite() }

func (e *expected) addFamily(f *fennel.Family) {
	name, typ := e.header(f)
	e.families[name] = metadata{Type: typ, Help: f.Help, Unit: e.unit(f, name)}
	if e.text() && f.Type == fennel.TypeGaugeHistogram {
		// It has no such type: what may fall must not be a histogram's count.
		e.families[e.metric(f.Name+"_gcount")] = metadata{Type: "gauge", Help: f.Help}
		e.families[e.metric(f.Name+"_gsum")] = metadata{Type: "gauge", Help: f.Help}
	}
	for _, s := range f.Samples {
		if !e.readsStarts(f) {
			s.Created = time.Time{}
		}
		e.addSample(f, &s)
	}
}

// readsStarts reports whether Prometheus reads the start times of a family. In
// OpenMetrics 1.0 it looks for lines whose names end in _created, of which these
// schemes make __created.
func (e *expected) readsStarts(f *fennel.Family) bool {
	if e.openMetrics() {
		whole := e.format.Escaping != exposition.EscapeDots && e.format.Escaping != exposition.EscapeValues
		return e.format.Created && (whole || isLegacy(f.Name))
	}
	return e.composite()
}

// unit returns the unit that the metadata of a family has.
func (e *expected) unit(f *fennel.Family, name string) string {
	switch e.format.Syntax {
	case exposition.OpenMetrics100:
		// It has no unit that isn't the end of the name.
		if unit := e.metric(f.Unit); unit != "" && strings.HasSuffix(name, "_"+unit) {
			return unit
		}
	case exposition.OpenMetrics200:
		return e.metric(f.Unit)
	case exposition.Protobuf:
		return f.Unit
	}
	return ""
}

// header returns the name and the type that the metadata of a family has.
func (e *expected) header(f *fennel.Family) (name, typ string) {
	name, typ = f.Name, f.Type.String()
	switch {
	case e.format.Syntax == exposition.OpenMetrics200:
		if f.Type == fennel.TypeStateSet && e.metric(name) != e.label(name) {
			typ = "gauge" // its label must have the name of the family
		}
		return e.metric(name), typ
	case !e.openMetrics():
		if f.Type == fennel.TypeInfo || f.Type == fennel.TypeStateSet {
			typ = "gauge" // there is no better word
		}
		if e.text() && f.Type == fennel.TypeGaugeHistogram {
			typ = "histogram"
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
	case fennel.TypeGaugeHistogram:
		return []string{f.Name, f.Name + "_bucket", f.Name + "_gsum", f.Name + "_gcount"}
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
	case fennel.TypeHistogram, fennel.TypeGaugeHistogram:
		e.addHistogram(f, s)
	case fennel.TypeSummary:
		for _, q := range s.Quantiles {
			e.started(s, e.add(e.metric(f.Name), s, q.Value, "quantile", canonical(q.Rank)))
		}
		e.started(s, e.add(e.part(f, "_sum"), s, s.Sum))
		e.started(s, e.add(e.part(f, "_count"), s, float64(s.Count)))
	case fennel.TypeStateSet:
		for _, state := range s.States {
			value := 0.0
			if state.On {
				value = 1
			}
			e.add(e.metric(f.Name), s, value, e.label(f.Name), state.Name)
		}
	case fennel.TypeCounter:
		series := e.add(e.metric(f.Name), s, s.Value)
		if _, typ := e.header(f); typ == "counter" {
			e.started(s, series)
			e.exemplified(series, s.Exemplars...)
		}
	default:
		e.add(e.metric(f.Name), s, s.Value)
	}
}

func (e *expected) addHistogram(f *fennel.Family, s *fennel.Sample) {
	custom, whole := e.reading.custom, s.Native != nil && e.composite() && e.reading.natives
	switch {
	case whole:
		e.addNative(f, s, nativeOfSample(f, s))
	case custom:
		e.addNative(f, s, customOfSample(f, s))
	}
	onlyNative := s.Native != nil && len(s.Buckets) == 1
	if !whole && !custom || e.reading.classic && !(whole && onlyNative) {
		e.addClassic(f, s)
	}
}

// addNative adds the one series of a native histogram.
func (e *expected) addNative(f *fennel.Family, s *fennel.Sample, n native) {
	series := e.name(e.metric(f.Name), s)
	e.natives[series] = n
	e.added(s, series)
	if f.Type == fennel.TypeHistogram {
		e.started(s, series)
	}
	e.exemplified(series, s.Exemplars...)
	// Prometheus 3.16 reads the exemplars of each native histogram in a protobuf
	// message from where it ended in the one before, unless it went through
	// classic buckets in between. So only the first has them for sure.
	through := e.reading.classic && len(s.Buckets) > 1
	e.partly[series] = e.format.Syntax == exposition.Protobuf && !through && len(e.natives) > 1
}

// addClassic adds the series of a histogram with classic buckets.
func (e *expected) addClassic(f *fennel.Family, s *fennel.Sample) {
	started := func(series string) {
		if f.Type == fennel.TypeHistogram {
			e.started(s, series)
		}
	}
	below := math.Inf(-1)
	// A message has the exemplars of a histogram that is only native where nobody
	// looks who reads it as a classic one.
	hidden := e.format.Syntax == exposition.Protobuf && s.Native != nil && len(s.Buckets) == 1
	for _, b := range s.Buckets {
		series := e.add(e.part(f, "_bucket"), s, float64(b.Count), "le", canonical(b.UpperBound))
		started(series)
		for _, x := range s.Exemplars {
			if x.Value <= b.UpperBound && (x.Value > below || math.IsInf(below, -1)) && !hidden {
				e.exemplified(series, x)
			}
		}
		below = b.UpperBound
	}
	// OpenMetrics forbids the sum where observations may be negative, and with
	// the sum the count.
	if e.openMetrics() && f.Type == fennel.TypeHistogram && len(s.Buckets) > 1 && s.Buckets[0].UpperBound < 0 {
		return
	}
	sum, count := "_sum", "_count"
	if f.Type == fennel.TypeGaugeHistogram && e.format.Syntax != exposition.Protobuf {
		sum, count = "_gsum", "_gcount" // its parser names them as it does those of others
	}
	started(e.add(e.part(f, sum), s, s.Sum))
	started(e.add(e.part(f, count), s, float64(s.Count)))
}

// add adds one series of a float, with the sample's labels and perhaps one more,
// and returns how it is spelled.
func (e *expected) add(name string, s *fennel.Sample, value float64, extra ...string) string {
	series := e.name(name, s, extra...)
	e.values[series] = value
	e.added(s, series)
	return series
}

// part returns the name of a part of a histogram or a summary. Where they are
// whole, it is the server that takes them apart, after the name was escaped.
func (e *expected) part(f *fennel.Family, suffix string) string {
	if e.composite() {
		return e.metric(f.Name) + suffix
	}
	return e.metric(f.Name + suffix)
}

// name spells a series, with the sample's labels and perhaps one more.
func (e *expected) name(name string, s *fennel.Sample, extra ...string) string {
	set := map[string]string{"__name__": name}
	for _, l := range s.Labels {
		set[e.label(l.Name)] = l.Value
	}
	if len(extra) > 0 {
		set[extra[0]] = extra[1]
	}
	return seriesName(set)
}

// added notes that there is a sample.
func (e *expected) added(s *fennel.Sample, series string) {
	e.lines++
	lost := e.format.Syntax == exposition.Protobuf && s.Time.UnixMilli() == 0 // that is no time there
	if !s.Time.IsZero() && !lost {
		e.times[series] = append(e.times[series], s.Time.UnixMilli())
	}
}

// started notes when a series began.
func (e *expected) started(s *fennel.Sample, series string) {
	if !s.Created.IsZero() {
		e.starts[series] = s.Created.UnixMilli()
	}
}

// exemplified notes that a series may have exemplars, where the format has them.
func (e *expected) exemplified(series string, exemplars ...fennel.Exemplar) {
	if e.text() {
		return
	}
	for _, x := range exemplars {
		set := make(map[string]string)
		for _, l := range x.Labels {
			if e.openMetrics() { // its parser leaves the escapes as they are
				set[escapeQuoted.Replace(e.label(l.Name))] = escapeQuoted.Replace(l.Value)
				continue
			}
			set[e.label(l.Name)] = l.Value
		}
		e.exemplars[series] = append(e.exemplars[series], Exemplar{seriesName(set), x.Value, new(x.Time.UnixMilli())})
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
