// Package cache is a library that measures itself, for those who want it.
package cache

import (
	"sync"

	"github.com/fennelmetrics/fennel"
)

// Cache keeps values by their keys. It is safe for concurrent use.
type Cache struct {
	load    func(key string) (string, error)
	metrics metrics

	mu     sync.Mutex
	values map[string]string
}

// Options are what a program may choose.
type Options struct {
	// Name tells the metrics of several caches apart.
	Name string
	// Registry is where the cache is measured. If it is nil, it is not.
	Registry *fennel.Registry
}

// metrics are handles of this cache's own series: it knows its labels from the
// start, so nothing is looked up later.
type metrics struct {
	hits    *fennel.Counter
	misses  *fennel.Counter
	errors  *fennel.Counter
	entries *fennel.Gauge
	load    *fennel.Histogram
}

// newMetrics declares the metrics. Under In(nil) the constructors and With return
// nil, whose methods do nothing: so a cache without a registry is not measured,
// and the rest of the package need not know.
//
// It may be called for many caches: what is declared a second time alike is the
// same metric.
func newMetrics(o Options) metrics {
	in, name := fennel.In(o.Registry), fennel.LabelNames("cache")
	requests := fennel.NewCounterVec[[2]string]("cache_requests_total", "Requests to the cache, by result.",
		fennel.LabelNames("cache", "result"), in)
	return metrics{
		hits:    requests.With([2]string{o.Name, "hit"}),
		misses:  requests.With([2]string{o.Name, "miss"}),
		errors:  requests.With([2]string{o.Name, "error"}),
		entries: fennel.NewGaugeVec[string]("cache_entries", "Entries in the cache.", name, in).With(o.Name),
		load: fennel.NewHistogramVec[string]("cache_load_duration_seconds", "Time to load an entry.",
			fennel.Unit("seconds"), name, in).With(o.Name),
	}
}

// New returns a cache of what load returns.
func New(load func(key string) (string, error), o Options) *Cache {
	return &Cache{load: load, metrics: newMetrics(o), values: make(map[string]string)}
}

// Get returns the value of a key, which it loads if need be.
func (c *Cache) Get(key string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.values[key]; ok {
		c.metrics.hits.Inc()
		return v, nil
	}
	timer := c.metrics.load.Timer()
	v, err := c.load(key)
	timer.Stop()
	if err != nil {
		c.metrics.errors.Inc()
		return "", err
	}
	c.metrics.misses.Inc()
	c.values[key] = v
	c.metrics.entries.Set(float64(len(c.values)))
	return v, nil
}
