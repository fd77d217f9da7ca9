package series

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
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

// BenchmarkChurn reads a million series, each time after a tenth of them was
// deleted and created again, and as often when nothing has happened since: the
// latter's time is reported beside it. What a scrape does with a series is as
// little here as can be.
func BenchmarkChurn(b *testing.B) {
	const n = 1_000_000
	table := newTestTable("method", "path", "status")
	all := pathValues(n)
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		table.Get(all[i][:])
	}
	start := time.Now()
	readAll(table)
	first := time.Since(start)
	quiet := time.Duration(0)
	k := 0
	for b.Loop() {
		b.StopTimer()
		start := time.Now()
		readAll(table)
		quiet += time.Since(start)
		for i := k; i < n; i += 10 {
			table.Delete(all[i][:])
			table.Get(all[i][:])
		}
		k = (k + 1) % 10
		b.StartTimer()
		readAll(table)
	}
	b.ReportMetric(float64(first.Milliseconds()), "first-ms")
	b.ReportMetric(float64(quiet.Nanoseconds())/float64(b.N), "quiet-ns/op")
}

// readAll reads values and texts of a table.
func readAll(table *Table) (sum int) {
	var b sample.Batch
	var out []byte
	r := table.Read()
	for p := r.Next(); p != nil; p = r.Next() {
		p.Fill(&b)
		out = out[:0]
		for i, s := range p.Series {
			sum += int(Head[record](s).value.Load())
			out = append(out, b.Labels(i)...)
		}
	}
	return sum
}
