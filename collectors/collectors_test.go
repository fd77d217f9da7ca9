package collectors

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// gather returns what the collectors write, by name.
func gather(t *testing.T, collectors ...fennel.Collector) (map[string]fennel.Family, error) {
	t.Helper()
	r := fennel.NewRegistry()
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	families, err := r.Gather(t.Context())
	byName := make(map[string]fennel.Family)
	for _, f := range families {
		if !strings.HasPrefix(f.Name, "fennel_") { // the registry's own
			byName[f.Name] = f
		}
	}
	return byName, err
}

func everything() []fennel.Collector {
	return []fennel.Collector{
		Process(), Process(Namespace("other")), Process(Namespace("cheap"), WithoutOpenFDs()),
		Go(RuntimeMetrics(MetricsAll)), BuildInfo(), Version("gizmo"),
	}
}

func TestAllAreDescribers(t *testing.T) {
	for _, c := range everything() {
		d, ok := c.(fennel.Describer)
		if !ok {
			t.Fatalf("%v is no Describer", c)
		}
		announced := make(map[string]fennel.Desc)
		for _, desc := range d.Describe() {
			announced[desc.Name] = desc
		}
		written, err := gather(t, c)
		if err != nil {
			t.Errorf("%v: %v", c, err)
		}
		for name, f := range written {
			want := announced[name]
			if f.Type != want.Type || f.Help != want.Help || f.Unit != want.Unit || !slices.Equal(f.Labels, want.Labels) {
				t.Errorf("%v: wrote %+v, announced %+v", c, f.Desc, want)
			}
			if f.Help == "" || len(f.Samples) != 1 {
				t.Errorf("%v: %s: help %q, %d samples", c, name, f.Help, len(f.Samples))
			}
		}
		for name := range announced {
			if _, ok := written[name]; !ok {
				t.Errorf("%v: %s was announced and not written", c, name)
			}
		}
	}
}

func TestNamesForErrors(t *testing.T) {
	var got []string
	for _, c := range everything() {
		got = append(got, c.(fmt.Stringer).String())
	}
	want := []string{"process", "other_process", "cheap_process", "go", "go_build_info", "gizmo_build_info"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSideBySide(t *testing.T) {
	if _, err := gather(t, everything()...); err != nil {
		t.Error(err)
	}
	r := fennel.NewRegistry()
	r.MustRegister(Go())
	if err := r.Register(Go()); err == nil {
		t.Error("the same metrics were registered twice")
	}
}

func TestFilter(t *testing.T) {
	r := fennel.NewRegistry()
	r.MustRegister(everything()...)
	for _, name := range []string{"go_goroutines", "go_info", "go_gc_duration_seconds", "go_gc_heap_allocs_by_size_bytes", "go_build_info"} {
		families, err := fennel.Gather(t.Context(), fennel.Only(r, name))
		if err != nil || len(families) != 1 || families[0].Name != name {
			t.Errorf("%s: got %v, %v", name, families, err)
		}
	}
}

func TestConcurrentScrapes(t *testing.T) {
	r := fennel.NewRegistry()
	r.MustRegister(everything()...)
	var scrapes sync.WaitGroup
	for range 8 {
		scrapes.Go(func() {
			for range 10 {
				if _, err := r.Gather(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	scrapes.Wait()
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := fennel.NewRegistry()
	r.MustRegister(Process(), Go())
	if _, err := r.Gather(ctx); err == nil {
		t.Error("a canceled scrape succeeded")
	}
}

// discard takes samples and does nothing with them.
type discard struct{}

func (discard) Visit(*sample.Family, *sample.Batch) error { return nil }

func BenchmarkScrape(b *testing.B) {
	for _, bench := range []struct {
		name       string
		collectors []fennel.Collector
	}{
		{"Process", []fennel.Collector{Process()}},
		{"Go", []fennel.Collector{Go()}},
		{"BuildInfo", []fennel.Collector{BuildInfo()}},
		{"all", []fennel.Collector{Process(), Go(), BuildInfo()}},
		{"RuntimeMetrics", []fennel.Collector{Go(RuntimeMetrics(MetricsAll))}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := fennel.NewRegistry()
			r.MustRegister(bench.collectors...)
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Visit(b.Context(), nil, discard{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
