package main

import (
	"testing"

	"github.com/fennelmetrics/fennel"
)

// BenchmarkLookupArray looks up three labels by an array that is made up at the
// call. The compiler copies an array once more than a struct.
func BenchmarkLookupArray(b *testing.B) {
	race(b, 2, combos, work{"fennel", func() func(int) func() {
		v := fennel.NewCounterVec[[3]string](counterName, help, fennel.In(fennel.NewRegistry()), fennel.LabelNames(labelNames...))
		return func(id int) func() {
			all := rotated(id)
			return func() {
				for i := range all {
					l := &all[i]
					v.With([3]string{l.Method, l.Path, l.Status}).Inc()
				}
			}
		}
	}})
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
