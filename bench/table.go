package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// limit is the column of what the machine can do at best.
const limit = "limit"

// columns are the peers, Fennel first, and the limit.
var columns = []string{"fennel", "client_golang", "vm", "otel", limit}

// row is a line of the table.
type row struct {
	title string
	// key is the name of a benchmark, with * for the peer.
	key    string
	unit   string // in which the benchmark reports
	format func(float64) string
	budget float64 // in that unit; 0 for none
}

const (
	ms = 1e6
	mb = 1e6

	none = -1 // the budget of rows where nothing is allowed
)

var rows = []row{
	{"counter Inc, 1 goroutine", "CounterInc/serial/*", "ns/op", nanos, 5.5},
	{"counter Inc, one goroutine a core, one counter", "CounterInc/par/*", "ns/op", nanos, 6},
	{"counter Inc, 8 goroutines, one counter", "CounterInc/par8/*", "ns/op", nanos, 6},
	{"counter Add(0.5), 1 goroutine", "CounterAddFloat/serial/*", "ns/op", nanos, 0},
	{"counter Add(0.5), one goroutine a core", "CounterAddFloat/par/*", "ns/op", nanos, 0},
	{"counter Add(0.5), 8 goroutines", "CounterAddFloat/par8/*", "ns/op", nanos, 0},
	{"look up 3 labels and Inc, 1 goroutine", "Lookup/serial/*", "ns/op", nanos, 25},
	{"— allocations", "Lookup/serial/*", "allocs", number, none},
	{"look up 3 labels and Inc, one goroutine a core", "Lookup/par/*", "ns/op", nanos, 15},
	{"the same the usual way, 1 goroutine", "LookupUsual/serial/*", "ns/op", nanos, 25},
	{"— allocations", "LookupUsual/serial/*", "allocs", number, none},
	{"the same the usual way, one goroutine a core", "LookupUsual/par/*", "ns/op", nanos, 15},
	{"histogram Observe, 11 buckets, 1 goroutine", "HistogramObserve/serial/*", "ns/op", nanos, 13},
	{"histogram Observe, one goroutine a core, one histogram", "HistogramObserve/par/*", "ns/op", nanos, 15},
	{"histogram Observe, 8 goroutines, one histogram", "HistogramObserve/par8/*", "ns/op", nanos, 15},
	{"summary without quantiles, Observe, 1 goroutine", "SummaryObserve/serial/*", "ns/op", nanos, 0},
	{"summary without quantiles, one goroutine a core", "SummaryObserve/par/*", "ns/op", nanos, 0},
	{"summary without quantiles, 8 goroutines", "SummaryObserve/par8/*", "ns/op", nanos, 0},
	{"native histogram Observe, 1 goroutine", "NativeObserve/serial/*", "ns/op", nanos, 18},
	{"native histogram Observe, one goroutine a core", "NativeObserve/par/*", "ns/op", nanos, 20},
	{"native histogram Observe, 8 goroutines", "NativeObserve/par8/*", "ns/op", nanos, 0},
	{"native and classic, Observe, 1 goroutine", "BothObserve/serial/*", "ns/op", nanos, 0},
	{"native and classic, Observe, one goroutine a core", "BothObserve/par/*", "ns/op", nanos, 0},
	{"native and classic, Observe, 8 goroutines", "BothObserve/par8/*", "ns/op", nanos, 0},
	{"summary with quantiles, Observe, 1 goroutine", "QuantileObserve/serial/*", "ns/op", nanos, 18},
	{"summary with quantiles, Observe, one goroutine a core", "QuantileObserve/par/*", "ns/op", nanos, 20},
	{"summary with quantiles, Observe, 8 goroutines", "QuantileObserve/par8/*", "ns/op", nanos, 0},
	{"histogram Observe with an exemplar, 1 goroutine", "HistogramExemplar/serial/*", "ns/op", nanos, 0},
	{"— allocations", "HistogramExemplar/serial/*", "allocs", number, none},
	{"histogram Observe with an exemplar, one goroutine a core", "HistogramExemplar/par/*", "ns/op", nanos, 0},

	{"new counter series, 3 labels", "Create/*", "ns/series", nanos, 500},
	{"— allocations", "Create/*", "allocs/series", number, 3},
	{"— bytes allocated", "Create/*", "B/series", size, 0},
	{"heap per counter series, 100k", "Heap/counters/100000/*", "B/series", size, 160},
	{"heap per counter series, 1M", "Heap/counters/1000000/*", "B/series", size, 160},
	{"— after a scrape", "Heap/counters/1000000/*", "B/series-scraped", size, 160},
	{"— objects", "Heap/counters/1000000/*", "objects/series", number, 0},
	{"— forced GC with 1M live", "Heap/counters/1000000/*", "gc-ns", nanos, 30 * ms},
	{"— creation of 1M, each", "Heap/counters/1000000/*", "ns/series", nanos, 0},
	{"heap per 11-bucket histogram, 100k", "Heap/histograms/100000/*", "B/series", size, 320},
	{"— after a scrape", "Heap/histograms/100000/*", "B/series-scraped", size, 320},
	{"— forced GC with 100k live", "Heap/histograms/100000/*", "gc-ns", nanos, 0},
	{"heap per native histogram, 49 observations", "HeapRich/natives/*", "B/series", size, 900},
	{"heap per summary with quantiles, 1000 observations", "HeapRich/summaries/*", "B/series", size, 0},

	{"scrape 100 counters, text", "Scrape/100/*/text", "ns/op", nanos, 4000},
	{"— allocations", "Scrape/100/*/text", "allocs/op", number, 5},
	{"— OpenMetrics", "Scrape/100/*/openmetrics", "ns/op", nanos, 0},
	{"— gzip, every value changed", "Scrape/100/*/gzip", "ns/op", nanos, 0},
	{"scrape 10k counters, text", "Scrape/10000/*/text", "ns/op", nanos, 0},
	{"— OpenMetrics", "Scrape/10000/*/openmetrics", "ns/op", nanos, 0},
	{"— gzip, every value changed", "Scrape/10000/*/gzip", "ns/op", nanos, 0},
	{"scrape 100k counters, text", "Scrape/100000/*/text", "ns/op", nanos, 4.5 * ms},
	{"— allocations", "Scrape/100000/*/text", "allocs/op", number, 0},
	{"— the first one, created in random order", "Scrape/100000/*/text", "first-ns", nanos, 0},
	{"— OpenMetrics", "Scrape/100000/*/openmetrics", "ns/op", nanos, 0},
	{"— protobuf", "Scrape/100000/*/protobuf", "ns/op", nanos, 6 * ms},
	{"— gzip, every value changed", "Scrape/100000/*/gzip", "ns/op", nanos, 12 * ms},
	{"— gzip, 100 values changed", "Scrape/100000/*/gzip-100", "ns/op", nanos, 5.5 * ms},
	{"scrape 1M counters, text", "Scrape/1000000/*/text", "ns/op", nanos, 45 * ms},
	{"— allocations", "Scrape/1000000/*/text", "allocs/op", number, 0},
	{"— bytes allocated, pools empty", "Scrape/1000000/*/text", "extra-B", size, 2 * mb},
	{"— output", "Scrape/1000000/*/text", "body-B", size, 0},
	{"— the first one, created in random order", "Scrape/1000000/*/text", "first-ns", nanos, 0},
	{"— OpenMetrics", "Scrape/1000000/*/openmetrics", "ns/op", nanos, 0},
	{"— protobuf", "Scrape/1000000/*/protobuf", "ns/op", nanos, 60 * ms},
	{"— gzip, every value changed", "Scrape/1000000/*/gzip", "ns/op", nanos, 120 * ms},
	{"— gzip, 100 values changed", "Scrape/1000000/*/gzip-100", "ns/op", nanos, 55 * ms},
	{"— gzip output", "Scrape/1000000/*/gzip", "body-B", size, 0},
	{"a copy of that text", "Scrape/1000000/*/copy", "ns/op", nanos, 0},
	{"scrape 10k histograms × 11 buckets, text", "ScrapeHistograms/10000/*/text", "ns/op", nanos, 4 * ms},
	{"— OpenMetrics", "ScrapeHistograms/10000/*/openmetrics", "ns/op", nanos, 0},
	{"— protobuf", "ScrapeHistograms/10000/*/protobuf", "ns/op", nanos, 0},
	{"— gzip, every histogram changed", "ScrapeHistograms/10000/*/gzip", "ns/op", nanos, 20 * ms},
	{"stripped program over bare net/http", "Size/*", "B", size, 0.7 * mb},
}

// writeTable writes the rows that have a figure as a Markdown table.
func writeTable(w io.Writer, r results) {
	fmt.Fprintln(w, "| work | fennel | client_golang | vm | otel | limit | budget | fennel ÷ budget | best rival ÷ fennel |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, row := range rows {
		if line, ok := row.line(r); ok {
			fmt.Fprintln(w, line)
		}
	}
}

func (row *row) line(r results) (string, bool) {
	cells := []string{row.title}
	best := math.Inf(1)
	found := false
	for _, c := range columns {
		v, ok := r.median(strings.Replace(row.key, "*", c, 1), row.unit)
		if !ok {
			cells = append(cells, "–")
			continue
		}
		found = true
		cells = append(cells, row.format(v))
		if c != limit && c != columns[0] {
			best = min(best, v)
		}
	}
	own, ok := r.median(strings.Replace(row.key, "*", columns[0], 1), row.unit)
	cells = append(cells, row.allowed(), row.used(own, ok), advantage(best, own, ok))
	return "| " + strings.Join(cells, " | ") + " |", found
}

// allowed returns the cell of the budget.
func (row *row) allowed() string {
	switch row.budget {
	case 0:
		return ""
	case none:
		return "0"
	}
	return "≤ " + row.format(row.budget)
}

// used returns how much of the budget is used, in bold if it is too much.
func (row *row) used(own float64, ok bool) string {
	switch {
	case !ok || row.budget == 0:
		return ""
	case row.budget == none && own == 0:
		return "met"
	case row.budget == none:
		return "**missed**"
	case own > row.budget:
		return fmt.Sprintf("**%.2f**", own/row.budget)
	}
	return fmt.Sprintf("%.2f", own/row.budget)
}

// advantage returns how much better Fennel is than the best other peer.
func advantage(best, own float64, ok bool) string {
	if !ok || own == 0 || math.IsInf(best, 1) {
		return ""
	}
	return fmt.Sprintf("×%.2g", best/own)
}

// nanos formats a time.
func nanos(v float64) string { return scaled(v, 1000, "ns", "µs", "ms", "s") }

// size formats a size.
func size(v float64) string { return scaled(v, 1000, "B", "kB", "MB", "GB") }

func scaled(v, step float64, units ...string) string {
	for v >= step && len(units) > 1 {
		v /= step
		units = units[1:]
	}
	return number(v) + " " + units[0]
}

// number formats to three digits.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.2f", v), ".00")
}
