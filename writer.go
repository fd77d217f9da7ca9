package fennel

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Writer takes the samples of a [Collector] during one scrape. It belongs to
// that call of Collect: it is not for concurrent use, and not to be kept.
//
// A family is declared by one of its methods, which returns a writer for its
// samples; declaring it again alike goes on with the same family, and other
// labels are allowed then. The options [LabelNames], [Unit] and [ConstLabels]
// fit here:
//
//	temperature := w.Gauge("room_temperature_celsius", "Temperature.",
//		fennel.LabelNames("room"), fennel.Unit("celsius"))
//	temperature.Write(21.5, "kitchen")
//	temperature.Write(18, "cellar")
//
// What can't be exposed, a wrong declaration, a wrong number of label values, a
// counter that is negative, is left out and reported as an error of the
// collector. Label values that are not UTF-8 are mended and counted.
type Writer struct {
	registry *Registry
	source   *source
	request  *sample.Request
	families map[string]*written
	errs     []error
	refused  map[string]bool // declarations that were reported
	done     bool
	state    atomic.Int32 // of run
}

func newWriter(r *Registry, s *source, req *sample.Request) *Writer {
	return &Writer{registry: r, source: s, request: req, families: make(map[string]*written)}
}

// Wants reports whether the scrape wants the family of this name. Samples of
// others are left out in any case; a collector that asks first can save itself
// the work.
func (w *Writer) Wants(name string) bool {
	if w.request == nil {
		return true
	}
	// A sample's name asks for its family: x_count for the histogram x.
	var all []string
	for _, kind := range [...]sample.Kind{sample.Counter, sample.Histogram, sample.Info} {
		all = append(append(all, claims(kind, name)...), bases(kind, name)...)
	}
	return w.request.Wants(all...)
}

func (w *Writer) fail(err error) { w.errs = append(w.errs, err) }

// begin returns where samples of a declaration go. The target has no family if
// it can't be written or isn't wanted.
func (w *Writer) begin(d declaration, opts []WriterOption) target {
	o := collect(opts, WriterOption.forWriter)
	full := newDeclaration(d.kind, d.name, d.help, o)
	full.labels, full.bounds, full.ranks, full.states = o.labelNames, d.bounds, d.ranks, d.states
	if w.done {
		return target{} // the scrape is over
	}
	if f := w.families[d.name]; f != nil {
		return w.again(f, &full)
	}
	c, err := w.check(full)
	if err != nil {
		w.refuse(d.name, err)
		return target{}
	}
	if !w.request.Wants(c.names...) {
		return target{}
	}
	f := &written{checked: c, source: w.source}
	w.families[d.name] = f
	return target{writer: w, family: f, labels: c.declared.labels, layout: &c.layout, time: sample.NoTime}
}

// again returns a target in a family that this scrape has declared already,
// perhaps with other labels.
func (w *Writer) again(f *written, d *declaration) target {
	what := d.differs(&f.declared)
	if what == "" && slices.Equal(d.consts, f.declared.consts) {
		return target{writer: w, family: f, labels: f.declared.labels, layout: &f.layout, time: sample.NoTime}
	}
	if what == differentLabels {
		what = f.mix(d.allLabels())
	}
	if what != "" {
		w.refuse(d.name, conflict(d, &f.declared, theyDiffer(what)))
		return target{}
	}
	if err := d.check(w.registry.legacy); err != nil {
		w.refuse(d.name, err)
		return target{}
	}
	layout := series.NewLayout(d.constPairs(), d.labels)
	return target{writer: w, family: f, labels: slices.Clone(d.labels), layout: &layout, time: sample.NoTime}
}

// check checks a declaration, unless the scrape before has done that.
func (w *Writer) check(d declaration) (*checked, error) {
	if known := w.source.recall(&d); known != nil {
		return known, nil
	}
	if err := d.check(w.registry.legacy); err != nil {
		return nil, err
	}
	d.labels, d.bounds = slices.Clone(d.labels), slices.Clone(d.bounds)
	d.ranks, d.states = slices.Clone(d.ranks), slices.Clone(d.states)
	c := &checked{
		declared: d,
		claims:   claims(d.kind, d.name),
		bases:    bases(d.kind, d.name),
		layout:   series.NewLayout(d.constPairs(), d.labels),
	}
	c.names = slices.Concat(c.claims, c.bases)
	d.describe(&c.family)
	return c, nil
}

// maxRefusals is how many refused declarations are reported one by one.
const maxRefusals = 20

// refuse reports a declaration that was refused, once.
func (w *Writer) refuse(name string, err error) {
	if w.refused == nil {
		w.refused = make(map[string]bool)
	}
	if w.refused[name] {
		return
	}
	w.refused[name] = true
	if len(w.refused) <= maxRefusals {
		w.fail(err)
	}
}

// Counter declares a family of counters.
func (w *Writer) Counter(name, help string, opts ...WriterOption) NumberWriter {
	return NumberWriter{w.begin(declaration{kind: sample.Counter, name: name, help: help}, opts)}
}

// Gauge declares a family of gauges.
func (w *Writer) Gauge(name, help string, opts ...WriterOption) NumberWriter {
	return NumberWriter{w.begin(declaration{kind: sample.Gauge, name: name, help: help}, opts)}
}

// Unknown declares a family of numbers of which it is not known whether they
// are counters or gauges.
func (w *Writer) Unknown(name, help string, opts ...WriterOption) NumberWriter {
	return NumberWriter{w.begin(declaration{kind: sample.Unknown, name: name, help: help}, opts)}
}

// Histogram declares a family of histograms. The bounds are as for [Buckets].
func (w *Writer) Histogram(name, help string, bounds []float64, opts ...WriterOption) HistogramWriter {
	if n := len(bounds); n > 0 && math.IsInf(bounds[n-1], 1) {
		bounds = bounds[:n-1]
	}
	return HistogramWriter{w.begin(declaration{kind: sample.Histogram, name: name, help: help, bounds: bounds}, opts)}
}

// Summary declares a family of summaries with these quantiles, in rising order
// and in [0,1]; nil for none.
func (w *Writer) Summary(name, help string, quantiles []float64, opts ...WriterOption) SummaryWriter {
	return SummaryWriter{w.begin(declaration{kind: sample.Summary, name: name, help: help, ranks: quantiles}, opts)}
}

// Info declares a family of infos, whose name must end in _info. What they say
// is in their labels, which [LabelNames] and [ConstLabels] name.
func (w *Writer) Info(name, help string, opts ...WriterOption) InfoWriter {
	return InfoWriter{w.begin(declaration{kind: sample.Info, name: name, help: help}, opts)}
}

// StateSet declares a family of statesets with these states, at most 64.
func (w *Writer) StateSet(name, help string, states []string, opts ...WriterOption) StateSetWriter {
	return StateSetWriter{w.begin(declaration{kind: sample.StateSet, name: name, help: help, states: states}, opts)}
}

// maxText keeps the offsets in a batch within 32 bits.
const maxText = 1 << 30

// target is where a typed writer writes: a family, its labels and a time.
type target struct {
	writer *Writer
	family *written
	labels []string // that vary
	layout *series.Layout
	time   int64
	astray bool // the time can't be written
}

// The times between which a timestamp has to lie: the text format has none
// before 1970 that Prometheus would take, and nanoseconds end in 2262.
var (
	firstTime = time.Unix(0, 0)
	lastTime  = time.Unix(0, math.MaxInt64)
)

// at returns the target with another time.
func (t target) at(time time.Time) target {
	t.time, t.astray = sample.NoTime, false
	if !time.IsZero() {
		t.time, t.astray = time.UnixNano(), time.Before(firstTime) || time.After(lastTime)
	}
	return t
}

// open adds the labels and the time of a sample and returns the batch for its
// value, or nil if there can't be such a sample.
func (t target) open(values []string, problem string) *sample.Batch {
	f := t.family
	if f == nil || t.writer.done {
		return nil
	}
	switch {
	case len(values) != len(t.labels):
		problem = fmt.Sprintf("%d label values for the %d labels %q", len(values), len(t.labels), t.labels)
	case t.astray:
		problem = "the timestamp is not between 1970 and 2262"
	case len(f.batch.Text) > maxText:
		problem = "the family's labels take up more than 1 GiB"
	}
	if problem != "" {
		f.leaveOut(values, problem)
		return nil
	}
	values = t.mend(values)
	b := &f.batch
	b.SetTime(t.time)
	b.Text = t.layout.Append(b.Text, values)
	b.Ends = append(b.Ends, uint32(len(b.Text)))
	return b
}

// mend returns the values with what is not UTF-8 replaced. The slice may be the
// caller's, so it is not changed.
func (t target) mend(values []string) []string {
	mended := series.MendAll(values)
	if mended == nil {
		return values
	}
	t.writer.registry.own.mended.With(selfMetric{t.family.family.Name}).Inc()
	return mended
}

// NumberWriter writes counters, gauges or unknowns. It is a small value; the
// zero value writes nothing.
type NumberWriter struct{ to target }

// At returns a writer whose samples have a timestamp. Give one only where the
// value is known to be from that time: Prometheus does not mark such series as
// stale. The zero time takes the timestamp away.
func (n NumberWriter) At(t time.Time) NumberWriter { return NumberWriter{n.to.at(t)} }

// Write writes a sample with these label values, one for each of the family's
// labels. They are not kept.
func (n NumberWriter) Write(value float64, labelValues ...string) {
	if n.to.family == nil {
		return
	}
	counter := n.to.family.family.Kind == sample.Counter
	problem := ""
	if counter && !(value >= 0) {
		problem = fmt.Sprintf("a counter can't be %v", value)
	}
	b := n.to.open(labelValues, problem)
	if b == nil {
		return
	}
	b.Values = append(b.Values, value)
	if counter {
		b.Whole = append(b.Whole, 0)
	}
}

// WriteUint is Write for integers, which arrive exactly in a counter however
// large they are.
func (n NumberWriter) WriteUint(value uint64, labelValues ...string) {
	if n.to.family == nil || n.to.family.family.Kind != sample.Counter {
		n.Write(float64(value), labelValues...)
		return
	}
	if b := n.to.open(labelValues, ""); b != nil {
		b.Whole = append(b.Whole, value)
		b.Values = append(b.Values, 0)
	}
}

// HistogramValue is a histogram that a collector has from elsewhere.
type HistogramValue struct {
	// Counts has the number of observations in each bucket alone, not
	// cumulative: one for each bound, and one for what is above all bounds.
	Counts []uint64
	Sum    float64
}

// HistogramWriter writes histograms. It is a small value; the zero value writes
// nothing.
type HistogramWriter struct{ to target }

// At returns a writer whose samples have a timestamp: see [NumberWriter.At].
func (h HistogramWriter) At(t time.Time) HistogramWriter { return HistogramWriter{h.to.at(t)} }

// Write writes a histogram with these label values, one for each of the
// family's labels. Nothing of the arguments is kept.
func (h HistogramWriter) Write(value HistogramValue, labelValues ...string) {
	if h.to.family == nil {
		return
	}
	problem := ""
	if want := len(h.to.family.family.Bounds) + 1; len(value.Counts) != want {
		problem = fmt.Sprintf("%d counts for %d buckets, +Inf included", len(value.Counts), want)
	}
	if b := h.to.open(labelValues, problem); b != nil {
		b.Counts = append(b.Counts, value.Counts...)
		b.Sums = append(b.Sums, value.Sum)
	}
}

// SummaryValue is a summary that a collector has from elsewhere.
type SummaryValue struct {
	Count uint64
	Sum   float64
	// Quantiles has a value for each quantile that was declared, NaN where
	// there is none.
	Quantiles []float64
}

// SummaryWriter writes summaries. It is a small value; the zero value writes
// nothing.
type SummaryWriter struct{ to target }

// At returns a writer whose samples have a timestamp: see [NumberWriter.At].
func (s SummaryWriter) At(t time.Time) SummaryWriter { return SummaryWriter{s.to.at(t)} }

// Write writes a summary with these label values, one for each of the family's
// labels. Nothing of the arguments is kept.
func (s SummaryWriter) Write(value SummaryValue, labelValues ...string) {
	if s.to.family == nil {
		return
	}
	problem := ""
	if want := len(s.to.family.family.Ranks); len(value.Quantiles) != want {
		problem = fmt.Sprintf("%d values for %d quantiles", len(value.Quantiles), want)
	}
	if b := s.to.open(labelValues, problem); b != nil {
		b.Counts = append(b.Counts, value.Count)
		b.Sums = append(b.Sums, value.Sum)
		b.Values = append(b.Values, value.Quantiles...)
	}
}

// InfoWriter writes infos. It is a small value; the zero value writes nothing.
type InfoWriter struct{ to target }

// At returns a writer whose samples have a timestamp: see [NumberWriter.At].
func (i InfoWriter) At(t time.Time) InfoWriter { return InfoWriter{i.to.at(t)} }

// Write writes an info with these label values, one for each of the family's
// labels. They are not kept.
func (i InfoWriter) Write(labelValues ...string) { i.to.open(labelValues, "") }

// StateSetWriter writes statesets. It is a small value; the zero value writes
// nothing.
type StateSetWriter struct{ to target }

// At returns a writer whose samples have a timestamp: see [NumberWriter.At].
func (s StateSetWriter) At(t time.Time) StateSetWriter { return StateSetWriter{s.to.at(t)} }

// Write writes a stateset in which the states in on are on, with these label
// values, one for each of the family's labels. Nothing of the arguments is kept.
func (s StateSetWriter) Write(on []string, labelValues ...string) {
	if s.to.family == nil {
		return
	}
	bits, problem := uint64(0), ""
	for _, state := range on {
		i := slices.Index(s.to.family.family.States, state)
		if i < 0 {
			problem = fmt.Sprintf("state %q is not one of %q", state, s.to.family.family.States)
			break
		}
		bits |= 1 << i
	}
	if b := s.to.open(labelValues, problem); b != nil {
		b.States = append(b.States, bits)
	}
}
