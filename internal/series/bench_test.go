package series

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// pathValues returns label sets such as servers have.
func pathValues(n int) [][3]string {
	methods, statuses := []string{"GET", "POST", "PUT", "DELETE"}, []string{"200", "201", "404", "500", "503"}
	all := make([][3]string, n)
	for i := range all {
		all[i] = [3]string{methods[i%4], "/api/v1/resource/" + strconv.Itoa(10_000_000 + i)[1:], statuses[i/4%5]}
	}
	return all
}

// BenchmarkFind finds series in random order.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			table := newTestTable("method", "path", "status")
			all := pathValues(n)
			for i := range all {
				table.Get(all[i][:])
			}
			rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
			i := 0
			for b.Loop() {
				if table.Find(all[i][:]) == nil {
					b.Fatal("it is not found")
				}
				if i++; i == n {
					i = 0
				}
			}
		})
	}
}

// BenchmarkGrow creates a million series, and reports how long one took at most:
// what the scheduler and the garbage collector take is in it.
func BenchmarkGrow(b *testing.B) {
	const n = 1_000_000
	all := pathValues(n)
	for b.Loop() {
		table := newTestTable("method", "path", "status")
		var longest time.Duration
		for i := range all {
			start := time.Now()
			table.Get(all[i][:])
			longest = max(longest, time.Since(start))
		}
		b.ReportMetric(float64(longest), "max-ns")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/series")
}
