package collectors

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// goDefaults is what Go writes without options.
const goDefaults = `
gauge go_goroutines
gauge go_threads
info go_info
summary go_gc_duration_seconds
gauge go_gc_gogc_percent
gauge go_gc_gomemlimit_bytes
gauge go_sched_gomaxprocs_threads
gauge go_memstats_last_gc_time_seconds
gauge go_memstats_alloc_bytes
counter go_memstats_alloc_bytes_total
gauge go_memstats_sys_bytes
counter go_memstats_mallocs_total
counter go_memstats_frees_total
gauge go_memstats_heap_alloc_bytes
gauge go_memstats_heap_sys_bytes
gauge go_memstats_heap_idle_bytes
gauge go_memstats_heap_inuse_bytes
gauge go_memstats_heap_released_bytes
gauge go_memstats_heap_objects
gauge go_memstats_stack_inuse_bytes
gauge go_memstats_stack_sys_bytes
gauge go_memstats_mspan_inuse_bytes
gauge go_memstats_mspan_sys_bytes
gauge go_memstats_mcache_inuse_bytes
gauge go_memstats_mcache_sys_bytes
gauge go_memstats_buck_hash_sys_bytes
gauge go_memstats_gc_sys_bytes
gauge go_memstats_other_sys_bytes
gauge go_memstats_next_gc_bytes
`

func TestGoDefaults(t *testing.T) {
	got, err := gather(t, Go())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.TrimSpace(goDefaults)) {
		typ, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if f, ok := got[name]; !ok || f.Type.String() != typ {
			t.Errorf("%s: got %s, want %s", name, f.Type, typ)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is there", name)
	}
}

func TestGoValues(t *testing.T) {
	runtime.GC()
	got, err := gather(t, Go())
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string) float64 { return got[name].Samples[0].Value }
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	if v := value("go_memstats_last_gc_time_seconds"); v > float64(gc.LastGC.UnixNano())/1e9 || v < float64(gc.LastGC.Unix()-60) {
		t.Errorf("last GC at %v, not %v", v, gc.LastGC)
	}
	if v := value("go_sched_gomaxprocs_threads"); v != float64(runtime.GOMAXPROCS(0)) {
		t.Errorf("GOMAXPROCS %v", v)
	}
	if v := value("go_goroutines"); v < 1 || v > 1000 {
		t.Errorf("%v goroutines", v)
	}
	info := got["go_info"].Samples[0]
	if v := info.Label("version"); v != runtime.Version() {
		t.Errorf("version %q", v)
	}
	pauses := got["go_gc_duration_seconds"].Samples[0]
	if pauses.Count == 0 || pauses.Sum <= 0 || len(pauses.Quantiles) != 5 {
		t.Fatalf("pauses %+v", pauses)
	}
	for i, q := range pauses.Quantiles {
		if q.Rank != gcQuantiles[i] || i > 0 && q.Value < pauses.Quantiles[i-1].Value {
			t.Errorf("quantiles %v", pauses.Quantiles)
		}
	}
}

// TestMemStats holds what is put together of runtime/metrics against what
// runtime.MemStats has before and after.
func TestMemStats(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	r := fennel.NewRegistry()
	r.MustRegister(Go())
	if _, err := r.Gather(t.Context()); err != nil { // takes the memory it needs
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	families, err := r.Gather(t.Context())
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	limits := map[string][2]uint64{
		"alloc_bytes":         {before.Alloc, after.Alloc},
		"alloc_bytes_total":   {before.TotalAlloc, after.TotalAlloc},
		"sys_bytes":           {before.Sys, after.Sys},
		"mallocs_total":       {before.Mallocs, after.Mallocs},
		"frees_total":         {before.Frees, after.Frees},
		"heap_alloc_bytes":    {before.HeapAlloc, after.HeapAlloc},
		"heap_sys_bytes":      {before.HeapSys, after.HeapSys},
		"heap_idle_bytes":     {before.HeapIdle, after.HeapIdle},
		"heap_inuse_bytes":    {before.HeapInuse, after.HeapInuse},
		"heap_released_bytes": {before.HeapReleased, after.HeapReleased},
		"heap_objects":        {before.HeapObjects, after.HeapObjects},
		"stack_inuse_bytes":   {before.StackInuse, after.StackInuse},
		"stack_sys_bytes":     {before.StackSys, after.StackSys},
		"mspan_inuse_bytes":   {before.MSpanInuse, after.MSpanInuse},
		"mspan_sys_bytes":     {before.MSpanSys, after.MSpanSys},
		"mcache_inuse_bytes":  {before.MCacheInuse, after.MCacheInuse},
		"mcache_sys_bytes":    {before.MCacheSys, after.MCacheSys},
		"buck_hash_sys_bytes": {before.BuckHashSys, after.BuckHashSys},
		"gc_sys_bytes":        {before.GCSys, after.GCSys},
		"other_sys_bytes":     {before.OtherSys, after.OtherSys},
		"next_gc_bytes":       {before.NextGC, after.NextGC},
	}
	const slack = 256 << 10 // of values that go up and down
	seen := 0
	for _, f := range families {
		limit, ok := limits[strings.TrimPrefix(f.Name, "go_memstats_")]
		if !ok {
			continue
		}
		seen++
		low, high := float64(min(limit[0], limit[1])), float64(max(limit[0], limit[1]))
		if f.Type == fennel.TypeGauge {
			low, high = low-slack, high+slack
		}
		if v := f.Samples[0].Value; v < low || v > high {
			t.Errorf("%s is %v, not in [%v, %v]", f.Name, v, low, high)
		}
	}
	if seen != len(limits) {
		t.Errorf("only %d of %d are there", seen, len(limits))
	}
}

func TestWithoutMemStats(t *testing.T) {
	got, err := gather(t, Go(WithoutMemStats(), WithoutRuntimeMetrics(MetricsAll)))
	if err != nil || len(got) != 5 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestRuntimeMetrics(t *testing.T) {
	got, err := gather(t, Go(WithoutMemStats(), RuntimeMetrics(MetricsAll)))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range metrics.All() {
		name, unit := nameOf(d)
		f, ok := got[name]
		want := fennel.TypeGauge
		switch {
		case d.Kind == metrics.KindFloat64Histogram:
			want = fennel.TypeHistogram
		case d.Cumulative:
			want = fennel.TypeCounter
		}
		if !ok || f.Type != want || f.Unit != unit || !strings.HasSuffix(strings.TrimSuffix(f.Help, " The sum is an estimate."), d.Name+".") {
			t.Errorf("%s: got %+v", d.Name, f.Desc)
		}
	}
}

func TestNameOf(t *testing.T) {
	for _, test := range []struct {
		name       string
		kind       metrics.ValueKind
		cumulative bool
		want, unit string
	}{
		{"/sched/latencies:seconds", metrics.KindFloat64Histogram, true, "go_sched_latencies_seconds", "seconds"},
		{"/gc/heap/allocs-by-size:bytes", metrics.KindFloat64Histogram, true, "go_gc_heap_allocs_by_size_bytes", "bytes"},
		{"/gc/heap/allocs:bytes", metrics.KindUint64, true, "go_gc_heap_allocs_bytes_total", "bytes"},
		{"/gc/heap/live:bytes", metrics.KindUint64, false, "go_gc_heap_live_bytes", "bytes"},
		{"/gc/cycles/total:gc-cycles", metrics.KindUint64, true, "go_gc_cycles_total_gc_cycles_total", "gc_cycles"},
		{"/cpu/classes/gc/mark/assist:cpu-seconds", metrics.KindFloat64, true, "go_cpu_classes_gc_mark_assist_cpu_seconds_total", "cpu_seconds"},
		{"/new/rate:bytes*objects/second", metrics.KindFloat64, false, "go_new_rate_bytes_objects_per_second", "bytes_objects_per_second"},
	} {
		name, unit := nameOf(metrics.Description{Name: test.name, Kind: test.kind, Cumulative: test.cumulative})
		if name != test.want || unit != test.unit {
			t.Errorf("%s: got %s, %s", test.name, name, unit)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"/*", "/sched/latencies:seconds", true},
		{"/sched/*", "/sched/latencies:seconds", true},
		{"/sched/*", "/gc/pauses:seconds", false},
		{"/sched/latencies:seconds", "/sched/latencies:seconds", true},
		{"/sched/lat:*", "/sched/latencies:seconds", false},
		{"*:bytes", "/gc/heap/live:bytes", true},
		{"*:bytes", "/gc/heap/live:bytes2", false},
		{"/gc/*heap*s:*", "/gc/scan/heap/x/objects:objects", true},
		{"**", "", true},
	} {
		if got := fits(test.pattern, test.name); got != test.want {
			t.Errorf("%q, %q: got %v", test.pattern, test.name, got)
		}
	}
}

func TestLastRuleDecides(t *testing.T) {
	got, err := gather(t, Go(WithoutMemStats(),
		RuntimeMetrics(MetricsGC, MetricsScheduler),
		WithoutRuntimeMetrics("/gc/*", "*:seconds"),
		RuntimeMetrics("/gc/pauses:seconds", "/gc/nothing:new")))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"go_gc_pauses_seconds":           true,
		"go_gc_gogc_percent":             false,
		"go_sched_latencies_seconds":     false,
		"go_sched_goroutines_goroutines": true,
	} {
		if _, ok := got[name]; ok != want {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

func TestBadPatternsPanic(t *testing.T) {
	for pattern, want := range map[string]string{
		"sched/*":          `collectors: RuntimeMetrics("sched/*"): names in runtime/metrics begin with a slash: write "/sched/*"`,
		"/sched/":          `collectors: RuntimeMetrics("/sched/"): names in runtime/metrics end in a unit: write "/sched/:unit", or "/sched/*" for all that begin so`,
		"/sched/latencies": `collectors: RuntimeMetrics("/sched/latencies"): names in runtime/metrics end in a unit: write "/sched/latencies:unit", or "/sched/latencies/*" for all that begin so`,
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("%q: got %v", pattern, got)
				}
			}()
			RuntimeMetrics(pattern)
		}()
	}
}
