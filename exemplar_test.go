package fennel_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/fennelmetrics/fennel"
)

// trace is the label of most exemplars.
func trace(id string) fennel.Label { return label("trace_id", id) }

// wantExemplars checks the exemplars of a family's first sample: labels and
// values, in their order.
func wantExemplars(t testing.TB, r *fennel.Registry, name string, want ...string) {
	t.Helper()
	families, _ := gatherPartial(t, r)
	var got []string
	for _, e := range family(t, families, name).Samples[0].Exemplars {
		got = append(got, fmt.Sprint(e.Labels, e.Value))
	}
	if !slices.Equal(got, want) {
		t.Errorf("exemplars of %s: %q, want %q", name, got, want)
	}
}

// exemplars are the metrics that can have one, alike for tests.
type exemplars struct {
	name    string
	update  func(v float64, labels ...fennel.Label)
	value   func() float64
	reset   func()
	created func() time.Time
}

func withExemplars(r *fennel.Registry) []exemplars {
	c := fennel.NewCounter("c_total", "", fennel.In(r))
	h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(1e300))
	return []exemplars{
		{"c_total", c.AddWithExemplar, c.Value, c.Reset, c.Created},
		{"h", h.ObserveWithExemplar, h.Sum, h.Reset, h.Created},
	}
}

func TestExemplarIsTheLastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		for _, m := range withExemplars(r) {
			m.update(2, trace("a"), label("span_id", `"b"\`+"\n"))
			wantExemplars(t, r, m.name, "[{trace_id a} {span_id \"b\"\\\n}] 2")
			time.Sleep(time.Hour)
			m.update(3, trace("longer than before"))
			m.update(0.5)
			if m.value() != 5.5 {
				t.Errorf("%s: the value is %v, want 5.5", m.name, m.value())
			}
			wantExemplars(t, r, m.name, "[{trace_id longer than before}] 3")
			if got := family(t, gather(t, r), m.name).Samples[0].Exemplars[0].Time; !got.Equal(time.Now()) {
				t.Errorf("%s: the exemplar is of %v, want %v", m.name, got, time.Now())
			}
			time.Sleep(time.Hour)
		}
	})
}

func TestHistogramHasAnExemplarForEachBucket(t *testing.T) {
	r := fennel.NewRegistry()
	h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(0, 1, 2))
	for i, v := range []float64{3, 1, math.Inf(1), 0.5, math.Inf(-1), 2} {
		h.ObserveWithExemplar(v, trace(strconv.Itoa(i)))
	}
	wantExemplars(t, r, "h", "[{trace_id 4}] -Inf", "[{trace_id 3}] 0.5", "[{trace_id 5}] 2", "[{trace_id 2}] +Inf")
	if h.Count() != 6 {
		t.Errorf("%d observations, want 6", h.Count())
	}
}

func TestExemplarLimits(t *testing.T) {
	const dropped = ""
	for _, tt := range []struct {
		what   string
		labels []fennel.Label
		want   string // what is kept, if it is
		reason string
	}{
		{"128 letters", []fennel.Label{label("k", strings.Repeat("x", 127))}, "[{k " + strings.Repeat("x", 127) + "}]", ""},
		{"128 code points of 4 bytes", []fennel.Label{label("k", strings.Repeat("😀", 127))}, "[{k " + strings.Repeat("😀", 127) + "}]", ""},
		{"128 in names and values", []fennel.Label{label("ab", strings.Repeat("x", 100)), label("éé", strings.Repeat("é", 24))},
			"[{ab " + strings.Repeat("x", 100) + "} {éé " + strings.Repeat("é", 24) + "}]", ""},
		{"129 letters", []fennel.Label{label("k", strings.Repeat("x", 128))}, dropped, "exemplar_too_long"},
		{"129 in names and values", []fennel.Label{label("ab", strings.Repeat("x", 100)), label("éé", strings.Repeat("é", 25))}, dropped, "exemplar_too_long"},
		{"very many labels", manyLabels(100_000), dropped, "exemplar_too_long"},
		{"a name twice", []fennel.Label{label("a", "1"), label("b", "2"), label("a", "3")}, dropped, "exemplar_label"},
		{"names that are escaped alike", []fennel.Label{label("a_b", "1"), label("a.b", "2")}, dropped, "exemplar_label"},
		{"the same the other way round", []fennel.Label{label("a.b", "1"), label("c", ""), label("a_b", "2")}, dropped, "exemplar_label"},
		{"a name that looks like another one escaped", []fennel.Label{label("a.b", "1"), label("U__a_2e_b", "2")}, dropped, "exemplar_label"},
		{"names that dots escape alike", []fennel.Label{label("a_dot_b", "1"), label("a.b", "2")}, dropped, "exemplar_label"},
		{"no name", []fennel.Label{label("", "1")}, dropped, "exemplar_label"},
		{"a reserved name", []fennel.Label{label("__name__", "1")}, dropped, "exemplar_label"},
		{"a name that is not UTF-8", []fennel.Label{label("a\xff", "1")}, dropped, "exemplar_label"},
		{"a name with a NUL byte", []fennel.Label{label("a\x00", "1")}, dropped, "exemplar_label"},
		{"a UTF-8 name", []fennel.Label{label("trace.id", "1")}, "[{trace.id 1}]", ""},
		{"an empty value", []fennel.Label{label("a", "")}, "[{a }]", ""},
	} {
		r := fennel.NewRegistry()
		for _, m := range withExemplars(r) {
			m.update(1, tt.labels...)
			if m.value() != 1 {
				t.Errorf("%s: %s: the value is %v, want 1 in any case", m.name, tt.what, m.value())
			}
			if tt.want == dropped {
				wantDropped(t, r, m.name, tt.reason, 1)
				wantExemplars(t, r, m.name)
				continue
			}
			wantExemplars(t, r, m.name, tt.want+" 1")
		}
		if got := own(t, r, "fennel_dropped_updates_total", "c_total", tt.reason); tt.want != dropped && got != 0 {
			t.Errorf("%s: %v dropped", tt.what, got)
		}
	}
}

func manyLabels(n int) []fennel.Label {
	labels := make([]fennel.Label, n)
	for i := range labels {
		labels[i] = fennel.Label{Name: "l" + strconv.Itoa(i)}
	}
	return labels
}

func TestExemplarValuesAreMendedAndCounted(t *testing.T) {
	r := fennel.NewRegistry()
	for _, m := range withExemplars(r) {
		m.update(1, trace("a\xff\xfeb"), label("x", "\xc3"), label("y", "\x00z\x00"))
		wantExemplars(t, r, m.name, "[{trace_id a\uFFFDb} {x \uFFFD} {y \uFFFDz\uFFFD}] 1")
		if got := own(t, r, "fennel_mended_labels_total", m.name); got != 1 {
			t.Errorf("%s: %v label sets mended, want 1", m.name, got)
		}
	}
}

// What is no exemplar leaves the one that is there.
func TestExemplarStaysWhenAnUpdateHasNone(t *testing.T) {
	r := fennel.NewRegistry()
	c := fennel.NewCounter("c_total", "", fennel.In(r))
	h := fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets())
	c.IncWithExemplar(trace("kept"))
	h.ObserveWithExemplar(1, trace("kept"))
	for _, v := range []float64{math.NaN(), -1, math.Inf(1), math.Inf(-1)} {
		c.AddWithExemplar(v, trace("not counted"))
	}
	c.AddWithExemplar(1, trace(strings.Repeat("x", 200)))
	c.AddWithExemplar(1)
	c.Inc()
	h.ObserveWithExemplar(math.NaN(), trace("not counted"))
	h.ObserveWithExemplar(1, fennel.Label{})
	h.ObserveWithExemplar(1)
	h.Observe(1)
	wantExemplars(t, r, "c_total", "[{trace_id kept}] 1")
	wantExemplars(t, r, "h", "[{trace_id kept}] 1")
	wantDropped(t, r, "c_total", "exemplar_too_long", 1)
	wantDropped(t, r, "h", "exemplar_label", 1)
	wantDropped(t, r, "h", "nan", 1)
	if c.Value() != 4 || h.Count() != 4 {
		t.Errorf("the counter is %v and the histogram has %d observations, want 4 of both", c.Value(), h.Count())
	}
}

func TestResetClearsExemplarsAndMovesTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		start := time.Now()
		for _, m := range withExemplars(r) {
			m.update(1, trace("a"))
			time.Sleep(time.Minute)
			m.update(1, trace("b"))
			if !m.created().Equal(start) || !family(t, gather(t, r), m.name).Samples[0].Created.Equal(m.created()) {
				t.Errorf("%s began to count at %v, want %v", m.name, m.created(), start)
			}
			m.reset()
			if !m.created().Equal(time.Now()) || !family(t, gather(t, r), m.name).Samples[0].Created.Equal(time.Now()) {
				t.Errorf("after Reset %s began to count at %v, want %v", m.name, m.created(), time.Now())
			}
			wantExemplars(t, r, m.name)
			m.update(1, trace("c"))
			wantExemplars(t, r, m.name, "[{trace_id c}] 1")
		}
	})
}

func TestStartOfASummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		start := time.Now()
		s := fennel.NewSummary("s", "", fennel.In(r))
		time.Sleep(time.Minute)
		s.Observe(1)
		if !s.Created().Equal(start) || !family(t, gather(t, r), "s").Samples[0].Created.Equal(start) {
			t.Errorf("it began to count at %v, want %v", s.Created(), start)
		}
		s.Reset()
		if !s.Created().Equal(time.Now()) || !family(t, gather(t, r), "s").Samples[0].Created.Equal(time.Now()) {
			t.Errorf("after Reset it began to count at %v, want %v", s.Created(), time.Now())
		}
	})
}

// Each series of a vec has a start and exemplars of its own, and a deleted one
// takes them with it.
func TestSeriesHaveTheirOwnStartAndExemplars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		vec := fennel.NewCounterVec[string]("v_total", "", fennel.In(r), fennel.LabelNames("k"))
		for _, k := range []string{"b", "a", "c"} {
			vec.With(k).IncWithExemplar(trace("of " + k))
			time.Sleep(time.Minute)
		}
		vec.Delete("a")
		vec.With("a").Inc()
		now := time.Now()
		want := []struct {
			age      time.Duration
			exemplar string
		}{{0, "[]"}, {3 * time.Minute, "[{trace_id of b}]"}, {time.Minute, "[{trace_id of c}]"}}
		for i, s := range family(t, gather(t, r), "v_total").Samples {
			labels := []fennel.Label{}
			for _, e := range s.Exemplars {
				labels = e.Labels
			}
			if age := now.Sub(s.Created); age != want[i].age || fmt.Sprint(labels) != want[i].exemplar {
				t.Errorf("sample %d is %v old with exemplar %v, want %v", i, age, labels, want[i])
			}
		}
	})
}

// Label, value and time of an exemplar are of the same update, whoever else
// updates: here the label says the value.
func TestExemplarConcurrent(t *testing.T) {
	r := fennel.NewRegistry()
	metrics := withExemplars(r)
	concurrently(func(worker int) {
		for i := range 300 {
			for _, m := range metrics {
				switch v := worker<<20 + i; {
				case worker == 0 && i%2 == 0:
					checkExemplars(t, r)
				case worker == 0 && i%50 == 1:
					m.reset()
				default:
					m.update(float64(v), trace(strconv.Itoa(v)), label("pad", strings.Repeat("x", i%50)))
				}
			}
		}
	})
	checkExemplars(t, r)
}

func checkExemplars(t *testing.T, r *fennel.Registry) {
	t.Helper()
	for _, f := range gather(t, r) {
		for _, s := range f.Samples {
			for _, e := range s.Exemplars {
				if len(e.Labels) != 2 || e.Labels[0].Value != strconv.Itoa(int(e.Value)) || strings.Trim(e.Labels[1].Value, "x") != "" {
					t.Errorf("%s: exemplar %v of value %v", f.Name, e.Labels, e.Value)
				}
				if age := time.Since(e.Time); age < 0 || age > time.Hour {
					t.Errorf("%s: the exemplar is %v old", f.Name, age)
				}
			}
		}
	}
}

func TestExemplarsOfNilAndZeroMetrics(t *testing.T) {
	var c *fennel.Counter
	var h *fennel.Histogram
	var s *fennel.Summary
	c.AddWithExemplar(1, trace("a"))
	c.IncWithExemplar(trace("a"))
	h.ObserveWithExemplar(1, trace("a"))
	h.Reset()
	s.Reset()
	if !c.Created().IsZero() || !h.Created().IsZero() || !s.Created().IsZero() {
		t.Error("metrics that are nil have a start")
	}
	var counter fennel.Counter
	counter.IncWithExemplar(trace("a"))
	counter.AddWithExemplar(1, trace("\xff"))
	counter.AddWithExemplar(1, fennel.Label{})
	counter.AddWithExemplar(-1, trace("a"))
	if counter.Value() != 3 || !counter.Created().IsZero() {
		t.Errorf("a zero counter is %v and began at %v, want 3 and no time", counter.Value(), counter.Created())
	}
	counter.Reset()
	if counter.Value() != 0 || counter.Created().IsZero() {
		t.Errorf("after Reset a zero counter is %v and began at %v", counter.Value(), counter.Created())
	}
	var histogram fennel.Histogram
	histogram.ObserveWithExemplar(1, trace("a"))
	histogram.ObserveWithExemplar(math.NaN(), trace("a"))
	histogram.Reset()
	if histogram.Count() != 0 || !histogram.Created().IsZero() {
		t.Error("a zero histogram keeps what it gets")
	}
}

// The labels may lie in memory that is used again.
func TestExemplarKeepsNothingOfItsLabels(t *testing.T) {
	r := fennel.NewRegistry()
	for _, m := range withExemplars(r) {
		buffer := []byte("before")
		labels := []fennel.Label{trace(unsafe.String(&buffer[0], len(buffer)))}
		m.update(1, labels...)
		copy(buffer, "after!")
		labels[0].Name = "other"
		wantExemplars(t, r, m.name, "[{trace_id before}] 1")
	}
}
