package fennel_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// pythonVector is a program against Python's client, and what came of it.
type pythonVector struct {
	ID, Quirk string
	Clock     string
	Steps     []pythonStep
	Expect    struct {
		pythonBody
		StepErrors  map[int]json.RawMessage `json:"step_errors"`
		StepResults map[int]json.RawMessage `json:"step_results"`
	}
	NoReparse []string `json:"no_reparse"` // formats that Python itself can't read back
}

// pythonBody is what is exposed.
type pythonBody struct{ Text, OpenMetrics string }

// pythonStep is a call of Python's client.
type pythonStep struct {
	Op, Var string

	// new
	Type, Name           string
	Help                 *string
	Labels               json.RawMessage // names; of other steps pairs
	Namespace, Subsystem string
	Unit                 string
	Buckets, States      []string
	Register             *bool

	// The child that a step is for, by position or by name.
	With   []any
	WithKW [][2]string `json:"with_kw"`

	By, To   string
	Exemplar [][2]string
	Elapsed  string
	Now      string
	As       string
	Values   []any
	Names    []string
	Read     struct{ Name string }
	Families []pythonFamily

	Returns []string // of a function, one for each call

	Enabled      *bool       // of created_series
	TargetInfo   [][2]string `json:"target_info"`              // of a registry
	WithoutNames bool        `json:"collectors_without_names"` // as always without Describe

	// Of vectors that are left out.
	Catch, Raise string
	Mode         string `json:"multiprocess_mode"`
}

type pythonFamily struct {
	Name, Type, Help, Unit string
	Samples                []struct {
		Name   string
		Labels [][2]string
		Value  string
	}
}

// fullName is what the caller of Python's client means, written out. Fennel
// joins no prefixes, appends no unit and no suffix, and never renames: in every
// format a metric has the name that it is declared with.
func (s *pythonStep) fullName() string {
	if s.Name == "" {
		return ""
	}
	name, suffix := s.Name, ""
	for _, prefix := range []string{s.Subsystem, s.Namespace} {
		if prefix != "" {
			name = prefix + "_" + name
		}
	}
	switch s.Type {
	case "counter":
		suffix = "_total"
	case "info":
		suffix = "_info"
	}
	name = strings.TrimSuffix(name, suffix)
	if s.Unit != "" && !strings.HasSuffix(name, "_"+s.Unit) {
		name += "_" + s.Unit
	}
	return name + suffix
}

func (s *pythonStep) help() string {
	if s.Help != nil {
		return *s.Help
	}
	return "h"
}

// labelNames returns the names of a declaration's labels.
func (s *pythonStep) labelNames(t *testing.T) (names []string) {
	t.Helper()
	if s.Labels != nil {
		if err := json.Unmarshal(s.Labels, &names); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// pythonLabel is a label of another step. The value may be Python's None.
type pythonLabel struct {
	name  string
	value *string
}

func (s *pythonStep) pairs(t *testing.T) (labels []pythonLabel) {
	t.Helper()
	var pairs [][2]*string
	if s.Labels != nil {
		if err := json.Unmarshal(s.Labels, &pairs); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pairs {
		labels = append(labels, pythonLabel{*p[0], p[1]})
	}
	return labels
}

// target returns the labels about the target.
func (s *pythonStep) target() (labels []fennel.Label) {
	for _, l := range s.TargetInfo {
		labels = append(labels, label(l[0], l[1]))
	}
	return labels
}

// pythonBuckets are Python's defaults, which aren't Fennel's.
var pythonBuckets = []string{".005", ".01", ".025", ".05", ".075", ".1", ".25", ".5", ".75", "1", "2.5", "5", "7.5", "10"}

func (s *pythonStep) buckets(t *testing.T) fennel.HistogramOption {
	t.Helper()
	words := s.Buckets
	if words == nil {
		words = pythonBuckets
	}
	bounds := make([]float64, len(words))
	for i, w := range words {
		bounds[i] = number(t, w)
	}
	return fennel.Buckets(bounds...)
}

func (s *pythonStep) unit() fennel.UnitOption {
	if s.Unit == "" {
		return nil
	}
	return fennel.Unit(s.Unit)
}

// The formats of a pythonBody.
var (
	pythonText        = exposition.Format{Syntax: exposition.Text004}
	pythonOpenMetrics = exposition.Format{Syntax: exposition.OpenMetrics100}
)

// How many vectors there are, and how many of them are carried out. What is
// left out is listed below, so that nothing is skipped in silence.
const (
	pythonVectors = 84
	pythonRun     = 81
)

// pythonLeftOut are vectors that say nothing about Fennel as it is, and why.
var pythonLeftOut = map[string]string{
	"gauge/mostrecent":         "there is no multiprocess mode",
	"gauge/bad_mode":           "there is no multiprocess mode",
	"counter/count_exceptions": "Go has no exceptions: a program counts its errors with Inc",
}

// pythonOverride is where Fennel differs on purpose.
type pythonOverride struct {
	reason  string
	refused []int              // all steps that Fennel refuses
	want    map[int]pythonBody // what steps return, where it isn't as in Python
}

// atEnd is the step behind the last one: what is exposed then.
const atEnd = -1

const wholeH = "# HELP h h\n# TYPE h histogram\nh_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 0\nh_count 0\nh_sum 0\n"

// both is a body that is the same in both formats.
func both(text string) pythonBody { return pythonBody{text, text + "# EOF\n"} }

var pythonOverrides = map[string]pythonOverride{
	"counter/inf": {"an infinite counter would never count again: dropped", []int{1},
		map[int]pythonBody{atEnd: {"# HELP jobs_total h\n# TYPE jobs_total counter\njobs_total 1\n", "# HELP jobs h\n# TYPE jobs counter\njobs_total 1\n# EOF\n"}}},
	"counter/reset": {"what is reset has no exemplar any more", nil,
		map[int]pythonBody{atEnd: {"# HELP jobs_total h\n# TYPE jobs_total counter\njobs_total 0\n", "# HELP jobs h\n# TYPE jobs counter\njobs_total 0\n# EOF\n"}}},
	"histogram/exemplar_nan": {"NaN is in no bucket and would spoil the sum: dropped", []int{1},
		map[int]pythonBody{atEnd: both(wholeH)}},
	"histogram/nan": {"NaN is in no bucket and would spoil the sum: dropped", []int{2},
		map[int]pythonBody{atEnd: both("# HELP h h\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n")}},
	"labels/non_string_values": {"labels are of a type: ints and bools as Go writes them; floats and nil are refused", []int{2, 4, 5},
		map[int]pythonBody{atEnd: both("# HELP g h\n# TYPE g gauge\ng{k=\"1\"} 1\ng{k=\"true\"} 1\n")}},
	"labels/duplicate_names":      {"one label would be there twice", []int{0}, map[int]pythonBody{atEnd: both("")}},
	"labels/empty_name":           {"a label must have a name", []int{0}, map[int]pythonBody{atEnd: both("")}},
	"labels/remove_plain_metric":  {"without labels there is nothing to clear, so there is no Clear", []int{1, 2, 3}, nil},
	"histogram/duplicate_buckets": {"one series would be there twice", []int{0}, map[int]pythonBody{atEnd: both("")}},
	"histogram/nan_bucket":        {"nothing is below NaN", []int{0}, map[int]pythonBody{atEnd: both("")}},
	"histogram/no_buckets": {"a histogram may have the +Inf bucket alone", nil,
		map[int]pythonBody{atEnd: both("# HELP h h\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 0\nh_count 0\nh_sum 0\n")}},
	"histogram/negative_buckets": {"with a negative bound OpenMetrics has neither sum nor count; the text format has both", nil,
		map[int]pythonBody{atEnd: {
			"# HELP h h\n# TYPE h histogram\nh_bucket{le=\"-1\"} 0\nh_bucket{le=\"0\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum -0.5\n",
			"# HELP h h\n# TYPE h histogram\nh_bucket{le=\"-1\"} 0\nh_bucket{le=\"0\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n# EOF\n"}}},
	"info/info_suffix": {"an info's name has _info, Python appends another", nil,
		map[int]pythonBody{atEnd: {"# HELP build_info h\n# TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n", "# HELP build h\n# TYPE build info\nbuild_info{v=\"1\"} 1\n# EOF\n"}}},
	"enum/overlap_full_name": {"the states would overwrite the label", []int{0}, map[int]pythonBody{atEnd: both("")}},
	"registry/duplicates": {"a gauge a can live beside a counter a_total, which then is unknown in OpenMetrics; the same counter again is the same counter", []int{2, 3},
		map[int]pythonBody{atEnd: {
			"# HELP a h\n# TYPE a gauge\na 0\n# HELP a_sum h\n# TYPE a_sum gauge\na_sum 0\n# HELP a_total h\n# TYPE a_total counter\na_total 0\n",
			"# HELP a h\n# TYPE a gauge\na 0\n# HELP a_sum h\n# TYPE a_sum gauge\na_sum 0\n# HELP a_total h\n# TYPE a_total unknown\na_total 0\n# EOF\n"}}},
	"registry/unregistered_metric": {"a metric is declared in a registry; a zero one counts for itself and can't get there", nil,
		map[int]pythonBody{atEnd: both("# HELP a h\n# TYPE a gauge\na 0\n")}},
	"restricted/c": {"names may be those of families, too", nil,
		map[int]pythonBody{4: {"# HELP c_total h\n# TYPE c_total counter\nc_total{k=\"a\"} 1\n", "# HELP c h\n# TYPE c counter\nc_total{k=\"a\"} 1\n# EOF\n"}}},
	"restricted/h":              {"names may be those of families, too", nil, map[int]pythonBody{4: both(wholeH)}},
	"restricted/h_bucket+h_sum": {"a family is served as a whole: a histogram without its count is none", nil, map[int]pythonBody{4: both(wholeH)}},
	"restricted/size_bytes": {"the unit is kept", nil,
		map[int]pythonBody{4: {"# HELP size_bytes h\n# TYPE size_bytes gauge\nsize_bytes 0\n", "# HELP size_bytes h\n# TYPE size_bytes gauge\n# UNIT size_bytes bytes\nsize_bytes 0\n# EOF\n"}}},
}

// pythonRefusals say why Fennel refuses what it refuses, where Python raises an
// exception or should: what each message contains, in the order of the steps.
var pythonRefusals = map[string][]string{
	"counter/negative":                {"dropped: jobs_total negative"},
	"counter/inf":                     {"dropped: jobs_total infinite"},
	"counter/reset_parent":            {"doesn't compile"},
	"name/counter_only_total":         {"nothing before _total"},
	"name/empty":                      {"the name is empty"},
	"labels/on_plain_metric":          {"doesn't compile", "doesn't compile"},
	"labels/chained":                  {"doesn't compile"},
	"labels/non_string_values":        {"is of type float64", "is of type *string", "is of type float64"},
	"labels/reserved":                 {"must not begin with __", `label "le" is reserved`, `label "quantile" is reserved`},
	"labels/duplicate_names":          {`label "a" is there twice`},
	"labels/empty_name":               {"a label name is empty"},
	"labels/remove":                   {"doesn't compile"},
	"labels/remove_plain_metric":      {"doesn't compile", "doesn't compile", "doesn't compile"},
	"summary/time_labels":             {"doesn't compile"},
	"histogram/nan":                   {"dropped: h nan"},
	"histogram/exemplar_nan":          {"dropped: h nan"},
	"histogram/exemplar_refused":      {"dropped: h exemplar_too_long"},
	"counter/exemplar_129":            {"dropped: jobs_total exemplar_too_long"},
	"counter/exemplar_reserved_label": {"dropped: jobs_total exemplar_label"},
	"gauge/function_parent":           {"doesn't compile"},
	"histogram/duplicate_buckets":     {"bucket 1 is there twice"},
	"histogram/nan_bucket":            {"bucket 1 is NaN"},
	"info/labels":                     {`label "mod" is there twice`},
	"info/null_value":                 {"doesn't compile"},
	"enum/set":                        {"dropped: ns_st unknown_state"},
	"enum/labels":                     {"doesn't compile"},
	"enum/errors":                     {"at least one state", "at least one state", `label "st" is reserved`},
	"enum/overlap_full_name":          {`label "ns_st" is reserved`},
	"registry/duplicates":             {"they differ in type", `"a_created" is reserved`},
	"registry/unregister":             {"there is none"},
	"registry/target_info_clash":      {"SetTargetInfo can't change that one"},
}

func readPythonVectors(t *testing.T) (vectors []pythonVector) {
	t.Helper()
	data, err := os.ReadFile("testdata/python_api.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields() // a part of a step that is passed over would prove nothing
	d.UseNumber()             // 1 and 1.0 are different labels in Python
	if err := d.Decode(&vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

// What programs against Python's client come to when they are written against
// Fennel, but for the overrides. Bodies are compared by what they say, whatever
// the order and the spelling of numbers.
func TestPythonPrograms(t *testing.T) {
	vectors := readPythonVectors(t)
	known := make(map[string]bool)
	run := 0
	for _, v := range vectors {
		known[v.ID] = true
		if pythonLeftOut[v.ID] != "" {
			continue
		}
		run++
		t.Run(v.ID, func(t *testing.T) {
			synctest.Test(t, v.run)
		})
	}
	if len(vectors) != pythonVectors || run != pythonRun {
		t.Errorf("%d of %d vectors were run, want %d of %d", run, len(vectors), pythonRun, pythonVectors)
	}
	for id := range pythonLeftOut {
		if !known[id] {
			t.Errorf("there is no vector %s to leave out", id)
		}
	}
	for id := range pythonRefusals {
		if !known[id] || pythonLeftOut[id] != "" {
			t.Errorf("there is no vector %s to be refused", id)
		}
	}
	for id := range pythonOverrides {
		if !known[id] || pythonLeftOut[id] != "" {
			t.Errorf("there is no vector %s to override", id)
		}
	}
}

// run carries out a vector.
func (v *pythonVector) run(t *testing.T) {
	override, overridden := pythonOverrides[v.ID]
	refused := slices.Sorted(maps.Keys(v.Expect.StepErrors))
	if overridden {
		refused = override.refused
	}
	var errs []error
	m := newPythonMachine(t)
	m.sleepUntil(v.Clock)
	for i := range v.Steps {
		s := &v.Steps[i]
		_, m.overridden = override.want[i]
		got, err := m.step(s)
		if want := slices.Contains(refused, i); (err != nil) != want {
			t.Errorf("step %d, %s: refused: %v, want it refused: %v", i, s.Op, err, want)
		}
		if err != nil {
			errs = append(errs, err)
		}
		if want := v.result(t, i); !slices.Equal(got, want) {
			t.Errorf("step %d, %s:\n got %s\nwant %s", i, s.Op, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	wantErrors(t, errs, pythonRefusals[v.ID]...)
	m.finish()
	_, m.overridden = override.want[atEnd]
	if got, want := exposed(t, m.created(), m.reg), v.result(t, atEnd); !slices.Equal(got, want) {
		t.Errorf("at the end:\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	v.checkExemplars(t, m.reg)
}

// result returns what a step is to return: the lines of what is exposed, or a
// value alone, or nothing.
func (v *pythonVector) result(t *testing.T, step int) []string {
	t.Helper()
	if b, ok := pythonOverrides[v.ID].want[step]; ok {
		return b.lines(t, false)
	}
	if step == atEnd {
		return v.Expect.lines(t, true)
	}
	raw, ok := v.Expect.StepResults[step]
	if !ok {
		return nil
	}
	var b pythonBody
	if raw[0] == '{' {
		if err := json.Unmarshal(raw, &b); err != nil {
			t.Fatal(err)
		}
		return b.lines(t, true)
	}
	var value *string
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	if value == nil {
		return []string{"none"}
	}
	return []string{canonical(number(t, *value))}
}

// exposed returns what a scrape says, in both formats, in OpenMetrics with or
// without _created series.
func exposed(t *testing.T, created bool, g fennel.Gatherer) []string {
	t.Helper()
	openMetrics := pythonOpenMetrics
	openMetrics.Created = created
	b := pythonBody{render(t, g, pythonText), render(t, g, openMetrics)}
	if err := errors.Join(checkExposition(b.Text, pythonText), checkExposition(b.OpenMetrics, openMetrics)); err != nil {
		t.Error(err)
	}
	return b.lines(t, false)
}

func (b pythonBody) lines(t *testing.T, python bool) []string {
	t.Helper()
	var all []string
	for format, body := range map[string]string{"text": b.Text, "OpenMetrics": b.OpenMetrics} {
		lines, err := bodyLines(body, python)
		if err != nil {
			t.Fatalf("%s: %v\n%s", format, err, body)
		}
		for _, l := range lines {
			all = append(all, format+" "+l)
		}
	}
	slices.Sort(all)
	return all
}

// bodyLines returns the lines of a body in a form that can be compared. Of
// Python's it leaves out the _created series of the text format, in which Fennel
// has none, and the metadata of families without samples, which Fennel doesn't
// write; of Fennel's the registry's own metrics, which count the refusals.
func bodyLines(body string, python bool) (lines []string, err error) {
	openMetrics := strings.HasSuffix(body, "# EOF\n")
	metadata := make(map[string][]string)
	var names []string
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if comment, ok := strings.CutPrefix(line, "# "); ok {
			words := strings.SplitN(comment, " ", 3)
			if len(words) == 3 {
				metadata[words[1]] = append(metadata[words[1]], line)
			} else if line != "# EOF" {
				return nil, fmt.Errorf("line %q", line)
			}
			continue
		}
		name, said, err := sampleLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		if !passedOver(name, python && !openMetrics) {
			names, lines = append(names, name), append(lines, said)
		}
	}
	for family, list := range metadata {
		empty := !slices.ContainsFunc(names, func(name string) bool { return isOf(name, family) })
		if !passedOver(family, python && !openMetrics) && !(empty && python) {
			lines = append(lines, list...)
		}
	}
	return lines, nil
}

func passedOver(name string, python bool) bool {
	if python {
		return strings.HasSuffix(name, "_created")
	}
	return strings.HasPrefix(name, "fennel_")
}

// isOf reports whether a family may have samples of this name.
func isOf(name, family string) bool {
	suffix, ok := strings.CutPrefix(name, family)
	return ok && slices.Contains([]string{"", "_total", "_info", "_bucket", "_count", "_sum", "_created"}, suffix)
}

// sampleLine returns the name of a sample and all that its line says: its
// labels by their names, numbers by their values. Exemplars are compared as they
// are gathered.
func sampleLine(line string) (name, said string, err error) {
	line, _, _ = strings.Cut(line, " # ")
	var c checker
	name, rest, err := c.name(line, true)
	labels := make(map[string]string)
	if inner, ok := strings.CutPrefix(rest, "{"); ok && err == nil {
		_, rest, err = c.labels(name, inner, labels)
	}
	if err != nil {
		return "", "", err
	}
	if bound, err := strconv.ParseFloat(labels["le"], 64); err == nil {
		labels["le"] = canonical(bound)
	}
	value, err := strconv.ParseFloat(strings.TrimPrefix(rest, " "), 64)
	return name, fmt.Sprintf("%s %q %s", name, labels, canonical(value)), err
}
