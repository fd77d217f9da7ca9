// Package sample is what flows from a registry to a format: families, and
// batches of their samples laid out in columns.
//
// It is the one language that storage and formats share. Storage fills a batch
// with the pre-rendered label text of a run of series and with their values;
// a format appends both to its output. Neither knows the other, and no tree of
// objects is built in between.
package sample

import (
	"strings"
	"sync/atomic"
)

// Kind is the type of a metric family, in OpenMetrics' terms.
type Kind uint8

// The kinds of metric family. The zero value is a number of unknown meaning.
const (
	Unknown Kind = iota
	Counter
	Gauge
	Histogram
	Summary
	Info
	StateSet
	GaugeHistogram     // a histogram whose counts may fall
	NumKinds       int = iota
)

var kindNames = [NumKinds]string{"unknown", "counter", "gauge", "histogram", "summary", "info", "stateset", "gaugehistogram"}

// String returns the kind as OpenMetrics spells it.
func (k Kind) String() string {
	if int(k) >= NumKinds {
		return "unknown"
	}
	return kindNames[k]
}

// IsHistogram reports whether the samples of the kind have buckets.
func (k Kind) IsHistogram() bool { return k == Histogram || k == GaugeHistogram }

// HasStart reports whether samples of the kind begin to count at some time.
func (k Kind) HasStart() bool { return k == Counter || k == Histogram || k == Summary }

// Base returns the name that a family has in the headers of OpenMetrics 1.0, where
// counters and infos lose their suffix.
func (k Kind) Base(name string) string {
	switch k {
	case Counter:
		return strings.TrimSuffix(name, "_total")
	case Info:
		return strings.TrimSuffix(name, "_info")
	}
	return name
}

// SampleNames returns every name that samples of a family have in some format, as
// they are before they are escaped. The times of creation, which only OpenMetrics
// writes as samples, are not among them.
func (k Kind) SampleNames(name string) []string {
	switch k {
	case Histogram:
		return []string{name, name + "_bucket", name + "_count", name + "_sum"}
	case GaugeHistogram:
		return []string{name, name + "_bucket", name + "_gcount", name + "_gsum", name + "_count", name + "_sum"}
	case Summary:
		return []string{name, name + "_count", name + "_sum"}
	}
	return []string{name}
}

// TargetInfo is the name of the info about the target.
const TargetInfo = "target_info"

// CompareNames orders families as they are exposed: the info about the target
// comes first, as OpenMetrics has it, and the others follow by their names.
func CompareNames(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == TargetInfo:
		return -1
	case b == TargetInfo:
		return 1
	}
	return strings.Compare(a, b)
}

// MaxFormats is how many formats can keep prepared bytes with a family.
const MaxFormats = 32

// Family describes one metric family. It does not change once it was handed to
// a [Visitor], but for the bytes that formats keep with it.
type Family struct {
	Name string // as the user gave it
	Help string
	Unit string
	Kind Kind

	// Labels are the names of the labels, in the order of the label text:
	// constant labels first, then those that vary.
	Labels []string

	// Legal says that all label names fit the old charset, so that the label
	// text is the same under every escaping scheme.
	Legal bool

	Bounds []float64 // histograms: upper bounds of all buckets but +Inf
	Ranks  []float64 // Summary: the quantiles, in [0,1]
	States []string  // StateSet: at most MaxStates

	shadowed atomic.Bool
	mixed    atomic.Bool
	prepared [MaxFormats]atomic.Pointer[any]
}

// Copy returns a family that is described alike. Nothing is prepared for it yet,
// and it is neither mixed nor shadowed.
func (f *Family) Copy() *Family {
	return &Family{
		Name: f.Name, Help: f.Help, Unit: f.Unit, Kind: f.Kind,
		Labels: f.Labels, Legal: f.Legal,
		Bounds: f.Bounds, Ranks: f.Ranks, States: f.States,
	}
}

// Mixed reports whether some samples have other labels than Labels says.
func (f *Family) Mixed() bool { return f.mixed.Load() }

// Mix makes Mixed report that.
func (f *Family) Mix() { f.mixed.Store(true) }

// Shadowed reports whether the name without the suffix of a counter or an info
// belongs to another family: the gauge foo beside the counter foo_total. A
// format that would take the suffix away must not.
func (f *Family) Shadowed() bool { return f.shadowed.Load() }

// Shadow sets what Shadowed reports.
func (f *Family) Shadow(on bool) { f.shadowed.Store(on) }

// MaxStates is how many states a stateset can have: one bit each of a word.
const MaxStates = 64

// Prepared returns what the format with this number keeps with the family, or
// nil. Formats keep all that does not change from one scrape to the next:
// escaped names, header lines, le labels.
func (f *Family) Prepared(format int) any {
	if p := f.prepared[format].Load(); p != nil {
		return *p
	}
	return nil
}

// Prepare keeps prepared for the format with this number. Two scrapes may do
// the same work once; either result will do.
func (f *Family) Prepare(format int, prepared any) { f.prepared[format].Store(&prepared) }
