package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type golangSystem struct {
	registry   *prometheus.Registry
	counters   *prometheus.CounterVec
	histograms *prometheus.HistogramVec
}

func newGolang() system {
	s := &golangSystem{
		registry:   prometheus.NewRegistry(),
		counters:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: counterName, Help: help}, labelNames),
		histograms: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: histogramName, Help: help, Buckets: buckets}, labelNames),
	}
	s.registry.MustRegister(s.counters, s.histograms)
	return s
}

func (s *golangSystem) add(l labels, n int) {
	s.counters.WithLabelValues(l.Method, l.Path, l.Status).Add(float64(n))
}

func (s *golangSystem) observe(l labels, v float64) {
	s.histograms.WithLabelValues(l.Method, l.Path, l.Status).Observe(v)
}

func (s *golangSystem) handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}
