package collectors

import (
	"math"
	"runtime/metrics"

	"github.com/fennelmetrics/fennel"
)

// histogram is a distribution of the runtime, in fewer buckets.
type histogram struct {
	family
	sample int // its index
	sum    int // that of its exact sum, or -1

	bounds []float64 // upper ones, without +Inf
	bucket []int     // for each of the runtime's buckets, which it goes to
	middle []float64 // and the value that it counts as in the sum
	counts []uint64  // of the last scrape
}

// exactSum returns the metric that is the sum of another's values, or "".
func exactSum(name string) string {
	switch name {
	case "/gc/heap/allocs-by-size:bytes":
		return "/gc/heap/allocs:bytes"
	case "/gc/heap/frees-by-size:bytes":
		return "/gc/heap/frees:bytes"
	}
	return ""
}

func (g *goRuntime) addHistogram(d metrics.Description, name, unit, help string, known map[string]metrics.Description) {
	// The bounds stay what they are as long as the program runs.
	probe := []metrics.Sample{{Name: d.Name}}
	metrics.Read(probe)
	limits := probe[0].Value.Float64Histogram().Buckets

	h := histogram{sample: g.sample(d.Name), sum: -1}
	if exact := exactSum(d.Name); known[exact].Kind == metrics.KindUint64 {
		h.sum = g.sample(exact)
	} else {
		help += " The sum is an estimate."
	}
	h.family = newFamily(fennel.TypeHistogram, name, help, unit)
	h.reduce(limits, unit)
	g.histograms = append(g.histograms, h)
}

// reduce chooses the bounds, out of those that the runtime has, and prepares
// how its buckets are put together.
//
// A bucket of the runtime is limits[i] <= x < limits[i+1], one here is x <=
// bound. The sizes are whole numbers, so for them the bound is one less. Times
// keep their bounds, powers of two in nanoseconds: which side a value falls on
// that is exactly a bound matters to nobody.
func (h *histogram) reduce(limits []float64, unit string) {
	factor, step, last := 2.0, 0.0, math.Inf(1)
	switch unit {
	case "bytes":
		step = 1
	case "seconds":
		factor, last = 4, 1
	}
	next := 0.0 // the least bound that is worth a bucket
	for i := range len(limits) - 1 {
		h.bucket = append(h.bucket, len(h.bounds))
		h.middle = append(h.middle, middle(limits[i], limits[i+1]-step))
		bound := limits[i+1] - step
		if bound > 0 && bound >= next && !math.IsInf(bound, 1) {
			h.bounds = append(h.bounds, bound)
			next = bound * factor
			if bound > last {
				next = math.Inf(1)
			}
		}
	}
	h.counts = make([]uint64, len(h.bounds)+1)
}

// middle returns what stands for a bucket's values in the sum.
func middle(low, high float64) float64 {
	switch {
	case high <= 0:
		return 0 // there are no values below zero
	case math.IsInf(high, 1):
		return low
	}
	return (max(low, 0) + high) / 2
}

// collect writes the histogram.
func (h *histogram) collect(w *fennel.Writer, samples []metrics.Sample) {
	clear(h.counts)
	sum := 0.0
	for i, n := range samples[h.sample].Value.Float64Histogram().Counts {
		h.counts[h.bucket[i]] += n
		sum += float64(n) * h.middle[i] // never falls, as no count does
	}
	if h.sum >= 0 {
		sum = number(samples[h.sum].Value)
	}
	w.Histogram(h.Name, h.Help, h.bounds, h.opts...).Write(fennel.HistogramValue{Counts: h.counts, Sum: sum})
}
