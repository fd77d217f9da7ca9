package integration

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	promexemplar "github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// Parsed is the content of a body in any exposition format, flat and sorted.
type Parsed struct {
	Types   map[string]string // by metric family; "unknown" also where text says "untyped"
	Helps   map[string]string
	Units   map[string]string
	Samples []Sample // sorted by name, samples of one series in the order written
}

// Sample is one sample as Prometheus stores it: a line of text, or a native
// histogram.
type Sample struct {
	Name      string // with labels, as [seriesName] spells it
	Value     float64
	Timestamp *int64 // milliseconds; nil if there was none
	Start     int64  // start time where the format has one inside the sample, in milliseconds; 0 if none
	Exemplars []Exemplar
	Native    *native // if it is a native histogram; Value is 0 then
}

// Exemplar is an exemplar as it was written.
type Exemplar struct {
	Labels    string // as [seriesName] spells it
	Value     float64
	Timestamp *int64 // milliseconds; nil if there was none
}

// values returns the values of the float samples by series.
func (p Parsed) values() map[string]float64 {
	values := make(map[string]float64)
	for _, s := range p.Samples {
		if s.Native == nil {
			values[s.Name] = s.Value
		}
	}
	return values
}

// natives returns the native histograms by series.
func (p Parsed) natives() map[string]native {
	natives := make(map[string]native)
	for _, s := range p.Samples {
		if s.Native != nil {
			natives[s.Name] = *s.Native
		}
	}
	return natives
}

// sort puts the samples in order.
func (p Parsed) sort() {
	slices.SortStableFunc(p.Samples, func(a, b Sample) int { return cmp.Compare(a.Name, b.Name) })
}

// String spells the exemplar.
func (e Exemplar) String() string {
	if e.Timestamp == nil {
		return fmt.Sprintf("%s %v", e.Labels, e.Value)
	}
	return fmt.Sprintf("%s %v at %d", e.Labels, e.Value, *e.Timestamp)
}

// newParsed returns an empty Parsed.
func newParsed() Parsed {
	return Parsed{Types: map[string]string{}, Helps: map[string]string{}, Units: map[string]string{}}
}

// parse parses a body with the parsers of the Prometheus server, chosen by
// content type as the server does it, but stricter: metadata that is given twice
// is an error too. Classic buckets beside a native histogram are kept.
func parse(body []byte, contentType string) (Parsed, error) {
	return parseAs(body, contentType, textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true})
}

// parseStarts is parse for OpenMetrics 1.0 with lines that say when series were
// created. They are read into the start times of the series, as the server does it
// when it is told to look for such times. Other formats are parsed as ever.
func parseStarts(body []byte, contentType string) (Parsed, error) {
	return parseAs(body, contentType, textparse.ParserOptions{
		KeepClassicOnClassicAndNativeHistograms: true, OpenMetricsSkipSTSeries: true,
	})
}

// parseAs is parse with the server's options.
func parseAs(body []byte, contentType string, opts textparse.ParserOptions) (Parsed, error) {
	opts.EnableOpenMetrics2 = true
	from, err := textparse.New(body, contentType, labels.NewSymbolTable(), opts)
	if err != nil {
		return Parsed{}, err
	}
	media, params, _ := mime.ParseMediaType(contentType)
	p := parsing{
		Parsed: newParsed(),
		from:   from,
		pieces: strings.HasSuffix(media, "protobuf"),
		// To look for start times in OpenMetrics 1.0 changes what the parser reads.
		starts: opts.OpenMetricsSkipSTSeries || media != "application/openmetrics-text" || params["version"] == "2.0.0",
	}
	for {
		entry, err := from.Next()
		if errors.Is(err, io.EOF) {
			p.sort()
			return p.Parsed, nil
		}
		if err == nil {
			err = p.add(entry)
		}
		if err != nil {
			return Parsed{}, err
		}
	}
}

// parsing is what a parser has read so far.
type parsing struct {
	Parsed
	from   textparse.Parser
	pieces bool // a family may come in several pieces, each with the same metadata
	starts bool // there may be start times
}

// add adds the parser's current entry.
func (p *parsing) add(entry textparse.Entry) error {
	switch entry {
	case textparse.EntryType:
		name, typ := p.from.Type()
		return p.set(p.Types, "TYPE", name, string(typ))
	case textparse.EntryHelp:
		name, help := p.from.Help()
		return p.set(p.Helps, "HELP", name, string(help))
	case textparse.EntryUnit:
		name, unit := p.from.Unit()
		return p.set(p.Units, "UNIT", name, string(unit))
	case textparse.EntrySeries:
		_, ts, v := p.from.Series()
		return p.addSample(Sample{Value: v, Timestamp: ts})
	case textparse.EntryHistogram:
		_, ts, h, fh := p.from.Histogram()
		if h == nil {
			return fmt.Errorf("%v has counts that are not integers", fh)
		}
		n, err := nativeOf(h)
		if err != nil {
			return err
		}
		return p.addSample(Sample{Native: &n, Timestamp: ts})
	}
	return nil
}

// addSample adds s with the name and exemplars of the parser's current sample.
func (p *parsing) addSample(s Sample) error {
	var ls labels.Labels
	p.from.Labels(&ls)
	if name, twice := ls.HasDuplicateLabelNames(); twice {
		return fmt.Errorf("label name %q is there twice in %v", name, ls) // the server drops the scrape
	}
	s.Name = seriesName(ls.Map())
	if p.starts {
		s.Start = p.from.StartTimestamp()
	}
	if s.Timestamp != nil {
		s.Timestamp = new(*s.Timestamp) // the parser's own is written over
	}
	for e := (promexemplar.Exemplar{}); p.from.Exemplar(&e); e = (promexemplar.Exemplar{}) {
		ex := Exemplar{Labels: seriesName(e.Labels.Map()), Value: e.Value}
		if e.HasTs {
			ex.Timestamp = new(e.Ts)
		}
		s.Exemplars = append(s.Exemplars, ex)
	}
	p.Samples = append(p.Samples, s)
	return nil
}

// set sets a family's metadata, which must not be set yet.
func (p *parsing) set(set map[string]string, what string, name []byte, v string) error {
	if old, ok := set[string(name)]; ok && !(p.pieces && old == v) {
		return fmt.Errorf("second %s of %s: %q after %q", what, name, v, old)
	}
	set[string(name)] = v
	return nil
}

// noTimestamp stands for a sample without timestamp in expfmt's flat form.
const noTimestamp = model.Time(math.MinInt64)

// parseText parses text 0.0.4 with expfmt's parser, which is what promtool, the
// Pushgateway and node_exporter use, and which is pickier than the server's. It
// has no families without samples, no units and no exemplars.
func parseText(body []byte) (Parsed, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return Parsed{}, err
	}
	out := newParsed()
	for name, family := range families {
		out.Types[name] = typeName(family.GetType())
		if family.Help != nil {
			out.Helps[name] = family.GetHelp()
		}
		samples, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: noTimestamp}, family)
		if err != nil {
			return Parsed{}, err
		}
		for _, s := range samples {
			out.Samples = append(out.Samples, flatSample(family.GetType(), s))
		}
	}
	out.sort()
	return out, nil
}

// typeName returns the name that Prometheus's own parsers give to a type.
func typeName(t dto.MetricType) string {
	switch t {
	case dto.MetricType_UNTYPED:
		return "unknown"
	case dto.MetricType_GAUGE_HISTOGRAM:
		return "gaugehistogram"
	}
	return strings.ToLower(t.String())
}

// flatSample converts a sample of expfmt.
func flatSample(t dto.MetricType, s *model.Sample) Sample {
	set := make(map[string]string)
	for name, v := range s.Metric {
		set[string(name)] = string(v)
	}
	switch t {
	case dto.MetricType_HISTOGRAM:
		normalizeFloat(set, "le")
	case dto.MetricType_SUMMARY:
		normalizeFloat(set, "quantile")
	}
	flat := Sample{Name: seriesName(set), Value: float64(s.Value)}
	if s.Timestamp != noTimestamp {
		flat.Timestamp = new(int64(s.Timestamp))
	}
	return flat
}

// normalizeFloat gives a label the OpenMetrics spelling of its number, as the
// server does when it stores le and quantile: 1 becomes 1.0.
func normalizeFloat(set map[string]string, label string) {
	v, err := strconv.ParseFloat(set[label], 64)
	if err != nil {
		return
	}
	text := strconv.FormatFloat(v+0, 'g', -1, 64) // -0 becomes 0
	if !strings.ContainsAny(text, ".eIN") {
		text += ".0"
	}
	set[label] = text
}
