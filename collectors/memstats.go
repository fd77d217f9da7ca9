package collectors

import (
	"runtime/metrics"

	"github.com/fennelmetrics/fennel"
)

// memStats are the metrics that came from runtime.MemStats once, and that
// dashboards know. They are sums of runtime metrics, for which the world need
// not be stopped.
var memStats = [...]struct {
	typ              fennel.Type
	name, help, unit string
	parts            []string
}{
	{fennel.TypeGauge, "go_memstats_alloc_bytes", "Heap memory of objects that are in use or not yet swept.", "bytes", heapObjects},
	{fennel.TypeCounter, "go_memstats_alloc_bytes_total", "Heap memory that was ever allocated for objects.", "bytes",
		[]string{"/gc/heap/allocs:bytes"}},
	{fennel.TypeGauge, "go_memstats_sys_bytes", "Memory that the runtime has mapped, of whatever use.", "bytes",
		[]string{"/memory/classes/total:bytes"}},
	{fennel.TypeCounter, "go_memstats_mallocs_total", "Heap objects that were ever allocated.", "",
		[]string{"/gc/heap/allocs:objects", "/gc/heap/tiny/allocs:objects"}},
	{fennel.TypeCounter, "go_memstats_frees_total", "Heap objects that were ever freed.", "",
		[]string{"/gc/heap/frees:objects", "/gc/heap/tiny/allocs:objects"}},
	{fennel.TypeGauge, "go_memstats_heap_alloc_bytes", "Heap memory of objects that are in use or not yet swept; the same as go_memstats_alloc_bytes.", "bytes", heapObjects},
	{fennel.TypeGauge, "go_memstats_heap_sys_bytes", "Heap memory, in use, idle or returned to the system.", "bytes",
		[]string{"/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes", "/memory/classes/heap/released:bytes", "/memory/classes/heap/free:bytes"}},
	{fennel.TypeGauge, "go_memstats_heap_idle_bytes", "Heap memory in spans without objects, free or returned to the system.", "bytes",
		[]string{"/memory/classes/heap/released:bytes", "/memory/classes/heap/free:bytes"}},
	{fennel.TypeGauge, "go_memstats_heap_inuse_bytes", "Heap memory in spans with objects.", "bytes",
		[]string{"/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes"}},
	{fennel.TypeGauge, "go_memstats_heap_released_bytes", "Heap memory that was returned to the system.", "bytes",
		[]string{"/memory/classes/heap/released:bytes"}},
	{fennel.TypeGauge, "go_memstats_heap_objects", "Heap objects that are in use or not yet swept.", "",
		[]string{"/gc/heap/objects:objects"}},
	{fennel.TypeGauge, "go_memstats_stack_inuse_bytes", "Memory of goroutines' stacks.", "bytes",
		[]string{"/memory/classes/heap/stacks:bytes"}},
	{fennel.TypeGauge, "go_memstats_stack_sys_bytes", "Memory of stacks, those of goroutines and those of threads.", "bytes",
		[]string{"/memory/classes/heap/stacks:bytes", "/memory/classes/os-stacks:bytes"}},
	{fennel.TypeGauge, "go_memstats_mspan_inuse_bytes", "Memory of mspan structures that are in use.", "bytes",
		[]string{"/memory/classes/metadata/mspan/inuse:bytes"}},
	{fennel.TypeGauge, "go_memstats_mspan_sys_bytes", "Memory that was taken for mspan structures.", "bytes",
		[]string{"/memory/classes/metadata/mspan/inuse:bytes", "/memory/classes/metadata/mspan/free:bytes"}},
	{fennel.TypeGauge, "go_memstats_mcache_inuse_bytes", "Memory of mcache structures that are in use.", "bytes",
		[]string{"/memory/classes/metadata/mcache/inuse:bytes"}},
	{fennel.TypeGauge, "go_memstats_mcache_sys_bytes", "Memory that was taken for mcache structures.", "bytes",
		[]string{"/memory/classes/metadata/mcache/inuse:bytes", "/memory/classes/metadata/mcache/free:bytes"}},
	{fennel.TypeGauge, "go_memstats_buck_hash_sys_bytes", "Memory of the profiler's hash table.", "bytes",
		[]string{"/memory/classes/profiling/buckets:bytes"}},
	{fennel.TypeGauge, "go_memstats_gc_sys_bytes", "Memory of the garbage collector's own data.", "bytes",
		[]string{"/memory/classes/metadata/other:bytes"}},
	{fennel.TypeGauge, "go_memstats_other_sys_bytes", "Memory that the runtime took for other ends.", "bytes",
		[]string{"/memory/classes/other:bytes"}},
	{fennel.TypeGauge, "go_memstats_next_gc_bytes", "Size of the heap that the current cycle of the garbage collection aims at.", "bytes",
		[]string{"/gc/heap/goal:bytes"}},
}

var heapObjects = []string{"/memory/classes/heap/objects:bytes"}

// addMemStats adds those of which this version of Go has all parts.
func (g *goRuntime) addMemStats(known map[string]metrics.Description) {
next:
	for _, m := range memStats {
		for _, part := range m.parts {
			if _, ok := known[part]; !ok {
				continue next
			}
		}
		s := scalar{family: newFamily(m.typ, m.name, m.help, m.unit)}
		for _, part := range m.parts {
			s.parts = append(s.parts, g.sample(part))
		}
		g.scalars = append(g.scalars, s)
	}
}
