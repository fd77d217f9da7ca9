package main

import (
	"slices"
	"strconv"
	"strings"
)

// row is a line of the table. Where no peer has a figure for it, it is left out.
type row struct {
	title string
	// key is the name of a benchmark, with * for the peer.
	key    string
	unit   string // in which the benchmark reports
	format func(float64) string
	budget float64 // in that unit; 0 for none
	in     scope
}

// scope says in which tables a row is.
type scope bool

const (
	full  scope = false // in the full table
	short scope = true  // in the short one, too
)

const (
	us = 1e3
	ms = 1e6
	mb = 1e6

	none = -1 // the budget of rows where nothing is allowed
)

// rows are those of the full table, in its order. To add one is all that a new
// benchmark needs here, besides a pass that runs it.
var rows = slices.Concat(updateRows, contentionRows(), richRows, memoryRows, scrapeRows, latencyRows(), lifecycleRows(), collectorRows, limitRows)

var updateRows = []row{
	{"counter Inc, 1 goroutine", "CounterInc/serial/*", "ns/op", nanos, 5.5, short},
	{"counter Inc, one goroutine a core, one counter", "CounterInc/par/*", "ns/op", nanos, 6, short},
	{"counter Inc, 8 goroutines, one counter", "CounterInc/par8/*", "ns/op", nanos, 6, short},
	{"counter Add(0.5), 1 goroutine", "CounterAddFloat/serial/*", "ns/op", nanos, 0, full},
	{"counter Add(0.5), one goroutine a core, one counter", "CounterAddFloat/par/*", "ns/op", nanos, 0, full},
	{"counter Add(0.5), 8 goroutines, one counter", "CounterAddFloat/par8/*", "ns/op", nanos, 0, full},
	{"look up 3 labels and Inc, 1 goroutine", "Lookup/serial/*", "ns/op", nanos, 25, short},
	{"look up 3 labels and Inc, allocations", "Lookup/serial/*", "allocs", count, none, full},
	{"look up 3 labels and Inc, one goroutine a core", "Lookup/par/*", "ns/op", nanos, 15, short},
	{"look-up the usual way, 1 goroutine", "LookupUsual/serial/*", "ns/op", nanos, 25, full},
	{"look-up the usual way, allocations", "LookupUsual/serial/*", "allocs", count, none, full},
	{"look-up the usual way, one goroutine a core", "LookupUsual/par/*", "ns/op", nanos, 15, full},
	{"look-up by an array of strings, 1 goroutine", "LookupArray/serial/*", "ns/op", nanos, 25, full},
	{"look-up by an array of strings, one goroutine a core", "LookupArray/par/*", "ns/op", nanos, 15, full},
	{"look-up of 2 strings, an int and a bool, 1 goroutine", "LookupMixed/serial/*", "ns/op", nanos, 0, full},
	{"look-up of 2 strings, an int and a bool, one goroutine a core", "LookupMixed/par/*", "ns/op", nanos, 0, full},
	{"histogram Observe, 11 buckets, 1 goroutine", "HistogramObserve/serial/*", "ns/op", nanos, 13, short},
	{"histogram Observe, one goroutine a core, one histogram", "HistogramObserve/par/*", "ns/op", nanos, 15, short},
	{"histogram Observe, 8 goroutines, one histogram", "HistogramObserve/par8/*", "ns/op", nanos, 15, full},
	{"summary without quantiles, Observe, 1 goroutine", "SummaryObserve/serial/*", "ns/op", nanos, 0, full},
	{"summary without quantiles, one goroutine a core", "SummaryObserve/par/*", "ns/op", nanos, 0, full},
	{"summary without quantiles, 8 goroutines", "SummaryObserve/par8/*", "ns/op", nanos, 0, full},
}

// contentionRows are those of many goroutines at one metric.
func contentionRows() []row {
	var all []row
	for _, kind := range []struct{ title, key string }{
		{"counter Inc", "Contention/inc"},
		{"counter Add(0.5)", "Contention/add"},
		{"histogram Observe", "ContentionObserve"},
	} {
		for n := 2; n <= 64; n *= 2 {
			goroutines := strconv.Itoa(n)
			all = append(all, row{kind.title + ", " + goroutines + " goroutines at one", kind.key + "/" + goroutines + "/*", "ns/op", nanos, 0, full})
		}
	}
	return all
}

// richRows are those of metrics that not all peers have.
var richRows = []row{
	{"native histogram Observe, 1 goroutine", "NativeObserve/serial/*", "ns/op", nanos, 18, short},
	{"native histogram Observe, one goroutine a core", "NativeObserve/par/*", "ns/op", nanos, 20, full},
	{"native histogram Observe, 8 goroutines", "NativeObserve/par8/*", "ns/op", nanos, 0, full},
	{"native and classic, Observe, 1 goroutine", "BothObserve/serial/*", "ns/op", nanos, 0, full},
	{"native and classic, Observe, one goroutine a core", "BothObserve/par/*", "ns/op", nanos, 0, full},
	{"native and classic, Observe, 8 goroutines", "BothObserve/par8/*", "ns/op", nanos, 0, full},
	{"summary with quantiles, Observe, 1 goroutine", "QuantileObserve/serial/*", "ns/op", nanos, 18, short},
	{"summary with quantiles, Observe, one goroutine a core", "QuantileObserve/par/*", "ns/op", nanos, 20, full},
	{"summary with quantiles, Observe, 8 goroutines", "QuantileObserve/par8/*", "ns/op", nanos, 0, full},
	{"counter Inc with an exemplar, 1 goroutine", "CounterExemplar/serial/*", "ns/op", nanos, 0, full},
	{"counter Inc with an exemplar, one goroutine a core", "CounterExemplar/par/*", "ns/op", nanos, 0, full},
	{"histogram Observe with an exemplar, 1 goroutine", "HistogramExemplar/serial/*", "ns/op", nanos, 0, full},
	{"histogram Observe with an exemplar, allocations", "HistogramExemplar/serial/*", "allocs", count, none, full},
	{"histogram Observe with an exemplar, one goroutine a core", "HistogramExemplar/par/*", "ns/op", nanos, 0, full},
}

// memoryRows are those of what series cost that are there.
var memoryRows = []row{
	{"new counter series, 3 labels", "Create/*", "ns/series", nanos, 500, short},
	{"new counter series, allocations", "Create/*", "allocs/series", count, 3, full},
	{"new counter series, bytes allocated", "Create/*", "B/series", size, 0, full},
	{"heap per counter series, 100k", "Heap/counters/100000/*", "B/series", size, 160, full},
	{"heap per counter series, 1M", "Heap/counters/1000000/*", "B/series", size, 160, short},
	{"heap per counter series, 1M, after a scrape", "Heap/counters/1000000/*", "B/series-scraped", size, 160, full},
	{"heap objects per counter series, 1M", "Heap/counters/1000000/*", "objects/series", count, 0, full},
	{"forced GC with 1M counter series", "Heap/counters/1000000/*", "gc-ns", nanos, 30 * ms, short},
	{"forced GC with 1M counter series, processor time", "GC/1000000/*", "gc-cpu-ns", nanos, 0, full},
	{"forced GC with 10M counter series", "GC/10000000/*", "ns/op", nanos, 0, full},
	{"forced GC with 10M counter series, processor time", "GC/10000000/*", "gc-cpu-ns", nanos, 0, full},
	{"heap per counter series, 10M", "GC/10000000/*", "B/series", size, 160, full},
	{"creation of 1M counter series, each", "Heap/counters/1000000/*", "ns/series", nanos, 0, full},
	{"heap per 11-bucket histogram, 100k", "Heap/histograms/100000/*", "B/series", size, 320, full},
	{"heap per 11-bucket histogram, after a scrape", "Heap/histograms/100000/*", "B/series-scraped", size, 320, full},
	{"forced GC with 100k histograms", "Heap/histograms/100000/*", "gc-ns", nanos, 0, full},
	{"heap per native histogram, 49 observations", "HeapRich/natives/*", "B/series", size, 900, full},
	{"heap per summary with quantiles, 1000 observations", "HeapRich/summaries/*", "B/series", size, 0, full},
	{"stripped program over bare net/http", "Size/*", "B", size, 0.7 * mb, short},
}

var scrapeRows = []row{
	{"scrape 100 counters, text", "Scrape/100/*/text", "ns/op", nanos, 4 * us, short},
	{"scrape 100 counters, text, allocations", "Scrape/100/*/text", "allocs/op", count, 5, full},
	{"scrape 100 counters, OpenMetrics", "Scrape/100/*/openmetrics", "ns/op", nanos, 0, full},
	{"scrape 100 counters, gzip, every value changed", "Scrape/100/*/gzip", "ns/op", nanos, 0, full},
	{"scrape 10k counters, text", "Scrape/10000/*/text", "ns/op", nanos, 0, full},
	{"scrape 10k counters, OpenMetrics", "Scrape/10000/*/openmetrics", "ns/op", nanos, 0, full},
	{"scrape 10k counters, gzip, every value changed", "Scrape/10000/*/gzip", "ns/op", nanos, 0, full},
	{"scrape 100k counters, text", "Scrape/100000/*/text", "ns/op", nanos, 4.5 * ms, full},
	{"scrape 100k counters, text, allocations", "Scrape/100000/*/text", "allocs/op", count, 0, full},
	{"scrape 100k counters, text, the first one", "Scrape/100000/*/text", "first-ns", nanos, 0, full},
	{"scrape 100k counters, OpenMetrics", "Scrape/100000/*/openmetrics", "ns/op", nanos, 0, full},
	{"scrape 100k counters, protobuf", "Scrape/100000/*/protobuf", "ns/op", nanos, 6 * ms, short},
	{"scrape 100k counters, gzip, every value changed", "Scrape/100000/*/gzip", "ns/op", nanos, 12 * ms, full},
	{"scrape 100k counters, gzip, 100 values changed", "Scrape/100000/*/gzip-100", "ns/op", nanos, 5.5 * ms, short},
	{"scrape 1M counters, text", "Scrape/1000000/*/text", "ns/op", nanos, 45 * ms, short},
	{"scrape 1M counters, text, allocations", "Scrape/1000000/*/text", "allocs/op", count, 0, full},
	{"scrape 1M counters, text, bytes allocated, pools empty", "Scrape/1000000/*/text", "extra-B", size, 2 * mb, full},
	{"scrape 1M counters, text, size", "Scrape/1000000/*/text", "body-B", size, 0, full},
	{"scrape 1M counters, text, the first one", "Scrape/1000000/*/text", "first-ns", nanos, 0, full},
	{"scrape 1M counters, OpenMetrics", "Scrape/1000000/*/openmetrics", "ns/op", nanos, 0, full},
	{"scrape 1M counters, protobuf", "Scrape/1000000/*/protobuf", "ns/op", nanos, 60 * ms, full},
	{"scrape 1M counters, gzip, every value changed", "Scrape/1000000/*/gzip", "ns/op", nanos, 120 * ms, short},
	{"scrape 1M counters, gzip, 100 values changed", "Scrape/1000000/*/gzip-100", "ns/op", nanos, 55 * ms, full},
	{"scrape 1M counters, gzip, size", "Scrape/1000000/*/gzip", "body-B", size, 0, full},
	{"scrape 10k histograms × 11 buckets, text", "ScrapeHistograms/10000/*/text", "ns/op", nanos, 4 * ms, short},
	{"scrape 10k histograms × 11 buckets, OpenMetrics", "ScrapeHistograms/10000/*/openmetrics", "ns/op", nanos, 0, full},
	{"scrape 10k histograms × 11 buckets, protobuf", "ScrapeHistograms/10000/*/protobuf", "ns/op", nanos, 0, full},
	{"scrape 10k histograms × 11 buckets, gzip, all changed", "ScrapeHistograms/10000/*/gzip", "ns/op", nanos, 20 * ms, full},
}

// latencyRows are those of how long an update takes at worst, while nothing else
// happens, while something else computes, and while series are scraped and created.
func latencyRows() []row {
	var all []row
	for _, n := range []struct{ title, key string }{{"200k", "200000"}, {"1M", "1000000"}} {
		for _, other := range []struct{ title, key string }{
			{"idle", "idle"},
			{"beside computation", "busy"},
			{"beside scrapes and creation", "loaded"},
		} {
			title, key := "look up and Inc, "+n.title+" series, "+other.title, "Latency/"+n.key+"/*/"+other.key
			all = append(all,
				row{title + ", 99.9 % within", key, "p999-ns", nanos, 0, full},
				row{title + ", the longest of a tenth of a second", key, "tenth-ns", nanos, 0, full},
				row{title + ", at most", key, "max-ns", nanos, 0, full})
		}
		all = append(all, row{"creation of a series, " + n.title + " series, beside scrapes, at most", "Latency/" + n.key + "/*/loaded", "create-max-ns", nanos, 0, full})
	}
	return all
}

// collectorRows are those of exporters, whose samples come from somewhere else at
// each scrape.
var collectorRows = []row{
	{"collector of 100k samples, each", "Collector/100000/*/text", "ns/sample", nanos, 100, short},
	{"collector of 100k samples, allocations, each", "Collector/100000/*/text", "allocs/sample", count, 0, full},
	{"collector of 100k samples, fresh strings", "Collector/100000/*/fresh", "ns/sample", nanos, 0, full},
	{"collector of 100k samples, not in order", "Collector/100000/*/shuffled", "ns/sample", nanos, 0, full},
	{"collector of 100k samples, in another order each time", "Collector/100000/*/random", "ns/sample", nanos, 0, full},
	{"collector of 100k samples, 10 families", "Collector/100000/*/families", "ns/sample", nanos, 0, full},
}

// lifecycleRows are of series that come and go.
func lifecycleRows() []row {
	var all []row
	for _, n := range []struct{ title, key string }{{"100k", "100000"}, {"1M", "1000000"}} {
		for _, step := range []struct{ title, unit string }{
			{"creation of %s series, each", "create-ns/series"},
			{"deletion of half of %s series by a function, each", "delete-func-ns/series"},
			{"creation of these again, each", "recreate-ns/series"},
			{"deletion of %s series one by one, each", "delete-ns/series"},
			{"clearing %s series, each", "clear-ns/series"},
		} {
			title := strings.Replace(step.title, "%s", n.title, 1)
			if title == step.title {
				title += ", of " + n.title
			}
			all = append(all, row{title, "Lifecycle/" + n.key + "/*", step.unit, nanos, 0, full})
		}
	}
	return append(all,
		row{"replacing 100k gauges by others, each", "Replace/100000/*", "ns/series", nanos, 0, full},
		row{"scrape 1M counters, 10 % of them new, ÷ quiet", "ScrapeChurn/1000000/*", "churned-ratio", count, 1.5, full},
		row{"scrape 1M counters, 10k a second created, ÷ quiet", "ScrapeChurn/1000000/*", "creating-ratio", count, 1.5, full})
}

// limitRows are what the machine can do at best, as far as it has no row of the
// peers beside it.
var limitRows = []row{
	{"atomic add, 1 goroutine", "AtomicAdd/own/serial/*", "ns/op", nanos, 0, full},
	{"atomic add, one goroutine a core, a cache line each", "AtomicAdd/own/par/*", "ns/op", nanos, 0, full},
	{"atomic add, one goroutine a core, one word", "AtomicAdd/shared/par/*", "ns/op", nanos, 0, full},
	{"atomic add, 8 goroutines, one word", "AtomicAdd/shared/par8/*", "ns/op", nanos, 0, full},
	{"a handler that writes nothing", "EmptyHandler/*", "ns/op", nanos, 0, full},
	{"1M values appended to prefixes that lie in random order", "Body/1000000/*/shuffled", "ns/op", nanos, 0, full},
	{"the body of 1M counters: a copy", "Body/1000000/*/copy", "ns/op", nanos, 0, full},
	{"the body of 1M counters: CRC-32", "Body/1000000/*/crc32", "ns/op", nanos, 0, full},
	{"the body of 1M counters: hash/maphash", "Body/1000000/*/maphash", "ns/op", nanos, 0, full},
	{"the body of 1M counters: compress/gzip, level 1", "Body/1000000/*/gzip-1", "ns/op", nanos, 0, full},
	{"the body of 1M counters: compress/gzip, level 1, size", "Body/1000000/*/gzip-1", "body-B", size, 0, full},
	{"the body of 1M counters: compress/gzip, level 6", "Body/1000000/*/gzip-6", "ns/op", nanos, 0, full},
	{"the body of 1M counters: compress/gzip, level 6, size", "Body/1000000/*/gzip-6", "body-B", size, 0, full},
}
