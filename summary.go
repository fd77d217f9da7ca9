package fennel

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
	"github.com/fennelmetrics/fennel/internal/sketch"
)

// Summary counts observations and sums them up, without buckets: enough for an
// average, at the price of two atomic operations and two series.
//
// With the option [Quantiles] it also estimates quantiles of what was observed
// of late, for one more atomic operation. A [Histogram] is the better choice where
// there are several instances of a program: quantiles can't be added up.
//
// As with a [Histogram], a sum that is read holds all observations that are
// counted in a count that was read before it.
//
// All methods are safe for concurrent use. A nil *Summary does nothing, and the
// zero value works without being exposed.
type Summary struct {
	series series.Series
	sum    atomic.Uint64 // bits of a float64
	nanos  atomic.Uint64 // of durations, beside the sum of numbers
	count  atomic.Uint64

	created atomic.Int64     // nanoseconds since 1970; a reset leaves it
	window  sketch.Estimator // nil without quantiles
	extras  extras[summaryStripe]
	_       [8]byte // at this distance, what changes often is in a cache line of its own
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

// newEstimators returns what makes estimators, all of a window of this length.
func newEstimators(window time.Duration) func() sketch.Estimator {
	// Once the first series is made, the window has passed the checks.
	clock := sync.OnceValue(func() *sketch.Clock { return sketch.NewClock(window) })
	return func() sketch.Estimator { return sketch.NewWindow(clock()) }
}

func summaryDeclaration(name, help string, o *options) *declaration {
	d := newDeclaration(sample.Summary, name, help, o)
	d.ranks, d.window, d.windowed = o.ranks, o.window, o.windowed
	if !d.windowed && len(d.ranks) > 0 {
		d.window, d.windowed = defaultWindow, true
	}
	var newEstimator func() sketch.Estimator
	if len(d.ranks) > 0 {
		newEstimator = o.estimators(d.window)
	}
	d.alloc = func(*member) *series.Series {
		s := new(Summary)
		s.created.Store(time.Now().UnixNano())
		if newEstimator != nil {
			s.window = newEstimator()
		}
		return &s.series
	}
	d.load = loadSummaries
	return d
}

func loadSummaries(m *member, b *sample.Batch, run []*series.Series) {
	for _, s := range run {
		s := series.Head[Summary](s)
		x := s.extras.Load() // once, as a reset replaces it
		if w := s.quantiles(x); w != nil {
			b.Values = w.AppendQuantiles(b.Values, m.family.Ranks)
		}
		b.Created = append(b.Created, s.began(x))
		count, sum := s.read(x)
		b.Counts = append(b.Counts, count)
		b.Sums = append(b.Sums, sum)
	}
}

// The window of a summary with quantiles.
const (
	defaultWindow = 10 * time.Minute
	minWindow     = time.Millisecond
)

// Quantiles lets a summary estimate quantiles, and expose these: 0.5 for the
// median, 0.99 for the 99th percentile, 0 for the smallest observation and 1 for
// the largest, in any order. They are of the observations of a [Window], and NaN
// if there are none; the count and the sum are of all, as without quantiles.
//
// An estimate is less than one percent off, however the observations are
// distributed, and exact for whole numbers up to 128. That holds for as long as
// the observations in a quarter of the window are of no more than 256 powers of
// two; what is beyond that counts as the nearest that is among them.
//
// Each quarter of the window takes 256 bytes for each power of two that there
// are observations of: five quarters of latencies that differ by a factor of a
// thousand are 13 KB. [Summary.Observe] allocates them as they are first needed,
// and nothing else; they are let go when they are too old.
func Quantiles(quantiles ...float64) SummaryOption {
	ranks := slices.Sorted(slices.Values(quantiles))
	return option(func(o *options) { o.ranks, o.estimators = ranks, newEstimators })
}

// Window sets how far back the observations go of which a summary estimates
// [Quantiles]. It moves on in steps of a quarter: what is read is of the last d at
// least, and of a quarter more at most. The default is 10 minutes, the least a
// millisecond.
//
// It moves on by a timer that runs only while there are observations, so that
// these need not ask for the time. If the timer is late, what is observed
// meanwhile leaves by that much earlier.
func Window(d time.Duration) SummaryOption {
	return option(func(o *options) { o.window, o.windowed = d, true })
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
	sum, count, window, x := &s.sum, &s.count, s.window, s.extras.Load()
	if x != nil {
		stripe := x.stripe()
		sum, count, window = &stripe.sum, &stripe.count, s.quantiles(x)
	}
	// The sum first: who reads the count and then the sum misses nothing.
	if tryFloat(sum, v) {
		count.Add(1)
	} else {
		s.observeSlow(x, v, 0)
	}
	if window != nil {
		window.Add(v)
	}
}

// ObserveDuration adds an observation of d, in seconds. Durations are summed up
// exactly, however many there are.
func (s *Summary) ObserveDuration(d time.Duration) {
	if s == nil {
		return
	}
	v := inSeconds(int64(d))
	sum, nanos, count, window, x := &s.sum, &s.nanos, &s.count, s.window, s.extras.Load()
	if x != nil {
		stripe := x.stripe()
		sum, nanos, count, window = &stripe.sum, &stripe.nanos, &stripe.count, s.quantiles(x)
	}
	if tryAdd(sum, nanos, v, int64(d)) {
		count.Add(1)
	} else {
		s.observeSlow(x, v, int64(d))
	}
	if window != nil {
		window.Add(v)
	}
}

// Timer starts a timer that observes the seconds that pass until it is stopped.
func (s *Summary) Timer() Timer { return Timer{time.Now(), s} }

func (s *Summary) report(d time.Duration) { s.ObserveDuration(d) }

// read returns the count, and then the sum.
func (s *Summary) read(x *extra[summaryStripe]) (count uint64, sum float64) {
	anew := x.reset() != 0
	if !anew {
		count = s.count.Load()
	}
	for _, s := range x.list() {
		count += s.count.Load()
	}
	var t total
	if !anew {
		t.add(math.Float64frombits(s.sum.Load()), int64(s.nanos.Load()))
	}
	for _, s := range x.list() {
		t.add(math.Float64frombits(s.sum.Load()), int64(s.nanos.Load()))
	}
	return count, t.value()
}

// quantiles returns what estimates quantiles, or nil.
func (s *Summary) quantiles(x *extra[summaryStripe]) sketch.Estimator {
	if x.reset() != 0 {
		return x.window
	}
	return s.window
}

// began returns when the summary began to count, in nanoseconds since 1970.
func (s *Summary) began(x *extra[summaryStripe]) int64 {
	if since := x.reset(); since != 0 {
		return since
	}
	return s.created.Load()
}

// Count returns the number of observations.
func (s *Summary) Count() uint64 {
	if s == nil {
		return 0
	}
	count, _ := s.read(s.extras.Load())
	return count
}

// Sum returns the sum of all observations.
func (s *Summary) Sum() float64 {
	if s == nil {
		return 0
	}
	_, sum := s.read(s.extras.Load())
	return sum
}

// Quantile estimates the q-quantile of what was observed in the summary's window:
// of n observations, the one with number ceil(q*n) in rising order, and for 0
// the smallest. It may be any q, not only one that is exposed. What is returned is
// within one percent of the observation; see [Quantiles].
//
// It is NaN if nothing was observed, for a summary without quantiles and for a q
// that is not in [0,1].
func (s *Summary) Quantile(q float64) float64 {
	if s == nil || s.window == nil {
		return math.NaN()
	}
	return s.quantiles(s.extras.Load()).Quantile(q)
}

// Created returns when the summary began to count: when it was created or, since
// then, reset.
func (s *Summary) Created() time.Time {
	if s == nil {
		return time.Time{}
	}
	return timeOf(s.began(s.extras.Load()))
}

// Reset sets the count and the sum to 0 and empties the window, for a logical
// restart, and sets the time since which it counts to now. It allocates what it
// counts in from then on. For who observes or reads at the same moment it is one
// step, as [Histogram.Reset] is.
func (s *Summary) Reset() {
	if s == nil {
		return
	}
	var window sketch.Estimator
	if s.window != nil {
		window = s.window.Anew()
	}
	s.extras.anew(s.created.Load(), window, newSummaryStripe)
}
