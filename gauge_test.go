package fennel_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

func TestGaugeSerial(t *testing.T) {
	inf, minusZero := math.Inf(1), math.Copysign(0, -1)
	for _, c := range []struct {
		name string
		do   func(g *fennel.Gauge)
		want float64
		text string
	}{
		{"untouched", func(*fennel.Gauge) {}, 0, "0"},
		{"up and down", func(g *fennel.Gauge) { g.Inc(); g.Inc(); g.Dec(); g.Add(10); g.Sub(4) }, 7, "7"},
		{"below zero", func(g *fennel.Gauge) { g.Dec(); g.Add(-0.5); g.Sub(-1) }, -0.5, "-0.5"},
		{"set", func(g *fennel.Gauge) { g.Inc(); g.Set(-2.5) }, -2.5, "-2.5"},
		{"-0", func(g *fennel.Gauge) { g.Set(minusZero) }, minusZero, "-0"},
		{"+Inf", func(g *fennel.Gauge) { g.Set(inf) }, inf, "+Inf"},
		{"-Inf", func(g *fennel.Gauge) { g.Set(-inf) }, -inf, "-Inf"},
		{"NaN", func(g *fennel.Gauge) { g.Set(math.NaN()) }, math.NaN(), "NaN"},
		{"NaN and back", func(g *fennel.Gauge) { g.Set(math.NaN()); g.Inc(); g.Set(1) }, 1, "1"},
		{"Inf-Inf", func(g *fennel.Gauge) { g.Add(inf); g.Sub(inf) }, math.NaN(), "NaN"},
		{"denormal", func(g *fennel.Gauge) { g.Set(denormal) }, denormal, "5e-324"},
		{"largest", func(g *fennel.Gauge) { g.Set(-math.MaxFloat64) }, -math.MaxFloat64, "-1.7976931348623157e+308"},
		{"2^53", func(g *fennel.Gauge) { g.Set(1 << 53); g.Inc() }, 1 << 53, "9.007199254740992e+15"},
		{"time", func(g *fennel.Gauge) { g.SetToTime(time.Unix(1700000000, 5e8)) }, 1700000000.5, "1.7000000005e+09"},
		{"time before 1970", func(g *fennel.Gauge) { g.SetToTime(time.Unix(-2, 5e8)) }, -1.5, "-1.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := fennel.NewRegistry()
			gauge := fennel.NewGauge("g", "", fennel.In(r))
			c.do(gauge)
			if got := gauge.Value(); !same(got, c.want) {
				t.Errorf("Value() = %v, want %v", got, c.want)
			}
			if got := gather(t, r)[0].Samples[0].Value; !same(got, c.want) {
				t.Errorf("gathered %v, want %v", got, c.want)
			}
			wantSamples(t, r, "g "+c.text)
		})
	}
}

// same reports whether two floats are the same value, NaN and -0 included.
func same(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Float64bits(a) == math.Float64bits(b)
}

func TestGaugeConcurrent(t *testing.T) {
	const each = 5000
	gauge := fennel.NewGauge("g", "", fennel.In(fennel.NewRegistry()))
	concurrently(func(int) {
		for range each {
			gauge.Inc()
			gauge.Add(2.5)
			gauge.Dec()
			gauge.Sub(1)
		}
	})
	if got, want := gauge.Value(), 1.5*workers*each; got != want {
		t.Errorf("Value() = %v, want %v", got, want)
	}
}

func TestGaugeSetToCurrentTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gauge := fennel.NewGauge("g", "", fennel.In(fennel.NewRegistry()))
		time.Sleep(1500 * time.Millisecond)
		gauge.SetToCurrentTime()
		if got, want := gauge.Value(), float64(time.Now().UnixMilli())/1000; got != want {
			t.Errorf("Value() = %v, want %v", got, want)
		}
	})
}

func TestGaugeTrackCountsUntilDone(t *testing.T) {
	gauge := fennel.NewGauge("g", "", fennel.In(fennel.NewRegistry()))
	first, second := gauge.Track(), gauge.Track()
	if got := gauge.Value(); got != 2 {
		t.Errorf("two tracked: %v", got)
	}
	first()
	first() // a second time does nothing
	if got := gauge.Value(); got != 1 {
		t.Errorf("one tracked: %v", got)
	}
	second()
	if got := gauge.Value(); got != 0 {
		t.Errorf("none tracked: %v", got)
	}
}

func TestGaugeTrackIsDoneOnceWhoeverSaysSo(t *testing.T) {
	gauge := fennel.NewGauge("g", "", fennel.In(fennel.NewRegistry()))
	for range 100 {
		done := gauge.Track()
		concurrently(func(int) { done() })
	}
	if got := gauge.Value(); got != 0 {
		t.Errorf("Value() = %v, want 0", got)
	}
}

func TestGaugeTrackSurvivesAPanic(t *testing.T) {
	gauge := fennel.NewGauge("g", "", fennel.In(fennel.NewRegistry()))
	func() {
		defer func() { _ = recover() }()
		defer gauge.Track()()
		panic("in flight")
	}()
	if got := gauge.Value(); got != 0 {
		t.Errorf("Value() = %v, want 0", got)
	}
}

func TestNilGaugeDoesNothing(t *testing.T) {
	var g *fennel.Gauge
	g.Set(1)
	g.Inc()
	g.Dec()
	g.Add(1)
	g.Sub(1)
	g.SetToCurrentTime()
	g.SetToTime(time.Now())
	g.Track()()
	g.Timer().Stop()
	if g.Value() != 0 {
		t.Error("a nil gauge has a value")
	}
}

func TestZeroGaugeWorksWithoutBeingExposed(t *testing.T) {
	var g fennel.Gauge
	g.Set(2)
	g.Inc()
	defer g.Track()()
	if got := g.Value(); got != 4 {
		t.Errorf("Value() = %v, want 4", got)
	}
}
