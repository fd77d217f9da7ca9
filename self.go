package fennel

import (
	"reflect"
	"slices"
	"sort"
	"sync"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
	"github.com/fennelmetrics/fennel/internal/small"
)

// ownMetrics are what a registry exposes about itself, once there is something
// to say: each is empty, and so not exposed, until the first such event. In a
// registry without they are nil, and so count nothing.
type ownMetrics struct {
	dropped    *CounterVec[selfDrop]
	mended     *CounterVec[string]
	failures   *CounterVec[string]
	duplicates *CounterVec[string]

	// series is the family that is made anew for each scrape that asks for it.
	series *checked
}

type selfDrop struct {
	Metric string `label:"metric"`
	Reason string `label:"reason"`
}

const seriesName = "fennel_series"

func (o *ownMetrics) declare(r *Registry) {
	o.dropped = declareOwn[selfDrop](r, "fennel_dropped_updates_total", "Updates of a metric that were refused.")
	o.mended = declareOwn[string](r, "fennel_mended_labels_total", "Label sets with values that were not UTF-8 and were mended.", "metric")
	o.failures = declareOwn[string](r, "fennel_collector_errors_total", "Errors of collectors: failures, panics, families with samples that can't be exposed.", "collector")
	o.duplicates = declareOwn[string](r, "fennel_duplicate_samples_total", "Samples of collectors that were left out because their labels were there already.", "metric")
	o.series = newSeriesFamily()
	if err := r.names.take(&family{named: o.series.named}); err != nil {
		panic(err)
	}
}

func declareOwn[L any](r *Registry, name, help string, labels ...string) *CounterVec[L] {
	d := counterDeclaration(name, help, new(options))
	return (*CounterVec[L])(r.declareVec(d, reflect.TypeFor[L](), labels))
}

func newSeriesFamily() *checked {
	d := newDeclaration(sample.Gauge, seriesName, "Series of each metric at this scrape.", new(options))
	d.labels = []string{"metric"}
	c := &checked{named: newNamed(d)}
	d.describe(&c.family)
	return c
}

// has reports whether name is one of the registry's own metrics.
func (o *ownMetrics) has(name string) bool { return o.dropped != nil && isOwn(name) }

// isOwn reports whether registries have a metric of this name about themselves. It is
// not inlined, comparing with five strings.
//
//go:noinline
func isOwn(name string) bool {
	switch name {
	case "fennel_dropped_updates_total", "fennel_mended_labels_total", "fennel_collector_errors_total",
		"fennel_duplicate_samples_total", seriesName:
		return true
	}
	return false
}

// census is how many series each metric has at one scrape, as a family like those
// that collectors write.
type census struct {
	written
	counts    seriesCounts
	collected []*written // itself, where nothing else was collected
}

type seriesCount struct {
	metric string
	series int
}

// seriesCounts are sorted by package sort, which programs have linked anyway.
type seriesCounts []seriesCount

func (c *seriesCounts) Len() int           { return len(*c) }
func (c *seriesCounts) Less(i, j int) bool { return (*c)[i].metric < (*c)[j].metric }
func (c *seriesCounts) Swap(i, j int)      { (*c)[i], (*c)[j] = (*c)[j], (*c)[i] }

var censuses = sync.Pool{New: func() any { return new(census) }}

// census adds the family that says how many series the others have, if it is
// wanted.
func (g *gathering) census() *census {
	family := g.registry.root().own.series
	if g.request == nil || !g.request.Self || family == nil || !g.request.Wants(family.names...) {
		return nil
	}
	c := censuses.Get().(*census)
	c.checked, c.ready = family, &c.batch
	for _, p := range g.stored {
		c.add(p.Name, countSeries(load(&p.members)))
	}
	for _, f := range g.collected {
		c.add(f.family.Name, f.ready.Len())
	}
	if c.write(); c.batch.Len() > 0 {
		g.insert(c)
	}
	return c
}

// insert puts the census among what was collected.
func (g *gathering) insert(c *census) {
	if g.memory == nil {
		c.collected = append(c.collected, &c.written)
		g.collected = c.collected
		return
	}
	i, _ := slices.BinarySearchFunc(g.collected, seriesName, func(f *written, name string) int {
		return sample.CompareNames(f.family.Name, name)
	})
	g.collected = small.Insert(g.collected, i, &c.written)
	g.memory.keep(g.collected)
}

func countSeries(members []*member) (n int) {
	for _, m := range members {
		n += m.table.Len()
	}
	return n
}

// add notes how many series a metric has.
func (c *census) add(metric string, series int) {
	if series > 0 && !isOwn(metric) {
		c.counts = append(c.counts, seriesCount{metric, series})
	}
}

// write turns the counts into samples.
func (c *census) write() {
	sort.Sort(&c.counts)
	b := &c.batch
	for _, n := range c.counts {
		b.Text = series.AppendLabel(b.Text, true, "metric", n.metric)
		b.Ends = append(b.Ends, uint32(len(b.Text)))
		b.Values = append(b.Values, float64(n.series))
	}
}

// release keeps the memory for the next scrape.
func (c *census) release() {
	clear(c.counts)
	clear(c.collected)
	c.counts, c.collected = c.counts[:0], c.collected[:0]
	emptied(&c.batch)
	c.checked = nil
	censuses.Put(c)
}

// emptied empties a batch whose text is its own, and keeps all of its memory.
func emptied(b *sample.Batch) {
	text, ends := b.Text[:0], b.Ends[:0]
	b.Reset()
	b.Text, b.Ends = text, ends
}
