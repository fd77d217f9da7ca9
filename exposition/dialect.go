package exposition

import (
	"strings"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// syntax is in what the text formats differ.
type syntax struct {
	openMetrics bool
	// composite says that a histogram or a summary is one line with one value,
	// that names are as they were given, and that a time of creation stands
	// beside the value.
	composite bool
	// types are the words behind # TYPE.
	types [sample.NumKinds]string
}

var textTypes = [sample.NumKinds]string{
	sample.Unknown:        "untyped",
	sample.Counter:        "counter",
	sample.Gauge:          "gauge",
	sample.Histogram:      "histogram",
	sample.Summary:        "summary",
	sample.Info:           "gauge",
	sample.StateSet:       "gauge",
	sample.GaugeHistogram: "histogram",
}

var openMetricsTypes = [sample.NumKinds]string{
	sample.Unknown:        "unknown",
	sample.Counter:        "counter",
	sample.Gauge:          "gauge",
	sample.Histogram:      "histogram",
	sample.Summary:        "summary",
	sample.Info:           "info",
	sample.StateSet:       "stateset",
	sample.GaugeHistogram: "gaugehistogram",
}

var dialects = [syntaxes]syntax{
	Text004:        {types: textTypes},
	Text100:        {types: textTypes},
	OpenMetrics100: {openMetrics: true, types: openMetricsTypes},
	OpenMetrics200: {openMetrics: true, composite: true, types: openMetricsTypes},
}

// familyName returns the name and the type word behind # TYPE. OpenMetrics 1.0
// takes the suffix of counters and infos away there. It can't have a counter
// whose samples don't end in _total, nor two families of one name: those keep
// their name and get another type.
func (s *syntax) familyName(f *sample.Family, shadowed bool) (name, word string) {
	name, word = f.Name, s.types[f.Kind]
	if !s.openMetrics || s.composite {
		return name, word
	}
	switch f.Kind {
	case sample.Counter:
		base, ok := strings.CutSuffix(name, "_total")
		if !ok || shadowed {
			return name, s.types[sample.Unknown]
		}
		return base, word
	case sample.Info:
		if shadowed {
			return name, s.types[sample.Gauge]
		}
		return strings.TrimSuffix(name, "_info"), word
	}
	return name, word
}

// hasExemplars reports whether families of a type may have exemplars.
func (s *syntax) hasExemplars(word string) bool {
	switch word {
	case "counter", "histogram", "gaugehistogram":
		return s.openMetrics
	}
	return false
}

// hasCreated reports whether families of a type may have a time of creation.
func (s *syntax) hasCreated(word string) bool {
	switch word {
	case "counter", "histogram", "summary":
		return s.openMetrics
	}
	return false
}

// hasSum reports whether a family may have _sum and _count. OpenMetrics 1.0
// forbids them for histograms that take negative observations, but not for gauge
// histograms.
func (s *syntax) hasSum(f *sample.Family) bool {
	return !s.openMetrics || f.Kind != sample.Histogram || len(f.Bounds) == 0 || f.Bounds[0] >= 0
}

// splitsGauges reports whether the counts and sums of a family are families of
// their own: the text formats have no gauge histograms, and none of their
// histograms' counts may fall.
func (s *syntax) splitsGauges(f *sample.Family) bool {
	return !s.openMetrics && f.Kind == sample.GaugeHistogram
}
