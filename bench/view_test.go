package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// BenchmarkScrapeView scrapes 100,000 counters that were declared through a view,
// with a prefix and a label, or are in two registries gathered as one, beside the
// same counters in one plain registry.
func BenchmarkScrapeView(b *testing.B) {
	const n = 100_000
	declare := func(r *fennel.Registry, from, to int, opts ...fennel.CounterOption) {
		vec := fennel.NewCounterVec[labels](counterName, help, append(opts, fennel.In(r))...)
		for i := from; i < to; i++ {
			vec.With(labelsOf(i)).AddUint(uint64(valueOf(i)))
		}
	}
	view := func(r *fennel.Registry) *fennel.Registry {
		return r.View("app_", fennel.Label{Name: "shard", Value: "3"})
	}
	registries := func() (a, b *fennel.Registry) { return fennel.NewRegistry(), fennel.NewRegistry() }
	for name, make := range map[string]func() http.Handler{
		"fennel/plain": func() http.Handler {
			r := fennel.NewRegistry()
			declare(r, 0, n)
			return fennelhttp.Handler(r)
		},
		"fennel/view": func() http.Handler {
			v := view(fennel.NewRegistry())
			declare(v, 0, n)
			return fennelhttp.Handler(v)
		},
		"fennel/merge": func() http.Handler {
			r, other := registries()
			declare(view(r), 0, n/2)
			declare(other, n/2, n)
			return fennelhttp.Handler(fennel.Merge(r, other))
		},
		"fennel/merge-one-family": func() http.Handler {
			r, other := registries()
			declare(r, 0, n/2)
			declare(other, n/2, n)
			return fennelhttp.Handler(fennel.Merge(r, other))
		},
		"fennel/merge-small": func() http.Handler {
			r, other := registries()
			for i := range 1000 {
				fennel.NewGauge(fmt.Sprint("g", i), "", fennel.In(r))
				fennel.NewGauge(fmt.Sprint("h", i), "", fennel.In(other))
			}
			return fennelhttp.Handler(fennel.Merge(r, other))
		},
		"golang/plain": func() http.Handler {
			r := prometheus.NewRegistry()
			r.MustRegister(filledGolang(n))
			return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
		},
		"golang/view": func() http.Handler {
			r := prometheus.NewRegistry()
			wrapped := prometheus.WrapRegistererWithPrefix("app_", prometheus.WrapRegistererWith(prometheus.Labels{"shard": "3"}, r))
			wrapped.MustRegister(filledGolang(n))
			return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
		},
	} {
		b.Run(name, func(b *testing.B) {
			h, c, req := make(), newClient(), request(text)
			size := c.scrape(h, req)
			b.ReportAllocs()
			for b.Loop() {
				c.scrape(h, req)
			}
			b.ReportMetric(float64(size), "body-B")
		})
	}
}

func filledGolang(n int) *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: counterName, Help: help}, labelNames)
	for i := range n {
		l := labelsOf(i)
		vec.WithLabelValues(l.Method, l.Path, l.Status).Add(float64(valueOf(i)))
	}
	return vec
}
