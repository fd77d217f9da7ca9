package fennel_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// logged is a slog.Handler that keeps what it gets.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }
func (l *logged) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logged) WithGroup(string) slog.Handler            { return l }

func (l *logged) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

// newLogged returns a registry and what it logs.
func newLogged() (*fennel.Registry, *logged) {
	l := new(logged)
	return fennel.NewRegistry(fennel.WithLogger(slog.New(l))), l
}

func TestCollectorSerial(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGauge("m", "Stored.", fennel.In(r)).Set(1)
	register(t, r, func(w *fennel.Writer) error {
		z := w.Gauge("z_bytes", "Collected.", fennel.LabelNames("k"), fennel.Unit("bytes"))
		z.Write(2, "b")
		z.Write(1, "a")
		w.Counter("a_total", "First.").Write(3)
		return nil
	})
	want := `# TYPE a counter
# HELP a First.
a_total 3
# TYPE m gauge
# HELP m Stored.
m 1
# TYPE z_bytes gauge
# UNIT z_bytes bytes
# HELP z_bytes Collected.
z_bytes{k="a"} 1
z_bytes{k="b"} 2
# EOF
`
	for range 2 { // the second scrape uses what the first has checked
		if got := render(t, r, openMetrics); got != want {
			t.Errorf("got:\n%swant:\n%s", got, want)
		}
	}
}

func TestCollectorConcurrent(t *testing.T) {
	r := fennel.NewRegistry()
	for i := range 3 {
		register(t, r, func(w *fennel.Writer) error {
			g := w.Gauge(fmt.Sprint("g", i), "", fennel.LabelNames("k"))
			shared := w.Gauge("shared", "", fennel.LabelNames("collector"))
			shared.Write(float64(i), fmt.Sprint(i))
			for k := range 20 {
				g.Write(float64(k), fmt.Sprint(k))
			}
			return nil
		})
	}
	concurrently(func(int) {
		for range 20 {
			families := gather(t, r)
			if got := names(families); got != "g0 g1 g2 shared" || len(families[0].Samples) != 20 || len(families[3].Samples) != 3 {
				t.Errorf("gathered %s: %+v", got, families)
			}
		}
	})
}

func TestCollectorMayUseItsRegistry(t *testing.T) {
	r := fennel.NewRegistry()
	var once sync.Once
	var inner fennel.CollectorFunc = func(_ context.Context, w *fennel.Writer) error { w.Gauge("inner", "").Write(1); return nil }
	register(t, r, func(w *fennel.Writer) error {
		once.Do(func() {
			r.MustRegister(inner)
			fennel.NewGauge("stored", "", fennel.In(r)).Set(1)
			r.Descs()
			r.Forget("none")
		})
		w.Gauge("outer", "").Write(1)
		return nil
	})
	// What is declared meanwhile is there at once; a collector isn't called yet.
	wantSamples(t, r, "outer 1", "stored 1")
	wantSamples(t, r, "inner 1", "outer 1", "stored 1")
}

// A collector that takes over from a stored metric in the middle of a scrape
// must not meet it there.
func TestCollectorMayForgetWhatItWrites(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGauge("x", "", fennel.In(r)).Set(1)
	register(t, r, func(w *fennel.Writer) error {
		r.Forget("x")
		w.Gauge("x", "").Write(2)
		return nil
	})
	families, _ := gatherPartial(t, r)
	if n := len(family(t, families, "x").Samples); n != 1 {
		t.Errorf("%d samples of x, want 1", n)
	}
	wantSamples(t, r, "x 2")
}

func TestRegisterRefuses(t *testing.T) {
	r := fennel.NewRegistry()
	if err := r.Register(nil); err == nil || !strings.Contains(err.Error(), "the collector is nil") {
		t.Errorf("nil: %v", err)
	}
	c := new(described)
	if err := r.Register(c); err != nil {
		t.Error(err)
	}
	if err := r.Register(c); err == nil || !strings.Contains(err.Error(), "collector described is registered already") {
		t.Errorf("the same twice: %v", err)
	}
	if err := r.Register(new(described)); err != nil {
		t.Errorf("another of the same type: %v", err)
	}
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "registered already") {
			t.Errorf("MustRegister panics with %v", err)
		}
	}()
	r.MustRegister(c)
}

type (
	unhashable struct{ list []string }
	hiding     struct{ inner any }
)

func (u unhashable) Collect(_ context.Context, w *fennel.Writer) error {
	w.Gauge("u", "", fennel.LabelNames("k")).Write(float64(len(u.list)), "u")
	return nil
}

func (hiding) Collect(_ context.Context, w *fennel.Writer) error {
	w.Gauge("h", "").Write(1)
	return nil
}

func TestUnhashableCollectors(t *testing.T) {
	r := fennel.NewRegistry()
	f := fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error { w.Gauge("f", "").Write(1); return nil })
	r.MustRegister(unhashable{[]string{""}}, f, hiding{[]int{1}}, hiding{1})
	if r.Unregister(unhashable{}) || r.Unregister(f) || r.Unregister(hiding{[]int{1}}) || r.Unregister(hiding{2}) {
		t.Error("what can't be compared is unregistered")
	}
	if err := r.Register(hiding{1}); err == nil {
		t.Error("the same comparable value is registered twice")
	}
	if !r.Unregister(hiding{1}) {
		t.Error("a comparable value is not unregistered")
	}
	wantSamples(t, r, "f 1", "h 1", `u{k="u"} 1`)

	pointer := &f // as the documentation says
	r.MustRegister(pointer)
	if !r.Unregister(pointer) || r.Unregister(pointer) {
		t.Error("the pointer to a function is not unregistered once")
	}
}

func TestUnregisterEverywhere(t *testing.T) {
	r := fennel.NewRegistry()
	only := fennel.Only(r, "x")
	for name, descs := range map[string][]fennel.Desc{"described": {{Name: "x", Type: fennel.TypeHistogram}}, "undescribed": nil} {
		c := &described{descs: descs, collect: func(_ context.Context, w *fennel.Writer) error {
			w.Histogram("x", "", nil).Write(fennel.HistogramValue{Counts: []uint64{1}})
			return nil
		}}
		r.MustRegister(c)
		if names(gather(t, only)) != "x" {
			t.Errorf("%s: the restriction doesn't see the collector", name)
		}
		if !r.Unregister(c) || r.Unregister(c) {
			t.Errorf("%s: not unregistered once", name)
		}
		calls := c.calls.Load()
		if names(gather(t, only)) != "" || names(gather(t, r)) != "" || c.calls.Load() != calls {
			t.Errorf("%s: the collector still is there", name)
		}
	}
	accepted(t, func() { fennel.NewGauge("x_count", "", fennel.In(r)) }) // its names are free
}

func TestWantsTellsWhatTheScrapeIsFor(t *testing.T) {
	r := fennel.NewRegistry()
	var got string
	register(t, r, func(w *fennel.Writer) error {
		got = ""
		for _, name := range []string{"h", "c_total", "i_info", "g", "a.b"} {
			if w.Wants(name) {
				got += name + " "
			}
		}
		return nil
	})
	for request, want := range map[string]string{
		"h_count": "h ", "h": "h ", "c": "c_total ", "c_total": "c_total ", "i": "i_info ", "i_info": "i_info ",
		"g": "g ", "a_b": "a.b ", "none": "", "": "",
	} {
		gather(t, fennel.Only(r, request))
		if got != want {
			t.Errorf("a scrape of %q wants %q, want %q", request, got, want)
		}
	}
	gather(t, r)
	if got != "h c_total i_info g a.b " {
		t.Errorf("a scrape of all wants %q", got)
	}
}

// discard is a visitor that keeps nothing.
type discard struct{}

func (discard) Visit(*sample.Family, *sample.Batch) error { return nil }

// Whether a registry or a view has collectors decides how it is gathered; the last
// one may go while that is being decided.
func TestLastCollectorLeavesWhileItIsGathered(t *testing.T) {
	r := fennel.NewRegistry()
	v := r.View("v_")
	fennel.NewGauge("stored", "", fennel.In(v)).Set(1)
	merged := fennel.Merge(v, fennel.NewRegistry())
	concurrently(func(worker int) {
		for i := range 50 {
			switch worker {
			case 0:
				c := &described{collect: func(_ context.Context, w *fennel.Writer) error { w.Gauge("c", "").Write(1); return nil }}
				v.MustRegister(c)
				gatherPartial(t, v) // it may not be called: see below
				v.Unregister(c)
			case 1:
				fennel.NewGaugeFunc("f", "", func() float64 { return float64(i) }, fennel.In(v)).Unregister()
			case 2:
				ctx, cancel := context.WithCancel(t.Context())
				go cancel() // so a collector may be given up, and is not called before it has ended
				if _, err := v.Gather(ctx); err != nil && ctx.Err() == nil && !fennel.Partial(err) {
					t.Errorf("error %v", err)
				}
			default:
				for _, g := range []fennel.Gatherer{r, v, merged} {
					families, _ := gatherPartial(t, g)
					if stored := family(t, families, "v_stored"); len(stored.Samples) != 1 || stored.Samples[0].Value != 1 {
						t.Errorf("gathered %+v", stored)
					}
				}
			}
		}
	})
	wantSamples(t, r, "v_stored 1")
}

func TestGatherWhereThereIsOnlyOneKind(t *testing.T) {
	registries := map[string]*fennel.Registry{}
	all := make([]fennel.Gatherer, 0, 4)
	for _, kind := range []string{"none", "stored", "callback", "collector"} {
		r := fennel.NewRegistry()
		registries[kind], all = r, append(all, r.View("in_"))
		switch v := r.View("in_"); kind {
		case "stored":
			fennel.NewGauge(kind, "", fennel.In(v)).Set(1)
		case "callback":
			fennel.NewGaugeFunc(kind, "", func() float64 { return 1 }, fennel.In(v))
		case "collector":
			register(t, v, func(w *fennel.Writer) error { w.Gauge(kind, "").Write(1); return nil })
		}
	}
	for kind, r := range registries {
		want := []string{"in_" + kind + " 1"}
		if kind == "none" {
			want = nil
		}
		for range 2 {
			wantSamples(t, r, want...)
			wantSamples(t, fennel.Merge(r, fennel.NewRegistry()), want...)
			wantSamples(t, fennel.Only(r, "in_"+kind), want...)
			wantSamples(t, fennel.Only(r, "other"))
		}
	}
	roots := fennel.Merge(registries["none"], registries["collector"], registries["stored"], registries["callback"])
	for range 2 {
		wantSamples(t, fennel.Merge(all...)) // these views have nothing; other ones declared it
		wantSamples(t, roots, "in_callback 1", "in_collector 1", "in_stored 1")
	}
}
