package main

import (
	"net/http"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

type fennelSystem struct {
	registry   *fennel.Registry
	counters   *fennel.CounterVec[labels]
	histograms *fennel.HistogramVec[labels]
}

func newFennel() system {
	r := fennel.NewRegistry()
	return &fennelSystem{
		registry:   r,
		counters:   fennel.NewCounterVec[labels](counterName, help, fennel.In(r)),
		histograms: fennel.NewHistogramVec[labels](histogramName, help, fennel.In(r), fennel.Buckets(buckets...)),
	}
}

func (s *fennelSystem) add(l labels, n int)         { s.counters.With(l).AddUint(uint64(n)) }
func (s *fennelSystem) observe(l labels, v float64) { s.histograms.With(l).Observe(v) }

// handler leaves out what it says of itself, so that all peers expose the same.
func (s *fennelSystem) handler() http.Handler {
	return fennelhttp.Handler(s.registry, fennelhttp.WithoutSelfMetrics())
}
