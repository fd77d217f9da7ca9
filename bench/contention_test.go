package main

import (
	"fmt"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/fennelmetrics/fennel"
	"github.com/prometheus/client_golang/prometheus"
)

// crowds are how many goroutines meet at one metric.
var crowds = []int{2, 4, 8, 16, 32, 64}

// crowd has n goroutines do an update in batches.
func crowd(b *testing.B, name string, n int, update func()) {
	b.Run(name, func(b *testing.B) {
		measure(b, n, batchSize, each(func() {
			for range batchSize {
				update()
			}
		}))
	})
}

// BenchmarkContention updates one counter by many goroutines.
func BenchmarkContention(b *testing.B) {
	for _, n := range crowds {
		c := fennel.NewCounter("c_total", "", fennel.In(fennel.NewRegistry()))
		p := prometheus.NewCounter(prometheus.CounterOpts{Name: "c_total"})
		v, f := metrics.NewSet().NewCounter("c_total"), metrics.NewSet().NewFloatCounter("c_total")
		crowd(b, fmt.Sprintf("inc/%d/fennel", n), n, c.Inc)
		crowd(b, fmt.Sprintf("inc/%d/client_golang", n), n, p.Inc)
		crowd(b, fmt.Sprintf("inc/%d/vm", n), n, v.Inc)
		crowd(b, fmt.Sprintf("add/%d/fennel", n), n, func() { c.Add(0.5) })
		crowd(b, fmt.Sprintf("add/%d/client_golang", n), n, func() { p.Add(0.5) })
		crowd(b, fmt.Sprintf("add/%d/vm", n), n, func() { f.Add(0.5) })
	}
}

// BenchmarkContentionObserve observes in one histogram of 11 buckets, and what vm
// has for one, by many goroutines.
func BenchmarkContentionObserve(b *testing.B) {
	for _, n := range crowds {
		h := fennel.NewHistogram("h", "", fennel.In(fennel.NewRegistry()))
		p := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h"})
		v := metrics.NewSet().NewHistogram("h")
		crowd(b, fmt.Sprintf("%d/fennel", n), n, func() { h.Observe(0.3) })
		crowd(b, fmt.Sprintf("%d/client_golang", n), n, func() { p.Observe(0.3) })
		crowd(b, fmt.Sprintf("%d/vm", n), n, func() { v.Update(0.3) })
	}
}
