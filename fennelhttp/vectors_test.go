package fennelhttp

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// vector is a request and what Python's prometheus_client answers; see
// testdata/README.md.
type vector struct {
	ID      string
	Steps   []step
	Method  string
	Path    string
	Headers [][2]string
	Expect  answer
}

// answer is what is expected.
type answer struct {
	Status  int
	Headers [][2]string
	Body    string
}

// step is a line of the program that makes the metrics.
type step struct {
	Op, Var, Type, Name, Unit, By, To string
	Labels, With, Buckets             []string
	Families                          []nativeFamily // that a collector writes
}

// nativeFamily is a family with one sample: a native histogram without classic
// buckets, of which all is in the zero bucket.
type nativeFamily struct {
	Name, Help string
	Samples    []struct {
		Histogram struct {
			Sum       string
			Schema    int32
			ZeroCount string `json:"zero_count"`
		} `json:"native_histogram"`
	}
}

// differences are the vectors that Fennel answers otherwise, on purpose.
//
// Besides, for all: numbers are compared as such, since Python writes 1.0 for
// 1; its exemplars and created series are passed over, as Fennel's exemplars have
// timestamps and its created series are an option; so are the headers of families
// without samples; and a Content-Length must be there, and right, where Python's
// WSGI server has one.
var differences = []struct {
	ids    string // separated by blanks
	reason string
	as     string // the vector whose answer is right
	answer *answer
}{
	{
		ids:    "handler/favicon asgi/favicon handler/favicon_query",
		reason: "only Python's WSGI app knows about favicons",
		as:     "wsgi/favicon",
	}, {
		ids:    "wsgi/method_HEAD handler/method_HEAD asgi/method_HEAD",
		reason: "Fennel allows HEAD",
		answer: &answer{Status: 200, Headers: [][2]string{textType}},
	}, {
		ids:    "handler/method_OPTIONS",
		reason: "Fennel answers OPTIONS",
		answer: &answer{Status: 200, Headers: [][2]string{{"allow", allow}, {"content-length", "0"}}},
	}, {
		ids:    "wsgi/method_POST handler/method_POST",
		reason: "Fennel refuses other methods with 405, not 501, allows HEAD, and has no page of HTML",
		answer: refusal("POST"),
	}, {
		ids:    "wsgi/method_PUT",
		reason: "Fennel allows HEAD",
		answer: refusal("PUT"),
	}, {
		ids:    "wsgi/method_PATCH handler/method_PATCH",
		reason: "Fennel refuses other methods with 405, not 501, allows HEAD, and has no page of HTML",
		answer: refusal("PATCH"),
	}, {
		ids:    "wsgi/method_BREW handler/method_BREW",
		reason: "Fennel refuses other methods with 405, not 501, allows HEAD, and has no page of HTML",
		answer: refusal("BREW"),
	}, {
		ids:    "handler/accept_om_bare",
		reason: "Fennel names the escaping that is in force",
		as:     "asgi/accept_om",
	}, {
		ids:    "wsgi/accept_om2",
		reason: "Python says version 2.0.0 of what is 1.0.0",
		as:     "wsgi/plain",
	}, {
		ids:    "wsgi/accept_bad_version handler/accept_bad_version asgi/accept_bad_version",
		reason: "Python crashes on a version that is not a number",
		as:     "wsgi/plain",
	}, {
		ids:    "wsgi/accept_om_values handler/accept_om_values",
		reason: "Python escapes the names of samples that need no escaping, but not in the headers",
		answer: &answer{
			Status:  200,
			Headers: [][2]string{{"content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values"}},
			Body: `# HELP jobs h
# TYPE jobs counter
jobs_total{k="a"} 2
# HELP U__cpu_2e_load__ratio h
# TYPE U__cpu_2e_load__ratio gauge
# UNIT U__cpu_2e_load__ratio ratio
U__cpu_2e_load__ratio 0.5
# HELP lat h
# TYPE lat histogram
lat_bucket{le="1.0"} 1
lat_bucket{le="+Inf"} 1
lat_count 1
lat_sum 0.25
# EOF
`,
		},
	}, {
		ids:    "wsgi/encoding_q0",
		reason: "gzip;q=0 refuses gzip",
		as:     "wsgi/encoding_identity",
	}, {
		ids:    "wsgi/encoding_x_gzip handler/encoding_x_gzip",
		reason: "x-gzip is another name of gzip (RFC 9110, section 8.4.1.3)",
		as:     "wsgi/encoding_gzip",
	}, {
		ids:    "wsgi/name_family handler/name_family",
		reason: "a family is selected by any name that it has in any format",
		as:     "wsgi/name_one",
	}, {
		ids:    "wsgi/name_underscored handler/name_underscored",
		reason: "the name that the output has selects, too",
		as:     "handler/name_utf8_escaped",
	}, {
		ids:    "handler/name_two_same_metric",
		reason: "whole families are selected: a histogram without its buckets is none",
		answer: &answer{Status: 200, Headers: [][2]string{textType}, Body: latency},
	}, {
		ids:    "wsgi/name_two_metrics handler/name_two_metrics",
		reason: "whole families are selected: a histogram without its buckets is none",
		answer: &answer{Status: 200, Headers: [][2]string{textType}, Body: "# HELP jobs_total h\n# TYPE jobs_total counter\njobs_total{k=\"a\"} 2\n" + latency},
	}, {
		ids:    "handler/name_created",
		reason: "a family is selected by any name that it has in any format, and has no created series in this one",
		as:     "wsgi/name_one",
	}, {
		ids:    "wsgi/collector_fails_text handler/collector_fails_text",
		reason: "Python crashes on a native histogram; Fennel shows what this format has of it",
		answer: &answer{Status: 200, Headers: [][2]string{textType}, Body: nativeLatency},
	}, {
		ids:    "wsgi/collector_ok_om handler/collector_ok_om",
		reason: "Python loses the native histogram; Fennel shows what this format has of it",
		answer: &answer{
			Status:  200,
			Headers: [][2]string{{"content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"}},
			Body:    nativeLatency + "# EOF\n",
		},
	}, {
		ids:    "handler/name_unit_om",
		reason: "Python loses the unit",
		answer: &answer{
			Status:  200,
			Headers: [][2]string{{"content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"}},
			Body:    "# HELP cpu_load_ratio h\n# TYPE cpu_load_ratio gauge\n# UNIT cpu_load_ratio ratio\ncpu_load_ratio 0.5\n# EOF\n",
		},
	},
}

var textType = [2]string{"content-type", "text/plain; version=0.0.4; charset=utf-8"}

const latency = `# HELP lat h
# TYPE lat histogram
lat_bucket{le="1"} 1
lat_bucket{le="+Inf"} 1
lat_count 1
lat_sum 0.25
`

const nativeLatency = `# HELP nh h
# TYPE nh histogram
nh_bucket{le="+Inf"} 1
nh_count 1
nh_sum 2
`

func refusal(method string) *answer {
	return &answer{
		Status:  405,
		Headers: [][2]string{{"allow", allow}, {"content-type", "text/plain; charset=utf-8"}},
		Body:    "# HTTP 405 Method Not Allowed: " + method + "; use GET, HEAD or OPTIONS\n",
	}
}

func TestVectorsOfThePythonClient(t *testing.T) {
	vectors := readVectors(t)
	byID := make(map[string]*vector)
	for i := range vectors {
		byID[vectors[i].ID] = &vectors[i]
	}
	want := expectations(t, byID)
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			v.check(t, want[v.ID])
		})
	}
}

func readVectors(t *testing.T) (vectors []vector) {
	text, err := os.ReadFile("testdata/http.json")
	if err == nil {
		err = json.Unmarshal(text, &vectors)
	}
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}

// expectations returns the right answers.
func expectations(t *testing.T, byID map[string]*vector) map[string]answer {
	want := make(map[string]answer)
	for id, v := range byID {
		want[id] = v.Expect
	}
	for _, d := range differences {
		for id := range strings.FieldsSeq(d.ids) {
			switch {
			case byID[id] == nil, d.answer == nil && byID[d.as] == nil:
				t.Errorf("there is no vector %q or %q", id, d.as)
			case d.answer != nil:
				want[id] = *d.answer
			default:
				want[id] = byID[d.as].Expect
			}
		}
	}
	return want
}

func (v *vector) check(t *testing.T, want answer) {
	r := request(v.Method, v.Path)
	for _, h := range v.Headers {
		r.Header.Add(h[0], h[1])
	}
	w := serve(bare(v.gatherer(t)), r)
	if w.Code != want.Status {
		t.Errorf("status %d, want %d", w.Code, want.Status)
	}
	checkHeader(t, w.Header(), want.Headers, w.Body.Len())
	got := w.Body.String()
	if w.Header().Get("Content-Encoding") == "gzip" {
		got = gunzip(t, w.Body.Bytes())
	}
	if want.Status != http.StatusOK {
		if got != want.Body {
			t.Errorf("body %q, want %q", got, want.Body)
		}
		return
	}
	a, b := parse(t, got), parse(t, want.Body)
	b.forget()
	if !maps.Equal(a.samples, b.samples) || !maps.Equal(a.meta, b.meta) || a.eof != b.eof {
		t.Errorf("got\n%s\nwant\n%s", got, want.Body)
	}
}

func checkHeader(t *testing.T, got http.Header, want [][2]string, length int) {
	t.Helper()
	for _, name := range []string{"Content-Type", "Content-Encoding", "Allow"} {
		i := slices.IndexFunc(want, func(h [2]string) bool { return strings.EqualFold(h[0], name) })
		value := ""
		if i >= 0 {
			value = want[i][1]
		}
		if got.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.Get(name), value)
		}
	}
	for _, h := range want {
		if h[0] == "content-length" && got.Get("Content-Length") != strconv.Itoa(length) {
			t.Errorf("Content-Length: %q of %d bytes", got.Get("Content-Length"), length)
		}
	}
}

// gatherer returns what the steps make: a registry or, where they have a
// collector, what that one writes.
func (v *vector) gatherer(t *testing.T) fennel.Gatherer {
	if s := v.Steps[0]; s.Op == "collector" {
		return gathererFunc(func(_ context.Context, _ *sample.Request, visitor sample.Visitor) error {
			return s.Families[0].visit(t, visitor)
		})
	}
	return v.registry(t)
}

// visit hands the family to a visitor.
func (f *nativeFamily) visit(t *testing.T, v sample.Visitor) error {
	h := f.Samples[0].Histogram
	zeros := uint64(number(t, h.ZeroCount))
	b := &sample.Batch{Ends: []uint32{0}, Counts: []uint64{zeros}, Sums: []float64{number(t, h.Sum)}}
	native := b.AddNative()
	native.Present, native.Schema, native.ZeroCount = true, h.Schema, zeros
	return v.Visit(&sample.Family{Name: f.Name, Help: f.Help, Kind: sample.Histogram, Legal: true}, b)
}

// registry runs the steps. Python appends units and _total to names.
func (v *vector) registry(t *testing.T) *fennel.Registry {
	reg := fennel.NewRegistry()
	update := make(map[string]func(s step))
	for _, s := range v.Steps {
		if s.Op != "new" {
			update[s.Var](s)
			continue
		}
		name, in := s.Name, fennel.In(reg)
		if s.Unit != "" {
			name += "_" + s.Unit
		}
		switch s.Type {
		case "counter":
			vec := fennel.NewCounterVec[string](name+"_total", "h", in, fennel.LabelNames(s.Labels...))
			update[s.Var] = func(s step) { vec.With(s.With[0]).Add(number(t, s.By)) }
		case "gauge":
			g := fennel.NewGauge(name, "h", in, fennel.Unit(s.Unit))
			update[s.Var] = func(s step) { g.Set(number(t, s.To)) }
		case "histogram":
			h := fennel.NewHistogram(name, "h", in, fennel.Buckets(number(t, s.Buckets[0])))
			update[s.Var] = func(s step) { h.Observe(number(t, s.By)) }
		default:
			t.Fatalf("a step makes a %s", s.Type)
		}
	}
	return reg
}

// UnmarshalJSON passes over labels that are given as pairs: those of exemplars
// and of collectors.
func (s *step) UnmarshalJSON(text []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	for name, field := range map[string]any{
		"op": &s.Op, "var": &s.Var, "type": &s.Type, "name": &s.Name, "unit": &s.Unit, "by": &s.By, "to": &s.To,
		"labels": &s.Labels, "with": &s.With, "buckets": &s.Buckets, "families": &s.Families,
	} {
		if raw[name] == nil {
			continue
		}
		if err := json.Unmarshal(raw[name], field); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// page is what a body says, whatever its order and spelling of numbers.
type page struct {
	samples map[string]float64
	meta    map[string]string // "TYPE x": "gauge"
	eof     bool
}

func parse(t *testing.T, text string) page {
	t.Helper()
	p := page{samples: make(map[string]float64), meta: make(map[string]string)}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if p.eof {
			t.Errorf("%q after # EOF", line)
		}
		comment, ok := strings.CutPrefix(line, "# ")
		switch {
		case comment == "EOF":
			p.eof = true
		case ok:
			kind, rest, _ := strings.Cut(comment, " ")
			name, value, _ := strings.Cut(rest, " ")
			p.meta[kind+" "+name] = value
		default:
			line, _, _ = strings.Cut(line, " # ") // an exemplar
			i := strings.LastIndexByte(line, ' ')
			key := plainBound(t, line[:i])
			if _, twice := p.samples[key]; twice {
				t.Errorf("%s is there twice", key)
			}
			p.samples[key] = number(t, line[i+1:])
		}
	}
	return p
}

// plainBound spells the le label of a sample in one way.
func plainBound(t *testing.T, sample string) string {
	before, rest, ok := strings.Cut(sample, `le="`)
	if !ok {
		return sample
	}
	bound, after, _ := strings.Cut(rest, `"`)
	return before + fmt.Sprintf(`le="%v"`, number(t, bound)) + after
}

// forget drops what Fennel doesn't write.
func (p *page) forget() {
	maps.DeleteFunc(p.samples, func(sample string, _ float64) bool {
		name, _, _ := strings.Cut(sample, "{")
		return strings.HasSuffix(name, "_created")
	})
	maps.DeleteFunc(p.meta, func(key, _ string) bool {
		_, family, _ := strings.Cut(key, " ")
		for sample := range p.samples {
			if strings.HasPrefix(strings.TrimPrefix(sample, "{"), family) {
				return false
			}
		}
		return true
	})
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
