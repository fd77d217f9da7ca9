package fennel

import (
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Counter counts what happens. Its value only rises, but for [Counter.Reset].
//
// Integers are exact to 2^64; what is added in fractions is kept as a float64
// beside them. All methods are safe for concurrent use. A nil *Counter does
// nothing, and the zero value counts without being exposed.
type Counter struct {
	series series.Series
	whole  atomic.Uint64
	part   atomic.Uint64 // bits of a float64: fractions, and what whole can't hold

	created atomic.Int64 // nanoseconds since 1970
	extras  extras[counterStripe]
	// A cache line each, so that neighbours don't slow each other down.
}

// CounterVec is a family of counters, told apart by their labels.
type CounterVec[L any] = Vec[L, Counter]

// NewCounter declares a counter. Its name should end in _total; it is exposed
// under the name that is given here, in every format. OpenMetrics has no counters
// without _total: there it would be of unknown type.
//
// It panics with a *[DeclarationError] if the declaration is wrong or conflicts
// with another one. Declared a second time alike, it returns the same counter.
func NewCounter(name, help string, opts ...CounterOption) *Counter {
	o := collect(opts, CounterOption.forCounter)
	return newSingle[Counter](counterDeclaration(name, help, o), o)
}

// NewCounterVec declares a counter with labels, which L names: see [Vec]. It
// panics as [NewCounter] does.
func NewCounterVec[L any](name, help string, opts ...CounterOption) *CounterVec[L] {
	o := collect(opts, CounterOption.forCounter)
	return newVec[L, Counter](counterDeclaration(name, help, o), o)
}

func counterDeclaration(name, help string, o *options) *declaration {
	d := newDeclaration(sample.Counter, name, help, o)
	d.alloc = func(*member) *series.Series {
		c := new(Counter)
		c.created.Store(time.Now().UnixNano())
		return &c.series
	}
	d.load = loadCounters
	return d
}

func loadCounters(_ *member, b *sample.Batch, run []*series.Series) {
	n := len(b.Whole)
	b.Whole = slices.Grow(b.Whole, len(run))[:n+len(run)]
	b.Values = slices.Grow(b.Values, len(run))[:n+len(run)]
	b.Created = slices.Grow(b.Created, len(run))[:n+len(run)]
	whole, parts, created := b.Whole[n:][:len(run)], b.Values[n:][:len(run)], b.Created[n:][:len(run)]
	for i, s := range run {
		c := series.Head[Counter](s)
		created[i] = c.created.Load()
		whole[i], parts[i] = c.whole.Load(), math.Float64frombits(c.part.Load())
		x := c.extras.Load()
		if now := c.created.Load(); x != nil || now != created[i] || now == resetting {
			whole[i], parts[i], created[i] = c.read()
		}
		if x != nil && x.exemplars != nil {
			x.exemplars.load(b, n+i, sample.NoBucket)
		}
	}
}

// Inc adds 1.
func (c *Counter) Inc() {
	if c == nil {
		return
	}
	if old := c.whole.Load(); c.extras.Load() != nil || old == math.MaxUint64 || !c.whole.CompareAndSwap(old, old+1) {
		c.addSlow(1)
	}
}

// Add adds v. What a counter can't take, a negative number, NaN or an infinity,
// is dropped and counted in fennel_dropped_updates_total.
func (c *Counter) Add(v float64) {
	if c == nil {
		return
	}
	if !(v >= 0 && v < 1<<63) {
		c.addRare(v)
		return
	}
	if n := int64(v); float64(n) == v {
		c.AddUint(uint64(n))
	} else if c.extras.Load() != nil || !tryFloat(&c.part, v) {
		c.addFloatSlow(v)
	}
}

// addRare is Add for what is negative, not a number, or so large that a float64 has
// no fractions any more.
func (c *Counter) addRare(v float64) {
	switch {
	case v < 0:
		c.series.Table().Drop("negative")
	case math.IsNaN(v):
		c.series.Table().Drop("nan")
	case math.IsInf(v, 1):
		c.series.Table().Drop("infinite")
	case v < 1<<64:
		c.AddUint(uint64(v))
	case c.extras.Load() != nil || !tryFloat(&c.part, v):
		c.addFloatSlow(v)
	}
}

// AddUint adds n, exactly.
func (c *Counter) AddUint(n uint64) {
	if c == nil {
		return
	}
	if old := c.whole.Load(); c.extras.Load() != nil || old+n < old || !c.whole.CompareAndSwap(old, old+n) {
		c.addSlow(n)
	}
}

// AddWithExemplar is Add, and keeps the labels, a trace_id say, as the counter's
// exemplar: it is the last one that is exposed. Without labels it is Add.
//
// Names and values may have 128 code points in all. What is longer, has a name
// twice in any format, or one that is empty, not UTF-8 or begins with __, is no
// exemplar: v is added all the same, and what was left out is counted in
// fennel_dropped_updates_total. Values that are not UTF-8 are mended and counted
// in fennel_mended_labels_total. Nothing of labels is kept. As all updates it waits
// for nobody: an exemplar that meets another one, or a scrape, at the very moment
// is passed over.
func (c *Counter) AddWithExemplar(v float64, labels ...Label) {
	c.Add(v)
	if c == nil || len(labels) == 0 || !(v >= 0) || math.IsInf(v, 1) {
		return
	}
	if reason := checkExemplar(labels); reason != "" {
		c.series.Table().Drop(reason)
		return
	}
	if c.extras.withExemplars(1).set(labels, v, time.Now().UnixNano()) {
		c.series.Table().Mend()
	}
}

// IncWithExemplar is AddWithExemplar of 1.
func (c *Counter) IncWithExemplar(labels ...Label) { c.AddWithExemplar(1, labels...) }

// Created returns when the counter began to count: when it was created or, since
// then, reset. It is exposed where the format has room for it.
func (c *Counter) Created() time.Time {
	if c == nil {
		return time.Time{}
	}
	_, _, created := c.read()
	return timeOf(created)
}

// timeOf returns a time that is kept in nanoseconds since 1970; 0 is none.
func timeOf(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}

// Value returns the current value, rounded to a float64. Formats write it exactly.
func (c *Counter) Value() float64 {
	if c == nil {
		return 0
	}
	whole, part, _ := c.read()
	return float64(whole) + part
}

// read returns the two words, stripes and all, and since when they count: from
// before a Reset or from after it, never from in between.
func (c *Counter) read() (whole uint64, part float64, created int64) {
	for {
		created = c.created.Load()
		whole, part = addStripes(c.whole.Load(), math.Float64frombits(c.part.Load()), c.extras.stripes())
		if created != resetting && created == c.created.Load() {
			return whole, part, created
		}
		runtime.Gosched()
	}
}

// Reset sets the counter to 0, for a logical restart of what it counts, and the
// time since which it counts to now. Its exemplar goes, too.
// Prometheus takes a falling counter for a restart of the program, so nothing
// is lost by it.
//
// An update at the same moment is counted before it, and so forgotten, or after
// it. Who reads at the same moment sees the counter as it was or as it is then.
func (c *Counter) Reset() {
	if c == nil {
		return
	}
	old := c.created.Load()
	for old == resetting || !c.created.CompareAndSwap(old, resetting) {
		runtime.Gosched()
		old = c.created.Load()
	}
	c.whole.Store(0)
	c.part.Store(0)
	for _, s := range c.extras.stripes() {
		s.whole.Store(0)
		s.part.Store(0)
	}
	// Readers tell by it that there was a reset, however coarse the clock is.
	c.created.Store(max(time.Now().UnixNano(), old+1))
	if e := c.extras.exemplars(); e != nil {
		e.clear()
	}
}

// resetting is in place of the time since which a counter counts while it is being
// reset, so that readers wait for the few nanoseconds that this takes.
const resetting = math.MinInt64

// addFloat adds v to the float64 whose bits are in p.
func addFloat(p *atomic.Uint64, v float64) {
	for {
		old := p.Load()
		if p.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}
