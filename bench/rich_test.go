package main

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/fennelmetrics/fennel"
	"github.com/prometheus/client_golang/prometheus"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
)

// growth is the largest growth from one native bucket to the next: schema 3.
const growth = 1.1

var quantiles = []float64{0.5, 0.9, 0.99}

// observing returns work that observes log-normal durations, from another one on
// in each goroutine.
func observing(peer string, start func() func(float64)) work {
	return work{peer, func() func(int) func() {
		observe := start()
		return func(id int) func() {
			i := id * 331
			return func() {
				for range batchSize {
					observe(observations[i%len(observations)])
					i++
				}
			}
		}
	}}
}

// newExponential returns a histogram of the OpenTelemetry SDK that has native
// buckets of about the same width.
func newExponential() metric.Float64Histogram {
	r := prometheus.NewRegistry()
	exporter := must(otelprom.New(otelprom.WithRegisterer(r), otelprom.WithoutScopeInfo(), otelprom.WithoutTargetInfo()))
	view := sdk.NewView(sdk.Instrument{Name: histogramName},
		sdk.Stream{Aggregation: sdk.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 3}})
	m := sdk.NewMeterProvider(sdk.WithReader(exporter), sdk.WithView(view), sdk.WithCardinalityLimit(0)).Meter("bench")
	return must(m.Float64Histogram(histogramName))
}

// BenchmarkNativeObserve compares native histograms without classic buckets.
func BenchmarkNativeObserve(b *testing.B) {
	race(b, 3, batchSize,
		observing("fennel", func() func(float64) {
			return fennel.NewHistogram(histogramName, help, fennel.In(fennel.NewRegistry()), fennel.Native{Factor: growth, Only: true}).Observe
		}),
		observing("client_golang", func() func(float64) {
			return prometheus.NewHistogram(prometheus.HistogramOpts{
				Name: histogramName, Help: help, NativeHistogramBucketFactor: growth, NativeHistogramMaxBucketNumber: 160,
			}).Observe
		}),
		observing("otel", func() func(float64) {
			h, ctx := newExponential(), context.Background()
			return func(v float64) { h.Record(ctx, v) }
		}),
	)
}

// BenchmarkBothObserve compares histograms that are native and classic at once.
func BenchmarkBothObserve(b *testing.B) {
	race(b, 3, batchSize,
		observing("fennel", func() func(float64) {
			return fennel.NewHistogram(histogramName, help, fennel.In(fennel.NewRegistry()),
				fennel.Native{Factor: growth}, fennel.Buckets(buckets...)).Observe
		}),
		observing("client_golang", func() func(float64) {
			return prometheus.NewHistogram(prometheus.HistogramOpts{
				Name: histogramName, Help: help, Buckets: buckets,
				NativeHistogramBucketFactor: growth, NativeHistogramMaxBucketNumber: 160,
			}).Observe
		}),
	)
}

// BenchmarkQuantileObserve compares summaries with three quantiles over the last
// ten minutes. That of VictoriaMetrics/metrics keeps up to 1000 random samples and
// says nothing about its error.
func BenchmarkQuantileObserve(b *testing.B) {
	race(b, 3, batchSize,
		observing("fennel", func() func(float64) {
			return fennel.NewSummary(histogramName, help, fennel.In(fennel.NewRegistry()), fennel.Quantiles(quantiles...)).Observe
		}),
		observing("client_golang", func() func(float64) {
			return prometheus.NewSummary(prometheus.SummaryOpts{
				Name: histogramName, Help: help, Objectives: map[float64]float64{0.5: 0.05, 0.9: 0.01, 0.99: 0.001},
			}).Observe
		}),
		observing("vm", func() func(float64) {
			return metrics.NewSet().NewSummaryExt(histogramName, 10*time.Minute, quantiles).Update
		}),
	)
}

// BenchmarkHeapRich measures what a native histogram with 49 observations, and a
// summary with quantiles and 1000, keep on the heap.
func BenchmarkHeapRich(b *testing.B) {
	const histograms, summaries = 10_000, 1_000
	measure := func(name, peer string, n, each int, start func() func(labels, float64)) {
		b.Run(name+"/"+peer, func(b *testing.B) {
			total := uint64(0)
			for b.Loop() {
				observe := start()
				before := live()
				for i := range n {
					l := labelsOf(i)
					for j := range each {
						observe(l, observations[(i*each+j)%len(observations)])
					}
				}
				total += live().HeapAlloc - before.HeapAlloc
				runtime.KeepAlive(observe)
			}
			b.ReportMetric(float64(total)/float64(b.N)/float64(n), "B/series")
		})
	}
	measure("natives", "fennel", histograms, 49, func() func(labels, float64) {
		v := fennel.NewHistogramVec[labels](histogramName, help, fennel.In(fennel.NewRegistry()), fennel.Native{Factor: growth, Only: true})
		return func(l labels, x float64) { v.With(l).Observe(x) }
	})
	measure("natives", "client_golang", histograms, 49, func() func(labels, float64) {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: histogramName, Help: help, NativeHistogramBucketFactor: growth, NativeHistogramMaxBucketNumber: 160,
		}, labelNames)
		return func(l labels, x float64) { v.WithLabelValues(l.Method, l.Path, l.Status).Observe(x) }
	})
	measure("natives", "otel", histograms, 49, func() func(labels, float64) {
		h, ctx := newExponential(), context.Background()
		return func(l labels, x float64) { h.Record(ctx, x, metric.WithAttributeSet(attributes(&l))) }
	})
	measure("summaries", "fennel", summaries, 1000, func() func(labels, float64) {
		v := fennel.NewSummaryVec[labels](histogramName, help, fennel.In(fennel.NewRegistry()), fennel.Quantiles(quantiles...))
		return func(l labels, x float64) { v.With(l).Observe(x) }
	})
	measure("summaries", "client_golang", summaries, 1000, func() func(labels, float64) {
		v := prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Name: histogramName, Help: help, Objectives: map[float64]float64{0.5: 0.05, 0.9: 0.01, 0.99: 0.001},
		}, labelNames)
		return func(l labels, x float64) { v.WithLabelValues(l.Method, l.Path, l.Status).Observe(x) }
	})
	measure("summaries", "vm", summaries, 1000, func() func(labels, float64) {
		s := metrics.NewSet()
		return func(l labels, x float64) {
			s.GetOrCreateSummaryExt(vmName(histogramName, &l), 10*time.Minute, quantiles).Update(x)
		}
	})
}
