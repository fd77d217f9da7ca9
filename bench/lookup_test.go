package main

import (
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkLookupLiteral looks up three labels as a handler does, and as the
// documentation has it: with a struct that is put together at the call. client_golang
// has no such form; its quickest is beside it.
func BenchmarkLookupLiteral(b *testing.B) {
	race(b, 2, combos,
		work{"fennel", func() func(int) func() {
			v := fennel.NewCounterVec[labels](counterName, help, fennel.In(fennel.NewRegistry()))
			return func(id int) func() {
				all := rotated(id)
				return func() {
					for i := range all {
						l := &all[i]
						v.With(labels{l.Method, l.Path, l.Status}).Inc()
					}
				}
			}
		}},
		work{"client_golang", func() func(int) func() {
			v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: counterName, Help: help}, labelNames)
			return func(id int) func() {
				all := rotated(id)
				return func() {
					for i := range all {
						l := &all[i]
						v.WithLabelValues(l.Method, l.Path, l.Status).Inc()
					}
				}
			}
		}},
	)
}

// mixedLabels are labels that are not all strings.
type mixedLabels struct {
	Method string `label:"method"`
	Path   string `label:"path"`
	Status int    `label:"status"`
	Cached bool   `label:"cached"`
}

// BenchmarkLookupMixed looks up labels two of which have to be formatted.
func BenchmarkLookupMixed(b *testing.B) {
	race(b, 2, combos, work{"fennel", func() func(int) func() {
		v := fennel.NewCounterVec[mixedLabels](counterName, help, fennel.In(fennel.NewRegistry()))
		return func(id int) func() {
			all := rotated(id)
			return func() {
				for i := range all {
					l := &all[i]
					v.With(mixedLabels{l.Method, l.Path, 200 + i%8, i%2 == 0}).Inc()
				}
			}
		}
	}})
}
