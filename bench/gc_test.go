package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// BenchmarkGC measures what it costs to have many counters with three labels live:
// how long a forced garbage collection takes (ns/op), how much processor time of
// the collector's (gc-cpu-ns), and how large the heap is. The counters are made
// before, and let go after it.
func BenchmarkGC(b *testing.B) {
	for _, n := range []int{1_000_000, 10_000_000} {
		for _, p := range peers {
			if n > 1_000_000 && p.name != "fennel" {
				continue // several times as much memory
			}
			b.Run(fmt.Sprintf("%d/%s", n, p.name), func(b *testing.B) { collectGarbage(b, p, n) })
		}
	}
}

func collectGarbage(b *testing.B, p peer, n int) {
	debug.FreeOSMemory() // those of the benchmark before
	before := live()
	s := p.new()
	for i := range n {
		s.add(labelsOf(i), 1)
	}
	after := live()
	cpu, ops := gcTime(), 0
	for b.Loop() {
		runtime.GC()
		ops++
	}
	b.ReportMetric(float64((gcTime()-cpu).Nanoseconds())/float64(ops), "gc-cpu-ns")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/series")
	b.ReportMetric(float64(after.HeapObjects-before.HeapObjects)/float64(n), "objects/series")
	runtime.KeepAlive(s)
}

// gcTime returns the processor time that garbage collection has taken so far. It is
// as of the last one.
func gcTime() time.Duration {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(s)
	return time.Duration(s[0].Value.Float64() * float64(time.Second))
}
