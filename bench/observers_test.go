package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/fennelmetrics/fennel"
	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkContentionDuration observes durations in one histogram, as timers do, by
// many goroutines. The peers take seconds.
func BenchmarkContentionDuration(b *testing.B) {
	const d = 300 * time.Millisecond
	for _, n := range crowds {
		h := fennel.NewHistogram("h", "", fennel.In(fennel.NewRegistry()), fennel.Buckets(buckets...))
		p := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Buckets: buckets})
		v := metrics.NewSet().NewPrometheusHistogramExt("h", buckets)
		crowd(b, fmt.Sprintf("%d/fennel", n), n, func() { h.ObserveDuration(d) })
		crowd(b, fmt.Sprintf("%d/client_golang", n), n, func() { p.Observe(d.Seconds()) })
		crowd(b, fmt.Sprintf("%d/vm", n), n, func() { v.Update(d.Seconds()) })
	}
}

// BenchmarkContentionSummary observes in one summary by many goroutines.
func BenchmarkContentionSummary(b *testing.B) {
	for _, n := range crowds {
		s := fennel.NewSummary("s", "", fennel.In(fennel.NewRegistry()))
		p := prometheus.NewSummary(prometheus.SummaryOpts{Name: "s"})
		v := metrics.NewSet().NewSummary("s")
		crowd(b, fmt.Sprintf("%d/fennel", n), n, func() { s.Observe(0.3) })
		crowd(b, fmt.Sprintf("%d/client_golang", n), n, func() { p.Observe(0.3) })
		crowd(b, fmt.Sprintf("%d/vm", n), n, func() { v.Update(0.3) })
	}
}

// BenchmarkObserveSmall observes what is below the first bound, as most requests of
// a quick server are.
func BenchmarkObserveSmall(b *testing.B) {
	h := fennel.NewHistogram("h", "", fennel.In(fennel.NewRegistry()), fennel.Buckets(buckets...))
	p := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Buckets: buckets})
	v := metrics.NewSet().NewPrometheusHistogramExt("h", buckets)
	crowd(b, "fennel", 1, func() { h.Observe(0.001) })
	crowd(b, "client_golang", 1, func() { p.Observe(0.001) })
	crowd(b, "vm", 1, func() { v.Update(0.001) })
}
