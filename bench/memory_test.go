package main

import (
	"runtime"
	"strconv"
	"testing"
	"time"
)

// BenchmarkCreate creates 10,000 counters with three labels in a new registry
// and adds to each once. The label values are there beforehand.
func BenchmarkCreate(b *testing.B) {
	const n = 10_000
	all := labelSets(n)
	for _, p := range peers {
		b.Run(p.name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				s := p.new()
				for _, l := range all {
					s.add(l, 1)
				}
			}
			b.StopTimer()
			runtime.ReadMemStats(&after)
			made := float64(b.N) * n
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/made, "ns/series")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/made, "B/series")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/made, "allocs/series")
		})
	}
}

// BenchmarkHeap measures what series keep on the heap, as they were created and
// after a first scrape, and how long the garbage collector takes over them. An
// iteration is one registry, so that -benchtime=1x is enough.
func BenchmarkHeap(b *testing.B) {
	for _, kind := range []struct {
		name  string
		sizes []int
		fill  func(system, int)
	}{
		{"counters", []int{100_000, 1_000_000}, fill},
		{"histograms", []int{100_000}, fillHistograms},
	} {
		for _, n := range kind.sizes {
			for _, p := range peers {
				b.Run(kind.name+"/"+strconv.Itoa(n)+"/"+p.name, func(b *testing.B) {
					var total heap
					for b.Loop() {
						total.measure(p, kind.fill, n)
					}
					total.report(b, n)
				})
			}
		}
	}
}

// heap sums up what was measured.
type heap struct {
	created, scraped, objects int64
	create, gc                time.Duration
}

func (h *heap) measure(p peer, fill func(system, int), n int) {
	s := p.new()
	c := newClient()
	handler := s.handler()
	c.scrape(handler, request(text))
	before := live()
	start := time.Now()
	fill(s, n)
	h.create += time.Since(start)
	created := live()
	start = time.Now()
	for range 3 {
		runtime.GC()
	}
	h.gc += time.Since(start) / 3
	c.scrape(handler, request(text))
	scraped := live()
	h.created += int64(created.HeapAlloc) - int64(before.HeapAlloc)
	h.objects += int64(created.HeapObjects) - int64(before.HeapObjects)
	h.scraped += int64(scraped.HeapAlloc) - int64(before.HeapAlloc)
	runtime.KeepAlive(s)
}

// live returns the memory statistics with the garbage and the pools emptied.
func live() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

func (h *heap) report(b *testing.B, n int) {
	made := float64(b.N) * float64(n)
	b.ReportMetric(float64(h.created)/made, "B/series")
	b.ReportMetric(float64(h.scraped)/made, "B/series-scraped")
	b.ReportMetric(float64(h.objects)/made, "objects/series")
	b.ReportMetric(float64(h.create.Nanoseconds())/made, "ns/series")
	b.ReportMetric(float64(h.gc.Nanoseconds())/float64(b.N), "gc-ns")
}
