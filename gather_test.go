package fennel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// oneOfEach returns a registry with a metric of each type.
func oneOfEach(t testing.TB) *fennel.Registry {
	t.Helper()
	r := fennel.NewRegistry()
	in := fennel.In(r)
	fennel.NewCounter("requests_total", "Requests.", in).Add(2)
	fennel.NewGauge("temperature_celsius", "Warmth.", in, fennel.Unit("celsius")).Set(21.5)
	fennel.NewHistogram("latency_seconds", "Time.", in, fennel.Unit("seconds"), fennel.Buckets(1)).Observe(0.5)
	fennel.NewSummary("size_bytes", "Size.", in, fennel.Unit("bytes")).Observe(100)
	fennel.NewInfo("build_info", "Build.", build{Version: "1"}, in)
	fennel.NewStateSet("phase", "Phase.", phases, in)
	fennel.NewUnknown("legacy.value", "Who knows.", in).Set(7)
	return r
}

func TestGatherKeepsEverything(t *testing.T) {
	var got []string
	for _, f := range gather(t, oneOfEach(t)) {
		for i := range f.Samples {
			counts := f.Type == fennel.TypeCounter || f.Type == fennel.TypeHistogram || f.Type == fennel.TypeSummary
			if created := f.Samples[i].Created; created.IsZero() == counts || counts && time.Since(created) > time.Minute {
				t.Errorf("%s: created at %v", f.Name, created)
			}
			f.Samples[i].Created = time.Time{}
		}
		got = append(got, fmt.Sprintf("%s %s %q %q %v", f.Name, f.Type, f.Help, f.Unit, f.Samples))
	}
	want := []string{
		`build_info info "Build." "" [{[{version 1} {release false} {major 0}] 1 0 0 [] [] <nil> [] [] 0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC}]`,
		`latency_seconds histogram "Time." "seconds" [{[] 0 1 0.5 [{1 1} {+Inf 1}] [] <nil> [] [] 0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC}]`,
		`legacy.value unknown "Who knows." "" [{[] 7 0 0 [] [] <nil> [] [] 0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC}]`,
		`phase stateset "Phase." "" [{[] 0 0 0 [] [] <nil> [{starting true} {running false} {stopped false}] [] 0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC}]`,
		`requests_total counter "Requests." "" [{[] 2 0 0 [] [] <nil> [] [] 0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC}]`,
		`size_bytes summary "Size." "bytes" [{[] 0 1 100 [] [] <nil> [] [] 0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC}]`,
		`temperature_celsius gauge "Warmth." "celsius" [{[] 21.5 0 0 [] [] <nil> [] [] 0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC}]`,
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("gathered:\n%s\nwant:\n%s", a, b)
	}
}

func TestGatherLeavesOutEmptyFamilies(t *testing.T) {
	r, vec := newVec(t)
	if got := gather(t, r); len(got) != 0 {
		t.Errorf("gathered %v, want nothing", got)
	}
	vec.With(request{"GET", 1})
	vec.Clear()
	if got := gather(t, r); len(got) != 0 {
		t.Errorf("gathered %v, want nothing", got)
	}
}

func TestSampleLabel(t *testing.T) {
	s := fennel.Sample{Labels: []fennel.Label{label("a", "1"), label("b", "")}}
	if s.Label("a") != "1" || s.Label("b") != "" || s.Label("c") != "" {
		t.Errorf("labels %q, %q, %q", s.Label("a"), s.Label("b"), s.Label("c"))
	}
}

func TestOnlyByAnyNameThatIsExposed(t *testing.T) {
	r := oneOfEach(t)
	register(t, r, func(w *fennel.Writer) error {
		w.Counter("collected_total", "").Write(1)
		w.Gauge("other", "").Write(1)
		return nil
	})
	for _, c := range []struct{ names, want string }{
		{"", ""},
		{"none", ""},
		{"requests_total", "requests_total"},
		{"requests", "requests_total"}, // the OpenMetrics family
		{"latency_seconds", "latency_seconds"},
		{"latency_seconds_bucket", "latency_seconds"},
		{"latency_seconds_count", "latency_seconds"},
		{"latency_seconds_sum", "latency_seconds"},
		{"size_bytes_count", "size_bytes"},
		{"size_bytes_bucket", ""},
		{"build_info", "build_info"},
		{"build", "build_info"},
		{"legacy.value", "legacy.value"},
		{"legacy_value", "legacy.value"},
		{"legacy_dot_value", "legacy.value"},
		{"U__legacy_2e_value", "legacy.value"},
		{"phase temperature_celsius none", "phase temperature_celsius"},
		{"collected_total", "collected_total"},
		{"collected phase", "collected_total phase"},
		{"latency", ""},
		{"Phase", ""},
	} {
		only := fennel.Only(r, strings.Fields(c.names)...)
		if got := names(gather(t, only)); got != c.want {
			t.Errorf("Only(%q) gathers %q, want %q", c.names, got, c.want)
		}
	}
}

func TestOnlyKeepsUnitHelpTypeAndOrder(t *testing.T) {
	only := fennel.Only(oneOfEach(t), "temperature_celsius", "latency_seconds_count", "phase")
	want := `# TYPE latency_seconds histogram
# UNIT latency_seconds seconds
# HELP latency_seconds Time.
latency_seconds_bucket{le="1.0"} 1
latency_seconds_bucket{le="+Inf"} 1
latency_seconds_sum 0.5
latency_seconds_count 1
# TYPE phase stateset
# HELP phase Phase.
phase{phase="starting"} 1
phase{phase="running"} 0
phase{phase="stopped"} 0
# TYPE temperature_celsius gauge
# UNIT temperature_celsius celsius
# HELP temperature_celsius Warmth.
temperature_celsius 21.5
# EOF
`
	if got := render(t, only, openMetrics); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestOnlyIsLive(t *testing.T) {
	r := fennel.NewRegistry()
	list := []string{"a", "b"}
	only := fennel.Only(r, list...)
	list[0] = "c"
	wantSamples(t, only)
	for _, name := range []string{"a", "b", "c"} {
		fennel.NewGauge(name, "", fennel.In(r)).Set(1)
	}
	wantSamples(t, only, "a 1", "b 1")
	r.Forget("a")
	wantSamples(t, only, "b 1")
}

func TestOnlyNested(t *testing.T) {
	r := oneOfEach(t)
	for _, c := range []struct{ outer, inner, want string }{
		{"phase build_info", "phase requests_total", "phase"},
		{"phase", "requests_total", ""},
		{"", "phase", ""},
		{"phase", "", ""},
	} {
		nested := fennel.Only(fennel.Only(r, strings.Fields(c.inner)...), strings.Fields(c.outer)...)
		if got := names(gather(t, nested)); got != c.want {
			t.Errorf("Only(Only(%q), %q) gathers %q, want %q", c.inner, c.outer, got, c.want)
		}
	}
}

// Both restrictions name the same family, each in its own way.
func TestOnlyNestedByDifferentNamesOfOneFamily(t *testing.T) {
	r := oneOfEach(t)
	for _, c := range []struct{ outer, inner, want string }{
		{"latency_seconds", "latency_seconds_count", "latency_seconds"},
		{"latency_seconds_count", "latency_seconds", "latency_seconds"},
		{"latency_seconds_sum", "latency_seconds_count", "latency_seconds"},
		{"requests", "requests_total", "requests_total"},
		{"legacy_value", "legacy.value", "legacy.value"},
	} {
		nested := fennel.Only(fennel.Only(r, c.inner), c.outer)
		if got := names(gather(t, nested)); got != c.want {
			t.Errorf("Only(Only(%q), %q) gathers %q, want %q", c.inner, c.outer, got, c.want)
		}
	}
}

func TestGatherStopsWhenTheContextIsDone(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	r := oneOfEach(t)
	families, err := r.Gather(ctx)
	if families != nil || !errors.Is(err, context.Canceled) || fennel.Partial(err) {
		t.Errorf("Gather = %v, %v", families, err)
	}
	if _, err := exposition.Bytes(ctx, r, openMetrics); !errors.Is(err, context.Canceled) {
		t.Errorf("Bytes: %v", err)
	}
}

// Whatever the registry has, a scrape that was cancelled is not complete.
func TestGatherStopsWhenTheContextIsDoneWithoutStoredFamilies(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := fennel.NewRegistry()
	if _, err := r.Gather(ctx); !errors.Is(err, context.Canceled) || fennel.Partial(err) {
		t.Errorf("empty registry: %v", err)
	}
	r.MustRegister(fennel.CollectorFunc(func(ctx context.Context, w *fennel.Writer) error { return ctx.Err() }))
	if _, err := fennel.Gather(ctx, fennel.Only(r, "x")); !errors.Is(err, context.Canceled) || fennel.Partial(err) {
		t.Errorf("collector that gave up: %v, partial: %v", err, fennel.Partial(err))
	}
}

func TestPartialErrors(t *testing.T) {
	inner := errors.New("inner")
	partial := &fennel.GatherError{Errors: []error{errors.New("first"), inner}}
	if !fennel.Partial(partial) || !fennel.Partial(fmt.Errorf("scrape: %w", partial)) {
		t.Error("a GatherError is not partial")
	}
	if fennel.Partial(nil) || fennel.Partial(inner) {
		t.Error("other errors are partial")
	}
	if !errors.Is(partial, inner) {
		t.Error("the inner errors are not found")
	}
	if got, want := partial.Error(), "fennel: gathered in part: first; inner"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestNilGatherersHoldNothing(t *testing.T) {
	var none *fennel.Registry
	for name, g := range map[string]fennel.Gatherer{
		"nil": nil, "a nil registry": none, "a part of nil": fennel.Only(nil, "a"), "a part of a nil registry": fennel.Only(none, "a"),
		"nil merged": fennel.Merge(nil, none, fennel.Only(nil, "a")),
	} {
		if families, err := fennel.Gather(t.Context(), g); len(families) != 0 || err != nil {
			t.Errorf("%s: gathered %v, %v", name, families, err)
		}
		body, err := exposition.Bytes(t.Context(), g, exposition.Format{Syntax: exposition.OpenMetrics100})
		if string(body) != "# EOF\n" || err != nil {
			t.Errorf("%s: wrote %q, %v", name, body, err)
		}
		if v, ok := fennel.SampleValue(t.Context(), g, "a"); ok {
			t.Errorf("%s: found %v", name, v)
		}
	}
}
