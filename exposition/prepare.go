package exposition

import (
	"strings"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// prepared is all of a family's output that doesn't change from one scrape to
// the next. It is made once for each format and kept with the family.
type prepared struct {
	header   []byte
	shadowed bool // what the family was when this was made

	// labels are the names of the labels as the format writes them.
	labels []string

	value  start // of a number, an info, a state or a quantile
	bucket start
	count  start
	sum    start

	// ends are the last label of each bucket, quantile or state, and what
	// closes the labels: `le="0.5"} `.
	ends []string
}

// start is how a sample line begins.
type start struct {
	open string // before labels: `name{` or `{"name",`
	bare string // without labels: `name ` or `{"name"} `
}

// prepare returns what is prepared for a family in a format.
func prepare(f *sample.Family, format Format) *prepared {
	slot := int(format.Syntax)*escapings + int(format.Escaping)
	if p, ok := f.Prepared(slot).(*prepared); ok && p.shadowed == f.Shadowed() {
		return p
	}
	p := newPrepared(f, &dialects[format.Syntax], names.Scheme(format.Escaping))
	f.Prepare(slot, p)
	return p
}

func newPrepared(f *sample.Family, s *syntax, scheme names.Scheme) *prepared {
	p := &prepared{shadowed: f.Shadowed()}
	p.header = appendHeader(nil, f, s, scheme, p.shadowed)
	for _, l := range f.Labels {
		p.labels = append(p.labels, scheme.Label(l))
	}
	p.value = newStart(scheme.Metric(f.Name))
	switch f.Kind {
	case sample.Histogram:
		p.bucket = newStart(scheme.Metric(f.Name + "_bucket"))
		for _, bound := range f.Bounds {
			p.ends = append(p.ends, `le="`+string(s.appendBound(nil, bound))+`"} `)
		}
		p.ends = append(p.ends, `le="+Inf"} `)
	case sample.Summary:
		for _, rank := range f.Ranks {
			p.ends = append(p.ends, `quantile="`+string(s.appendBound(nil, rank))+`"} `)
		}
	case sample.StateSet:
		for _, state := range f.States {
			label := series.AppendLabel(nil, true, scheme.Label(f.Name), series.Mend(state))
			p.ends = append(p.ends, string(label)+"} ")
		}
	}
	p.count = newStart(scheme.Metric(f.Name + "_count"))
	p.sum = newStart(scheme.Metric(f.Name + "_sum"))
	return p
}

// newStart returns the start of lines with this name, which goes into the
// braces if it is not legal outside.
func newStart(name string) start {
	if names.LegalMetric(name) {
		return start{open: name + "{", bare: name + " "}
	}
	quoted := string(names.AppendQuoted(nil, name))
	return start{open: "{" + quoted + ",", bare: "{" + quoted + "} "}
}

// appendHeader appends the metadata lines. OpenMetrics recommends the order
// TYPE, UNIT, HELP; the text format has HELP first.
func appendHeader(dst []byte, f *sample.Family, s *syntax, scheme names.Scheme, shadowed bool) []byte {
	name, word := s.familyName(f, shadowed)
	name = scheme.Metric(name)
	unit := scheme.Metric(f.Unit)
	if !strings.HasSuffix(name, "_"+unit) {
		// Escaping, or the name of a counter without _total, has come between
		// the two. Prometheus refuses the whole scrape over that.
		unit = ""
	}
	if !names.LegalMetric(name) {
		name = string(names.AppendQuoted(nil, name))
	}
	if !s.openMetrics {
		dst = appendMeta(dst, "# HELP ", name, textHelp.Replace(f.Help))
		return appendMeta(dst, "# TYPE ", name, word)
	}
	dst = appendMeta(dst, "# TYPE ", name, word)
	dst = appendMeta(dst, "# UNIT ", name, unit)
	return appendMeta(dst, "# HELP ", name, openMetricsHelp.Replace(f.Help))
}

// appendMeta appends a metadata line, or nothing if there is nothing to say.
func appendMeta(dst []byte, keyword, name, text string) []byte {
	if text == "" {
		return dst
	}
	dst = append(dst, keyword...)
	dst = append(dst, name...)
	dst = append(dst, ' ')
	dst = append(dst, text...)
	return append(dst, '\n')
}

var (
	textHelp        = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	openMetricsHelp = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)
