package fennel

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Summary counts observations and sums them up, without buckets: enough for an
// average, at the price of two atomic operations and two series.
//
// As with a [Histogram], a sum that is read holds all observations that are
// counted in a count that was read before it.
//
// All methods are safe for concurrent use. A nil *Summary does nothing, and the
// zero value works without being exposed.
type Summary struct {
	series series.Series
	sum    atomic.Uint64 // bits of a float64
	count  atomic.Uint64

	created atomic.Int64 // nanoseconds since 1970
	_       [8]byte
}

// SummaryVec is a family of summaries, told apart by their labels.
type SummaryVec[L any] = Vec[L, Summary]

// NewSummary declares a summary.
//
// It panics with a *[DeclarationError] if the declaration is wrong or conflicts
// with another one. Declared a second time alike, it returns the same one.
func NewSummary(name, help string, opts ...SummaryOption) *Summary {
	o := collect(opts, SummaryOption.forSummary)
	return newSingle[Summary](summaryDeclaration(name, help, o), o)
}

// NewSummaryVec declares a summary with labels, which L names: see [Vec]. It
// panics as [NewSummary] does.
func NewSummaryVec[L any](name, help string, opts ...SummaryOption) *SummaryVec[L] {
	o := collect(opts, SummaryOption.forSummary)
	return newVec[L, Summary](summaryDeclaration(name, help, o), o)
}

func summaryDeclaration(name, help string, o options) declaration {
	d := newDeclaration(sample.Summary, name, help, o)
	d.alloc = func(*member) *series.Series {
		s := new(Summary)
		s.created.Store(time.Now().UnixNano())
		return &s.series
	}
	d.load = func(_ *member, b *sample.Batch, run []*series.Series) {
		for _, s := range run {
			m := series.Head[Summary](s)
			b.Counts = append(b.Counts, m.count.Load())
			b.Sums = append(b.Sums, math.Float64frombits(m.sum.Load()))
			b.Created = append(b.Created, m.created.Load())
		}
	}
	return d
}

// Observe adds an observation. NaN would spoil the sum for ever: it is dropped
// and counted in fennel_dropped_updates_total.
func (s *Summary) Observe(v float64) {
	if s == nil {
		return
	}
	if v != v {
		s.series.Table().Drop("nan")
		return
	}
	addFloat(&s.sum, v)
	s.count.Add(1)
}

// ObserveDuration adds an observation of d, in seconds.
func (s *Summary) ObserveDuration(d time.Duration) { s.Observe(d.Seconds()) }

// Timer starts a timer that observes the seconds that pass until it is stopped.
func (s *Summary) Timer() Timer { return Timer{time.Now(), s} }

func (s *Summary) report(seconds float64) { s.Observe(seconds) }

// Count returns the number of observations.
func (s *Summary) Count() uint64 {
	if s == nil {
		return 0
	}
	return s.count.Load()
}

// Sum returns the sum of all observations.
func (s *Summary) Sum() float64 {
	if s == nil {
		return 0
	}
	return math.Float64frombits(s.sum.Load())
}

// Created returns when the summary began to count: when it was created or, since
// then, reset.
func (s *Summary) Created() time.Time {
	if s == nil {
		return time.Time{}
	}
	return timeOf(s.created.Load())
}

// Reset sets the count and the sum to 0, for a logical restart, and the time since
// which it counts to now. Observations that are made at the same time may be
// lost in part.
func (s *Summary) Reset() {
	if s == nil {
		return
	}
	s.count.Store(0)
	s.sum.Store(0)
	s.created.Store(time.Now().UnixNano())
}
