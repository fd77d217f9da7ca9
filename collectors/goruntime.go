package collectors

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/fennelmetrics/fennel"
)

// goRuntime is the collector that [Go] returns.
type goRuntime struct {
	goroutines, threads, info family
	gcDuration, lastGC        family

	scalars    []scalar
	histograms []histogram

	// mu guards what is reused from one scrape to the next.
	mu      sync.Mutex
	samples []metrics.Sample
	gc      debug.GCStats
}

// scalar is a family whose value is the sum of some runtime metrics.
type scalar struct {
	family
	parts []int // indices into the samples
}

// goOptions is what options of [Go] are collected in.
type goOptions struct {
	rules      []rule
	noMemStats bool
}

// GoOption is an option of [Go].
type GoOption func(*goOptions)

// WithoutMemStats leaves out the go_memstats_* metrics, but for
// go_memstats_last_gc_time_seconds. All that they say is in the metrics that
// RuntimeMetrics(MetricsMemory, MetricsGC) adds.
func WithoutMemStats() GoOption {
	return func(o *goOptions) { o.noMemStats = true }
}

// Go returns a collector of the metrics of the Go runtime:
//
//	go_goroutines
//	go_threads
//	go_info                   the label version has Go's version
//	go_gc_duration_seconds    a summary of the last 256 pauses of the garbage collector
//	go_gc_gogc_percent
//	go_gc_gomemlimit_bytes
//	go_sched_gomaxprocs_threads
//	go_memstats_*             22 metrics of the memory
//
// All is read in ways that don't stop the program, in some microseconds.
// [RuntimeMetrics] adds what else the runtime knows.
//
// In OpenMetrics, go_memstats_alloc_bytes_total is of unknown type: as a counter
// it would be one family with the gauge go_memstats_alloc_bytes there.
func Go(opts ...GoOption) fennel.Collector {
	o := goOptions{rules: defaultRules()}
	for _, opt := range opts {
		opt(&o)
	}
	g := &goRuntime{
		goroutines: newFamily(fennel.TypeGauge, "go_goroutines", "Goroutines that exist.", ""),
		threads:    newFamily(fennel.TypeGauge, "go_threads", "Threads of the operating system that the runtime has.", ""),
		info:       newFamily(fennel.TypeInfo, "go_info", "The Go version that the program was built with.", "", "version"),
		gcDuration: newFamily(fennel.TypeSummary, "go_gc_duration_seconds", "Time for which a garbage collection stopped the program; quantiles of the last 256.", "seconds"),
		lastGC:     newFamily(fennel.TypeGauge, "go_memstats_last_gc_time_seconds", "When the last garbage collection ended, in seconds since 1970; 0 if there was none.", "seconds"),
		gc:         debug.GCStats{PauseQuantiles: make([]time.Duration, len(gcQuantiles))},
	}
	known := knownMetrics()
	if !o.noMemStats {
		g.addMemStats(known)
	}
	for _, d := range metrics.All() {
		if wanted(o.rules, d.Name) {
			g.addMetric(d, known)
		}
	}
	return g
}

// gcQuantiles are those of go_gc_duration_seconds.
var gcQuantiles = []float64{0, .25, .5, .75, 1}

// knownMetrics returns the metrics that this version of Go has.
func knownMetrics() map[string]metrics.Description {
	known := make(map[string]metrics.Description)
	for _, d := range metrics.All() {
		known[d.Name] = d
	}
	return known
}

// sample returns the index of the sample of a metric, which is added if it is
// not there yet.
func (g *goRuntime) sample(name string) int {
	for i := range g.samples {
		if g.samples[i].Name == name {
			return i
		}
	}
	g.samples = append(g.samples, metrics.Sample{Name: name})
	return len(g.samples) - 1
}

// String names the collector for errors.
func (g *goRuntime) String() string { return "go" }

// Describe implements [fennel.Describer].
func (g *goRuntime) Describe() []fennel.Desc {
	descs := []fennel.Desc{g.goroutines.Desc, g.threads.Desc, g.info.Desc, g.gcDuration.Desc, g.lastGC.Desc}
	for i := range g.scalars {
		descs = append(descs, g.scalars[i].Desc)
	}
	for i := range g.histograms {
		descs = append(descs, g.histograms[i].Desc)
	}
	return descs
}

// Collect implements [fennel.Collector].
func (g *goRuntime) Collect(ctx context.Context, w *fennel.Writer) error {
	g.goroutines.number(w, float64(runtime.NumGoroutine()))
	threads, _ := runtime.ThreadCreateProfile(nil) // walks a short list and no more
	g.threads.number(w, float64(threads))
	g.info.info(w, runtime.Version())

	g.mu.Lock()
	defer g.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.Wants(g.gcDuration.Name) || w.Wants(g.lastGC.Name) {
		g.collectGC(w)
	}
	if len(g.samples) > 0 { // Read panics without
		metrics.Read(g.samples)
	}
	for i := range g.scalars {
		s := &g.scalars[i]
		sum := 0.0
		for _, part := range s.parts {
			sum += number(g.samples[part].Value)
		}
		s.number(w, sum)
	}
	for i := range g.histograms {
		g.histograms[i].collect(w, g.samples)
	}
	return nil
}

// collectGC writes what is known of garbage collections. It takes a lock of the
// heap while 4 KB are copied; the world is not stopped.
func (g *goRuntime) collectGC(w *fennel.Writer) {
	debug.ReadGCStats(&g.gc)
	var quantiles [5]float64
	for i, pause := range g.gc.PauseQuantiles {
		quantiles[i] = pause.Seconds()
	}
	w.Summary(g.gcDuration.Name, g.gcDuration.Help, gcQuantiles, g.gcDuration.opts...).Write(fennel.SummaryValue{
		Count:     uint64(g.gc.NumGC),
		Sum:       g.gc.PauseTotal.Seconds(),
		Quantiles: quantiles[:],
	})
	g.lastGC.number(w, float64(g.gc.LastGC.UnixNano())/1e9)
}

// number returns a value that is not a histogram.
func number(v metrics.Value) float64 {
	switch v.Kind() {
	case metrics.KindUint64:
		return float64(v.Uint64())
	case metrics.KindFloat64:
		return v.Float64()
	}
	return 0
}
