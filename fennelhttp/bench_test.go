package fennelhttp

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// sink is a ResponseWriter that does nothing, and so costs nothing.
type sink struct {
	header http.Header
	bytes  int
}

func (s *sink) Header() http.Header              { return s.header }
func (s *sink) WriteHeader(int)                  {}
func (s *sink) Write(p []byte) (int, error)      { s.bytes += len(p); return len(p), nil }
func (*sink) SetWriteDeadline(_ time.Time) error { return nil }

func seriesRegistry(n int) *fennel.Registry {
	reg := fennel.NewRegistry()
	vec := fennel.NewCounterVec[[3]string]("http_requests_total", "HTTP requests served.",
		fennel.LabelNames("method", "path", "status"), fennel.In(reg))
	for i := range n {
		vec.With([3]string{"GET", fmt.Sprintf("/api/v1/items/%d", i), "200"}).Add(float64(i * 7919))
	}
	return reg
}

// scrapes returns a function that scrapes n series.
func scrapes(n int, headers ...string) func() int {
	h, r := Handler(seriesRegistry(n)), request("GET", "/metrics", headers...)
	w := &sink{header: make(http.Header)}
	return func() int {
		clear(w.header)
		w.bytes = 0
		h.ServeHTTP(w, r)
		return w.bytes
	}
}

func TestScrapeAllocates(t *testing.T) {
	if raceEnabled() {
		t.Skip("pools are emptied at random under the race detector")
	}
	reg := seriesRegistry(100)
	all := gathererFunc(func(ctx context.Context, _ *sample.Request, v sample.Visitor) error {
		return reg.Visit(ctx, everything, v)
	})
	inside := testing.AllocsPerRun(1000, func() {
		exposition.Write(t.Context(), discard{}, all, exposition.Format{})
	})
	if inside != 0 {
		t.Errorf("gathering and writing allocate %v times, want 0", inside)
	}
	for _, headers := range [][]string{nil, {"Accept-Encoding", "gzip"}} {
		scrape := scrapes(100, headers...)
		scrape()
		// For the values of the headers, that of the length, and the length's text.
		if n := testing.AllocsPerRun(1000, func() { scrape() }); n != 3 {
			t.Errorf("%v: %v allocations, want 3", headers, n)
		}
	}
}

func raceEnabled() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		for _, coding := range []string{"identity", "gzip"} {
			b.Run(fmt.Sprintf("series=%d/%s", n, coding), func(b *testing.B) {
				scrape := scrapes(n, "Accept-Encoding", coding)
				b.ReportAllocs()
				size := 0
				for b.Loop() {
					size = scrape()
				}
				b.ReportMetric(float64(size), "body-bytes")
			})
		}
	}
}

// BenchmarkHandlerPerRequest makes a handler for each scrape, as some programs do.
func BenchmarkHandlerPerRequest(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		reg, r := seriesRegistry(n), request("GET", "/metrics", "Accept-Encoding", "gzip")
		b.Run(fmt.Sprintf("series=%d", n), func(b *testing.B) {
			w := &sink{header: make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				Handler(reg).ServeHTTP(w, r)
			}
		})
	}
}
