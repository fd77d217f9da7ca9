package fennel_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// collected returns a registry with a collector that does this.
func collected(t testing.TB, collect func(w *fennel.Writer)) *fennel.Registry {
	t.Helper()
	r := fennel.NewRegistry()
	register(t, r, func(w *fennel.Writer) error { collect(w); return nil })
	return r
}

func TestWritersOfEveryType(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		k := fennel.LabelNames("k")
		w.Counter("a_total", "Counter.", k).Write(1.5, "x")
		w.Gauge("b", "Gauge.", k).Write(math.Inf(-1), "x")
		w.Unknown("c", "Unknown.", k).Write(math.NaN(), "x")
		w.Histogram("d", "Histogram.", []float64{1, 2, math.Inf(1)}, k).Write(fennel.HistogramValue{Counts: []uint64{1, 0, 2}, Sum: 7}, "x")
		w.Summary("e", "Summary.", []float64{0.5, 1}, k).Write(fennel.SummaryValue{Count: 3, Sum: 4.5, Quantiles: []float64{1, math.NaN()}}, "x")
		w.Summary("f", "No quantiles.", nil, k).Write(fennel.SummaryValue{Count: 3, Sum: 4.5}, "x")
		w.Info("g_info", "Info.", k).Write("x")
		w.StateSet("h", "Stateset.", []string{"on", "off"}, k).Write([]string{"off"}, "x")
	})
	want := `# TYPE a counter
# HELP a Counter.
a_total{k="x"} 1.5
# TYPE b gauge
# HELP b Gauge.
b{k="x"} -Inf
# TYPE c unknown
# HELP c Unknown.
c{k="x"} NaN
# TYPE d histogram
# HELP d Histogram.
d_bucket{k="x",le="1.0"} 1
d_bucket{k="x",le="2.0"} 1
d_bucket{k="x",le="+Inf"} 3
d_sum{k="x"} 7
d_count{k="x"} 3
# TYPE e summary
# HELP e Summary.
e{k="x",quantile="0.5"} 1
e{k="x",quantile="1.0"} NaN
e_sum{k="x"} 4.5
e_count{k="x"} 3
# TYPE f summary
# HELP f No quantiles.
f_sum{k="x"} 4.5
f_count{k="x"} 3
# TYPE g info
# HELP g Info.
g_info{k="x"} 1
# TYPE h stateset
# HELP h Stateset.
h{k="x",h="on"} 0
h{k="x",h="off"} 1
# EOF
`
	if got := render(t, r, openMetrics); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	families := gather(t, r)
	if s := family(t, families, "e").Samples[0]; s.Quantiles[0] != (fennel.Quantile{Rank: 0.5, Value: 1}) || !math.IsNaN(s.Quantiles[1].Value) {
		t.Errorf("quantiles gathered: %v", s.Quantiles)
	}
	if s := family(t, families, "d").Samples[0]; fmt.Sprint(s.Buckets) != "[{1 1} {2 1} {+Inf 3}]" || s.Count != 3 || s.Sum != 7 {
		t.Errorf("histogram gathered: %+v", s)
	}
}

func TestWritersWithTimestamps(t *testing.T) {
	at := time.Unix(1700000000, 123456789)
	r := collected(t, func(w *fennel.Writer) {
		w.Counter("a_total", "").At(at).Write(1)
		w.Gauge("b", "").At(at).Write(1)
		w.Unknown("c", "").At(at).Write(1)
		w.Histogram("d", "", nil).At(at).Write(fennel.HistogramValue{Counts: []uint64{1}})
		w.Summary("e", "", nil).At(at).Write(fennel.SummaryValue{})
		w.Info("g_info", "").At(at).Write()
		w.StateSet("h", "", []string{"on"}).At(at).Write(nil)
	})
	for line := range strings.Lines(samples(t, r)) {
		if !strings.HasSuffix(line, " 1700000000123\n") {
			t.Errorf("text: %q", line)
		}
	}
	for line := range strings.Lines(render(t, r, openMetrics)) {
		if !strings.HasPrefix(line, "#") && !strings.HasSuffix(line, " 1700000000.123456789\n") {
			t.Errorf("OpenMetrics: %q", line)
		}
	}
	for _, f := range gather(t, r) {
		if !f.Samples[0].Time.Equal(at) {
			t.Errorf("%s: gathered with the time %v", f.Name, f.Samples[0].Time)
		}
	}
}

func TestWriterTimestampsComeAndGo(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		g := w.Gauge("g", "", fennel.LabelNames("k"))
		timed := g.At(time.Unix(5, 0))
		g.Write(1, "d")
		timed.Write(2, "b")
		timed.At(time.Unix(0, 0)).Write(3, "c")
		timed.At(time.Time{}).Write(4, "a")
		g.Write(5, "e")
	})
	wantSamples(t, r, `g{k="a"} 4`, `g{k="b"} 2 5000`, `g{k="c"} 3 0`, `g{k="d"} 1`, `g{k="e"} 5`)
}

// Nanoseconds since 1970 in 64 bits end in 2262. What is beyond must not come
// out as some other time.
func TestWriterTimestampsThatCannotBeExposed(t *testing.T) {
	for _, year := range []int{-1, 1, 1969, 2263, 2500, 3000, 9999, 292277} {
		r := collected(t, func(w *fennel.Writer) {
			w.Gauge("g", "").At(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)).Write(1)
			w.Gauge("healthy", "").Write(1)
		})
		families, errs := gatherPartial(t, r)
		if names(families) != "healthy" {
			t.Errorf("year %d: exposed with the time %v", year, family(t, families, "g").Samples[0].Time)
		} else {
			wantErrors(t, errs, "timestamp")
		}
	}
}

// Exporters that pass on the labels of others, as kube-state-metrics does, have
// samples of one family with other labels each.
func TestWriterMixesLabels(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		w.Gauge("g", "", fennel.LabelNames("b.c", "d")).Write(1, "x", "y")
		w.Gauge("g", "", fennel.LabelNames("d")).Write(2, "z")
		w.Gauge("g", "").Write(3)
		w.Gauge("g", "", fennel.LabelNames("b.c", "d")).Write(4, "x", "y\n")
	})
	wantSamples(t, r, `g 3`, `g{"b.c"="x",d="y"} 1`, `g{"b.c"="x",d="y\n"} 4`, `g{d="z"} 2`)
	body, err := exposition.Bytes(t.Context(), r, exposition.Format{})
	want := "# TYPE g gauge\ng 3\ng{b_c=\"x\",d=\"y\"} 1\ng{b_c=\"x\",d=\"y\\n\"} 4\ng{d=\"z\"} 2\n"
	if string(body) != want || err != nil {
		t.Errorf("got\n%swant\n%s%v", body, want, err)
	}
}

// What can't be exposed is left out and reported; all else is there.
func TestWritersLeaveOutWhatIsWrong(t *testing.T) {
	k := fennel.LabelNames("k")
	for _, c := range []struct {
		name    string
		collect func(w *fennel.Writer)
		samples string
		parts   []string
	}{
		{"negative counter", func(w *fennel.Writer) {
			c := w.Counter("c_total", "", k)
			c.Write(-1, "a")
			c.Write(math.NaN(), "b")
			c.Write(math.Inf(-1), "b")
			c.Write(2, "c")
		}, `c_total{k="c"} 2`, []string{`metric "c_total": samples left out: 3, the first: sample ["a"]: a counter can't be -1`}},
		{"label values", func(w *fennel.Writer) {
			g := w.Gauge("g", "", k)
			g.Write(1)
			g.Write(2, "a", "b")
			g.Write(3, "a")
		}, `g{k="a"} 3`, []string{`metric "g": samples left out: 2, the first: sample []: 0 label values for the 1 labels ["k"]`}},
		{"histogram counts", func(w *fennel.Writer) {
			h := w.Histogram("h", "", []float64{1}, k)
			h.Write(fennel.HistogramValue{Counts: []uint64{1}}, "a")
			h.Write(fennel.HistogramValue{Counts: []uint64{1, 2, 3}}, "b")
			h.Write(fennel.HistogramValue{}, "c")
		}, ``, []string{`metric "h": samples left out: 3, the first: sample ["a"]: 1 counts for 2 buckets, +Inf included`}},
		{"quantiles", func(w *fennel.Writer) {
			w.Summary("s", "", []float64{0.5}).Write(fennel.SummaryValue{})
			w.Summary("s2", "", nil).Write(fennel.SummaryValue{Quantiles: []float64{1}})
		}, ``, []string{`metric "s": samples left out: 1`, `metric "s2": samples left out: 1, the first: sample []: 1 values for 0 quantiles`}},
		{"states", func(w *fennel.Writer) {
			s := w.StateSet("s", "", []string{"a", "b"}, k)
			s.Write([]string{"a", "c"}, "x")
			s.Write([]string{"a", "b", "a"}, "y")
		}, "s{k=\"y\",s=\"a\"} 1\ns{k=\"y\",s=\"b\"} 1", []string{`state "c" is not one of ["a" "b"]`}},
		{"info labels", func(w *fennel.Writer) {
			w.Info("i_info", "", k).Write()
		}, ``, []string{`0 label values for the 1 labels`}},
		{"declarations", func(w *fennel.Writer) {
			for range 2 { // each is reported once
				w.Gauge("", "").Write(1)
				w.Info("i", "").Write()
				w.Histogram("h", "", []float64{2, 1}).Write(fennel.HistogramValue{})
				w.Summary("s", "", []float64{2}).Write(fennel.SummaryValue{})
				w.Summary("s2", "", []float64{0.9, 0.5}).Write(fennel.SummaryValue{})
				w.Summary("s3", "", []float64{math.NaN()}).Write(fennel.SummaryValue{})
				w.StateSet("t", "", nil).Write(nil)
				w.Gauge("l", "", fennel.LabelNames("__l")).Write(1)
			}
			w.Gauge("g", "").Write(1)
		}, `g 1`, []string{"name is empty", "_info", "sort the bounds", "not in [0,1]", "sort the quantiles", "NaN", "at least one state", "reserved"}},
		{"a conflict within", func(w *fennel.Writer) {
			w.Gauge("g", "one").Write(1)
			w.Gauge("g", "two").Write(2)
			w.Counter("g", "one").Write(3)
		}, `g 1`, []string{`gauge "g" (help "two") conflicts with gauge "g" (help "one"), which is already declared: they differ in help`}},
		{"suffixes within", func(w *fennel.Writer) {
			w.Histogram("h", "", nil).Write(fennel.HistogramValue{Counts: []uint64{1}})
			w.Gauge("h_count", "").Write(1)
		}, "h_bucket{le=\"+Inf\"} 1\nh_sum 0\nh_count 1", []string{`both expose the name "h_count"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := collected(t, c.collect)
			for range 2 {
				_, errs := gatherPartial(t, r)
				wantErrors(t, errs, c.parts...)
				if got := samplesPartial(t, r); strings.TrimSpace(got) != c.samples {
					t.Errorf("samples:\n%swant:\n%s", got, c.samples)
				}
			}
		})
	}
}

// A collector may pass on what others made, and they mix label names. But one
// set of names has one order, or the same series could be there twice.
func TestWriterMayVaryLabelNames(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		w.Gauge("g", "").Write(1)
		w.Gauge("g", "", fennel.LabelNames("b")).Write(2, "x")
		w.Gauge("g", "", fennel.LabelNames("a", "b")).Write(3, "x", "y")
		w.Gauge("g", "", fennel.LabelNames("b", "a")).Write(4, "y", "x")
	})
	_, errs := gatherPartial(t, r)
	wantErrors(t, errs, "order of their labels")
	if got, want := samplesPartial(t, r), "g 1\ng{a=\"x\",b=\"y\"} 3\ng{b=\"x\"} 2\n"; got != want {
		t.Errorf("samples:\n%swant:\n%s", got, want)
	}
}

func TestWriterLeavesOutWhatClashesWithStoredMetrics(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets())
	fennel.NewGauge("same", "", fennel.In(r))
	register(t, r, func(w *fennel.Writer) error {
		w.Gauge("h_sum", "").Write(1)
		w.Gauge("h.sum", "").Write(1)
		w.Gauge("same", "").Write(1)
		w.Gauge("fine", "").Write(1)
		w.Counter("fennel_dropped_updates_total", "").Write(1)
		return nil
	})
	families, errs := gatherPartial(t, r)
	if got := names(families); got != "fine h same" {
		t.Errorf("gathered %q", got)
	}
	wantErrors(t, errs, `"fennel_dropped_updates_total"`, `both expose the name "h_sum"`, `histogram "h"`, `both expose the name "same"`)
}

func TestWritersOfTwoCollectorsShareAFamily(t *testing.T) {
	r := fennel.NewRegistry()
	for i, help := range []string{"one", "one", "two"} {
		register(t, r, func(w *fennel.Writer) error {
			h := w.Histogram("h", help, []float64{1}, fennel.LabelNames("k"))
			h.Write(fennel.HistogramValue{Counts: []uint64{uint64(i), 1}, Sum: 2}, fmt.Sprint(9-i))
			return nil
		})
	}
	families, errs := gatherPartial(t, r)
	wantErrors(t, errs, `histogram "h" (help "two", labels ["k"], buckets [1]) conflicts with histogram "h" (help "one"`)
	s := family(t, families, "h").Samples
	if len(s) != 2 || s[0].Label("k") != "8" || s[0].Count != 2 || s[1].Label("k") != "9" || s[1].Count != 1 {
		t.Errorf("gathered %+v", s)
	}
}

func TestWriterDropsDuplicatesAndSaysSoOnce(t *testing.T) {
	r, log := newLogged()
	for range 2 { // within a collector, and between two
		register(t, r, func(w *fennel.Writer) error {
			g := w.Gauge("g", "", fennel.LabelNames("k"))
			g.Write(1, "a")
			g.Write(2, "b")
			g.Write(3, "a")
			return nil
		})
	}
	for scrape := range 3 {
		families, errs := gatherPartial(t, r)
		wantErrors(t, errs, `metric "g": samples left out because their labels were there already: 4`)
		if s := family(t, families, "g").Samples; len(s) != 2 || s[0].Value != 1 || s[1].Value != 2 {
			t.Errorf("gathered %v, want the first of each", s)
		}
		if got := family(t, families, "fennel_duplicate_samples_total").Samples[0].Value; got != float64(4*(scrape+1)) {
			t.Errorf("scrape %d: %v duplicates counted", scrape, got)
		}
	}
	if len(log.lines) != 1 || !strings.Contains(log.lines[0], "duplicate samples left out") || !strings.Contains(log.lines[0], "metric=g samples=4") {
		t.Errorf("logged: %q", log.lines)
	}
}

func TestWriterDropsDuplicatesThatMendingMakes(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		g := w.Gauge("g", "", fennel.LabelNames("k"))
		g.Write(1, "\xff")
		g.Write(2, "\uFFFD")
	})
	families, errs := gatherPartial(t, r)
	wantErrors(t, errs, "samples left out because their labels were there already: 1")
	if s := family(t, families, "g").Samples; len(s) != 1 || s[0].Label("k") != "\uFFFD" {
		t.Errorf("gathered %+v", s)
	}
	if got := own(t, r, "fennel_mended_labels_total", "g"); got != 2 {
		t.Errorf("%v label sets mended in two scrapes, want 2", got)
	}
}

func TestWriterConstantLabelsTellSamplesApart(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		for _, zone := range []string{"b", "a", "b"} {
			g := w.Gauge("g", "", fennel.ConstLabels(label("zone", zone)), fennel.LabelNames("k"))
			g.Write(1, zone+"1")
		}
		w.Info("i_info", "", fennel.ConstLabels(label("v", "1"))).Write()
	})
	families, errs := gatherPartial(t, r)
	wantErrors(t, errs, "samples left out because their labels were there already: 1")
	if got := fmt.Sprint(family(t, families, "g").Samples[0].Labels, family(t, families, "g").Samples[1].Labels); got != "[{zone a} {k a1}] [{zone b} {k b1}]" {
		t.Errorf("gathered %s", got)
	}
	if s := family(t, families, "i_info").Samples; len(s) != 1 || s[0].Label("v") != "1" {
		t.Errorf("gathered %v", s)
	}
}

func TestWriterKeepsNothingOfItsArguments(t *testing.T) {
	states, bounds, ranks := []string{"a", "b"}, []float64{1, 2, math.Inf(1)}, []float64{0.5}
	values, on := []string{"x"}, []string{"b"}
	counts, quantiles := []uint64{1, 2, 3}, []float64{7}
	k := fennel.LabelNames("k")
	r := collected(t, func(w *fennel.Writer) {
		h := w.Histogram("h", "", bounds, k)
		s := w.Summary("s", "", ranks, k)
		set := w.StateSet("t", "", states, k)
		bounds[0], ranks[0], states[0] = 1.5, 0.9, "changed"
		h.Write(fennel.HistogramValue{Counts: counts}, values...)
		s.Write(fennel.SummaryValue{Quantiles: quantiles}, values...)
		set.Write(on, values...)
		if bounds[0] != 1.5 || !slices.Equal(values, []string{"x"}) || !slices.Equal(counts, []uint64{1, 2, 3}) {
			t.Error("the caller's slices were changed")
		}
		values[0], on[0], counts[0], quantiles[0] = "changed", "a", 9, 9
		bounds[0], ranks[0], states[0] = 1, 0.5, "a"
		values, on, counts, quantiles = []string{"x"}, []string{"b"}, []uint64{1, 2, 3}, []float64{7}
	})
	for range 2 {
		wantSamples(t, r,
			`h_bucket{k="x",le="1"} 1`, `h_bucket{k="x",le="2"} 3`, `h_bucket{k="x",le="+Inf"} 6`, `h_sum{k="x"} 0`, `h_count{k="x"} 6`,
			`s{k="x",quantile="0.5"} 7`, `s_sum{k="x"} 0`, `s_count{k="x"} 0`,
			`t{k="x",t="a"} 0`, `t{k="x",t="b"} 1`)
	}
}

func TestWriterDoesNotChangeLabelValuesThatItMends(t *testing.T) {
	values := []string{"\xff", "b"}
	r := collected(t, func(w *fennel.Writer) { w.Gauge("g", "", fennel.LabelNames("a", "b")).Write(1, values...) })
	gather(t, r)
	if values[0] != "\xff" {
		t.Error("the caller's slice was changed")
	}
}

func TestWriterAfterCollectReturnedWritesNothing(t *testing.T) {
	var kept *fennel.Writer
	var gauge fennel.NumberWriter
	var state fennel.StateSetWriter
	r := collected(t, func(w *fennel.Writer) {
		kept, gauge, state = w, w.Gauge("g", ""), w.StateSet("s", "", []string{"a"})
		gauge.Write(1)
	})
	gather(t, r)
	gauge.Write(2)
	gauge.At(time.Now()).Write(2, "too", "many")
	state.Write([]string{"unknown"})
	kept.Gauge("late", "").Write(3)
	kept.Histogram("", "", nil).Write(fennel.HistogramValue{})
	wantSamples(t, r, "g 1")
}

func TestZeroWritersWriteNothing(t *testing.T) {
	now := time.Now()
	fennel.NumberWriter{}.At(now).Write(1, "x")
	fennel.HistogramWriter{}.At(now).Write(fennel.HistogramValue{})
	fennel.SummaryWriter{}.At(now).Write(fennel.SummaryValue{})
	fennel.InfoWriter{}.At(now).Write("x")
	fennel.StateSetWriter{}.At(now).Write([]string{"x"})
}

// What a scrape doesn't want is neither kept nor checked.
func TestWriterTakesOnlyWhatIsWanted(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		w.Gauge("wanted", "").Write(1)
		w.Gauge("other", "").Write(1, "wrong number of labels")
		w.Counter("negative_total", "").Write(-1)
	})
	wantSamples(t, fennel.Only(r, "wanted"), "wanted 1")
	_, errs := gatherPartial(t, r)
	wantErrors(t, errs, `"negative_total"`, `"other"`)
}

func TestWriterInALegacyRegistry(t *testing.T) {
	r := fennel.NewRegistry(fennel.WithLegacyNames())
	register(t, r, func(w *fennel.Writer) error {
		w.Gauge("a.b", "").Write(1)
		w.Gauge("c", "", fennel.LabelNames("d.e")).Write(1, "x")
		w.Gauge("fine", "").Write(1)
		return nil
	})
	families, errs := gatherPartial(t, r)
	wantErrors(t, errs, `"a_b"`, `"d_e"`)
	if names(families) != "fine" {
		t.Errorf("gathered %q", names(families))
	}
}

func TestWriterTakesLabelValuesThatNeedCare(t *testing.T) {
	values := []string{"", "\n", `"`, `\`, `\n`, "a\"b\\c\nd", strings.Repeat("x", 1<<20)}
	r := collected(t, func(w *fennel.Writer) {
		g := w.Gauge("g", "", fennel.LabelNames("k"))
		for i, v := range values {
			g.Write(float64(i), v)
		}
	})
	got := gather(t, r)[0].Samples
	for i, v := range values {
		if !slices.ContainsFunc(got, func(s fennel.Sample) bool { return s.Label("k") == v && s.Value == float64(i) }) {
			t.Errorf("%.20q is not there", v)
		}
	}
	if len(got) != len(values) {
		t.Errorf("%d samples, want %d", len(got), len(values))
	}
}

// A collector that gets everything wrong doesn't flood the log.
func TestWriterReportsOnlySomeRefusals(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		for i := range 1000 {
			w.Gauge(fmt.Sprintf("g%d", i), "", fennel.Unit("bytes")).Write(1)
		}
	})
	_, errs := gatherPartial(t, r)
	if len(errs) != 21 || !strings.Contains(errs[20].Error(), "980 more families were refused") {
		t.Errorf("%d errors, the last: %v", len(errs), errs[len(errs)-1])
	}
}

// A writer that belongs to no scrape takes what it gets and does nothing.
func TestZeroWriter(t *testing.T) {
	var w fennel.Writer
	if !w.Wants("a") {
		t.Error("it wants nothing")
	}
	w.Counter("a", "").Write(1)
	w.Gauge("", "", fennel.LabelNames("a", "a")).Write(1, "x")
	w.Histogram("h", "", nil).Write(fennel.HistogramValue{})
	w.StateSet("s", "", nil).Write(nil)
}
