package fennel

import (
	"iter"
	"reflect"
	"slices"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// NewCounterFunc declares a counter whose value a function returns: see
// [Callback]. A value that is negative or NaN is left out and reported.
//
// It panics with a *[DeclarationError] if the declaration is wrong or conflicts
// with another one, or if the function is nil. Under In(nil) it returns nil.
func NewCounterFunc(name, help string, value func() float64, opts ...CounterOption) *Callback {
	o := collect(opts, CounterOption.forCounter)
	return newFunc(newDeclaration(sample.Counter, name, help, o), o, value, writeNumber)
}

// NewCounterFuncVec declares a counter with labels, which L names. An iterator
// yields label sets and values: see [Callback]. It panics as [NewCounterFunc] does.
func NewCounterFuncVec[L any](name, help string, all iter.Seq2[L, float64], opts ...CounterOption) *Callback {
	o := collect(opts, CounterOption.forCounter)
	return newFuncVec(newDeclaration(sample.Counter, name, help, o), o, all, writeNumber)
}

// NewGaugeFunc declares a gauge whose value a function returns: see [Callback].
// It panics as [NewCounterFunc] does.
func NewGaugeFunc(name, help string, value func() float64, opts ...GaugeOption) *Callback {
	o := collect(opts, GaugeOption.forGauge)
	return newFunc(newDeclaration(sample.Gauge, name, help, o), o, value, writeNumber)
}

// NewGaugeFuncVec declares a gauge with labels, which L names. An iterator yields
// label sets and values: see [Callback]. It panics as [NewCounterFunc] does.
func NewGaugeFuncVec[L any](name, help string, all iter.Seq2[L, float64], opts ...GaugeOption) *Callback {
	o := collect(opts, GaugeOption.forGauge)
	return newFuncVec(newDeclaration(sample.Gauge, name, help, o), o, all, writeNumber)
}

// NewUnknownFunc declares a number that a function returns and of which it is not
// known whether it is a counter or a gauge: see [Callback]. It panics as
// [NewCounterFunc] does.
func NewUnknownFunc(name, help string, value func() float64, opts ...UnknownOption) *Callback {
	o := collect(opts, UnknownOption.forUnknown)
	return newFunc(newDeclaration(sample.Unknown, name, help, o), o, value, writeNumber)
}

// NewUnknownFuncVec declares numbers of unknown type with labels, which L names.
// An iterator yields label sets and values: see [Callback]. It panics as
// [NewCounterFunc] does.
func NewUnknownFuncVec[L any](name, help string, all iter.Seq2[L, float64], opts ...UnknownOption) *Callback {
	o := collect(opts, UnknownOption.forUnknown)
	return newFuncVec(newDeclaration(sample.Unknown, name, help, o), o, all, writeNumber)
}

func writeNumber(to target, value float64, labelValues []string) {
	NumberWriter{to: to}.Write(value, labelValues...)
}

// NewHistogramFunc declares a histogram that a function returns: see [Callback].
// The option [Buckets] names the bounds that its counts have. Unlike with
// [NewHistogram] there are none by default, since they are not Fennel's to
// choose: that suits histograms with native buckets.
//
// It panics as [NewCounterFunc] does.
func NewHistogramFunc(name, help string, value func() HistogramValue, opts ...HistogramOption) *Callback {
	o := collect(opts, HistogramOption.forHistogram)
	return newFunc(histogramFunc(name, help, o), o, value, writeHistogram)
}

// NewHistogramFuncVec declares a histogram with labels, which L names. An iterator
// yields label sets and histograms, whose bounds are as for [NewHistogramFunc]:
// see [Callback]. It panics as [NewCounterFunc] does.
func NewHistogramFuncVec[L any](name, help string, all iter.Seq2[L, HistogramValue], opts ...HistogramOption) *Callback {
	o := collect(opts, HistogramOption.forHistogram)
	return newFuncVec(histogramFunc(name, help, o), o, all, writeHistogram)
}

func histogramFunc(name, help string, o *options) *declaration {
	d := newDeclaration(sample.Histogram, name, help, o)
	d.bounds = finite(o.buckets)
	if o.native != nil {
		panic(&DeclarationError{Metric: o.registry.fullName(name), Problem: "it is a callback, whose values bring their native buckets with them: drop the option Native"})
	}
	return d
}

func writeHistogram(to target, value HistogramValue, labelValues []string) {
	HistogramWriter{to}.Write(value, labelValues...)
}

// NewSummaryFunc declares a summary that a function returns: see [Callback]. It
// has as many quantiles as the option [Quantiles] names, in rising order. It panics
// as [NewCounterFunc] does.
func NewSummaryFunc(name, help string, value func() SummaryValue, opts ...SummaryOption) *Callback {
	o := collect(opts, SummaryOption.forSummary)
	return newFunc(summaryFunc(name, help, o), o, value, writeSummary)
}

// NewSummaryFuncVec declares a summary with labels, which L names. An iterator
// yields label sets and summaries, whose quantiles are as for [NewSummaryFunc]:
// see [Callback]. It panics as [NewCounterFunc] does.
func NewSummaryFuncVec[L any](name, help string, all iter.Seq2[L, SummaryValue], opts ...SummaryOption) *Callback {
	o := collect(opts, SummaryOption.forSummary)
	return newFuncVec(summaryFunc(name, help, o), o, all, writeSummary)
}

func summaryFunc(name, help string, o *options) *declaration {
	d := newDeclaration(sample.Summary, name, help, o)
	d.ranks = o.ranks
	if o.windowed {
		panic(&DeclarationError{Metric: o.registry.fullName(name), Problem: "it is a callback, whose values bring their quantiles with them: drop the option Window"})
	}
	return d
}

func writeSummary(to target, value SummaryValue, labelValues []string) {
	SummaryWriter{to}.Write(value, labelValues...)
}

// NewInfoFunc declares an info, whose name must end in _info, that says what a
// function returns: see [Callback]. T is a struct with label tags, as for
// [NewInfo]. It panics as [NewCounterFunc] does.
func NewInfoFunc[T any](name, help string, value func() T, opts ...InfoOption) *Callback {
	o := collect(opts, InfoOption.forInfo)
	d, write := infoFunc[T](name, help, o)
	return newFunc(d, o, value, write)
}

// NewInfoFuncVec declares an info with labels, which L names. An iterator yields
// label sets and what is to be said of each: see [Callback]. It panics as
// [NewCounterFunc] does.
func NewInfoFuncVec[L, T any](name, help string, all iter.Seq2[L, T], opts ...InfoOption) *Callback {
	o := collect(opts, InfoOption.forInfo)
	d, write := infoFunc[T](name, help, o)
	return newFuncVec(d, o, all, write)
}

// infoFunc returns the declaration of an info and what writes one.
func infoFunc[T any](name, help string, o *options) (*declaration, func(target, T, []string)) {
	schema := infoSchema(o.registry.fullName(name), reflect.TypeFor[T]())
	d := newDeclaration(sample.Info, name, help, o)
	d.labels = schema.names
	return d, func(to target, value T, labelValues []string) {
		said := schema.values(unsafe.Pointer(&value), nil, nil)
		InfoWriter{to}.Write(slices.Concat(labelValues, said)...)
	}
}

// NewStateSetFunc declares a stateset with these states, at most 64, of which
// those are on that a function returns: see [Callback]. A stateset with any other
// state is left out and reported. It panics as [NewCounterFunc] does.
func NewStateSetFunc[S ~string](name, help string, states []S, value func() []S, opts ...StateSetOption) *Callback {
	o := collect(opts, StateSetOption.forStateSet)
	return newFunc(stateSetFunc(name, help, states, o), o, value, writeStates[S])
}

// NewStateSetFuncVec declares a stateset with labels, which L names. An iterator
// yields label sets and the states that are on: see [Callback]. It panics as
// [NewCounterFunc] does.
func NewStateSetFuncVec[L any, S ~string](name, help string, states []S, all iter.Seq2[L, []S], opts ...StateSetOption) *Callback {
	o := collect(opts, StateSetOption.forStateSet)
	return newFuncVec(stateSetFunc(name, help, states, o), o, all, writeStates[S])
}

func stateSetFunc[S ~string](name, help string, states []S, o *options) *declaration {
	d := newDeclaration(sample.StateSet, name, help, o)
	for _, s := range states {
		d.states = append(d.states, string(s))
	}
	return d
}
