package fennel

import (
	"slices"
	"time"

	"github.com/fennelmetrics/fennel/internal/sketch"
)

// options is what the options of a declaration are collected in.
type options struct {
	registry    *Registry
	none        bool // In(nil)
	unit        string
	constLabels []Label
	labelNames  []string
	buckets     []float64
	ranks       []float64
	estimators  func(window time.Duration) func() sketch.Estimator // of the ranks; nil without
	window      time.Duration
	windowed    bool // there was an option Window
	native      *nativeChoice

	declareNative func(*declaration) // for native
}

// collect applies options, each by the method of its interface. Nil options are
// passed over.
func collect[O comparable](opts []O, apply func(O, *options)) *options {
	o := new(options)
	var none O
	for _, opt := range opts {
		if opt != none {
			apply(opt, o)
		}
	}
	return o
}

// Options of the metric types. What a constructor's option interface does not
// name does not compile there.
type (
	// CounterOption is an option of [NewCounter] and [NewCounterVec].
	CounterOption interface{ forCounter(*options) }
	// GaugeOption is an option of [NewGauge] and [NewGaugeVec].
	GaugeOption interface{ forGauge(*options) }
	// HistogramOption is an option of [NewHistogram] and [NewHistogramVec].
	HistogramOption interface{ forHistogram(*options) }
	// SummaryOption is an option of [NewSummary] and [NewSummaryVec].
	SummaryOption interface{ forSummary(*options) }
	// InfoOption is an option of [NewInfo] and [NewInfoVec].
	InfoOption interface{ forInfo(*options) }
	// StateSetOption is an option of [NewStateSet] and [NewStateSetVec].
	StateSetOption interface{ forStateSet(*options) }
	// UnknownOption is an option of [NewUnknown] and [NewUnknownVec].
	UnknownOption interface{ forUnknown(*options) }
	// WriterOption is an option of a family that a [Collector] writes.
	WriterOption interface{ forWriter(*options) }

	// NumberOption is an option of every metric type that measures something.
	NumberOption interface {
		CounterOption
		GaugeOption
		HistogramOption
		SummaryOption
		UnknownOption
	}
	// MetricOption is an option of every metric type.
	MetricOption interface {
		NumberOption
		InfoOption
		StateSetOption
	}
	// UnitOption is a NumberOption that fits what a collector writes, too.
	UnitOption interface {
		NumberOption
		WriterOption
	}
	// Option is an option that fits everywhere.
	Option interface {
		MetricOption
		WriterOption
	}
)

// option implements all of the interfaces; the constructors below return it as
// the one that says where it fits.
type option func(*options)

func (f option) forCounter(o *options)   { f(o) }
func (f option) forGauge(o *options)     { f(o) }
func (f option) forHistogram(o *options) { f(o) }
func (f option) forSummary(o *options)   { f(o) }
func (f option) forInfo(o *options)      { f(o) }
func (f option) forStateSet(o *options)  { f(o) }
func (f option) forUnknown(o *options)   { f(o) }
func (f option) forWriter(o *options)    { f(o) }

// In declares the metric in this registry instead of [Default]. Under In(nil)
// there is no metric: the constructor returns nil, whose methods do nothing. So
// a library that takes a *Registry can be handed nil by those who don't want to
// measure it.
func In(r *Registry) MetricOption {
	return option(func(o *options) { o.registry, o.none = r, r == nil })
}

// Unit states the unit, in the plural and without prefix as Prometheus wants
// it: "seconds", "bytes", "ratio". The metric's name must end in it, before the
// _total of a counter.
func Unit(unit string) UnitOption {
	return option(func(o *options) { o.unit = unit })
}

// ConstLabels gives all series of the metric these labels. The same metric may
// be declared with other values of the same constant labels: each declaration
// has its own series.
func ConstLabels(labels ...Label) Option {
	labels = slices.Clone(labels)
	return option(func(o *options) { o.constLabels = append(o.constLabels, labels...) })
}

// LabelNames names the labels of a label set that is an array or a single
// value, and those of a family that a collector writes.
func LabelNames(names ...string) Option {
	names = slices.Clone(names)
	return option(func(o *options) { o.labelNames = append(o.labelNames, names...) })
}

// Buckets sets the upper bounds of a histogram's buckets, in rising order and
// without +Inf, which is always there. A trailing +Inf is dropped. The default
// is [DefaultBuckets]; without arguments there is only the +Inf bucket.
func Buckets(bounds ...float64) HistogramOption {
	bounds = append([]float64{}, bounds...) // not nil, which means the default
	return option(func(o *options) { o.buckets = bounds })
}
