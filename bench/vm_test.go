package main

import (
	"net/http"

	"github.com/VictoriaMetrics/metrics"
)

type vmSystem struct{ set *metrics.Set }

func newVM() system { return &vmSystem{metrics.NewSet()} }

// vmName returns a series' name as VictoriaMetrics/metrics wants it. Its own
// documentation has fmt.Sprintf here, which takes four times as long.
func vmName(name string, l *labels) string {
	return name + `{method="` + l.Method + `",path="` + l.Path + `",status="` + l.Status + `"}`
}

func (s *vmSystem) add(l labels, n int) {
	s.set.GetOrCreateCounter(vmName(counterName, &l)).Add(n)
}

func (s *vmSystem) observe(l labels, v float64) {
	s.set.GetOrCreatePrometheusHistogramExt(vmName(histogramName, &l), buckets).Update(v)
}

func (s *vmSystem) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		s.set.WritePrometheus(w)
	})
}
