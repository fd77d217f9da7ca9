package main

import (
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/prometheus/client_golang/prometheus"
)

// traceID is as long as those of https://www.w3.org/TR/trace-context are.
const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"

// The other peers take exemplars from a tracer alone, or not at all.

func BenchmarkCounterExemplar(b *testing.B) {
	race(b, 3, batchSize,
		work{"fennel", func() func(int) func() {
			c := fennel.NewCounter(counterName, help, fennel.In(fennel.NewRegistry()))
			return each(func() {
				for range batchSize {
					c.IncWithExemplar(fennel.Label{Name: "trace_id", Value: traceID})
				}
			})
		}},
		work{"client_golang", func() func(int) func() {
			c := prometheus.NewCounter(prometheus.CounterOpts{Name: counterName, Help: help}).(prometheus.ExemplarAdder)
			return each(func() {
				for range batchSize {
					c.AddWithExemplar(1, prometheus.Labels{"trace_id": traceID})
				}
			})
		}},
	)
}

func BenchmarkHistogramExemplar(b *testing.B) {
	race(b, 3, batchSize,
		work{"fennel", func() func(int) func() {
			h := fennel.NewHistogram(histogramName, help, fennel.In(fennel.NewRegistry()), fennel.Buckets(buckets...))
			for _, v := range observations[:4096] { // the first of each bucket makes room for it
				h.ObserveWithExemplar(v, fennel.Label{Name: "trace_id", Value: traceID})
			}
			return func(id int) func() {
				i := id * 331
				return func() {
					for range batchSize {
						h.ObserveWithExemplar(observations[i%len(observations)], fennel.Label{Name: "trace_id", Value: traceID})
						i++
					}
				}
			}
		}},
		work{"client_golang", func() func(int) func() {
			h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: histogramName, Help: help, Buckets: buckets}).(prometheus.ExemplarObserver)
			return func(id int) func() {
				i := id * 331
				return func() {
					for range batchSize {
						h.ObserveWithExemplar(observations[i%len(observations)], prometheus.Labels{"trace_id": traceID})
						i++
					}
				}
			}
		}},
	)
}
