package collectors

import (
	"fmt"
	"runtime/metrics"
	"strings"

	"github.com/fennelmetrics/fennel"
)

// Patterns for [RuntimeMetrics].
const (
	MetricsAll       = "/*"         // everything, above 100 families
	MetricsGC        = "/gc/*"      // go_gc_*
	MetricsMemory    = "/memory/*"  // go_memory_*
	MetricsScheduler = "/sched/*"   // go_sched_*
	MetricsCPU       = "/cpu/*"     // go_cpu_*, estimates
	MetricsDebug     = "/godebug/*" // go_godebug_*
)

// RuntimeMetrics adds metrics that the package runtime/metrics has. A pattern
// is a name there, such as "/sched/latencies:seconds", in which * stands for
// anything. Of several patterns of this option and [WithoutRuntimeMetrics] the
// last that fits decides. A name that this version of Go lacks adds nothing; a
// pattern that can't fit any name panics.
//
// A metric's name here is made of its name there: /sched/latencies:seconds
// becomes go_sched_latencies_seconds. Cumulative ones are counters and end in
// _total, others are gauges.
//
// Distributions are histograms, with at most 13 bounds out of the runtime's up
// to 160. For times each is four times the one before, from 64 ns to the first
// above one second; for sizes it is at least twice the one before, from 8 bytes
// to 32 KB. The runtime does not keep sums: they are estimated as if all
// values lay in the middle of the runtime's own buckets, which are narrow. Only
// the sums of go_gc_heap_allocs_by_size_bytes and go_gc_heap_frees_by_size_bytes
// are exact.
func RuntimeMetrics(patterns ...string) GoOption {
	return rules("RuntimeMetrics", true, patterns)
}

// WithoutRuntimeMetrics takes metrics away that [RuntimeMetrics] added, or that
// are there without it. Patterns are as there.
func WithoutRuntimeMetrics(patterns ...string) GoOption {
	return rules("WithoutRuntimeMetrics", false, patterns)
}

// rule says of the metrics that a pattern fits whether they are wanted.
type rule struct {
	pattern string
	want    bool
}

// defaultRules wants what is small and what dashboards show.
func defaultRules() []rule {
	return []rule{
		{"/gc/gogc:percent", true},
		{"/gc/gomemlimit:bytes", true},
		{"/sched/gomaxprocs:threads", true},
	}
}

func rules(option string, want bool, patterns []string) GoOption {
	added := make([]rule, len(patterns))
	for i, p := range patterns {
		if problem := checkPattern(p); problem != "" {
			panic(fmt.Sprintf("collectors: %s(%q): %s", option, p, problem))
		}
		added[i] = rule{p, want}
	}
	return func(o *goOptions) { o.rules = append(o.rules, added...) }
}

// checkPattern returns why no name can ever fit, or "".
func checkPattern(p string) string {
	switch {
	case !strings.HasPrefix(p, "/") && !strings.HasPrefix(p, "*"):
		return fmt.Sprintf("names in runtime/metrics begin with a slash: write %q", "/"+p)
	case !strings.ContainsAny(p, ":*"):
		return fmt.Sprintf("names in runtime/metrics end in a unit: write %q, or %q for all that begin so", p+":unit", strings.TrimSuffix(p, "/")+"/*")
	}
	return ""
}

func wanted(rules []rule, name string) bool {
	want := false
	for _, r := range rules {
		if fits(r.pattern, name) {
			want = r.want
		}
	}
	return want
}

// fits reports whether the name is the pattern, in which * is anything.
func fits(pattern, name string) bool {
	prefix, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, prefix) {
		return false
	}
	for i := len(prefix); i <= len(name); i++ {
		if fits(rest, name[i:]) {
			return true
		}
	}
	return false
}

// addMetric adds a runtime metric, if it is of a kind that can be exposed.
func (g *goRuntime) addMetric(d metrics.Description, known map[string]metrics.Description) {
	name, unit := nameOf(d)
	help := strings.Join(strings.Fields(d.Description), " ") + " Sourced from " + d.Name + "."
	switch {
	case d.Kind == metrics.KindFloat64Histogram && d.Cumulative:
		g.addHistogram(d, name, unit, help, known)
	case d.Kind != metrics.KindUint64 && d.Kind != metrics.KindFloat64:
		// Go has learned something new.
	case d.Cumulative:
		g.addScalar(d, newFamily(fennel.TypeCounter, name, help, unit))
	default:
		g.addScalar(d, newFamily(fennel.TypeGauge, name, help, unit))
	}
}

func (g *goRuntime) addScalar(d metrics.Description, f family) {
	g.scalars = append(g.scalars, scalar{f, []int{g.sample(d.Name)}})
}

// nameOf returns the name and the unit that a runtime metric has as a metric.
func nameOf(d metrics.Description) (name, unit string) {
	path, unit, _ := strings.Cut(d.Name, ":")
	path = strings.Map(legal, path)
	unit = strings.Map(legal, strings.ReplaceAll(unit, "/", "_per_"))
	name = "go" + path + "_" + unit
	if d.Cumulative && d.Kind != metrics.KindFloat64Histogram {
		name += "_total"
	}
	return name, unit
}

// legal returns r, or an underscore for what metric names don't have.
func legal(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return r
	}
	return '_'
}
