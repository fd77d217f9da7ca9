package main

import (
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

func TestParse(t *testing.T) {
	r := make(results)
	r.parse(printed)
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
}

func TestTable(t *testing.T) {
	r := make(results)
	r.parse(printed)
	var b strings.Builder
	writeTable(&b, r)
	const want = "| counter Inc, 1 goroutine | 3.50 ns | – | 7 ns | – | – | ≤ 5.50 ns | 0.64 | ×2 |\n"
	if !strings.Contains(b.String(), want) {
		t.Errorf("the table is\n%swhich has no line\n%s", b.String(), want)
	}
}

// TestRows makes sure that no row of the table is left empty by a typing error:
// each must name a benchmark that there is.
func TestRows(t *testing.T) {
	known := []string{"CounterInc", "CounterAddFloat", "Lookup", "LookupUsual", "HistogramObserve",
		"SummaryObserve", "NativeObserve", "BothObserve", "QuantileObserve", "HistogramExemplar",
		"Create", "Heap", "HeapRich", "Scrape", "ScrapeHistograms", "Size"}
	for _, row := range rows {
		name, _, _ := strings.Cut(row.key, "/")
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found || !strings.Contains(row.key, "*") {
			t.Errorf("row %q has the key %q", row.title, row.key)
		}
	}
}
