package fennel_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// logNormal are observations as durations are: most of them close together, some
// far out.
var logNormal = func() (values [1024]float64) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range values {
		values[i] = math.Exp(random.NormFloat64())
	}
	return values
}()

var nativeKinds = []struct {
	name string
	opts []fennel.HistogramOption
}{
	{"classic", nil},
	{"native", []fennel.HistogramOption{fennel.Native{Factor: 1.1, Only: true}}},
	{"both", []fennel.HistogramOption{fennel.Native{Factor: 1.1}}},
}

func BenchmarkNativeObserve(b *testing.B) {
	for _, kind := range nativeKinds {
		for _, goroutines := range []int{1, 2, 8} {
			b.Run(kind.name+"/"+strconv.Itoa(goroutines), func(b *testing.B) {
				h := fennel.NewHistogram("h", "", append(kind.opts, fennel.In(fennel.NewRegistry()))...)
				observeAll(h)
				b.ResetTimer()
				var wg sync.WaitGroup
				for range goroutines {
					wg.Go(func() {
						for i := range b.N / goroutines {
							h.Observe(logNormal[i&1023])
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

func observeAll(h *fennel.Histogram) {
	for _, v := range logNormal {
		h.Observe(v)
	}
}

func BenchmarkNativeExemplar(b *testing.B) {
	for _, kind := range nativeKinds {
		b.Run(kind.name, func(b *testing.B) {
			b.ReportAllocs()
			h := fennel.NewHistogram("h", "", append(kind.opts, fennel.In(fennel.NewRegistry()))...)
			labels := []fennel.Label{{Name: "trace_id", Value: "4bf92f3577b34da6a3ce929d0e0e4736"}}
			for i := range b.N {
				h.ObserveWithExemplar(logNormal[i&1023], labels...)
			}
		})
	}
}

// BenchmarkNativeHeap measures the memory of a series with three labels and 49
// observations.
func BenchmarkNativeHeap(b *testing.B) {
	const series = 10_000
	for _, kind := range nativeKinds {
		b.Run(kind.name, func(b *testing.B) {
			for range b.N {
				vec := fennel.NewHistogramVec[[3]string]("h", "",
					append(kind.opts, fennel.In(fennel.NewRegistry()), fennel.LabelNames("method", "path", "status"))...)
				before := heap()
				for i := range series {
					h := vec.With([3]string{"GET", "/api/v1/items/" + strconv.Itoa(i), "200"})
					for j := range 49 {
						h.Observe(logNormal[(i*49+j)&1023])
					}
				}
				b.ReportMetric(float64(heap()-before)/series, "B/series")
				runtime.KeepAlive(vec)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkNativeScrape(b *testing.B) {
	for _, kind := range nativeKinds {
		b.Run(kind.name, func(b *testing.B) {
			b.ReportAllocs()
			r := fennel.NewRegistry()
			vec := fennel.NewHistogramVec[int]("h", "", append(kind.opts, fennel.In(r), fennel.LabelNames("i"))...)
			for i := range 1000 {
				observeAll(vec.With(i))
			}
			for b.Loop() {
				visitAll(b, r)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N), "ns/series")
		})
	}
}

// nobody reads what it visits.
type nobody struct{}

func (nobody) Visit(*sample.Family, *sample.Batch) error { return nil }

func visitAll(t testing.TB, r *fennel.Registry) {
	if err := r.Visit(t.Context(), nil, nobody{}); err != nil {
		t.Fatal(err)
	}
}
