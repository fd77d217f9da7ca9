package fennel_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// label is a constant label.
func label(name, value string) fennel.Label { return fennel.Label{Name: name, Value: value} }

// declarations has one of each metric type; the name must end in _info for the
// info.
func declarations(in fennel.MetricOption) map[string]func(name string) any {
	return map[string]func(name string) any{
		"counter":   func(name string) any { return fennel.NewCounter(name, "", in) },
		"gauge":     func(name string) any { return fennel.NewGauge(name, "", in) },
		"histogram": func(name string) any { return fennel.NewHistogram(name, "", in) },
		"summary":   func(name string) any { return fennel.NewSummary(name, "", in) },
		"info":      func(name string) any { return fennel.NewInfo(name, "", build{}, in) },
		"stateset":  func(name string) any { return fennel.NewStateSet(name, "", phases, in) },
		"unknown":   func(name string) any { return fennel.NewUnknown(name, "", in) },
		"counter vec": func(name string) any {
			return fennel.NewCounterVec[string](name, "", in, fennel.LabelNames("k"))
		},
		"gauge vec":     func(name string) any { return fennel.NewGaugeVec[request](name, "", in) },
		"histogram vec": func(name string) any { return fennel.NewHistogramVec[request](name, "", in) },
		"summary vec":   func(name string) any { return fennel.NewSummaryVec[request](name, "", in) },
		"info vec":      func(name string) any { return fennel.NewInfoVec[request, build](name, "", in) },
		"stateset vec":  func(name string) any { return fennel.NewStateSetVec[request](name, "", phases, in) },
		"unknown vec":   func(name string) any { return fennel.NewUnknownVec[request](name, "", in) },
	}
}

func TestDeclaredTwiceGivesTheSame(t *testing.T) {
	for kind, declare := range declarations(fennel.In(fennel.NewRegistry())) {
		name := strings.ReplaceAll(kind, " ", "_") + "_info"
		if declare(name) != declare(name) {
			t.Errorf("%s: the second is another", kind)
		}
	}
}

func TestDeclaredConcurrentlyGivesTheSame(t *testing.T) {
	for kind, declare := range declarations(fennel.In(fennel.NewRegistry())) {
		var handles sync.Map
		concurrently(func(int) { handles.Store(declare("x"+strings.ReplaceAll(kind, " ", "_")+"_info"), true) })
		n := 0
		handles.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("%s: %d different handles", kind, n)
		}
	}
}

func TestDeclaredAgainWithOtherConstantLabelsHasItsOwnSeries(t *testing.T) {
	r := fennel.NewRegistry()
	declare := func(db, zone string) *fennel.Gauge {
		return fennel.NewGauge("g", "", fennel.In(r), fennel.ConstLabels(label("zone", zone), label("db", db)))
	}
	b, a := declare("b", "x"), declare("a", "x")
	if a == b || declare("a", "x") != a || declare("b", "x") != b {
		t.Error("the values of the constant labels don't tell the gauges apart")
	}
	a.Set(1)
	b.Set(2)
	wantSamples(t, r, `g{db="a",zone="x"} 1`, `g{db="b",zone="x"} 2`)
	if f := gather(t, r); len(f) != 1 || len(f[0].Samples) != 2 {
		t.Errorf("gathered %+v, want one family with two samples", f)
	}
}

// conflicts are pairs of declarations that can't live side by side, in either
// order, and what the message must say of both.
var conflicts = []struct {
	name   string
	first  func(fennel.MetricOption)
	second func(fennel.MetricOption)
	parts  []string // in the message in either order
}{
	{
		"type",
		func(in fennel.MetricOption) { fennel.NewGauge("x", "h", in) },
		func(in fennel.MetricOption) { fennel.NewCounter("x", "h", in) },
		[]string{`gauge "x"`, `counter "x"`, "they differ in type"},
	}, {
		"unknown and gauge",
		func(in fennel.MetricOption) { fennel.NewGauge("x", "h", in) },
		func(in fennel.MetricOption) { fennel.NewUnknown("x", "h", in) },
		[]string{`gauge "x"`, `unknown "x"`, "they differ in type"},
	}, {
		"help",
		func(in fennel.MetricOption) { fennel.NewGauge("x", "one", in) },
		func(in fennel.MetricOption) { fennel.NewGauge("x", "two", in) },
		[]string{`help "one"`, `help "two"`, "they differ in help"},
	}, {
		"unit",
		func(in fennel.MetricOption) { fennel.NewGauge("x_seconds", "", in, fennel.Unit("seconds")) },
		func(in fennel.MetricOption) { fennel.NewGauge("x_seconds", "", in) },
		[]string{`unit "seconds"`, "they differ in unit"},
	}, {
		"label names",
		func(in fennel.MetricOption) { fennel.NewGaugeVec[string]("x", "", in, fennel.LabelNames("a")) },
		func(in fennel.MetricOption) { fennel.NewGaugeVec[string]("x", "", in, fennel.LabelNames("b")) },
		[]string{`labels ["a"]`, `labels ["b"]`, "they differ in labels"},
	}, {
		"label order",
		func(in fennel.MetricOption) { fennel.NewGaugeVec[[2]string]("x", "", in, fennel.LabelNames("a", "b")) },
		func(in fennel.MetricOption) { fennel.NewGaugeVec[[2]string]("x", "", in, fennel.LabelNames("b", "a")) },
		[]string{`labels ["a" "b"]`, `labels ["b" "a"]`, "they differ in labels"},
	}, {
		"labels and none",
		func(in fennel.MetricOption) { fennel.NewGaugeVec[string]("x", "", in, fennel.LabelNames("a")) },
		func(in fennel.MetricOption) { fennel.NewGauge("x", "", in) },
		[]string{`labels ["a"]`, "they differ in labels"},
	}, {
		"constant labels and none",
		func(in fennel.MetricOption) { fennel.NewGauge("x", "", in, fennel.ConstLabels(label("a", "1"))) },
		func(in fennel.MetricOption) { fennel.NewGauge("x", "", in) },
		[]string{`constant labels {a="1"}`, "they differ in labels"},
	}, {
		"buckets",
		func(in fennel.MetricOption) { fennel.NewHistogram("x", "", in, fennel.Buckets(1, 2)) },
		func(in fennel.MetricOption) { fennel.NewHistogram("x", "", in, fennel.Buckets(1, 3)) },
		[]string{"buckets [1 2]", "buckets [1 3]", "they differ in buckets"},
	}, {
		"quantiles",
		func(in fennel.MetricOption) { fennel.NewSummary("x", "", in, fennel.Quantiles(0.5, 0.9)) },
		func(in fennel.MetricOption) { fennel.NewSummary("x", "", in, fennel.Quantiles(0.5)) },
		[]string{"quantiles [0.5 0.9]", "quantiles [0.5], window 10m0s", "they differ in quantiles"},
	}, {
		"quantiles and none",
		func(in fennel.MetricOption) { fennel.NewSummary("x", "", in, fennel.Quantiles(0.5, 0.9)) },
		func(in fennel.MetricOption) { fennel.NewSummary("x", "", in) },
		[]string{"quantiles [0.5 0.9]", "they differ in quantiles"},
	}, {
		"window",
		func(in fennel.MetricOption) { fennel.NewSummary("x", "", in, fennel.Quantiles(0.5)) },
		func(in fennel.MetricOption) {
			fennel.NewSummary("x", "", in, fennel.Quantiles(0.5), fennel.Window(time.Minute))
		},
		[]string{"window 10m0s", "window 1m0s", "they differ in window"},
	}, {
		"states",
		func(in fennel.MetricOption) { fennel.NewStateSet("x", "", []string{"a", "b"}, in) },
		func(in fennel.MetricOption) { fennel.NewStateSet("x", "", []string{"b", "a"}, in) },
		[]string{`states ["a" "b"]`, `states ["b" "a"]`, "they differ in states"},
	}, {
		"_count of a histogram",
		func(in fennel.MetricOption) { fennel.NewHistogram("x", "", in) },
		func(in fennel.MetricOption) { fennel.NewGauge("x_count", "", in) },
		[]string{`histogram "x"`, `gauge "x_count"`, `both expose the name "x_count"`},
	}, {
		"_sum of a summary",
		func(in fennel.MetricOption) { fennel.NewSummary("x", "", in) },
		func(in fennel.MetricOption) { fennel.NewCounter("x_sum", "", in) },
		[]string{`summary "x"`, `counter "x_sum"`, `both expose the name "x_sum"`},
	}, {
		"_bucket of a histogram",
		func(in fennel.MetricOption) { fennel.NewHistogram("x", "", in) },
		func(in fennel.MetricOption) { fennel.NewUnknown("x_bucket", "", in) },
		[]string{`histogram "x"`, `unknown "x_bucket"`, `both expose the name "x_bucket"`},
	}, {
		"_created of a counter",
		func(in fennel.MetricOption) { fennel.NewCounter("x_total", "", in) },
		func(in fennel.MetricOption) { fennel.NewGauge("x_created", "", in) },
		[]string{`counter "x_total"`, `gauge "x_created"`, `"x_created" is reserved for a time of creation`},
	}, {
		"counters with and without _total",
		func(in fennel.MetricOption) { fennel.NewCounter("x_total", "", in) },
		func(in fennel.MetricOption) { fennel.NewCounter("x", "", in) },
		[]string{`counter "x_total"`, `counter "x"`, "reserved for a time of creation"},
	}, {
		"_count of one, _count of the other",
		func(in fennel.MetricOption) { fennel.NewHistogram("x", "", in) },
		func(in fennel.MetricOption) { fennel.NewSummary("x_count", "", in) },
		[]string{`histogram "x"`, `summary "x_count"`, `both expose the name "x_count"`},
	}, {
		"names alike with underscores",
		func(in fennel.MetricOption) { fennel.NewGauge("a.b", "", in) },
		func(in fennel.MetricOption) { fennel.NewGauge("a_b", "", in) },
		[]string{`gauge "a.b"`, `gauge "a_b"`, `both expose the name "a_b"`},
	}, {
		"two names alike with underscores",
		func(in fennel.MetricOption) { fennel.NewGauge("a.b", "", in) },
		func(in fennel.MetricOption) { fennel.NewGauge("a-b", "", in) },
		[]string{`gauge "a.b"`, `gauge "a-b"`, `both expose the name "a_b"`},
	}, {
		"names alike with dots",
		func(in fennel.MetricOption) { fennel.NewGauge("a.b", "", in) },
		func(in fennel.MetricOption) { fennel.NewGauge("a_dot_b", "", in) },
		[]string{`gauge "a.b"`, `gauge "a_dot_b"`, `both expose the name "a_dot_b"`},
	}, {
		"names alike with values",
		func(in fennel.MetricOption) { fennel.NewGauge("a.b", "", in) },
		func(in fennel.MetricOption) { fennel.NewGauge("U__a_2e_b", "", in) },
		[]string{`gauge "a.b"`, `gauge "U__a_2e_b"`, `both expose the name "U__a_2e_b"`},
	}, {
		"suffixes alike after escaping",
		func(in fennel.MetricOption) { fennel.NewHistogram("a.b", "", in) },
		func(in fennel.MetricOption) { fennel.NewGauge("a_b_count", "", in) },
		[]string{`histogram "a.b"`, `gauge "a_b_count"`, `both expose the name "a_b_count"`},
	}, {
		"suffixes that escaping makes",
		func(in fennel.MetricOption) { fennel.NewHistogram("a", "", in) },
		func(in fennel.MetricOption) { fennel.NewGauge("a.count", "", in) },
		[]string{`histogram "a"`, `gauge "a.count"`, `both expose the name "a_count"`},
	},
}

func TestConflictsNameBothSides(t *testing.T) {
	for _, c := range conflicts {
		t.Run(c.name, func(t *testing.T) {
			for _, order := range [][2]func(fennel.MetricOption){{c.first, c.second}, {c.second, c.first}} {
				r := fennel.NewRegistry()
				in := fennel.In(r)
				order[0](in)
				before := fmt.Sprint(r.Descs())
				_, err := fennel.Try(func() any { order[1](in); return nil })
				if err == nil {
					t.Fatal("not refused")
				}
				for _, part := range append(c.parts, "conflicts with", "already declared", "rename one") {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("message %q\ndoes not contain %q", err, part)
					}
				}
				if after := fmt.Sprint(r.Descs()); after != before {
					t.Errorf("the refused one left something:\n%s\nbefore:\n%s", after, before)
				}
				order[0](in) // the first still is what it was
			}
		})
	}
}

// The message is of no use if both sides read the same.
func TestConflictMessageTellsConstantLabelsFromOthers(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGauge("x", "", fennel.In(r), fennel.ConstLabels(label("a", "1")))
	_, err := fennel.Try(func() any {
		return fennel.NewGaugeVec[string]("x", "", fennel.In(r), fennel.LabelNames("a"))
	})
	if err == nil {
		t.Fatal("not refused")
	}
	_, sides, _ := strings.Cut(err.Error(), `metric "x": `)
	mine, rest, _ := strings.Cut(sides, " conflicts with ")
	theirs, _, _ := strings.Cut(rest, ", which is already")
	if mine == theirs {
		t.Errorf("both sides are described alike: %q", err)
	}
}

// OpenMetrics takes the suffix of counters and infos away in its headers. There
// a gauge of that name is in the way, but it is no conflict: the headers differ.
func TestNamesThatOnlyOpenMetricsHeadersShareDoNotConflict(t *testing.T) {
	gauge := func(in fennel.MetricOption) { fennel.NewGauge("x", "", in) }
	counter := func(in fennel.MetricOption) { fennel.NewCounter("x_total", "", in) }
	info := func(in fennel.MetricOption) { fennel.NewInfo("x_info", "", struct{}{}, in) }
	for name, order := range map[string][]func(fennel.MetricOption){
		"gauge first":   {gauge, counter, info},
		"gauge last":    {info, counter, gauge},
		"without gauge": {counter, info},
	} {
		r := fennel.NewRegistry()
		for _, declare := range order {
			declare(fennel.In(r))
		}
		if err := checkExposition(render(t, r, openMetrics), openMetrics); err != nil {
			t.Errorf("%s: %v in\n%s", name, err, render(t, r, openMetrics))
		}
		r.Forget("x")
		r.Forget("x_info")
		if got, want := render(t, r, openMetrics), "# TYPE x counter\nx_total 0\n# EOF\n"; got != want {
			t.Errorf("%s: with the counter alone:\n%swant:\n%s", name, got, want)
		}
	}
}

func TestDifferentNamesDoNotConflict(t *testing.T) {
	in := fennel.In(fennel.NewRegistry())
	fennel.NewGauge("x", "", in)
	for _, name := range []string{"x_count", "x_sum", "x_bucket", "x_created", "x_y", "X", "x_info"} {
		accepted(t, func() { fennel.NewGauge(name, "", in) })
	}
	accepted(t, func() { fennel.NewHistogram("x_count_count", "", in) })
}

func TestNamesAreChecked(t *testing.T) {
	for _, c := range []struct{ name, help, part string }{
		{"", "", "the name is empty"},
		{"a\xff", "", "the name is not valid UTF-8"},
		{"a\x00", "", "NUL"},
		{"a", "\xff", "the help is not valid UTF-8"},
		{"_total", "", "nothing before _total"},
	} {
		r := fennel.NewRegistry()
		refused(t, c.name, func() { fennel.NewCounter(c.name, c.help, fennel.In(r)) }, c.part)
	}
	for _, name := range []string{"a", "_", ":", "a:b_total", "1a", "a b", "größe", "a\nb\"\\", "世", "{", "#"} {
		accepted(t, func() { fennel.NewCounter(name, "help\n\"\\", fennel.In(fennel.NewRegistry())) })
	}
}

func TestLegacyNames(t *testing.T) {
	r := fennel.NewRegistry(fennel.WithLegacyNames())
	in := fennel.In(r)
	for name, suggestion := range map[string]string{
		"a.b": "a_b", "1a": "_a", "größe": "gr__e", "a b": "a_b", "a\n": "a_", "a-": "a_",
	} {
		refused(t, name, func() { fennel.NewGauge(name, "", in) }, "legacy names only", fmt.Sprintf("such as %q", suggestion))
		part := fmt.Sprintf("label %q: the registry takes legacy names only", name)
		refused(t, "g", func() { fennel.NewGaugeVec[string]("g", "", in, fennel.LabelNames(name)) }, part, suggestion)
		refused(t, "g", func() { fennel.NewGauge("g", "", in, fennel.ConstLabels(label(name, ""))) }, part, suggestion)
	}
	refused(t, "g", func() { fennel.NewGaugeVec[string]("g", "", in, fennel.LabelNames("a:b")) }, `label "a:b"`)
	accepted(t, func() { fennel.NewGaugeVec[string]("a:b_1", "größe", in, fennel.LabelNames("_a1")).With("größe") })
	wantSamples(t, r, `a:b_1{_a1="größe"} 0`)
}

func TestLabelNamesAreChecked(t *testing.T) {
	for _, c := range []struct {
		names [2]string
		part  string
	}{
		{[2]string{"a", ""}, "a label name is empty"},
		{[2]string{"a", "\xff"}, "not valid UTF-8"},
		{[2]string{"a", "a"}, `label "a" is there twice`},
		{[2]string{"__name__", "a"}, `label "__name__" is reserved: names must not begin with __`},
		{[2]string{"a", "__x"}, `label "__x" is reserved`},
		{[2]string{"a.b", "a_b"}, `labels "a.b" and "a_b" are both written as "a_b" under the escaping scheme "underscores"`},
		{[2]string{"a-b", "a.b"}, `"a_b"`},
		{[2]string{"a:b", "a_b"}, `"a_b"`},
		{[2]string{"a.b", "a_dot_b"}, `under the escaping scheme "dots"`},
		{[2]string{"a.b", "U__a_2e_b"}, `under the escaping scheme "values"`},
	} {
		in := fennel.In(fennel.NewRegistry())
		refused(t, "g", func() { fennel.NewGaugeVec[[2]string]("g", "", in, fennel.LabelNames(c.names[:]...)) }, c.part)
		consts := fennel.ConstLabels(label(c.names[0], "1"), label(c.names[1], "2"))
		_, err := fennel.Try(func() any { return fennel.NewGauge("g", "", in, consts) })
		if err == nil {
			t.Errorf("constant labels %q are not refused", c.names)
		}
		_, err = fennel.Try(func() any {
			return fennel.NewGaugeVec[string]("g", "", in, fennel.ConstLabels(label(c.names[0], "")), fennel.LabelNames(c.names[1]))
		})
		if err == nil {
			t.Errorf("constant label and label %q are not refused", c.names)
		}
	}
	accepted(t, func() {
		fennel.NewGaugeVec[[2]string]("g", "", fennel.In(fennel.NewRegistry()), fennel.LabelNames("_a", "a b"))
	})
	refused(t, "g", func() { fennel.NewGauge("g", "", fennel.ConstLabels(label("a", "\xff"))) }, `constant label "a" is not valid UTF-8`)
}

// With __name__ in a sample Prometheus takes it for another metric. A scheme
// must not make that of a harmless name.
func TestLabelNamesThatEscapeToTheMetricNameAreRefused(t *testing.T) {
	for _, name := range []string{"--name--", "..name..", "_-name__", ".-name_-", "-name-"} {
		r := fennel.NewRegistry()
		vec, err := fennel.Try(func() *fennel.GaugeVec[string] {
			return fennel.NewGaugeVec[string]("g", "", fennel.In(r), fennel.LabelNames(name))
		})
		if err != nil {
			continue
		}
		vec.With("x")
		for _, e := range []exposition.Escaping{exposition.EscapeUnderscores, exposition.EscapeDots, exposition.EscapeValues} {
			if body := render(t, r, exposition.Format{Escaping: e}); strings.Contains(body, "__name__=") {
				t.Errorf("label %q is accepted, and written as __name__ under %v", name, e)
			}
		}
	}
}

func TestLabelsReservedByATypeAreRefusedThere(t *testing.T) {
	in := fennel.In(fennel.NewRegistry())
	le, quantile := fennel.LabelNames("le"), fennel.LabelNames("quantile")
	refused(t, "x", func() { fennel.NewHistogramVec[string]("x", "", in, le) }, `label "le" is reserved`, "rename it")
	refused(t, "x", func() { fennel.NewHistogram("x", "", in, fennel.ConstLabels(label("le", "1"))) }, `label "le" is reserved`)
	refused(t, "x", func() { fennel.NewSummaryVec[string]("x", "", in, quantile) }, `label "quantile" is reserved`, "rename it")
	accepted(t, func() { fennel.NewHistogramVec[string]("h", "", in, quantile) })
	accepted(t, func() { fennel.NewSummaryVec[string]("s", "", in, le) })
	accepted(t, func() { fennel.NewGaugeVec[[2]string]("g", "", in, le, quantile) })
}

func TestUnitsAreChecked(t *testing.T) {
	unit := fennel.Unit
	in := func() fennel.MetricOption { return fennel.In(fennel.NewRegistry()) }
	refused(t, "x", func() { fennel.NewGauge("x", "", in(), unit("seconds")) }, `not the name's suffix: call it "x_seconds" or drop`)
	refused(t, "x_total", func() { fennel.NewCounter("x_total", "", in(), unit("seconds")) }, `call it "x_seconds_total"`)
	refused(t, "x_seconds_total", func() { fennel.NewGauge("x_seconds_total", "", in(), unit("seconds")) }, "not the name's suffix")
	refused(t, "seconds", func() { fennel.NewGauge("seconds", "", in(), unit("seconds")) }, "not the name's suffix")
	refused(t, "xseconds", func() { fennel.NewGauge("xseconds", "", in(), unit("seconds")) }, "not the name's suffix")
	refused(t, "x_a b", func() { fennel.NewGauge("x_a b", "", in(), unit("a b")) }, "white space")
	refused(t, "x_a\nb", func() { fennel.NewGauge("x_a\nb", "", in(), unit("a\nb")) }, "white space")
	accepted(t, func() { fennel.NewGauge("x_seconds", "", in(), unit("seconds")) })
	accepted(t, func() { fennel.NewCounter("x_seconds_total", "", in(), unit("seconds")) })
	accepted(t, func() { fennel.NewCounter("x_seconds", "", in(), unit("seconds")) })
	accepted(t, func() { fennel.NewHistogram("x_bytes", "", in(), unit("bytes")) })
	accepted(t, func() { fennel.NewGauge("x", "", in(), unit("")) })
}

func TestTryReturnsWhatWasDeclared(t *testing.T) {
	r := fennel.NewRegistry()
	g, err := fennel.Try(func() *fennel.Gauge { return fennel.NewGauge("g", "", fennel.In(r)) })
	if err != nil || g != fennel.NewGauge("g", "", fennel.In(r)) {
		t.Errorf("Try = %v, %v", g, err)
	}
	g, err = fennel.Try(func() *fennel.Gauge {
		fennel.NewGauge("before", "", fennel.In(r))
		return fennel.NewGauge("", "", fennel.In(r))
	})
	var refusal *fennel.DeclarationError
	if g != nil || !errors.As(err, &refusal) || refusal.Metric != "" || refusal.Problem != "the name is empty: give it one" {
		t.Errorf("Try = %v, %v", g, err)
	}
	if got := len(r.Descs()); got != 2 {
		t.Errorf("%d metrics declared, want those before the refused one to stay", got)
	}
}

func TestTryPassesOtherPanicsOn(t *testing.T) {
	for _, value := range []any{"text", errors.New("error"), fennel.DeclarationError{}, 7} {
		func() {
			defer func() {
				if p := recover(); p != value {
					t.Errorf("recovered %v, want %v", p, value)
				}
			}()
			_, err := fennel.Try(func() int { panic(value) })
			t.Errorf("Try returned %v", err)
		}()
	}
}

func TestRefusedDeclarationsClaimNoNames(t *testing.T) {
	r := fennel.NewRegistry()
	in := fennel.In(r)
	fennel.NewGauge("x_sum", "", in)
	refused(t, "x", func() { fennel.NewHistogram("x", "", in) }, "x_sum")
	accepted(t, func() { fennel.NewGauge("x_count", "", in) }) // not claimed by the refused one
	accepted(t, func() { fennel.NewGauge("x", "", in) })
}
