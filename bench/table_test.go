package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	for _, test := range []struct{ name, printed, want string }{
		{"median", printed,
			"| counter Inc, 1 goroutine | 3.50 ns | – | 7 ns | – | – | ≤ 5.50 ns | 0.64 | ×2 |"},
		{"budget missed, rival better", `
BenchmarkCounterInc/serial/fennel 1 11 ns/op
BenchmarkCounterInc/serial/otel 1 5.5 ns/op
BenchmarkCounterInc/serial/limit 1 1 ns/op`,
			"| counter Inc, 1 goroutine | 11.0 ns | – | – | **5.50 ns** | 1 ns | ≤ 5.50 ns | **2.00** | ×0.5 |"},
		{"the same but for noise", `
BenchmarkCounterInc/serial/fennel 1 5 ns/op
BenchmarkCounterInc/serial/vm 1 4.99 ns/op`,
			"| counter Inc, 1 goroutine | 5 ns | – | 4.99 ns | – | – | ≤ 5.50 ns | 0.91 | ×1 |"},
		{"nothing allowed, and nothing used", `
BenchmarkLookup/serial/fennel 1 5 ns/op 0 allocs
BenchmarkLookup/serial/vm 1 9 ns/op 1 allocs`,
			"| look up 3 labels and Inc, allocations | 0 | – | 1 | – | – | 0 | met |  |"},
		{"nothing allowed, but used", `
BenchmarkLookup/serial/fennel 1 5 ns/op 1 allocs`,
			"| look up 3 labels and Inc, allocations | 1 | – | – | – | – | 0 | **missed** |  |"},
		{"no figure of Fennel", `
BenchmarkBody/1000000/limit/copy-2 1 8500000 ns/op`,
			"| the body of 1M counters: a copy | – | – | – | – | 8.50 ms |  |  |  |"},
		{"large numbers", `
BenchmarkScrape/1000000/fennel/text 1 30000000 ns/op 4 allocs/op
BenchmarkScrape/1000000/vm/text 1 400000000 ns/op 1999793 allocs/op`,
			"| scrape 1M counters, text, allocations | 4 | – | 2M | – | – |  |  | ×500k |"},
	} {
		var b strings.Builder
		writeTable(&b, parsed(test.printed))
		if !strings.Contains(b.String(), "\n"+test.want+"\n") {
			t.Errorf("%s: the table is\n%swhich has no line\n%s", test.name, b.String(), test.want)
		}
	}
}

// What is against Fennel gets into the short table, chosen or not; the rest of
// what was not chosen doesn't.
func TestShortTable(t *testing.T) {
	for _, test := range []struct {
		name, printed string
		want          []string // the titles, and how much better Fennel is
	}{
		{"only what was chosen", `
BenchmarkCounterInc/serial/fennel 1 5 ns/op
BenchmarkCounterInc/serial/vm 1 6 ns/op
BenchmarkCounterAddFloat/serial/fennel 1 5 ns/op
BenchmarkCounterAddFloat/serial/vm 1 6 ns/op`,
			[]string{"counter Inc, 1 goroutine ×1.2"}},
		{"a loss in its place", `
BenchmarkCounterInc/serial/fennel 1 5 ns/op
BenchmarkCounterInc/serial/vm 1 6 ns/op
BenchmarkCounterAddFloat/serial/fennel 1 5 ns/op
BenchmarkCounterAddFloat/serial/vm 1 4 ns/op
BenchmarkLookup/serial/fennel 1 20 ns/op`,
			[]string{"counter Inc, 1 goroutine ×1.2", "counter Add(0.5), 1 goroutine ×0.8", "look up 3 labels and Inc, 1 goroutine "}},
		{"the worst three", `
BenchmarkCounterAddFloat/serial/fennel 1 10 ns/op
BenchmarkCounterAddFloat/serial/vm 1 8 ns/op
BenchmarkCounterAddFloat/par/fennel 1 10 ns/op
BenchmarkCounterAddFloat/par/vm 1 4 ns/op
BenchmarkCounterAddFloat/par8/fennel 1 10 ns/op
BenchmarkCounterAddFloat/par8/otel 1 2 ns/op
BenchmarkSummaryObserve/serial/fennel 1 10 ns/op
BenchmarkSummaryObserve/serial/vm 1 5 ns/op`,
			[]string{"counter Add(0.5), one goroutine a core, one counter ×0.4", "counter Add(0.5), 8 goroutines, one counter ×0.2", "summary without quantiles, Observe, 1 goroutine ×0.5"}},
		{"the same but for noise", `
BenchmarkCounterAddFloat/serial/fennel 1 10 ns/op
BenchmarkCounterAddFloat/serial/vm 1 9.95 ns/op`,
			nil},
	} {
		var b strings.Builder
		writeShort(&b, parsed(test.printed))
		var got []string
		for _, line := range strings.Split(strings.TrimSpace(b.String()), "\n")[2:] {
			cells := strings.Split(strings.Trim(line, "| "), " | ")
			last := strings.TrimSpace(cells[len(cells)-1])
			if !strings.HasPrefix(last, "×") {
				last = ""
			}
			got = append(got, cells[0]+" "+last)
		}
		if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
			t.Errorf("%s: the rows are %q, want %q", test.name, got, test.want)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, test := range []struct {
		format func(float64) string
		v      float64
		want   string
	}{
		{nanos, 0, "0 ns"},
		{nanos, 4.906, "4.91 ns"},
		{nanos, 1000, "1 µs"},
		{nanos, 36.2e6, "36.2 ms"},
		{nanos, 9.06e9, "9.06 s"},
		{nanos, 2e13, "20000 s"},
		{size, 160, "160 B"},
		{size, 1.05e6, "1.05 MB"},
		{count, 0.5, "0.50"},
		{count, 400_631, "401k"},
		{number, 12.34, "12.3"},
		{ratio, 0.4567, "0.46"},
		{ratio, 9.99, "10"},
		{ratio, 12.6, "13"},
		{ratio, 1444, "1.44k"},
	} {
		if got := test.format(test.v); got != test.want {
			t.Errorf("%v is formatted as %q, want %q", test.v, got, test.want)
		}
	}
}
