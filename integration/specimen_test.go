package integration

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/fennelmetrics/fennel"
)

// specimen is a metric family with one series, and what is written into it.
type specimen struct {
	kind       fennel.Type
	name, help string
	unit       string
	names      []string // of labels
	values     []string // of labels
	value      float64
	bounds     []float64
	states     []string
	time       time.Time

	// What may come with it.
	exemplar *fennel.Exemplar
	start    time.Time
	native   *fennel.NativeHistogram
	only     bool // there are no classic buckets beside the native ones
}

// newSpecimen returns a specimen without labels. What its type needs beside a
// value is made from the value and the help.
func newSpecimen(kind uint8, name, help, unit string, value float64) *specimen {
	s := &specimen{kind: fennel.Type(kind % kinds), name: name, help: help, unit: unit, value: value}
	for _, b := range []float64{-math.Abs(value), value / 2, value, 0, 1} {
		if !math.IsNaN(b) && !math.IsInf(b, 0) && !slices.Contains(s.bounds, b) {
			s.bounds = append(s.bounds, b)
		}
	}
	slices.Sort(s.bounds)
	if math.Mod(value, 2) > 0 && len(s.bounds) > 0 {
		s.bounds = s.bounds[1:] // not always a negative one
	}
	s.states = []string{"on", strings.ToValidUTF8(help, "?")}
	return s
}

// extend adds what the bits of extras say, with an exemplar of this label.
func (s *specimen) extend(extras uint32, name, value string) {
	random := rand.New(rand.NewPCG(uint64(extras), 0))
	if extras&1 > 0 {
		s.exemplar = &fennel.Exemplar{Labels: []fennel.Label{{Name: cmp.Or(name, "trace_id"), Value: value}}, Value: s.value, Time: s.time}
	}
	if extras&2 > 0 {
		s.start = s.time
	}
	if extras&4 > 0 {
		s.native = randomNative(random)
		s.only = extras&8 > 0
	}
	if s.only {
		s.bounds = nil
	}
}

// randomNative returns a native histogram of any form.
func randomNative(random *rand.Rand) *fennel.NativeHistogram {
	side := func() (buckets []fennel.NativeBucket) {
		index := random.IntN(100) - 66
		for range random.IntN(8) {
			if index <= 65 { // more there is not in the coarsest
				buckets = append(buckets, fennel.NativeBucket{Index: index, Count: random.Uint64N(1 << random.IntN(40))})
			}
			index += 1 + random.IntN(1+random.IntN(10))
		}
		return buckets
	}
	return &fennel.NativeHistogram{
		Schema:        random.IntN(13) - 4,
		ZeroThreshold: []float64{0, 0x1p-128, 0.5}[random.IntN(3)],
		ZeroCount:     random.Uint64N(3),
		Positive:      side(),
		Negative:      side(),
	}
}

// label adds a label, unless it has no name.
func (s *specimen) label(name, value string) {
	if name != "" {
		s.names = append(s.names, name)
		s.values = append(s.values, value)
	}
}

// neighbours are declared beside the specimen, to see that it leaves them alone.
func neighbours(r *fennel.Registry) {
	fennel.Try(func() int { // they may clash with it
		fennel.NewGauge("!first neighbour", "The first.", fennel.In(r)).Set(1)
		fennel.NewCounter("~last neighbour_total", "The last.", fennel.In(r)).Inc()
		return 0
	})
}

// declared declares the specimen in a registry and updates it.
func (s *specimen) declared() (*fennel.Registry, error) {
	r := fennel.NewRegistry()
	_, err := fennel.Try(func() int { s.declare(r); return 0 })
	neighbours(r)
	return r, err
}

func (s *specimen) declare(r *fennel.Registry) {
	switch len(s.names) {
	case 0:
		s.declareSingle(r)
	case 1:
		declareVec(s, r, [1]string(s.values))
	default:
		declareVec(s, r, [2]string(s.values))
	}
}

// numberOptions returns the options of types that have a unit.
func (s *specimen) numberOptions(r *fennel.Registry) []fennel.NumberOption {
	opts := []fennel.NumberOption{fennel.In(r)}
	if s.names != nil {
		opts = append(opts, fennel.LabelNames(s.names...))
	}
	if s.unit != "" {
		opts = append(opts, fennel.Unit(s.unit))
	}
	return opts
}

// each converts options to those of one type.
func each[To, From any](opts []From) []To {
	var out []To
	for _, o := range opts {
		out = append(out, any(o).(To))
	}
	return out
}

type noLabels struct{}

// histogramOptions returns the options of a histogram.
func (s *specimen) histogramOptions(opts []fennel.NumberOption) []fennel.HistogramOption {
	all := each[fennel.HistogramOption](opts)
	if s.native != nil {
		all = append(all, fennel.Native{Schema: s.native.Schema, ZeroThreshold: s.native.ZeroThreshold, Only: s.only})
	}
	if !s.only {
		all = append(all, fennel.Buckets(s.bounds...))
	}
	return all
}

// add adds the value to a counter, perhaps with an exemplar.
func (s *specimen) add(c *fennel.Counter) {
	if s.exemplar != nil {
		c.AddWithExemplar(s.value, s.exemplar.Labels...)
		return
	}
	c.Add(s.value)
}

// observe observes the value, perhaps with an exemplar.
func (s *specimen) observe(h *fennel.Histogram) {
	if s.exemplar != nil {
		h.ObserveWithExemplar(s.value, s.exemplar.Labels...)
		return
	}
	h.Observe(s.value)
}

func (s *specimen) declareSingle(r *fennel.Registry) {
	opts := s.numberOptions(r)
	switch s.kind {
	case fennel.TypeUnknown:
		fennel.NewUnknown(s.name, s.help, each[fennel.UnknownOption](opts)...).Set(s.value)
	case fennel.TypeCounter:
		s.add(fennel.NewCounter(s.name, s.help, each[fennel.CounterOption](opts)...))
	case fennel.TypeGauge:
		fennel.NewGauge(s.name, s.help, each[fennel.GaugeOption](opts)...).Set(s.value)
	case fennel.TypeHistogram:
		s.observe(fennel.NewHistogram(s.name, s.help, s.histogramOptions(opts)...))
	case fennel.TypeSummary:
		fennel.NewSummary(s.name, s.help, each[fennel.SummaryOption](opts)...).Observe(s.value)
	case fennel.TypeInfo:
		fennel.NewInfo(s.name, s.help, noLabels{}, fennel.In(r))
	case fennel.TypeStateSet:
		fennel.NewStateSet(s.name, s.help, s.states, fennel.In(r))
	}
}

func declareVec[L any](s *specimen, r *fennel.Registry, labels L) {
	opts := s.numberOptions(r)
	in, names := fennel.In(r), fennel.LabelNames(s.names...)
	switch s.kind {
	case fennel.TypeUnknown:
		fennel.NewUnknownVec[L](s.name, s.help, each[fennel.UnknownOption](opts)...).With(labels).Set(s.value)
	case fennel.TypeCounter:
		s.add(fennel.NewCounterVec[L](s.name, s.help, each[fennel.CounterOption](opts)...).With(labels))
	case fennel.TypeGauge:
		fennel.NewGaugeVec[L](s.name, s.help, each[fennel.GaugeOption](opts)...).With(labels).Set(s.value)
	case fennel.TypeHistogram:
		s.observe(fennel.NewHistogramVec[L](s.name, s.help, s.histogramOptions(opts)...).With(labels))
	case fennel.TypeSummary:
		fennel.NewSummaryVec[L](s.name, s.help, each[fennel.SummaryOption](opts)...).With(labels).Observe(s.value)
	case fennel.TypeInfo:
		fennel.NewInfoVec[L, noLabels](s.name, s.help, in, names).With(labels).Set(noLabels{})
	case fennel.TypeStateSet:
		fennel.NewStateSetVec[L](s.name, s.help, s.states, in, names).With(labels).Set(s.states[0])
	}
}

// collected returns a registry with a collector that writes the specimen.
func (s *specimen) collected() *fennel.Registry {
	r := fennel.NewRegistry()
	neighbours(r)
	r.MustRegister(fennel.CollectorFunc(s.collect))
	return r
}

func (s *specimen) collect(_ context.Context, w *fennel.Writer) error {
	opts := []fennel.WriterOption{fennel.LabelNames(s.names...)}
	if s.unit != "" {
		opts = append(opts, fennel.Unit(s.unit))
	}
	switch s.kind {
	case fennel.TypeUnknown:
		w.Unknown(s.name, s.help, opts...).At(s.time).Write(s.value, s.values...)
	case fennel.TypeCounter:
		c := w.Counter(s.name, s.help, opts...).At(s.time).Since(s.start)
		if s.exemplar != nil {
			c = c.WithExemplar(*s.exemplar)
		}
		c.Write(s.value, s.values...)
	case fennel.TypeGauge:
		w.Gauge(s.name, s.help, opts...).At(s.time).Write(s.value, s.values...)
	case fennel.TypeHistogram:
		w.Histogram(s.name, s.help, s.bounds, opts...).At(s.time).Since(s.start).Write(s.histogram(), s.values...)
	case fennel.TypeGaugeHistogram:
		w.GaugeHistogram(s.name, s.help, s.bounds, opts...).At(s.time).Write(s.histogram(), s.values...)
	case fennel.TypeSummary:
		value := fennel.SummaryValue{Count: 1, Sum: s.value, Quantiles: []float64{s.value, math.NaN(), -1}}
		w.Summary(s.name, s.help, []float64{0, 0.5, 1}, opts...).At(s.time).Since(s.start).Write(value, s.values...)
	case fennel.TypeInfo:
		w.Info(s.name, s.help, opts[:1]...).At(s.time).Write(s.values...)
	case fennel.TypeStateSet:
		w.StateSet(s.name, s.help, s.states, opts[:1]...).At(s.time).Write(s.states[1:], s.values...)
	}
	return nil
}

// histogram returns the histogram that a collector writes.
func (s *specimen) histogram() fennel.HistogramValue {
	v := fennel.HistogramValue{Counts: make([]uint64, len(s.bounds)+1), Sum: s.value, Native: s.native}
	v.Counts[0] = 1 << 60
	if s.native != nil {
		v.Counts[0] = total(s.native)
	}
	if s.exemplar != nil {
		v.Exemplars = []fennel.Exemplar{*s.exemplar}
	}
	return v
}
