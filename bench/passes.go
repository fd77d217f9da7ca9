package main

// pass is a part of the benchmarks, which runs in a process of its own: several
// times, because what differs from process to process, such as where memory
// lies, is most of the noise.
type pass struct {
	bench string // for go test -bench
	full  plan
	quick plan
}

// plan says how often to run a pass, and for how long each benchmark: as for go
// test -benchtime.
type plan struct {
	runs int
	time string
}

// passes are all benchmarks. Where a peer takes many seconds for a million
// series, it runs once, and not at all in a quick run. All that names a benchmark
// that isn't there costs nothing.
var passes = []pass{
	{"^Benchmark(Counter|Lookup|Histogram|Summary|Native|Both|Quantile|AtomicAdd|EmptyHandler)", plan{5, "60ms"}, plan{3, "20ms"}},
	{"^BenchmarkContention", plan{3, "40ms"}, plan{1, "20ms"}},
	{"^BenchmarkCreate$", plan{5, "200ms"}, plan{3, "50ms"}},
	{"^BenchmarkScrape$/^(100|10000)$", plan{4, "100ms"}, plan{2, "30ms"}},
	{"^BenchmarkScrape$/^100000$/^(fennel|vm|limit)$", plan{5, "100ms"}, plan{2, "50ms"}},
	{"^BenchmarkScrape$/^100000$/^(client_golang|otel)$", plan{1, "1x"}, plan{}},
	{"^BenchmarkScrape$/^100000$/^(client_golang|otel)$/^(text|gzip)$", plan{}, plan{1, "1x"}},
	{"^BenchmarkScrapeHistograms$//^(fennel|vm|limit)$", plan{5, "100ms"}, plan{2, "50ms"}},
	{"^BenchmarkScrapeHistograms$//^(client_golang|otel)$", plan{1, "1x"}, plan{1, "1x"}},
	{"^BenchmarkScrape$/^1000000$/^(fennel|vm|limit)$", plan{3, "3x"}, plan{1, "2x"}},
	{"^BenchmarkScrape$/^1000000$/^(client_golang|otel)$/^(text|gzip)$", plan{1, "1x"}, plan{}},
	{"^BenchmarkBody$", plan{2, "2x"}, plan{1, "1x"}},
	{"^BenchmarkCollector$//^(fennel|vm)$", plan{3, "100ms"}, plan{1, "30ms"}},
	{"^BenchmarkCollector$//^(client_golang|otel)$", plan{1, "1x"}, plan{}},
	{"^BenchmarkCollector$//^(client_golang|otel)$/^text$", plan{}, plan{1, "1x"}},
	{"^BenchmarkLatency", plan{1, "1x"}, plan{}},
	{"^BenchmarkLifecycle$/^(100000|1000000)$", plan{1, "1x"}, plan{}},
	{"^Benchmark(ScrapeChurn|Replace)$", plan{1, "1x"}, plan{}},
	{"^BenchmarkGC$//^(fennel|client_golang|vm)$", plan{1, "1x"}, plan{}},
	{"^BenchmarkHeap$/counters/^100000$", plan{3, "1x"}, plan{1, "1x"}},
	{"^BenchmarkHeap$/histograms//^(fennel|vm)$", plan{3, "1x"}, plan{1, "1x"}},
	{"^BenchmarkHeap$/histograms//^(client_golang|otel)$", plan{1, "1x"}, plan{1, "1x"}},
	{"^BenchmarkHeapRich$", plan{3, "1x"}, plan{1, "1x"}},
	{"^BenchmarkHeap$/counters/^1000000$/^(fennel|vm)$", plan{3, "1x"}, plan{1, "1x"}},
	{"^BenchmarkHeap$/counters/^1000000$/^(client_golang|otel)$", plan{1, "1x"}, plan{}},
}
