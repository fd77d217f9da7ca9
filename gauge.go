package fennel

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Gauge is a value that goes up and down: a temperature, a queue's length.
//
// All methods are safe for concurrent use. A nil *Gauge does nothing, and the
// zero value works without being exposed.
type Gauge struct {
	series series.Series
	bits   atomic.Uint64 // of a float64
	_      [24]byte      // a cache line each, as for counters
}

// GaugeVec is a family of gauges, told apart by their labels.
type GaugeVec[L any] = Vec[L, Gauge]

// NewGauge declares a gauge.
//
// It panics with a *[DeclarationError] if the declaration is wrong or conflicts
// with another one. Declared a second time alike, it returns the same gauge.
func NewGauge(name, help string, opts ...GaugeOption) *Gauge {
	o := collect(opts, GaugeOption.forGauge)
	return newSingle[Gauge](gaugeDeclaration(name, help, o), o)
}

// NewGaugeVec declares a gauge with labels, which L names: see [Vec]. It panics
// as [NewGauge] does.
func NewGaugeVec[L any](name, help string, opts ...GaugeOption) *GaugeVec[L] {
	o := collect(opts, GaugeOption.forGauge)
	return newVec[L, Gauge](gaugeDeclaration(name, help, o), o)
}

func gaugeDeclaration(name, help string, o *options) *declaration {
	d := newDeclaration(sample.Gauge, name, help, o)
	d.alloc = func(*member) *series.Series { return &new(Gauge).series }
	d.load = func(_ *member, b *sample.Batch, run []*series.Series) {
		for _, s := range run {
			b.Values = append(b.Values, series.Head[Gauge](s).Value())
		}
	}
	return d
}

// Set sets the gauge to v. Any float64 is a value, NaN and infinities too.
func (g *Gauge) Set(v float64) {
	if g != nil {
		g.bits.Store(math.Float64bits(v))
	}
}

// Inc adds 1.
func (g *Gauge) Inc() { g.Add(1) }

// Dec subtracts 1.
func (g *Gauge) Dec() { g.Add(-1) }

// Add adds v, which may be negative.
func (g *Gauge) Add(v float64) {
	if g != nil {
		addFloat(&g.bits, v)
	}
}

// Sub subtracts v.
func (g *Gauge) Sub(v float64) { g.Add(-v) }

// SetToCurrentTime sets the gauge to the time of the call, in seconds since
// 1970.
func (g *Gauge) SetToCurrentTime() { g.SetToTime(time.Now()) }

// SetToTime sets the gauge to t, in seconds since 1970.
func (g *Gauge) SetToTime(t time.Time) {
	g.Set(float64(t.Unix()) + float64(t.Nanosecond())/1e9)
}

// Track adds 1 and returns a function that takes it away again, once, however
// often it is called:
//
//	defer inFlight.Track()()
func (g *Gauge) Track() (done func()) {
	g.Inc()
	var once atomic.Bool
	return func() {
		if once.CompareAndSwap(false, true) {
			g.Dec()
		}
	}
}

// Timer starts a timer that sets the gauge to the seconds it took.
func (g *Gauge) Timer() Timer { return Timer{time.Now(), g} }

func (g *Gauge) report(d time.Duration) { g.Set(inSeconds(int64(d))) }

// Value returns the current value.
func (g *Gauge) Value() float64 {
	if g == nil {
		return 0
	}
	return math.Float64frombits(g.bits.Load())
}
