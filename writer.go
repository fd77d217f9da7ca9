package fennel

import (
	"slices"
	"sync/atomic"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// Writer takes the samples of a [Collector] during one scrape. It belongs to
// that call of Collect: it is not for concurrent use, and not to be kept. The zero
// Writer takes nothing.
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
	slate    *slate // nil if the collector isn't called
	errs     []error
	refused  map[string]bool // declarations that were reported
	done     bool
	state    atomic.Int32 // of run
}

func (w *Writer) init(s *source, req *sample.Request) {
	w.registry, w.source, w.request, w.slate = s.scope.root(), s, req, s.slate()
}

// written returns what was written.
func (w *Writer) written() []*written {
	if w.slate == nil {
		return nil
	}
	return w.slate.list
}

// giveBack gives the slate back, when nobody reads it any more.
func (w *Writer) giveBack() {
	if w.slate != nil {
		w.source.giveBack(w.slate, w.request.All())
		w.slate = nil
	}
}

// Wants reports whether the scrape wants the family of this name. Samples of
// others are left out in any case; a collector that asks first can save itself
// the work. The name is as the collector writes it, also when it is registered
// with a view.
func (w *Writer) Wants(name string) bool {
	if w.request.All() {
		return true
	}
	name = w.source.scope.fullName(name)
	// A sample's name asks for its family: x_count for the histogram x.
	var all []string
	for _, kind := range [...]sample.Kind{sample.Counter, sample.Histogram, sample.GaugeHistogram, sample.Info} {
		all = append(append(all, claims(kind, name)...), bases(kind, name)...)
	}
	return w.request.Wants(all...)
}

func (w *Writer) fail(err error) { w.errs = append(w.errs, err) }

// begin returns where samples of a declaration go, to which the options add.
func (w *Writer) begin(d declaration, opts []WriterOption) target {
	if w.source == nil || w.done {
		return target{} // of no scrape, or of one that is over
	}
	o := w.slate.options(opts)
	d.unit, d.consts, d.labels = o.unit, o.constLabels, o.labelNames
	if f := w.slate.known(&d); f != nil {
		return w.resume(f)
	}
	return w.learn(&d)
}

// beginChecked is begin for a declaration that was checked when it was made, and
// that no view adds to any more.
func (w *Writer) beginChecked(d *declaration) target {
	if f := w.slate.known(d); f != nil {
		return w.resume(f)
	}
	return w.declare(d, d)
}

// resume returns where samples of a family go that is known, if it is wanted.
func (w *Writer) resume(f *written) target {
	if !f.used {
		if !w.request.Wants(f.names...) {
			return target{}
		}
		w.use(f)
	}
	return w.target(f, &f.shape)
}

func (w *Writer) use(f *written) {
	f.used = true
	w.slate.list = append(w.slate.list, f)
}

// learn is begin for a declaration that was not made in these words before. It is
// apart from that because it needs much more of the stack.
func (w *Writer) learn(said *declaration) target {
	full := newDeclaration(said.kind, said.name, said.help, &options{unit: said.unit, constLabels: said.consts})
	full.labels, full.bounds, full.ranks, full.states = slices.Clone(said.labels), said.bounds, said.ranks, said.states
	if err := w.source.scope.adapt(full); err != nil {
		w.refuse(full.name, err)
		return target{}
	}
	return w.declare(said, full)
}

// declare returns where samples of a declaration go that was made in these words,
// for the first time. The target has no family if it can't be written or isn't
// wanted.
func (w *Writer) declare(said, d *declaration) target {
	f := w.slate.families[said.name]
	if f != nil && f.used {
		return w.again(f, d)
	}
	c, err := w.check(d)
	if err != nil {
		w.refuse(d.name, err)
		return target{}
	}
	if !w.request.Wants(c.names...) {
		return target{}
	}
	if f == nil || f.checked != c {
		f = &written{checked: c, source: w.source, sources: []*source{w.source}}
		w.slate.families[said.name] = f
		w.slate.learned = true
	}
	f.words = wordsOf(said)
	w.use(f)
	return w.target(f, &c.shape)
}

// again returns a target in a family that this scrape has declared already,
// perhaps with other labels.
func (w *Writer) again(f *written, d *declaration) target {
	what := d.differs(&f.declared)
	if what == "" && slices.Equal(d.consts, f.declared.consts) {
		return w.target(f, &f.shape)
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
	return w.target(f, newShape(d))
}

// check checks a declaration, unless the scrape before has done that.
func (w *Writer) check(d *declaration) (*checked, error) {
	if known := w.source.recall(d); known != nil {
		return known, nil
	}
	if err := d.check(w.registry.legacy); err != nil {
		return nil, err
	}
	own := *d
	own.labels, own.bounds = slices.Clone(d.labels), slices.Clone(d.bounds)
	own.ranks, own.states = slices.Clone(d.ranks), slices.Clone(d.states)
	c := &checked{named: newNamed(&own), shape: *newShape(d)}
	own.describe(&c.family)
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
	return NumberWriter{to: w.begin(declaration{kind: sample.Counter, name: name, help: help}, opts)}
}

// Gauge declares a family of gauges.
func (w *Writer) Gauge(name, help string, opts ...WriterOption) NumberWriter {
	return NumberWriter{to: w.begin(declaration{kind: sample.Gauge, name: name, help: help}, opts)}
}

// Unknown declares a family of numbers of which it is not known whether they
// are counters or gauges.
func (w *Writer) Unknown(name, help string, opts ...WriterOption) NumberWriter {
	return NumberWriter{to: w.begin(declaration{kind: sample.Unknown, name: name, help: help}, opts)}
}

// Histogram declares a family of histograms. The bounds are as for [Buckets]; none
// are needed for histograms with native buckets.
func (w *Writer) Histogram(name, help string, bounds []float64, opts ...WriterOption) HistogramWriter {
	d := declaration{kind: sample.Histogram, name: name, help: help, bounds: finite(bounds)}
	return HistogramWriter{w.begin(d, opts)}
}

// GaugeHistogram declares a family of histograms whose counts may fall: of what
// is in a queue by its age, say. The bounds are as for [Writer.Histogram].
func (w *Writer) GaugeHistogram(name, help string, bounds []float64, opts ...WriterOption) HistogramWriter {
	d := declaration{kind: sample.GaugeHistogram, name: name, help: help, bounds: finite(bounds)}
	return HistogramWriter{w.begin(d, opts)}
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
