package fennel_test

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

// pool is what has its own statistics, as a method that is an iterator.
type pool struct{ idle, busy float64 }

func (p *pool) conns(yield func(state string, n float64) bool) {
	_ = yield("idle", p.idle) && yield("busy", p.busy)
}

// one is an iterator of one pair.
func one[L, V any](labels L, value V) iter.Seq2[L, V] {
	return func(yield func(L, V) bool) { yield(labels, value) }
}

// always is a function that returns v.
func always[V any](v V) func() V { return func() V { return v } }

func TestFuncsOfEveryType(t *testing.T) {
	r := fennel.NewRegistry()
	in, k := fennel.In(r), fennel.LabelNames("k")
	histogram := fennel.HistogramValue{Counts: []uint64{1, 2}, Sum: 3}
	fennel.NewCounterFunc("a_total", "Counter.", always(1.5), in)
	fennel.NewCounterFuncVec("b_total", "Counters.", one(request{"GET", 200}, 2.0), in)
	fennel.NewGaugeFunc("c_bytes", "Gauge.", always(math.Inf(-1)), in, fennel.Unit("bytes"))
	fennel.NewGaugeFuncVec("d", "Gauges.", (&pool{2, 3}).conns, in, k)
	fennel.NewUnknownFunc("e", "Unknown.", always(math.NaN()), in, fennel.ConstLabels(label("const", "x")))
	fennel.NewUnknownFuncVec("f", "Unknowns.", one([2]int{1, -2}, 5.0), in, fennel.LabelNames("one", "two"))
	fennel.NewHistogramFunc("g", "Histogram.", always(histogram), in, fennel.Buckets(1, math.Inf(1)))
	fennel.NewHistogramFuncVec("h", "Histograms.", one(true, histogram), in, k, fennel.Buckets(1))
	fennel.NewSummaryFunc("i", "Summary.", always(fennel.SummaryValue{Count: 2, Sum: 3}), in)
	fennel.NewSummaryFuncVec("j", "Summaries.", one(uint8(7), fennel.SummaryValue{Count: 4, Sum: 5}), in, k)
	fennel.NewInfoFunc("k_info", "Info.", always(versionInfo{"1.2"}), in)
	fennel.NewInfoFuncVec("l_info", "Infos.", one("x", versionInfo{"3"}), in, k)
	fennel.NewStateSetFunc("m", "Stateset.", phases, always([]phase{running}), in)
	fennel.NewStateSetFuncVec("n", "Statesets.", phases, one(struct{}{}, []phase(nil)), in, fennel.ConstLabels(label("a", "b")))
	want := `# TYPE a counter
# HELP a Counter.
a_total 1.5
# TYPE b counter
# HELP b Counters.
b_total{method="GET",status="200"} 2
# TYPE c_bytes gauge
# UNIT c_bytes bytes
# HELP c_bytes Gauge.
c_bytes -Inf
# TYPE d gauge
# HELP d Gauges.
d{k="busy"} 3
d{k="idle"} 2
# TYPE e unknown
# HELP e Unknown.
e{const="x"} NaN
# TYPE f unknown
# HELP f Unknowns.
f{one="1",two="-2"} 5
# TYPE g histogram
# HELP g Histogram.
g_bucket{le="1.0"} 1
g_bucket{le="+Inf"} 3
g_sum 3
g_count 3
# TYPE h histogram
# HELP h Histograms.
h_bucket{k="true",le="1.0"} 1
h_bucket{k="true",le="+Inf"} 3
h_sum{k="true"} 3
h_count{k="true"} 3
# TYPE i summary
# HELP i Summary.
i_sum 3
i_count 2
# TYPE j summary
# HELP j Summaries.
j_sum{k="7"} 5
j_count{k="7"} 4
# TYPE k info
# HELP k Info.
k_info{v="1.2"} 1
# TYPE l info
# HELP l Infos.
l_info{k="x",v="3"} 1
# TYPE m stateset
# HELP m Stateset.
`
	for _, p := range phases {
		want += fmt.Sprintf("m{m=%q} %d\n", p, map[bool]int{true: 1}[p == running])
	}
	want += "# TYPE n stateset\n# HELP n Statesets.\n"
	for _, p := range phases {
		want += fmt.Sprintf("n{a=\"b\",n=%q} 0\n", p)
	}
	want += "# EOF\n"
	for range 2 {
		if got := render(t, r, openMetrics); got != want {
			t.Errorf("got:\n%swant:\n%s", got, want)
		}
	}
	var described []string
	for _, d := range r.Descs() {
		described = append(described, fmt.Sprint(d.Name, " ", d.Type, " ", d.Unit, d.Labels, d.ConstLabels))
	}
	wantDescs := []string{
		"a_total counter [] []", "b_total counter [method status] []", "c_bytes gauge bytes[] []", "d gauge [k] []",
		"e unknown [const] [{const x}]", "f unknown [one two] []", "g histogram [] []", "h histogram [k] []", "i summary [] []",
		"j summary [k] []", "k_info info [v] []", "l_info info [k v] []", "m stateset [] []", "n stateset [a] [{a b}]",
	}
	if !slices.Equal(described, wantDescs) {
		t.Errorf("Descs: %q\nwant %q", described, wantDescs)
	}
}

// What the values of functions can have besides: native buckets and exemplars.
func TestHistogramFuncMayBeNative(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewHistogramFunc("h", "", func() fennel.HistogramValue {
		return fennel.HistogramValue{Sum: 1, Native: native(), Exemplars: []fennel.Exemplar{exemplar(1, "a", 1)}}
	}, fennel.In(r))
	s := family(t, gather(t, r), "h").Samples[0]
	if s.Count != 20 || s.Native == nil || details(s) != "trace_id=a:1@1s" {
		t.Errorf("gathered %+v", s)
	}
}

func TestFuncsLeaveOutWhatIsWrong(t *testing.T) {
	r := fennel.NewRegistry()
	in, k := fennel.In(r), fennel.LabelNames("k")
	fennel.NewCounterFuncVec("a_total", "", maps.All(map[string]float64{"x": -1, "y": 1, "z": math.NaN()}), in, k)
	fennel.NewHistogramFunc("b", "", always(fennel.HistogramValue{Counts: []uint64{1, 2}}), in)
	fennel.NewSummaryFunc("c", "", always(fennel.SummaryValue{Quantiles: []float64{1}}), in)
	fennel.NewStateSetFunc("d", "", phases, always([]phase{"nowhere"}), in)
	fennel.NewGaugeFuncVec("e", "", func(yield func(string, float64) bool) {
		_ = yield("b", 1) && yield("a", 2) && yield("b", 3) && yield("\xff", 4) && yield("\uFFFD", 5)
	}, in, k)
	fennel.NewInfoFuncVec("f_info", "", one("x", versionInfo{"\xff"}), in, k)
	_, errs := gatherPartial(t, r)
	wantErrors(t, errs,
		`collector a_total: metric "a_total": samples left out: 2`,
		`collector b: metric "b": samples left out: 1, the first: sample []: 2 counts for 1 buckets, +Inf included`,
		`collector c: metric "c": samples left out: 1, the first: sample []: 1 values for 0 quantiles`,
		`collector d: metric "d": samples left out: 1, the first: sample []: state "nowhere" is not one of`,
		`collector e: metric "e": samples left out because their labels were there already: 2`)
	want := "a_total{k=\"y\"} 1\ne{k=\"a\"} 2\ne{k=\"b\"} 1\ne{k=\"\uFFFD\"} 4\nf_info{k=\"x\",v=\"\uFFFD\"} 1\n"
	if got := samplesPartial(t, r); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := own(t, r, "fennel_mended_labels_total", "f_info"); got != 3 {
		t.Errorf("%v mended in three scrapes", got)
	}
}

// What is wrong with a declaration is said at once, not by the first scrape.
func TestFuncDeclarationsAreChecked(t *testing.T) {
	type noTag struct{ A string }
	number := func() float64 { t.Error("a function is called that belongs to no metric"); return 0 }
	for _, none := range []bool{false, true} {
		in := fennel.In(fennel.NewRegistry())
		if none {
			in = fennel.In(nil)
		}
		k := fennel.LabelNames("k")
		for _, tt := range []struct {
			metric, part string
			declare      func()
		}{
			{"", "the name is empty", func() { fennel.NewGaugeFunc("", "", number, in) }},
			{"a_bytes", "not the name's suffix", func() { fennel.NewGaugeFunc("a_bytes", "", number, in, fennel.Unit("seconds")) }},
			{"a", "the function is nil", func() { fennel.NewGaugeFunc("a", "", nil, in) }},
			{"a", "the function is nil", func() { fennel.NewCounterFunc("a", "", nil, in) }},
			{"a", "the function is nil", func() { fennel.NewUnknownFuncVec[string]("a", "", nil, in, k) }},
			{"a", "the function is nil", func() { fennel.NewHistogramFunc("a", "", nil, in) }},
			{"a", "the function is nil", func() { fennel.NewStateSetFunc("a", "", phases, nil, in) }},
			{"a", "drop the option Native", func() {
				fennel.NewHistogramFunc("a", "", func() (v fennel.HistogramValue) { return v }, fennel.Native{}, in)
			}},
			{"a", "drop the option Window", func() {
				fennel.NewSummaryFunc("a", "", func() (v fennel.SummaryValue) { return v }, fennel.Quantiles(0.5), fennel.Window(time.Hour), in)
			}},
			{"a_info", "the function is nil", func() { fennel.NewInfoFuncVec[string, versionInfo]("a_info", "", nil, in, k) }},
			{"a", "needs 1 label names and has 0", func() { fennel.NewGaugeFuncVec("a", "", one("", 0.0), in) }},
			{"a", "needs 1 label names and has 2", func() { fennel.NewGaugeFuncVec("a", "", one("", 0.0), in, fennel.LabelNames("a", "b")) }},
			{"a", "is not a vec: use the constructor whose name ends in Vec", func() { fennel.NewGaugeFunc("a", "", number, in, k) }},
			{"a", "field A has no tag", func() { fennel.NewCounterFuncVec("a", "", one(noTag{}, 0.0), in) }},
			{"a", "is of type float64", func() { fennel.NewSummaryFuncVec("a", "", one(1.5, fennel.SummaryValue{}), in, k) }},
			{"a", "must not begin with __", func() { fennel.NewGaugeFuncVec("a", "", one("", 0.0), in, fennel.LabelNames("__k")) }},
			{"a", `label "le" is reserved`, func() {
				fennel.NewHistogramFuncVec("a", "", one("", fennel.HistogramValue{}), in, fennel.LabelNames("le"))
			}},
			{"a", "sort the bounds", func() {
				fennel.NewHistogramFunc("a", "", always(fennel.HistogramValue{}), in, fennel.Buckets(2, 1))
			}},
			{"a", "must end in _info", func() { fennel.NewInfoFunc("a", "", always(versionInfo{}), in) }},
			{"a_info", "must be a struct with label tags", func() { fennel.NewInfoFunc("a_info", "", always(1), in) }},
			{"a_info", `label "v" is there twice`, func() {
				fennel.NewInfoFuncVec("a_info", "", one("", versionInfo{}), in, fennel.LabelNames("v"))
			}},
			{"a", "at least one state", func() { fennel.NewStateSetFunc("a", "", nil, always([]string{}), in) }},
			{"a", "is there twice", func() { fennel.NewStateSetFunc("a", "", []string{"x", "x"}, always([]string{}), in) }},
			{"a", `label "a" is reserved`, func() {
				fennel.NewStateSetFuncVec("a", "", phases, one("", phases), in, fennel.LabelNames("a"))
			}},
		} {
			refused(t, tt.metric, tt.declare, tt.part)
		}
	}
	refused(t, "a.b", func() {
		fennel.NewGaugeFunc("a.b", "", number, fennel.In(fennel.NewRegistry(fennel.WithLegacyNames())))
	}, "legacy names only")
}

// Labels of an iterator are of a type, and may lie in memory that it uses again.
func TestFuncVecKeepsNothingOfWhatItIsGiven(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGaugeFuncVec("g", "", func(yield func([2]string, float64) bool) {
		buffer := []byte("0123456789")
		for i := range 10 {
			word := string(buffer[i:])
			labels := [2]string{word, strings.Repeat("x", i)}
			if !yield(labels, float64(i)) {
				return
			}
			labels[0] = "changed"
		}
	}, fennel.In(r), fennel.LabelNames("a", "b"))
	for i, s := range family(t, gather(t, r), "g").Samples {
		if want := fmt.Sprintf("[{a %s} {b %s}]", "0123456789"[i:], strings.Repeat("x", i)); fmt.Sprint(s.Labels) != want || s.Value != float64(i) {
			t.Errorf("sample %d: %v %v, want %s", i, s.Labels, s.Value, want)
		}
	}
}
