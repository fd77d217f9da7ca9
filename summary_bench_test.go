package fennel_test

import (
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// latencies returns durations in seconds as of requests that mostly take 50 ms.
func latencies(n int) []float64 {
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]float64, n)
	for i := range all {
		all[i] = 0.05 * math.Exp(random.NormFloat64())
	}
	return all
}

// observe measures b.N observations by some goroutines in all, in batches, so
// that the harness costs nothing.
func observe(b *testing.B, s *fennel.Summary, goroutines int, values []float64) {
	const batch = 64
	b.ReportAllocs()
	if goroutines == 1 {
		for i := 0; b.Loop(); i += batch {
			for j := range batch {
				s.Observe(values[(i+j)&(len(values)-1)])
			}
		}
	} else {
		b.SetParallelism((goroutines + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
		var id atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for i := int(id.Add(1)) * len(values) / goroutines; pb.Next(); i += batch {
				for j := range batch {
					s.Observe(values[(i+j)&(len(values)-1)])
				}
			}
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/op")
}

func BenchmarkSummaryObserve(b *testing.B) {
	zeros := make([]float64, 1024)
	for _, c := range []struct {
		name   string
		values []float64
		opts   []fennel.SummaryOption
	}{
		{"plain", latencies(1024), nil},
		{"quantiles", latencies(1024), []fennel.SummaryOption{fennel.Quantiles(0.5, 0.9, 0.99)}},
		// client_golang issue 1412: equal values made its summary ever slower.
		{"quantiles of zeros", zeros, []fennel.SummaryOption{fennel.Quantiles(0.5, 0.9, 0.99)}},
	} {
		for _, mode := range []struct {
			name       string
			goroutines int
		}{{"serial", 1}, {"par", 2}, {"par8", 8}} {
			b.Run(c.name+"/"+mode.name, func(b *testing.B) {
				opts := append(c.opts, fennel.In(fennel.NewRegistry()))
				observe(b, fennel.NewSummary("s", "", opts...), mode.goroutines, c.values)
			})
		}
	}
}

// BenchmarkSummaryHeap reports the heap that a summary takes after a thousand
// observations of latencies, all in one quarter of the window.
func BenchmarkSummaryHeap(b *testing.B) {
	const series = 1000
	values := latencies(1000)
	for b.Loop() {
		vec := fennel.NewSummaryVec[int]("s", "", fennel.In(fennel.NewRegistry()),
			fennel.LabelNames("k"), fennel.Quantiles(0.5, 0.9, 0.99))
		before := heap()
		for k := range series {
			s := vec.With(k)
			for _, v := range values {
				s.Observe(v)
			}
		}
		b.ReportMetric(float64(heap()-before)/series, "B/series")
		runtime.KeepAlive(vec)
	}
}

// BenchmarkSummaryScrape measures what reading the quantiles of a summary costs
// a scrape.
func BenchmarkSummaryScrape(b *testing.B) {
	const series = 1000
	r := fennel.NewRegistry()
	vec := fennel.NewSummaryVec[int]("s", "", fennel.In(r), fennel.LabelNames("k"), fennel.Quantiles(0.5, 0.9, 0.99))
	values := latencies(1000)
	for k := range series {
		for _, v := range values {
			vec.With(k).Observe(v)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := exposition.Write(b.Context(), io.Discard, r, text004); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/series, "ns/series")
}
