package gzip

import (
	"fmt"
	"io"
	"testing"
)

// BenchmarkWriter compresses a page of a million series of which some change in
// between.
func BenchmarkWriter(b *testing.B) {
	const series = 1_000_000
	for _, changes := range []int{0, 100, series} {
		b.Run(fmt.Sprintf("changes=%d", changes), func(b *testing.B) {
			// Old and new values are of one length, so that a page is changed in place.
			body := page(series, func(i int) uint64 { return uint64(1e6 + i*7919%1e6) })
			c := NewCache(32 << 20)
			z := NewWriter(c)
			serve := func() {
				z.Reset(io.Discard)
				for rest := body; len(rest) > 0; {
					n := min(64<<10, len(rest))
					z.Write(rest[:n])
					rest = rest[n:]
				}
				z.Close()
			}
			serve()
			serve()
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			found := use{}
			for round := 0; b.Loop(); round++ {
				b.StopTimer()
				change(body, changes, round)
				u := useOf(c, body)
				found = use{found.hits + u.hits, found.misses + u.misses}
				b.StartTimer()
				serve()
			}
			b.ReportMetric(float64(found.misses)/float64(found.hits+found.misses)*100, "%missed")
			b.ReportMetric(float64(c.bytes), "cache-B")
		})
	}
}
