package fennel_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

// Exact numbers: what is 0 today is a promise.

func TestUpdatesDoNotAllocate(t *testing.T) {
	r := fennel.NewRegistry()
	in := fennel.In(r)
	c, g := fennel.NewCounter("c_total", "", in), fennel.NewGauge("g", "", in)
	h, s := fennel.NewHistogram("h", "", in), fennel.NewSummary("s", "", in)
	wide := fennel.NewHistogram("wide", "", in, fennel.Buckets(fennel.LinearBuckets(0, 1, 100)...))
	quantiles := fennel.NewSummary("quantiles", "", in, fennel.Quantiles(0.5, 0.9))
	set, u := fennel.NewStateSet("set", "", phases, in), fennel.NewUnknown("u", "", in)
	now := time.Now()
	id := strings.Repeat("4bf92f35", 4)
	for name, update := range map[string]func(){
		"Counter.Inc":                c.Inc,
		"Counter.Add, whole":         func() { c.Add(2) },
		"Counter.Add, fraction":      func() { c.Add(0.5) },
		"Counter.AddUint":            func() { c.AddUint(2) },
		"Counter.Value":              func() { c.Value() },
		"Gauge.Set":                  func() { g.Set(1.5) },
		"Gauge.Inc":                  g.Inc,
		"Gauge.Add":                  func() { g.Add(0.5) },
		"Gauge.SetToCurrentTime":     g.SetToCurrentTime,
		"Gauge.SetToTime":            func() { g.SetToTime(now) },
		"Gauge.Timer":                func() { g.Timer().Stop() },
		"Histogram.Observe":          func() { h.Observe(0.3) },
		"Histogram.Observe, wide":    func() { wide.Observe(77.7) },
		"Histogram.ObserveN":         func() { h.ObserveN(0.3, 5) },
		"Histogram.ObserveDuration":  func() { h.ObserveDuration(time.Second) },
		"Histogram.Timer":            func() { h.Timer().Stop() },
		"Histogram.Sum":              func() { h.Sum() },
		"Summary.Observe":            func() { s.Observe(0.3) },
		"Summary.Timer":              func() { s.Timer().Stop() },
		"Summary.Observe, quantiles": func() { quantiles.Observe(0.3) },
		"Timer.StopTo":               func() { fennel.StartTimer().StopTo(s) },
		"StateSet.Set":               func() { set.Set(running) },
		"StateSet.Enable":            func() { set.Enable(stopped, true) },
		"StateSet.Enabled":           func() { set.Enabled(stopped) },
		"Unknown.Set":                func() { u.Set(1) },
		"Counter.IncWithExemplar":    func() { c.IncWithExemplar(trace(id)) },
		"Counter.AddWithExemplar, escaped": func() {
			c.AddWithExemplar(0.5, label("trace.id", id), label("path", `"quoted"`), label("x", "\n"))
		},
		"Counter.AddWithExemplar, none": func() { c.AddWithExemplar(0.5) },
		"Histogram.ObserveWithExemplar": func() { h.ObserveWithExemplar(0.3, trace(id), label("span_id", id[:16])) },
	} {
		if n := testing.AllocsPerRun(100, update); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func TestLookUpsDoNotAllocate(t *testing.T) {
	type tagged struct {
		Method namedString `label:"method"`
		Path   string      `label:"path"`
		Status int         `label:"status"`
		OK     bool        `label:"ok"`
	}
	in := fennel.In(fennel.NewRegistry())
	structs := fennel.NewCounterVec[tagged]("a_total", "", in)
	arrays := fennel.NewCounterVec[[3]string]("b_total", "", in, fennel.LabelNames("a", "b", "c"))
	numbers := fennel.NewCounterVec[[2]int64]("c_total", "", in, fennel.LabelNames("a", "b"))
	single := fennel.NewHistogramVec[string]("d", "", in, fennel.LabelNames("a"))
	none := fennel.NewGaugeVec[struct{}]("e", "", in)
	eight := fennel.NewGaugeVec[[8]uint8]("f", "", in, fennel.LabelNames("a", "b", "c", "d", "e", "f", "g", "h"))
	for name, lookUp := range map[string]func(){
		"struct":       func() { structs.With(tagged{"GET", "/", 200, true}).Inc() },
		"escaped":      func() { structs.With(tagged{"GET", "/a \"quoted\"\npath", 200, true}).Inc() },
		"array":        func() { arrays.With([3]string{"GET", "/", "200"}).Inc() },
		"integers":     func() { numbers.With([2]int64{-1 << 63, 1 << 62}).Inc() },
		"single value": func() { single.With("GET").Observe(1) },
		"no labels":    func() { none.With(struct{}{}).Inc() },
		"8 labels":     func() { eight.With([8]uint8{0, 1, 2, 3, 4, 5, 6, 255}).Inc() },
		"Get":          func() { structs.Get(tagged{"GET", "/", 200, true}) },
		"Get, missing": func() { structs.Get(tagged{"PUT", "/", 200, true}) },
		"nil":          func() { (*fennel.CounterVec[tagged])(nil).With(tagged{}).Inc() },
	} {
		lookUp()
		if n := testing.AllocsPerRun(100, lookUp); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func TestCreationAllocatesLittle(t *testing.T) {
	const series = 2000
	in := fennel.In(fennel.NewRegistry())
	values := make([]string, series+1)
	for i := range values {
		values[i] = strconv.Itoa(i)
	}
	counters := fennel.NewCounterVec[[3]string]("c_total", "", in, fennel.LabelNames("a", "b", "c"))
	histograms := fennel.NewHistogramVec[[3]string]("h", "", in, fennel.LabelNames("a", "b", "c"))
	for name, create := range map[string]func(i int){
		"counter":   func(i int) { counters.With([3]string{"GET", values[i], "200"}) },
		"histogram": func(i int) { histograms.With([3]string{"GET", values[i], "200"}) },
	} {
		i := 0
		if n := testing.AllocsPerRun(series, func() { create(i); i++ }); n > 3 {
			t.Errorf("%s: %v allocations, want at most 3", name, n)
		}
	}
}
