package main

import (
	"slices"
	"strconv"
	"strings"
)

// results are the figures of all runs: by benchmark, such as
// "CounterInc/serial/fennel", and by unit, in the order of the runs.
type results map[string]map[string][]float64

func (r results) add(benchmark, unit string, v ...float64) {
	if r[benchmark] == nil {
		r[benchmark] = make(map[string][]float64)
	}
	r[benchmark][unit] = append(r[benchmark][unit], v...)
}

// parse adds what go test printed.
func (r results) parse(output string) {
	for line := range strings.Lines(output) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i > strings.LastIndexByte(name, '/') {
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i] // the number of processors
			}
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				r.add(name, fields[i+1], v)
			}
		}
	}
}

// median returns the median of a figure over all runs, and whether there is
// one.
func (r results) median(benchmark, unit string) (float64, bool) {
	all := r[benchmark][unit]
	return spanOf(all).mid, len(all) > 0
}

// span is where the figures of several runs lie: their median, and around it
// about the middle half of them, so that one odd run doesn't count.
type span struct{ low, mid, high float64 }

// spanOf returns the span of figures. Up to three are too few to leave any out.
func spanOf(figures []float64) span {
	n := len(figures)
	if n == 0 {
		return span{}
	}
	all := slices.Sorted(slices.Values(figures))
	return span{all[n/4], (all[(n-1)/2] + all[n/2]) / 2, all[n-1-n/4]}
}
