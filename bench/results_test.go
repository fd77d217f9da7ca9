package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const printed = `goos: linux
BenchmarkCounterInc/serial/fennel-2     248320   2.5 ns/op   0 allocs
BenchmarkCounterInc/serial/fennel-2     248320   4.5 ns/op   0 allocs
BenchmarkCounterInc/serial/fennel-2     248320   3.5 ns/op   0 allocs
BenchmarkScrape/100/fennel/gzip-100-2   1558     37883 ns/op
BenchmarkCounterInc/serial/vm           1        7 ns/op
PASS
`

func parsed(printed string) results {
	r := make(results)
	r.parse(printed)
	return r
}

func TestParse(t *testing.T) {
	r := parsed(printed)
	for _, want := range []struct {
		benchmark, unit string
		median          float64
	}{
		{"CounterInc/serial/fennel", "ns/op", 3.5},
		{"CounterInc/serial/fennel", "allocs", 0},
		{"Scrape/100/fennel/gzip-100", "ns/op", 37883},
		{"CounterInc/serial/vm", "ns/op", 7},
	} {
		if got, ok := r.median(want.benchmark, want.unit); !ok || got != want.median {
			t.Errorf("median(%q, %q) = %v, %v, want %v", want.benchmark, want.unit, got, ok, want.median)
		}
	}
	if _, ok := r.median("CounterInc/serial/otel", "ns/op"); ok {
		t.Error("there is a median of nothing")
	}
}

func TestSpan(t *testing.T) {
	for _, test := range []struct {
		figures []float64
		want    span
	}{
		{nil, span{}},
		{[]float64{7}, span{7, 7, 7}},
		{[]float64{9, 7}, span{7, 8, 9}},
		{[]float64{9, 1, 7}, span{1, 7, 9}},
		{[]float64{4, 1, 2, 90}, span{2, 3, 4}},
		{[]float64{3, 4, 1, 2, 90}, span{2, 3, 4}},
		{[]float64{7, 6, 5, 4, 3, 2, 1}, span{2, 4, 6}},
		{[]float64{8, 7, 6, 5, 4, 3, 2, 1}, span{3, 4.5, 6}},
	} {
		before := slices.Clone(test.figures)
		if got := spanOf(test.figures); got != test.want {
			t.Errorf("spanOf(%v) = %v, want %v", before, got, test.want)
		}
		if !slices.Equal(before, test.figures) {
			t.Errorf("spanOf(%v) leaves %v", before, test.figures)
		}
	}
}

// TestRows makes sure that no row of the table is left empty by a typing error:
// each must name a benchmark that there is and that a pass runs.
func TestRows(t *testing.T) {
	known := append(benchmarks(t), "Size")
	titles := make(map[string]bool)
	for _, row := range rows {
		if titles[row.title] {
			t.Errorf("two rows are called %q", row.title)
		}
		titles[row.title] = true
		name, _, _ := strings.Cut(row.key, "/")
		if !slices.Contains(known, name) || strings.Count(row.key, "*") != 1 {
			t.Errorf("row %q has the key %q", row.title, row.key)
		}
		if name != "Size" && !measured(row.of("fennel")) && !measured(row.of(limit)) {
			t.Errorf("no pass measures row %q, %s", row.title, row.key)
		}
	}
}

// benchmarks returns the names of all benchmarks in this directory.
func benchmarks(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Benchmark") {
				names = append(names, strings.TrimPrefix(f.Name.Name, "Benchmark"))
			}
		}
	}
	return names
}

// measured reports whether a full run measures a benchmark.
func measured(name string) bool {
	return slices.ContainsFunc(passes, func(p pass) bool { return p.full.runs > 0 && p.matches("Benchmark"+name) })
}

// matches reports whether go test would run a benchmark in this pass: level by
// level.
func (p pass) matches(name string) bool {
	patterns, levels := strings.Split(p.bench, "/"), strings.Split(name, "/")
	if len(patterns) > len(levels) {
		return false
	}
	for i, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(levels[i]) {
			return false
		}
	}
	return true
}
