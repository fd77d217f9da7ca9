package exposition

import (
	"strings"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// prepared is all of a family's text that doesn't change from one scrape to
// the next. It is made once for each format and kept with the family.
type prepared struct {
	header   []byte
	shadowed bool // what the family was when this was made

	hasExemplars bool
	hasCreated   bool

	// labels are the names of the labels as the format writes them.
	labels []string

	value   start // of a number, an info, a state, a quantile or a composite value
	bucket  start
	count   start
	sum     start
	created start

	// heldHeaders are those of the counts and sums of a gauge histogram, where
	// they are families of their own.
	heldHeaders [2][]byte

	// ends are the last label of each bucket, quantile or state, and what
	// closes the labels: `le="0.5"} `. In a composite value they are what stands
	// before each: `,0.5:`.
	ends []string

	// openCount and openSum stand before the first parts of a composite value.
	openCount, openSum string
}

// start is how a sample line begins.
type start struct {
	open string // before labels: `name{` or `{"name",`
	bare string // without labels: `name ` or `{"name"} `
}

// prepare returns what is prepared for a family in a text format.
func prepare(f *sample.Family, format Format) *prepared {
	slot := format.slot()
	if p, ok := f.Prepared(slot).(*prepared); ok && p.shadowed == f.Shadowed() {
		return p
	}
	p := newPrepared(f, &dialects[format.Syntax], names.Scheme(format.Escaping))
	f.Prepare(slot, p)
	return p
}

func newPrepared(f *sample.Family, s *syntax, scheme names.Scheme) *prepared {
	p := &prepared{shadowed: f.Shadowed()}
	name, word := s.familyName(f, p.shadowed)
	if s.composite && f.Kind == sample.StateSet && scheme.Label(f.Name) != scheme.Metric(f.Name) {
		// A label can't have the colon of a name that is escaped, and Prometheus
		// refuses a stateset whose label is called otherwise than the family.
		word = s.types[sample.Gauge]
	}
	p.header = s.appendHeader(nil, scheme, name, word, f.Unit, f.Help)
	p.hasExemplars, p.hasCreated = s.hasExemplars(word), s.hasCreated(word)
	for _, l := range f.Labels {
		p.labels = append(p.labels, scheme.Label(l))
	}
	p.value = newStart(scheme, f.Name)
	if f.Kind == sample.StateSet {
		for _, state := range f.States {
			label := series.AppendLabel(nil, true, scheme.Label(f.Name), series.Mend(state))
			p.ends = append(p.ends, string(label)+"} ")
		}
	}
	if s.composite {
		p.prepareComposite(f, s)
	} else {
		p.prepareLines(f, s, scheme)
	}
	return p
}

// prepareLines prepares the lines of histograms and summaries that have many.
func (p *prepared) prepareLines(f *sample.Family, s *syntax, scheme names.Scheme) {
	count, sum := f.Name+"_count", f.Name+"_sum"
	switch {
	case f.Kind.IsHistogram():
		p.bucket = newStart(scheme, f.Name+"_bucket")
		for _, bound := range f.Bounds {
			p.ends = append(p.ends, s.boundEnd("le", bound))
		}
		p.ends = append(p.ends, `le="+Inf"} `)
		if f.Kind == sample.GaugeHistogram {
			count, sum = f.Name+"_gcount", f.Name+"_gsum"
		}
	case f.Kind == sample.Summary:
		for _, rank := range f.Ranks {
			p.ends = append(p.ends, s.boundEnd("quantile", rank))
		}
	}
	p.count, p.sum = newStart(scheme, count), newStart(scheme, sum)
	if s.splitsGauges(f) {
		for i, name := range []string{count, sum} {
			p.heldHeaders[i] = s.appendHeader(nil, scheme, name, s.types[sample.Gauge], "", f.Help)
		}
	}
	if p.hasCreated {
		p.created = newStart(scheme, f.Kind.Base(f.Name)+"_created")
	}
}

// boundEnd returns the last label of a bucket or a quantile, and what closes the
// labels.
func (s *syntax) boundEnd(label string, bound float64) string {
	return label + `="` + string(s.appendBound(nil, bound)) + `"} `
}

// prepareComposite prepares the values of histograms and summaries that are one.
func (p *prepared) prepareComposite(f *sample.Family, s *syntax) {
	p.openCount, p.openSum = "{count:", ",sum:"
	if f.Kind == sample.GaugeHistogram {
		p.openCount, p.openSum = "{gcount:", ",gsum:"
	}
	separator := ""
	for _, v := range append(f.Bounds[:len(f.Bounds):len(f.Bounds)], f.Ranks...) {
		p.ends = append(p.ends, separator+string(s.appendBound(nil, v))+":")
		separator = ","
	}
	if f.Kind.IsHistogram() {
		p.ends = append(p.ends, separator+"+Inf:")
	}
}

// newStart returns the start of the lines of a name, which goes into the braces
// if it is not legal outside.
func newStart(scheme names.Scheme, name string) start {
	name = scheme.Metric(name)
	if names.LegalMetric(name) {
		return start{open: name + "{", bare: name + " "}
	}
	quoted := string(names.AppendQuoted(nil, name))
	return start{open: "{" + quoted + ",", bare: "{" + quoted + "} "}
}

// appendHeader appends the metadata lines. OpenMetrics recommends the order
// TYPE, UNIT, HELP; the text format has HELP first.
func (s *syntax) appendHeader(dst []byte, scheme names.Scheme, name, word, unit, help string) []byte {
	name, unit = scheme.Metric(name), scheme.Metric(unit)
	if !s.composite && !strings.HasSuffix(name, "_"+unit) {
		// Escaping, or the name of a counter without _total, has come between
		// the two. Prometheus refuses the whole scrape over that, but not in
		// OpenMetrics 2.0, where _total is a part of the name.
		unit = ""
	}
	if !names.LegalMetric(name) {
		name = string(names.AppendQuoted(nil, name))
	}
	help = escapeHelp(help, s.openMetrics)
	if !s.openMetrics {
		dst = appendMeta(dst, "# HELP ", name, help)
		return appendMeta(dst, "# TYPE ", name, word)
	}
	dst = appendMeta(dst, "# TYPE ", name, word)
	dst = appendMeta(dst, "# UNIT ", name, unit)
	return appendMeta(dst, "# HELP ", name, help)
}

// appendMeta appends a metadata line, or nothing if there is nothing to say. It is not
// inlined, as it is called for each family only once.
//
//go:noinline
func appendMeta(dst []byte, keyword, name, text string) []byte {
	if text == "" {
		return dst
	}
	return append(dst, keyword+name+" "+text+"\n"...)
}

// escapeHelp escapes a help text, in which OpenMetrics has quotes escaped, too.
func escapeHelp(text string, quotes bool) string {
	if quotes {
		return string(series.AppendValue(nil, text))
	}
	var escaped []byte
	for {
		before, after, more := strings.Cut(text, `"`)
		escaped = series.AppendValue(escaped, before)
		if !more {
			return string(escaped)
		}
		escaped, text = append(escaped, '"'), after
	}
}
