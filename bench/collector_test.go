package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/metric"
)

// exporter is what an exporter knows of another system: counters with three
// labels, spread over some families. Their values change with each round, that is
// with each scrape.
type exporter struct {
	all      []labels
	order    []int // in which they are written, within each family
	families int
	round    int
	// reorder shuffles the order before each round, as the iteration over a map
	// does.
	reorder bool
	// fresh has the strings of the labels built for each sample.
	fresh bool
	rand  *rand.Rand
}

// begin begins a round.
func (e *exporter) begin() {
	e.round++
	if e.reorder {
		e.rand.Shuffle(len(e.order), func(i, j int) { e.order[i], e.order[j] = e.order[j], e.order[i] })
	}
}

// name returns the name of a family.
func (e *exporter) name(family int) string {
	return fmt.Sprintf("exporter_%d_requests_total", family)
}

// each calls write for all samples of a family.
func (e *exporter) each(family int, write func(l labels, v float64)) {
	for _, i := range e.order {
		l := e.all[i]
		if e.fresh {
			l.Method, l.Path, l.Status = strings.Clone(l.Method), strings.Clone(l.Path), strings.Clone(l.Status)
		}
		write(l, float64(7*i+e.round+family))
	}
}

// exporters are the ways in which exporters come by their samples. Each has n in
// all.
var exporters = []struct {
	name string
	new  func(n int) *exporter
}{
	{"text", newExporter}, // in order
	{"fresh", func(n int) *exporter {
		e := newExporter(n)
		e.fresh = true
		return e
	}},
	{"shuffled", func(n int) *exporter {
		e := newExporter(n)
		e.order = shuffled(n)
		return e
	}},
	{"random", func(n int) *exporter {
		e := newExporter(n)
		e.reorder = true
		return e
	}},
	{"families", func(n int) *exporter {
		e := newExporter(n / 10)
		e.families = 10
		return e
	}},
}

func newExporter(n int) *exporter {
	e := &exporter{families: 1, rand: rand.New(rand.NewPCG(5, 6))}
	for i := range n {
		digits := strconv.Itoa(10_000_000 + i)
		e.all = append(e.all, labels{"GET", "/api/v1/resource/" + digits[1:], statuses[i%len(statuses)]})
		e.order = append(e.order, i)
	}
	return e
}

// BenchmarkCollector scrapes collectors that write counters with three labels,
// the same at each scrape and with other values.
func BenchmarkCollector(b *testing.B) {
	for _, n := range []int{100_000} {
		for _, p := range collectors {
			for _, e := range exporters {
				b.Run(fmt.Sprintf("%d/%s/%s", n, p.name, e.name), func(b *testing.B) {
					data := e.new(n)
					collect(b, n, p.handler(data), data.begin)
				})
			}
		}
	}
}

// collect measures scrapes of n samples in all.
func collect(b *testing.B, n int, h http.Handler, begin func()) {
	c, r := newClient(), request(text)
	scrape := func() int {
		begin()
		return c.scrape(h, r)
	}
	if size := scrape(); size < n*40 {
		b.Fatalf("%d bytes for %d samples", size, n)
	}
	scrape()
	allocs := testing.AllocsPerRun(1, func() { scrape() })
	for b.Loop() {
		b.StopTimer()
		begin()
		b.StartTimer()
		c.scrape(h, r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/sample")
	b.ReportMetric(allocs, "allocs")
	b.ReportMetric(allocs/float64(n), "allocs/sample")
}

// collectors are the peers, as exporters are written with them.
var collectors = []struct {
	name    string
	handler func(*exporter) http.Handler
}{
	{"fennel", func(e *exporter) http.Handler {
		r := fennel.NewRegistry()
		r.MustRegister((*fennelCollector)(e))
		return fennelhttp.Handler(r, fennelhttp.WithoutSelfMetrics())
	}},
	{"client_golang", func(e *exporter) http.Handler {
		r := prometheus.NewRegistry()
		r.MustRegister((*golangCollector)(e))
		return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	}},
	{"vm", func(e *exporter) http.Handler {
		s := metrics.NewSet()
		s.RegisterMetricsWriter(func(w io.Writer) {
			for f := range e.families {
				name := e.name(f)
				e.each(f, func(l labels, v float64) { metrics.WriteCounterFloat64(w, vmName(name, &l), v) })
			}
		})
		return (&vmSystem{s}).handler()
	}},
	{"otel", otelExporter},
}

type fennelCollector exporter

func (c *fennelCollector) Collect(ctx context.Context, w *fennel.Writer) error {
	e := (*exporter)(c)
	for f := range e.families {
		to := w.Counter(e.name(f), help, exporterLabels)
		e.each(f, func(l labels, v float64) { to.Write(v, l.Method, l.Path, l.Status) })
	}
	return nil
}

var exporterLabels = fennel.LabelNames(labelNames...)

type golangCollector exporter

func (c *golangCollector) Describe(chan<- *prometheus.Desc) {}

func (c *golangCollector) Collect(ch chan<- prometheus.Metric) {
	e := (*exporter)(c)
	for f := range e.families {
		name := e.name(f)
		e.each(f, func(l labels, v float64) {
			desc := prometheus.NewDesc(name, help, labelNames, nil)
			ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, v, l.Method, l.Path, l.Status)
		})
	}
}

// otelExporter observes in one callback for each family.
func otelExporter(e *exporter) http.Handler {
	r, m := newMeter()
	for f := range e.families {
		must(m.Float64ObservableCounter(e.name(f), metric.WithDescription(help),
			metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
				e.each(f, func(l labels, v float64) { o.Observe(v, metric.WithAttributeSet(attributes(&l))) })
				return nil
			})))
	}
	return (&otelSystem{registry: r}).handler()
}

// BenchmarkCollectorHistograms scrapes a collector that writes histograms with 11
// buckets, or summaries with two quantiles.
func BenchmarkCollectorHistograms(b *testing.B) {
	const n = 10_000
	e := newExporter(n)
	counts := make([]uint64, len(buckets)+1)
	for name, write := range map[string]func(w *fennel.Writer){
		"histograms": func(w *fennel.Writer) {
			to := w.Histogram("h", help, buckets, exporterLabels)
			e.each(0, func(l labels, v float64) {
				counts[3]++
				to.Write(fennel.HistogramValue{Counts: counts, Sum: v}, l.Method, l.Path, l.Status)
			})
		},
		"summaries": func(w *fennel.Writer) {
			to := w.Summary("s", help, []float64{.5, .9}, exporterLabels)
			e.each(0, func(l labels, v float64) {
				to.Write(fennel.SummaryValue{Count: 7, Sum: v, Quantiles: []float64{v, v}}, l.Method, l.Path, l.Status)
			})
		},
	} {
		b.Run(fmt.Sprintf("%s/%d/fennel", name, n), func(b *testing.B) {
			r := fennel.NewRegistry()
			r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
				write(w)
				return nil
			}))
			collect(b, n, fennelhttp.Handler(r, fennelhttp.WithoutSelfMetrics()), e.begin)
		})
	}
}

// BenchmarkCallbacks scrapes functions that are asked at each scrape: a hundred
// with one value each, and one that yields 10,000 label sets with an integer.
func BenchmarkCallbacks(b *testing.B) {
	b.Run("single/fennel", func(b *testing.B) {
		r := fennel.NewRegistry()
		for i := range 100 {
			fennel.NewGaugeFunc(fmt.Sprintf("exporter_queue_length_of_number_%d", i), help, func() float64 { return float64(i) }, fennel.In(r))
		}
		collect(b, 100, fennelhttp.Handler(r, fennelhttp.WithoutSelfMetrics()), func() {})
	})
	b.Run("labels/fennel", func(b *testing.B) {
		const n = 10_000
		type shard struct {
			Number int    `label:"shard"`
			Name   string `label:"name"`
		}
		r := fennel.NewRegistry()
		fennel.NewGaugeFuncVec("exporter_queue_length", help, func(yield func(shard, float64) bool) {
			for i := range n {
				if !yield(shard{i, "some name"}, float64(i)) {
					return
				}
			}
		}, fennel.In(r))
		collect(b, n, fennelhttp.Handler(r, fennelhttp.WithoutSelfMetrics()), func() {})
	})
	b.Run("single/client_golang", func(b *testing.B) {
		r := prometheus.NewRegistry()
		for i := range 100 {
			r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: fmt.Sprintf("exporter_queue_length_of_number_%d", i), Help: help},
				func() float64 { return float64(i) }))
		}
		collect(b, 100, promhttp.HandlerFor(r, promhttp.HandlerOpts{}), func() {})
	})
}
