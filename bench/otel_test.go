package main

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
)

type otelSystem struct {
	registry   *prometheus.Registry
	counters   metric.Int64Counter
	histograms metric.Float64Histogram
}

// newMeter returns a meter of the OpenTelemetry SDK. The default limit of 2000
// series is lifted, and the scope's labels, which nobody else writes, are off.
func newMeter() (*prometheus.Registry, metric.Meter) {
	r := prometheus.NewRegistry()
	exporter, err := otelprom.New(otelprom.WithRegisterer(r), otelprom.WithoutScopeInfo(), otelprom.WithoutTargetInfo())
	if err != nil {
		panic(err)
	}
	return r, sdk.NewMeterProvider(sdk.WithReader(exporter), sdk.WithCardinalityLimit(0)).Meter("bench")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newOTel() system {
	r, m := newMeter()
	return &otelSystem{
		registry: r,
		counters: must(m.Int64Counter(counterName, metric.WithDescription(help))),
		histograms: must(m.Float64Histogram(histogramName, metric.WithDescription(help),
			metric.WithExplicitBucketBoundaries(buckets...))),
	}
}

func attributes(l *labels) attribute.Set {
	return attribute.NewSet(attribute.String("method", l.Method), attribute.String("path", l.Path), attribute.String("status", l.Status))
}

func (s *otelSystem) add(l labels, n int) {
	s.counters.Add(context.Background(), int64(n), metric.WithAttributeSet(attributes(&l)))
}

func (s *otelSystem) observe(l labels, v float64) {
	s.histograms.Record(context.Background(), v, metric.WithAttributeSet(attributes(&l)))
}

func (s *otelSystem) handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}
