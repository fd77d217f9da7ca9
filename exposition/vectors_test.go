package exposition

import (
	"context"
	"encoding/json"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

// vector is what Python's client writes for some families.
type vector struct {
	ID       string
	Families []vectorFamily
	Expect   map[string]json.RawMessage // by format and escaping: "om1_dots"
}

type vectorFamily struct {
	Name, Type, Help, Unit string
	Samples                []vectorSample
}

type vectorSample struct {
	Name      string
	Labels    [][2]string
	Value     string
	Timestamp string
}

// leftOut are vectors that say nothing about Fennel as it is, and why.
var leftOut = map[string]string{
	"type/gaugehistogram":            "there are no gauge histograms yet",
	"exemplar/gaugehistogram_bucket": "there are no gauge histograms yet",
	"native/full":                    "there are no native histograms yet",
	"native/floats":                  "there are no native histograms yet",
	"native/utf8_name":               "there are no native histograms yet",
	"native/exemplars":               "there are no native histograms yet",
	"exemplar/histogram_sum":         "a histogram can't be written without its buckets",
	"exemplar/counter_created":       "a counter can't be written without its value; _created comes later",
	"exemplar/gauge_bucket":          "a gauge can't have samples of another name",
	"type/gauge_with_created":        "a gauge can't have samples of another name",
	"type/foreign_sample":            "a gauge can't have samples of another name",
	"timestamp/float/NaN":            "a time.Time is never NaN",
	"timestamp/float/+Inf":           "a time.Time is never infinite",
}

// vectorOverride is where Fennel differs on purpose.
type vectorOverride struct {
	reason  string
	refused bool // the collector's error says that something was left out
	want    func(format, scheme string) string
}

func nothing(string, string) string { return "" }

// either returns the text in the text format and in OpenMetrics.
func either(text, openMetrics string) func(string, string) string {
	return func(format, _ string) string {
		if format == "om1" {
			return openMetrics
		}
		return text
	}
}

func always(text string) func(string, string) string { return either(text, text) }

// named is a gauge of value 1 whose name depends on the escaping.
func named(names map[string]string, quoted string) func(string, string) string {
	return func(_, scheme string) string {
		name := names[scheme]
		if scheme == "allow_utf8" {
			return "# HELP " + quoted + " h\n# TYPE " + quoted + " gauge\n{" + quoted + "} 1\n"
		}
		return "# HELP " + name + " h\n# TYPE " + name + " gauge\n" + name + " 1\n"
	}
}

const (
	collision  = "labels that are written alike under some escaping are refused"
	before1970 = "timestamps before 1970 are refused: no Prometheus takes them in the text format"
)

var vectorOverrides = map[string]vectorOverride{
	"labels/order_utf8":            {collision, true, nothing},
	"labelname/collision":          {collision, true, nothing},
	"labelname/reserved":           {"label names that begin with __ are reserved", true, nothing},
	"labelname/empty":              {"a label must have a name", true, nothing},
	"name/empty":                   {"a metric must have a name; Python refuses it, too", true, nothing},
	"families/same_name_twice":     {"a family is written once, with all its samples", false, always("# HELP m h\n# TYPE m gauge\nm 1\nm{l=\"x\"} 2\n")},
	"name/colon_and_dot":           {"Python escapes the name of the sample in another way than that of the family", false, named(map[string]string{"underscores": "a:b_c", "dots": "a:b_dot_c", "values": "U__a:b_2e_c"}, `"a:b.c"`)},
	"name/trailing_newline":        {"Python takes the name for a legal one", false, named(map[string]string{"underscores": "abc_", "dots": "abc__", "values": "U__abc_a_"}, `"abc\n"`)},
	"unit/counter_total_name":      {"a unit that is not in the name is refused", true, nothing},
	"timestamp/float/-0.0015":      {before1970, true, nothing},
	"timestamp/int/-5":             {before1970, true, nothing},
	"timestamp/float/-1.5":         {before1970, true, nothing},
	"timestamp/nanos/-1.500000000": {before1970, true, nothing},
	"timestamp/float/1e16":         {"the year 316,889,355 is out of range", true, nothing},
	"timestamp/float/1.001": {"Python's text format cuts off a millisecond", false, either(
		"# HELP m h\n# TYPE m gauge\nm 1 1001\n", "# HELP m h\n# TYPE m gauge\nm 1 1.001\n")},
	"type/counter_family_named_total": {"a counter's name has _total, Python appends another", false, either(
		"# HELP c_total h\n# TYPE c_total counter\nc_total 7\n", "# HELP c h\n# TYPE c counter\nc_total 7\n")},
	"type/info_family_named_info": {"an info's name has _info, Python appends another", false, either(
		"# HELP build_info h\n# TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n", "# HELP build h\n# TYPE build info\nbuild_info{v=\"1\"} 1\n")},
	"exemplar/counter_bare_name": {"a counter without _total is of unknown type in OpenMetrics", false, either(
		"# HELP c h\n# TYPE c counter\nc 3\n", "# HELP c h\n# TYPE c unknown\nc 3\n")},
	"native/with_classic": {"the classic part alone; Python's text format fails", false, always(
		"# HELP nh h\n# TYPE nh histogram\nnh_bucket{le=\"0.5\"} 1\nnh_bucket{le=\"+Inf\"} 3\nnh_count 3\nnh_sum 4.5\n")},
}

var schemeNames = map[string]Escaping{
	"underscores": EscapeUnderscores, "allow_utf8": AllowUTF8, "dots": EscapeDots, "values": EscapeValues,
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/text.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

// What Python's client writes, order and the spelling of numbers aside, but for
// the overrides.
func TestWritePython(t *testing.T) {
	seen := make(map[string]bool)
	run := 0
	for _, v := range readVectors(t) {
		seen[v.ID] = true
		if leftOut[v.ID] != "" {
			continue
		}
		run++
		t.Run(v.ID, func(t *testing.T) {
			for scheme, escaping := range schemeNames {
				v.check(t, "text", scheme, Format{Syntax: Text004, Escaping: escaping})
				v.check(t, "text", scheme, Format{Syntax: Text100, Escaping: escaping})
				v.check(t, "om1", scheme, Format{Syntax: OpenMetrics100, Escaping: escaping})
			}
		})
	}
	for id := range leftOut {
		if !seen[id] {
			t.Errorf("there is no vector %s to leave out", id)
		}
	}
	for id := range vectorOverrides {
		if !seen[id] || leftOut[id] != "" {
			t.Errorf("there is no vector %s to override", id)
		}
	}
	if run < 130 {
		t.Errorf("%d vectors were run", run)
	}
}

func (v *vector) check(t *testing.T, format, scheme string, f Format) {
	t.Helper()
	r := fennel.NewRegistry()
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		for _, f := range v.Families {
			f.write(t, w)
		}
		return nil
	}))
	body, err := Bytes(t.Context(), r, f)
	override := vectorOverrides[v.ID]
	if err != nil && !fennel.Partial(err) || (err != nil) != override.refused {
		t.Errorf("%v: error %v, want one: %v", f, err, override.refused)
	}
	got, err := parse(body, f.Syntax == OpenMetrics100)
	if err != nil {
		t.Errorf("%v: %v\n%s", f, err, body)
		return
	}
	got.drop(func(name string) bool { return strings.HasPrefix(name, "fennel_") })
	if want := v.want(t, format, scheme); !slices.Equal(got.lines(), want) {
		t.Errorf("%v:\n got %s\nwant %s", f, strings.Join(got.lines(), "\n     "), strings.Join(want, "\n     "))
	}
}

// want returns what is to be written, as content.lines has it.
func (v *vector) want(t *testing.T, format, scheme string) []string {
	t.Helper()
	override, overridden := vectorOverrides[v.ID]
	var body string
	if overridden {
		body = override.want(format, scheme)
		if format == "om1" {
			body += "# EOF\n"
		}
	} else if err := json.Unmarshal(v.Expect[format+"_"+scheme], &body); err != nil {
		t.Fatalf("%s_%s: %v", format, scheme, err)
	}
	p := parser{openMetrics: format == "om1", lenient: true}
	want, err := p.parse([]byte(body))
	if err != nil {
		t.Fatalf("%s_%s: %v", format, scheme, err)
	}
	if !overridden {
		want.rename(v.legalNames(scheme))
		want.drop(func(name string) bool { return strings.HasSuffix(name, "_created") }) // later
	}
	want.dropEmpty()
	return want.lines()
}

// legalNames says what legal names Python's spellings stand for: under dots it
// escapes all names, and under values all names of OpenMetrics' samples. As
// prometheus/common does, Fennel leaves legal names alone.
func (v *vector) legalNames(scheme string) map[string]string {
	m := make(map[string]string)
	add := func(name string) {
		doubled := strings.ReplaceAll(name, "_", "__")
		switch {
		case strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "":
		case scheme == "dots":
			m[doubled] = name
		case scheme == "values":
			m["U__"+doubled] = name
		}
	}
	for _, f := range v.Families {
		for _, suffix := range []string{"", "_total", "_info", "_created"} {
			add(f.Name + suffix)
		}
		for _, s := range f.Samples {
			add(s.Name)
			for _, l := range s.Labels {
				add(l[0])
			}
		}
	}
	return m
}

func (c *content) rename(m map[string]string) {
	apply := func(name *string) {
		if to, ok := m[*name]; ok {
			*name = to
		}
	}
	for _, set := range []*map[string]string{&c.types, &c.helps, &c.units} {
		renamed := make(map[string]string)
		for name, text := range *set {
			apply(&name)
			renamed[name] = text
		}
		*set = renamed
	}
	for i := range c.points {
		apply(&c.points[i].name)
		for j := range c.points[i].labels {
			apply(&c.points[i].labels[j][0])
		}
	}
}

// drop takes out all families and points of some names.
func (c *content) drop(which func(name string) bool) {
	for _, set := range []map[string]string{c.types, c.helps, c.units} {
		for name := range set {
			if which(name) {
				delete(set, name)
			}
		}
	}
	c.points = slices.DeleteFunc(c.points, func(p point) bool { return which(p.name) })
}

// dropEmpty takes out families without points.
func (c *content) dropEmpty() {
	for name := range c.types {
		p := parser{family: name, done: map[string]bool{name: true}}
		if !slices.ContainsFunc(c.points, func(pt point) bool { return p.belongs(pt.name) }) {
			delete(c.types, name)
			delete(c.helps, name)
			delete(c.units, name)
		}
	}
}

// write writes the family through a collector's writer.
func (f *vectorFamily) write(t *testing.T, w *fennel.Writer) {
	switch f.Type {
	case "histogram", "summary", "stateset":
		f.writeComposite(t, w)
		return
	}
	if len(f.Samples) == 0 {
		w.Gauge(f.Name, f.Help)
	}
	for _, s := range f.Samples {
		if strings.HasSuffix(s.Name, "_created") {
			continue
		}
		opts := []fennel.WriterOption{fennel.Unit(f.Unit)}
		var values []string
		for _, l := range s.Labels {
			opts = append(opts, fennel.LabelNames(l[0]))
			values = append(values, l[1])
		}
		value := number(t, s.Value)
		switch f.Type {
		case "counter":
			w.Counter(s.Name, f.Help, opts...).At(s.time(t)).Write(value, values...)
		case "gauge":
			w.Gauge(s.Name, f.Help, opts...).At(s.time(t)).Write(value, values...)
		case "unknown", "untyped":
			w.Unknown(s.Name, f.Help, opts...).At(s.time(t)).Write(value, values...)
		case "info":
			w.Info(s.Name, f.Help, opts...).At(s.time(t)).Write(values...)
		default:
			t.Fatalf("type %s", f.Type)
		}
	}
}

// writeComposite writes a family whose samples are of one value, without labels
// but le, quantile or the family's name.
func (f *vectorFamily) writeComposite(t *testing.T, w *fennel.Writer) {
	var at time.Time
	var numbers, values []float64 // of the last label, and of the samples that have it
	var words, on []string
	var sum, count float64
	for _, s := range f.Samples {
		switch at = s.time(t); {
		case s.Name == f.Name+"_sum":
			sum = number(t, s.Value)
		case s.Name == f.Name+"_count":
			count = number(t, s.Value)
		case len(s.Labels) == 1:
			word := s.Labels[0][1]
			words = append(words, word)
			values = append(values, number(t, s.Value))
			if f.Type != "stateset" {
				numbers = append(numbers, number(t, word))
			} else if s.Value == "1.0" {
				on = append(on, word)
			}
		}
	}
	unit := fennel.Unit(f.Unit)
	switch f.Type {
	case "histogram":
		counts := make([]uint64, len(values))
		for i, v := range values {
			counts[i] = uint64(v)
			if i > 0 {
				counts[i] -= uint64(values[i-1])
			}
		}
		w.Histogram(f.Name, f.Help, numbers, unit).At(at).Write(fennel.HistogramValue{Counts: counts, Sum: sum})
	case "summary":
		s := w.Summary(f.Name, f.Help, numbers, unit)
		if len(f.Samples) > 0 {
			s.At(at).Write(fennel.SummaryValue{Count: uint64(count), Sum: sum, Quantiles: values})
		}
	case "stateset":
		w.StateSet(f.Name, f.Help, words).At(at).Write(on)
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	if s == "true" {
		return 1
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// time returns the sample's timestamp, or the zero time if it has none.
func (s *vectorSample) time(t *testing.T) time.Time {
	t.Helper()
	if s.Timestamp == "" {
		return time.Time{}
	}
	r, ok := new(big.Rat).SetString(s.Timestamp)
	if !ok {
		t.Fatalf("timestamp %q", s.Timestamp)
	}
	seconds := new(big.Int).Div(r.Num(), r.Denom())
	rest := new(big.Rat).Sub(r, new(big.Rat).SetInt(seconds))
	nanos := rest.Mul(rest, big.NewRat(1e9, 1))
	return time.Unix(seconds.Int64(), new(big.Int).Div(nanos.Num(), nanos.Denom()).Int64())
}
