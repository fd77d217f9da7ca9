package integration

import (
	"maps"
	"math"

	"github.com/fennelmetrics/fennel"
)

// addCallbacks adds callbacks of every type, alone and with labels, whose values
// stay as they are.
func addCallbacks(r *fennel.Registry) {
	in, names := fennel.In(r), fennel.LabelNames("disk")
	number := func() float64 { return math.Pi }
	disks := map[string]float64{"sda": 1e15 + 0.5, "s\"d\\b\n": 2, "": 3}
	fennel.NewCounterFunc("called_total", "A counter.", number, in)
	fennel.NewCounterFuncVec("called_disks_total", "Counters.", maps.All(disks), names, in)
	fennel.NewGaugeFunc("called.level", "A gauge.", func() float64 { return math.Inf(-1) }, in)
	fennel.NewGaugeFuncVec("called_levels", "Gauges.", maps.All(disks), names, in)
	fennel.NewUnknownFunc("called_unknown", "An unknown.", number, in)
	fennel.NewUnknownFuncVec("called_unknowns", "Unknowns.", maps.All(disks), names, in)
	classic := fennel.HistogramValue{Counts: []uint64{1, 2, 3}, Sum: 8}
	native := fennel.HistogramValue{Counts: []uint64{7, 0, 0}, Sum: 8, Native: nativeShapes["first below 1"], Exemplars: someExemplars()}
	fennel.NewHistogramFunc("called_bytes", "A histogram.", func() fennel.HistogramValue { return classic }, fennel.Buckets(1, 2), in)
	fennel.NewHistogramFuncVec("called_natives", "Histograms.", maps.All(map[string]fennel.HistogramValue{"sda": native}),
		fennel.Buckets(1, 2), names, in)
	summary := fennel.SummaryValue{Count: 2, Sum: 3, Quantiles: []float64{1.5, math.NaN()}}
	fennel.NewSummaryFunc("called_seconds", "A summary.", func() fennel.SummaryValue { return summary }, fennel.Quantiles(0.5, 0.9), in)
	fennel.NewInfoFunc("called_info", "An info.", func() build { return build{"v2", true} }, in)
	fennel.NewStateSetFunc("called_phase", "A stateset.", []phase{"up", "down"}, func() []phase { return []phase{"up"} }, in)
}
