package exposition

import (
	"io"
	"strconv"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// BenchmarkScrape writes 100,000 counters with three labels in each syntax.
func BenchmarkScrape(b *testing.B) {
	const n = 100_000
	r := fennel.NewRegistry()
	v := fennel.NewCounterVec[[3]string]("http_requests_total", "h", fennel.In(r), fennel.LabelNames("method", "path", "status"))
	for i := range n {
		v.With([3]string{"GET", "/api/v1/users/" + strconv.Itoa(i), "200"}).AddUint(uint64(i))
	}
	for s := range Syntax(syntaxes) {
		for _, f := range []Format{{Syntax: s}, {Syntax: s, Readable: true}} {
			name := s.String()
			if f.Readable {
				if s != Protobuf {
					continue
				}
				name += "/readable"
			}
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := Write(b.Context(), io.Discard, r, f); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/series")
			})
		}
	}
}
