package main

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// What looks worse is measured again: chance is gone then, and what is slower
// still is.
func TestRecheck(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the benchmarks are a shell script here")
	}
	const lookup = "Lookup/serial/fennel"
	before := &record{results: results{lookup: {"ns/op": {20}, "allocs": {0}}}, machine: machine()}
	for _, test := range []struct {
		name    string
		figures results
		prints  string
		want    []float64 // nanoseconds of all runs
	}{
		{"nothing is worse", results{lookup: {"ns/op": {21}}}, "20 ns/op", []float64{21}},
		{"it was chance", results{lookup: {"ns/op": {40}}}, "20 ns/op", []float64{40, 20}},
		{"it is slower", results{lookup: {"ns/op": {40}}}, "41 ns/op", []float64{40, 41, 41, 41}},
		{"what is exact", results{lookup: {"ns/op": {20}, "allocs": {1}}}, "20 ns/op", []float64{20}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bin := filepath.Join(t.TempDir(), "bench.test")
			script := "#!/bin/sh\necho 'Benchmark" + lookup + "-2 \t 100 \t " + test.prints + "'\n"
			if err := os.WriteFile(bin, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			r := &runner{bin: bin, raw: io.Discard, log: io.Discard, results: test.figures, source: map[string]pass{lookup: passes[0]}}
			if err := r.recheck(t.Context(), before); err != nil {
				t.Fatal(err)
			}
			if got := r.results[lookup]["ns/op"]; !slices.Equal(got, test.want) {
				t.Errorf("after looking again the figures are %v, want %v", got, test.want)
			}
		})
	}
}
