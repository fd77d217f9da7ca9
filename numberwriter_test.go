package fennel_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

// start is when counters of the tests began to count.
var start = time.Unix(1700000000, 123456789)

// details renders what a sample has besides its value.
func details(s fennel.Sample) string {
	text := ""
	if !s.Created.IsZero() {
		text += fmt.Sprintf("+%v ", s.Created.Sub(start))
	}
	for _, e := range s.Exemplars {
		text += fmt.Sprintf("%s=%s:%v@%v ", e.Labels[0].Name, e.Labels[0].Value, e.Value, e.Time.Sub(start))
	}
	return strings.TrimSpace(text)
}

// exemplar is one that is taken some seconds after the start.
func exemplar(value float64, id string, seconds int) fennel.Exemplar {
	return fennel.Exemplar{Labels: []fennel.Label{trace(id)}, Value: value, Time: start.Add(time.Duration(seconds) * time.Second)}
}

func TestCountersOfCollectorsHaveStartsAndExemplars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := collected(t, func(w *fennel.Writer) {
			c := w.Counter("c_total", "", fennel.LabelNames("k"))
			since := c.Since(start)
			since.WithExemplar(exemplar(2, "z", 1)).Write(10, "z")
			c.Write(1, "plain")
			since.WriteUint(math.MaxUint64, "since")
			since.Since(time.Time{}).WithExemplar(exemplar(0.5, "whole", 2)).WriteUint(3, "b")
			c.WithExemplar(exemplar(1, "gone", 3)).WithExemplar(fennel.Exemplar{Value: 1, Time: start}).Write(4, "c")
			c.WithExemplar(fennel.Exemplar{Labels: []fennel.Label{trace("now")}, Value: math.Inf(1)}).Write(5, "d")
			since.At(start.Add(time.Hour)).Since(start.Add(time.Second)).Write(6, "a")
			since.WithExemplar(exemplar(9, "duplicate", 1)).Write(10, "z")
		})
		now := time.Since(start)
		families, errs := gatherPartial(t, r)
		wantErrors(t, errs, "labels were there already: 1")
		want := []string{
			"a 6 +1s", "b 3 trace_id=whole:0.5@2s", "c 4", "d 5 trace_id=now:+Inf@" + now.String(),
			"plain 1", fmt.Sprintf("since %v +0s", float64(math.MaxUint64)), "z 10 +0s trace_id=z:2@1s",
		}
		for i, s := range family(t, families, "c_total").Samples {
			if got := strings.TrimSpace(fmt.Sprint(s.Label("k"), " ", s.Value, " ", details(s))); got != want[i] {
				t.Errorf("sample %d: %s, want %s", i, got, want[i])
			}
		}
	})
}

// What a sample can do without is left out alone, and reported once.
func TestNumbersAreWrittenWithoutTheExtrasTheyCannotHave(t *testing.T) {
	odd := func(e fennel.Exemplar, labels ...fennel.Label) fennel.Exemplar {
		e.Labels = labels
		return e
	}
	good := exemplar(1, "x", 0)
	nan, early, late := good, good, good
	nan.Value = math.NaN()
	early.Time, late.Time = time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, problem string
		write         func(w *fennel.Writer) fennel.NumberWriter
	}{
		{"a gauge's start", "gauge metrics have no start time", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Gauge("x", "").Since(start)
		}},
		{"an unknown's start", "unknown metrics have no start time", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Unknown("x", "").Since(start)
		}},
		{"an early start", "the start time is not between 1970 and 2262", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Counter("x", "").Since(early.Time)
		}},
		{"a late start", "the start time is not between 1970 and 2262", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Counter("x", "").Since(late.Time)
		}},
		{"a gauge's exemplar", "gauge metrics have no exemplars", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Gauge("x", "").WithExemplar(good)
		}},
		{"NaN", "the value of an exemplar is NaN", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Counter("x", "").WithExemplar(nan)
		}},
		{"an early exemplar", "the time of an exemplar is not between", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Counter("x", "").WithExemplar(early)
		}},
		{"a late exemplar", "the time of an exemplar is not between", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Counter("x", "").WithExemplar(late)
		}},
		{"too long", "more than 128 code points", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Counter("x", "").WithExemplar(odd(good, trace(strings.Repeat("é", 121))))
		}},
		{"a label twice", "there twice", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Counter("x", "").WithExemplar(odd(good, trace("a"), trace("b")))
		}},
		{"no label name", "a label name of an exemplar is empty", func(w *fennel.Writer) fennel.NumberWriter {
			return w.Counter("x", "").WithExemplar(odd(good, label("", "")))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := collected(t, func(w *fennel.Writer) {
				n := tt.write(w)
				n.Write(1)
				n.WriteUint(2)
			})
			families, errs := gatherPartial(t, r)
			if s := family(t, families, "x").Samples; len(s) != 1 || s[0].Value != 1 || details(s[0]) != "" {
				t.Errorf("gathered %+v, want the value alone", s)
			}
			wantErrors(t, errs, `metric "x": exemplars or start times left out: 2, the first: sample []: `, "there already: 1")
			if !strings.Contains(errs[0].Error(), tt.problem) {
				t.Errorf("%v\nwant it to contain %q", errs[0], tt.problem)
			}
			if got := own(t, r, "fennel_collector_errors_total", "fennel.CollectorFunc"); got != 2 {
				t.Errorf("%v errors counted in two scrapes, want 1 each", got)
			}
		})
	}
}

func TestExemplarsOfCollectorsAreMended(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		w.Counter("c_total", "").WithExemplar(exemplar(1, "a\xffb", 0)).Write(1)
	})
	wantExemplars(t, r, "c_total", "[{trace_id a\uFFFDb}] 1")
	if got := own(t, r, "fennel_mended_labels_total", "c_total"); got != 2 { // this is the second scrape
		t.Errorf("%v label sets mended in two scrapes, want 2", got)
	}
}

// What is left out takes nothing from the samples around it.
func TestExtrasStayWithTheirSampleWhenOthersAreLeftOut(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		c := w.Counter("c_total", "", fennel.LabelNames("k"))
		c.WithExemplar(exemplar(1, "c", 0)).Write(1, "c")
		c.Since(start).WithExemplar(exemplar(1, "never", 0)).Write(-1, "a")
		c.Since(start).WithExemplar(exemplar(1, "never", 0)).WriteUint(1)
		c.Since(start).Write(1, "b")
	})
	families, errs := gatherPartial(t, r)
	wantErrors(t, errs, "samples left out: 2")
	s := family(t, families, "c_total").Samples
	if len(s) != 2 || details(s[0]) != "+0s" || details(s[1]) != "trace_id=c:1@0s" {
		t.Errorf("gathered %+v", s)
	}
}

// Samples with other labels each, and of two collectors, are put into one family.
func TestExtrasStayWithTheirSampleWhenFamiliesAreJoined(t *testing.T) {
	r := fennel.NewRegistry()
	for _, names := range [][]string{{"x", "z"}, {"w", "y"}} {
		register(t, r, func(w *fennel.Writer) error {
			for i, name := range names {
				c := w.Counter("c_total", "", fennel.LabelNames(name))
				c.WithExemplar(exemplar(float64(i), name, 0)).Write(1, "1")
				c.Since(start).Write(2, "0")
			}
			return nil
		})
	}
	got := ""
	for _, s := range family(t, gather(t, r), "c_total").Samples {
		got += fmt.Sprintf("%s=%s %s; ", s.Labels[0].Name, s.Labels[0].Value, details(s))
	}
	want := "w=0 +0s; w=1 trace_id=w:0@0s; x=0 +0s; x=1 trace_id=x:0@0s; " +
		"y=0 +0s; y=1 trace_id=y:1@0s; z=0 +0s; z=1 trace_id=z:1@0s; "
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestZeroWritersTakeExtras(t *testing.T) {
	var w fennel.NumberWriter
	w.Since(start).WithExemplar(exemplar(1, "a", 0)).Write(1)
	w.Since(start).WriteUint(1)
	var h fennel.HistogramWriter
	h.Since(start).Write(fennel.HistogramValue{Native: &fennel.NativeHistogram{}, Exemplars: []fennel.Exemplar{{}}})
	var s fennel.SummaryWriter
	s.Since(start).Write(fennel.SummaryValue{})
}

// Starts and exemplars need memory for their columns, which grow by ever larger
// steps, and nothing for each sample.
func TestWritingStartsAndExemplarsAllocatesNothing(t *testing.T) {
	labels := make([]string, 1000)
	for i := range labels {
		labels[i] = fmt.Sprintf("%04d", i)
	}
	e := exemplar(1, "x", 0)
	r := collected(t, func(w *fennel.Writer) {
		c := w.Counter("c_total", "", fennel.LabelNames("k"))
		for _, l := range labels {
			c.Since(start).WithExemplar(e).Write(1, l)
		}
	})
	gather(t, r)
	n := testing.AllocsPerRun(5, func() {
		if err := r.Visit(t.Context(), nil, discard{}); err != nil {
			t.Error(err)
		}
	})
	if n > 150 {
		t.Errorf("%v allocations for %d samples", n, len(labels))
	}
}
