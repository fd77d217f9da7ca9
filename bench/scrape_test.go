package main

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// BenchmarkScrape scrapes counters with three labels, in each format that a
// peer has. In between, for gzip, every value changes (or 100 of them, for
// "gzip-100"): that is not measured.
func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) { scrapeAll(b, n, fill) })
	}
}

// BenchmarkScrapeHistograms scrapes histograms with 11 buckets.
func BenchmarkScrapeHistograms(b *testing.B) {
	b.Run("10000", func(b *testing.B) { scrapeAll(b, 10_000, fillHistograms) })
}

func scrapeAll(b *testing.B, n int, fill func(system, int)) {
	for _, p := range peers {
		b.Run(p.name, func(b *testing.B) {
			t := newTarget(p, n, fill)
			t.run(b, text, text, 0)
			t.run(b, openMetrics, openMetrics, 0)
			t.run(b, protobuf, protobuf, 0)
			t.run(b, gzipped, gzipped, n)
			t.run(b, gzipped+"-100", gzipped, 100)
		})
	}
	b.Run("limit", func(b *testing.B) { scrapeLimits(b, n, fill) })
}

// target is a filled registry that is scraped.
type target struct {
	peer  peer
	n     int
	setup func() setup
}

// setup is what a target has once it was filled and scraped for the first time.
type setup struct {
	system  system
	handler http.Handler
	first   time.Duration // the first scrape
	second  time.Duration // the one after it
	extra   uint64        // bytes that it allocated, when all pools were empty
	add     func(s system, i int)
}

// newTarget returns a target that is filled when it is needed first: it may be
// that the flags want none of its benchmarks.
func newTarget(p peer, n int, fill func(system, int)) *target {
	return &target{p, n, sync.OnceValue(func() setup {
		s := p.new()
		fill(s, n)
		runtime.GC()
		t := setup{system: s, handler: s.handler()}
		c := newClient()
		start := time.Now()
		size := c.scrape(t.handler, request(text))
		t.first = time.Since(start)
		var before, after runtime.MemStats
		before = live()
		start = time.Now()
		c.scrape(t.handler, request(text))
		t.second = time.Since(start)
		runtime.ReadMemStats(&after)
		t.extra = after.TotalAlloc - before.TotalAlloc
		t.add = func(s system, i int) { s.add(labelsOf(i), 1) }
		if size > n*500 { // histograms
			t.add = func(s system, i int) { s.observe(labelsOf(i), observations[i%len(observations)]) }
		}
		return t
	})}
}

// run measures scrapes before each of which some series change.
func (t *target) run(b *testing.B, name, format string, changes int) {
	if !speaks(t.peer.name, format) {
		return
	}
	b.Run(name, func(b *testing.B) {
		s := t.setup()
		c, r := newClient(), request(format)
		size := 0
		if s.second < time.Second { // warming up helps no longer one
			size = c.scrape(s.handler, r)
		}
		b.ReportAllocs()
		for b.Loop() {
			if changes > 0 {
				b.StopTimer()
				s.change(changes, t.n)
				b.StartTimer()
			}
			size = c.scrape(s.handler, r)
		}
		b.ReportMetric(float64(size), "body-B")
		if name == text {
			b.ReportMetric(float64(s.first.Nanoseconds()), "first-ns")
			b.ReportMetric(float64(s.extra), "extra-B")
		}
	})
}

// change adds to some of n series, which are spread over all.
func (s *setup) change(some, n int) {
	for i := range some {
		s.add(s.system, i*(n/some))
	}
}
