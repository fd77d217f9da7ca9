package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/fennelmetrics/fennel"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// work is what one peer does in a benchmark of updates. Its loops are written
// out for each peer, so that nothing stands between the loop and the call.
type work struct {
	peer string
	// start prepares and returns a function that each goroutine calls once,
	// with its number, for a function that makes a batch of operations.
	start func() func(id int) (batch func())
}

// each is the batch of goroutines that all do the same.
func each(batch func()) func(int) func() { return func(int) func() { return batch } }

// batchSize is how many operations a batch has. A batch is one iteration of the
// harness, whose own counter would cost as much as an update does.
const batchSize = 64

// modes are in how many goroutines a benchmark runs.
var modes = []struct {
	name       string
	goroutines func() int
}{
	{"serial", func() int { return 1 }},
	{"par", func() int { return runtime.GOMAXPROCS(0) }},
	{"par8", func() int { return max(8, runtime.GOMAXPROCS(0)) }},
}

// race measures all peers in the first n modes. What is reported is wall time
// per operation: with perfect scaling on two cores, half of the serial time.
func race(b *testing.B, n, batch int, works ...work) {
	for _, mode := range modes[:n] {
		for _, w := range works {
			b.Run(mode.name+"/"+w.peer, func(b *testing.B) { measure(b, mode.goroutines(), batch, w.start()) })
		}
	}
}

func measure(b *testing.B, goroutines, size int, worker func(int) func()) {
	if goroutines == 1 {
		batch := worker(0)
		allocs := testing.AllocsPerRun(3, batch)
		for b.Loop() {
			batch()
		}
		b.ReportMetric(allocs/float64(size), "allocs")
	} else {
		var id atomic.Int64
		b.SetParallelism((goroutines + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
		b.RunParallel(func(pb *testing.PB) {
			batch := worker(int(id.Add(1)) - 1)
			for pb.Next() {
				batch()
			}
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/op")
}

// cell is a counter with nothing around it, alone on its cache line.
type cell struct {
	atomic.Uint64
	_ [120]byte
}

func BenchmarkCounterInc(b *testing.B) {
	race(b, 3, batchSize,
		work{"limit", func() func(int) func() {
			cells := make([]cell, 64)
			return func(id int) func() {
				c := &cells[id%len(cells)]
				return func() {
					for range batchSize {
						c.Add(1)
					}
				}
			}
		}},
		work{"fennel", func() func(int) func() {
			c := fennel.NewCounter(counterName, help, fennel.In(fennel.NewRegistry()))
			return each(func() {
				for range batchSize {
					c.Inc()
				}
			})
		}},
		work{"client_golang", func() func(int) func() {
			c := prometheus.NewCounter(prometheus.CounterOpts{Name: counterName, Help: help})
			return each(func() {
				for range batchSize {
					c.Inc()
				}
			})
		}},
		work{"vm", func() func(int) func() {
			c := metrics.NewSet().NewCounter(counterName)
			return each(func() {
				for range batchSize {
					c.Inc()
				}
			})
		}},
		work{"otel", func() func(int) func() {
			_, m := newMeter()
			c, ctx := must(m.Int64Counter(counterName)), context.Background()
			return each(func() {
				for range batchSize {
					c.Add(ctx, 1)
				}
			})
		}},
	)
}

func BenchmarkCounterAddFloat(b *testing.B) {
	race(b, 3, batchSize,
		work{"limit", func() func(int) func() {
			cells := make([]cell, 64)
			return func(id int) func() {
				c := &cells[id%len(cells)]
				return func() {
					for range batchSize {
						old := c.Load()
						c.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+0.5))
					}
				}
			}
		}},
		work{"fennel", func() func(int) func() {
			c := fennel.NewCounter(counterName, help, fennel.In(fennel.NewRegistry()))
			return each(func() {
				for range batchSize {
					c.Add(0.5)
				}
			})
		}},
		work{"client_golang", func() func(int) func() {
			c := prometheus.NewCounter(prometheus.CounterOpts{Name: counterName, Help: help})
			return each(func() {
				for range batchSize {
					c.Add(0.5)
				}
			})
		}},
		work{"vm", func() func(int) func() {
			c := metrics.NewSet().NewFloatCounter(counterName)
			return each(func() {
				for range batchSize {
					c.Add(0.5)
				}
			})
		}},
		work{"otel", func() func(int) func() {
			_, m := newMeter()
			c, ctx := must(m.Float64Counter(counterName)), context.Background()
			return each(func() {
				for range batchSize {
					c.Add(ctx, 0.5)
				}
			})
		}},
	)
}

// combos are the label sets of look-ups. A batch looks up all of them; each
// goroutine begins at another one, or they would meet at every counter.
const combos = 100

func rotated(id int) []labels {
	all := labelSets(combos)
	k := id * 37 % combos
	return append(all[k:], all[:k]...)
}

// BenchmarkLookup looks up three labels in each peer's quickest way. That of
// OpenTelemetry is to keep the attributes of each series made up: it has no
// other that doesn't allocate.
func BenchmarkLookup(b *testing.B) {
	race(b, 2, combos,
		work{"fennel", func() func(int) func() {
			v := fennel.NewCounterVec[labels](counterName, help, fennel.In(fennel.NewRegistry()))
			return func(id int) func() {
				all := rotated(id)
				return func() {
					for i := range all {
						v.With(all[i]).Inc()
					}
				}
			}
		}},
		work{"client_golang", func() func(int) func() {
			v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: counterName, Help: help}, labelNames)
			return func(id int) func() {
				all := rotated(id)
				return func() {
					for i := range all {
						l := &all[i]
						v.WithLabelValues(l.Method, l.Path, l.Status).Inc()
					}
				}
			}
		}},
		work{"vm", func() func(int) func() {
			s := metrics.NewSet()
			return func(id int) func() {
				all := rotated(id)
				return func() {
					for i := range all {
						s.GetOrCreateCounter(vmName(counterName, &all[i])).Inc()
					}
				}
			}
		}},
		work{"otel", func() func(int) func() {
			_, m := newMeter()
			c, ctx := must(m.Int64Counter(counterName)), context.Background()
			return func(id int) func() {
				var options [][]metric.AddOption
				for _, l := range rotated(id) {
					options = append(options, []metric.AddOption{metric.WithAttributeSet(attributes(&l))})
				}
				return func() {
					for _, o := range options {
						c.Add(ctx, 1, o...)
					}
				}
			}
		}},
	)
}

// BenchmarkLookupUsual looks up three labels in the way that each peer's
// documentation has: a struct, a map, Sprintf, attributes, made up at the call.
func BenchmarkLookupUsual(b *testing.B) {
	race(b, 2, combos,
		work{"fennel", func() func(int) func() {
			v := fennel.NewCounterVec[labels](counterName, help, fennel.In(fennel.NewRegistry()))
			return func(id int) func() {
				all := rotated(id)
				return func() {
					for i := range all {
						l := &all[i]
						v.With(labels{l.Method, l.Path, l.Status}).Inc()
					}
				}
			}
		}},
		work{"client_golang", func() func(int) func() {
			v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: counterName, Help: help}, labelNames)
			return func(id int) func() {
				all := rotated(id)
				return func() {
					for i := range all {
						l := &all[i]
						v.With(prometheus.Labels{"method": l.Method, "path": l.Path, "status": l.Status}).Inc()
					}
				}
			}
		}},
		work{"vm", func() func(int) func() {
			s := metrics.NewSet()
			return func(id int) func() {
				all := rotated(id)
				return func() {
					for i := range all {
						l := &all[i]
						s.GetOrCreateCounter(fmt.Sprintf(`%s{method=%q,path=%q,status=%q}`, counterName, l.Method, l.Path, l.Status)).Inc()
					}
				}
			}
		}},
		work{"otel", func() func(int) func() {
			_, m := newMeter()
			c, ctx := must(m.Int64Counter(counterName)), context.Background()
			return func(id int) func() {
				all := rotated(id)
				return func() {
					for i := range all {
						l := &all[i]
						c.Add(ctx, 1, metric.WithAttributes(attribute.String("method", l.Method),
							attribute.String("path", l.Path), attribute.String("status", l.Status)))
					}
				}
			}
		}},
	)
}

func BenchmarkHistogramObserve(b *testing.B) {
	race(b, 3, batchSize,
		work{"fennel", func() func(int) func() {
			h := fennel.NewHistogram(histogramName, help, fennel.In(fennel.NewRegistry()), fennel.Buckets(buckets...))
			return func(id int) func() {
				i := id * 331
				return func() {
					for range batchSize {
						h.Observe(observations[i%len(observations)])
						i++
					}
				}
			}
		}},
		work{"client_golang", func() func(int) func() {
			h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: histogramName, Help: help, Buckets: buckets})
			return func(id int) func() {
				i := id * 331
				return func() {
					for range batchSize {
						h.Observe(observations[i%len(observations)])
						i++
					}
				}
			}
		}},
		work{"vm", func() func(int) func() {
			h := metrics.NewSet().NewPrometheusHistogramExt(histogramName, buckets)
			return func(id int) func() {
				i := id * 331
				return func() {
					for range batchSize {
						h.Update(observations[i%len(observations)])
						i++
					}
				}
			}
		}},
		work{"otel", func() func(int) func() {
			_, m := newMeter()
			h, ctx := must(m.Float64Histogram(histogramName, metric.WithExplicitBucketBoundaries(buckets...))), context.Background()
			return func(id int) func() {
				i := id * 331
				return func() {
					for range batchSize {
						h.Record(ctx, observations[i%len(observations)])
						i++
					}
				}
			}
		}},
	)
}

// BenchmarkSummaryObserve compares summaries without quantiles; that of
// VictoriaMetrics/metrics has no such form, and keeps up to 1000 random samples.
func BenchmarkSummaryObserve(b *testing.B) {
	race(b, 3, batchSize,
		work{"fennel", func() func(int) func() {
			s := fennel.NewSummary(histogramName, help, fennel.In(fennel.NewRegistry()))
			return func(id int) func() {
				i := id * 331
				return func() {
					for range batchSize {
						s.Observe(observations[i%len(observations)])
						i++
					}
				}
			}
		}},
		work{"client_golang", func() func(int) func() {
			s := prometheus.NewSummary(prometheus.SummaryOpts{Name: histogramName, Help: help})
			return func(id int) func() {
				i := id * 331
				return func() {
					for range batchSize {
						s.Observe(observations[i%len(observations)])
						i++
					}
				}
			}
		}},
		work{"vm", func() func(int) func() {
			s := metrics.NewSet().NewSummary(histogramName)
			return func(id int) func() {
				i := id * 331
				return func() {
					for range batchSize {
						s.Update(observations[i%len(observations)])
						i++
					}
				}
			}
		}},
	)
}
