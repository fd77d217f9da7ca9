package fennel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

// described is a collector that announces what it writes.
type described struct {
	descs   []fennel.Desc
	collect func(ctx context.Context, w *fennel.Writer) error
	calls   atomic.Int64
}

func (d *described) Describe() []fennel.Desc { return d.descs }

func (d *described) Collect(ctx context.Context, w *fennel.Writer) error {
	d.calls.Add(1)
	if d.collect == nil {
		return nil
	}
	return d.collect(ctx, w)
}

func (d *described) String() string { return "described" }

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

func TestCollectorErrorCostsOnlyItsOwnPart(t *testing.T) {
	boom := errors.New("boom")
	for name, end := range map[string]func() error{
		"error":          func() error { return boom },
		"panic":          func() error { panic("boom") },
		"error as panic": func() error { panic(boom) },
		"runtime panic":  func() error { return []error{}[len("boom")] },
	} {
		t.Run(name, func(t *testing.T) {
			r, log := newLogged()
			fennel.NewGauge("stored", "", fennel.In(r)).Set(1)
			register(t, r, func(w *fennel.Writer) error { w.Gauge("healthy", "").Write(2); return nil })
			register(t, r, func(w *fennel.Writer) error {
				w.Gauge("partial", "").Write(3)
				return end()
			})
			families, errs := gatherPartial(t, r)
			if got := names(families); got != "healthy partial stored" {
				t.Errorf("gathered %q", got)
			}
			if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), "collector fennel.CollectorFunc: ") {
				t.Fatalf("%d errors: %v", len(errs), errs)
			}
			if name == "error" && !errors.Is(errs[0], boom) {
				t.Error("the collector's error is not found in the gatherer's")
			}
			if len(log.lines) != 1 || !strings.Contains(log.lines[0], "ERROR collector failed collector=fennel.CollectorFunc error=") {
				t.Errorf("logged: %q", log.lines)
			}
			if got := own(t, r, "fennel_collector_errors_total", "fennel.CollectorFunc"); got != 2 {
				t.Errorf("after two scrapes %v errors are counted", got)
			}
		})
	}
}

// A panic's stack is in the log, so that it can be mended, and not in the error,
// which may be shown to others.
func TestCollectorPanicIsReportedOnceWithItsStackInTheLog(t *testing.T) {
	boom := errors.New("boom")
	var log strings.Builder
	r := fennel.NewRegistry(fennel.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	register(t, r, func(*fennel.Writer) error { panic(boom) })
	_, errs := gatherPartial(t, r)
	wantErrors(t, errs, "panic: boom")
	if text := errs[0].Error(); strings.Count(text, "boom") != 1 || strings.Contains(text, "collector_test.go") {
		t.Errorf("the error is:\n%s", text)
	}
	if !strings.Contains(log.String(), "collector_test.go") {
		t.Errorf("no stack in the log:\n%s", &log)
	}
}

func TestCollectorPanicWithAnErrorCanBeUnwrapped(t *testing.T) {
	boom := errors.New("boom")
	r := fennel.NewRegistry()
	register(t, r, func(*fennel.Writer) error { panic(boom) })
	if _, err := r.Gather(t.Context()); !errors.Is(err, boom) {
		t.Errorf("errors.Is doesn't find the error that the collector panicked with: %.100v", err)
	}
}

// A collector that ends its goroutine, as t.FailNow does, has failed.
func TestCollectorGoexitIsAnError(t *testing.T) {
	r := fennel.NewRegistry()
	register(t, r, func(w *fennel.Writer) error {
		w.Gauge("g", "").Write(1)
		exit()
		return nil
	})
	families, errs := gatherPartial(t, r)
	if names(families) != "g" || len(errs) != 1 {
		t.Errorf("gathered %q with errors %v, want g and one error", names(families), errs)
	}
}

func TestCollectorsPanicsAreIsolatedInRestrictions(t *testing.T) {
	r := oneOfEach(t)
	register(t, r, func(*fennel.Writer) error { panic("boom") })
	families, errs := gatherPartial(t, fennel.Only(fennel.Only(r, "phase", "x"), "phase"))
	if names(families) != "phase" || len(errs) != 1 {
		t.Errorf("gathered %q with errors %v", names(families), errs)
	}
}

func TestCollectorsRunInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails at once if all wait for each other
		r := fennel.NewRegistry()
		ping, pong := make(chan int), make(chan int)
		register(t, r, func(w *fennel.Writer) error {
			ping <- 1
			w.Gauge("a", "").Write(float64(<-pong))
			return nil
		})
		register(t, r, func(w *fennel.Writer) error {
			w.Gauge("b", "").Write(float64(<-ping))
			pong <- 2
			return nil
		})
		wantSamples(t, r, "a 2", "b 1")
	})
}

func TestCollectorGetsTheContext(t *testing.T) {
	type key struct{}
	r := fennel.NewRegistry()
	r.MustRegister(fennel.CollectorFunc(func(ctx context.Context, w *fennel.Writer) error {
		w.Gauge("g", "").Write(ctx.Value(key{}).(float64))
		return nil
	}))
	families, err := r.Gather(context.WithValue(t.Context(), key{}, 42.0))
	if err != nil || families[0].Samples[0].Value != 42 {
		t.Errorf("gathered %v, %v", families, err)
	}
}

func TestCollectorIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		r.MustRegister(fennel.CollectorFunc(func(ctx context.Context, w *fennel.Writer) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Gather(ctx)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Gather: %v", err)
		}
	})
}

// A collector that is late, and doesn't heed its context, must not hold the
// rest up beyond the deadline.
func TestLateCollectorCostsOnlyItsOwnPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		release := make(chan struct{})
		register(t, r, func(w *fennel.Writer) error {
			g := w.Gauge("late", "")
			<-release
			g.Write(1)
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var err error
		returned := false
		go func() { _, err = r.Gather(ctx); returned = true }()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !returned {
			t.Error("a second after its deadline the scrape still waits for the collector")
		} else if err == nil {
			t.Error("the scrape does not say that something is missing")
		}
		close(release)
		synctest.Wait()
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

func TestDescriberIsCheckedAtOnce(t *testing.T) {
	gauge := func(name string) fennel.Desc { return fennel.Desc{Name: name, Type: fennel.TypeGauge} }
	for _, c := range []struct {
		descs []fennel.Desc
		part  string
	}{
		{[]fennel.Desc{gauge("stored")}, `gauge "stored" (help "") conflicts with histogram "stored"`},
		{[]fennel.Desc{gauge("free"), gauge("stored_count")}, `both expose the name "stored_count"`},
		{[]fennel.Desc{gauge("stored.sum")}, `both expose the name "stored_sum"`},
		{[]fennel.Desc{gauge("other")}, "registered twice"},
		{[]fennel.Desc{gauge("twice"), gauge("twice")}, "registered twice"},
		{[]fennel.Desc{gauge("free"), gauge("")}, "the name is empty"},
		{[]fennel.Desc{{Name: "x", Type: fennel.TypeInfo}}, "must end in _info"},
		{[]fennel.Desc{{Name: "x", Unit: "bytes"}}, "not the name's suffix"},
		{[]fennel.Desc{{Name: "x", Labels: []string{"__a"}}}, "reserved"},
		{[]fennel.Desc{{Name: "x", Type: fennel.TypeStateSet, Labels: []string{"x"}}}, "reserved"},
	} {
		r := fennel.NewRegistry()
		fennel.NewHistogram("stored", "", fennel.In(r))
		r.MustRegister(&described{descs: []fennel.Desc{gauge("other")}})
		bad := &described{descs: c.descs}
		err := r.Register(bad)
		if err == nil || !strings.Contains(err.Error(), c.part) || !strings.Contains(err.Error(), "collector described") {
			t.Errorf("Register: %v\nwant it to contain %q", err, c.part)
		}
		gather(t, r)
		if bad.calls.Load() != 0 || r.Unregister(bad) {
			t.Error("the refused collector is registered")
		}
		accepted(t, func() { fennel.NewGauge("free", "", fennel.In(r)) })
	}
}

// Instances of one collector, for several databases say, share their families
// and are told apart by a constant label.
func TestDescribersShareAFamilyByConstantLabels(t *testing.T) {
	instance := func(db string) *described {
		label := fennel.Label{Name: "db", Value: db}
		return &described{
			descs: []fennel.Desc{{Name: "rows_total", Type: fennel.TypeCounter, Labels: []string{"db", "table"}, ConstLabels: []fennel.Label{label}}},
			collect: func(_ context.Context, w *fennel.Writer) error {
				w.Counter("rows_total", "", fennel.ConstLabels(label), fennel.LabelNames("table")).WriteUint(1, "users")
				return nil
			},
		}
	}
	r := fennel.NewRegistry()
	a, b := instance("a"), instance("b")
	r.MustRegister(a, b)
	wantSamples(t, r, `rows_total{db="a",table="users"} 1`, `rows_total{db="b",table="users"} 1`)
	if err := r.Register(instance("a")); err == nil || !strings.Contains(err.Error(), "registered twice") {
		t.Errorf("the same constant labels: %v", err)
	}
	r.Unregister(a)
	refused(t, "rows_total", func() { fennel.NewCounter("rows_total", "", fennel.In(r)) }, "both expose")
	r.Unregister(b)
	accepted(t, func() { fennel.NewCounter("rows_total", "", fennel.In(r)) })
}

// The name that a family has in OpenMetrics' headers finds a Describer, too.
func TestDescriberIsFoundByItsNameWithoutSuffix(t *testing.T) {
	r := fennel.NewRegistry()
	r.MustRegister(&described{
		descs:   []fennel.Desc{{Name: "jobs_total", Type: fennel.TypeCounter}},
		collect: func(_ context.Context, w *fennel.Writer) error { w.Counter("jobs_total", "").Write(1); return nil },
	})
	families, err := fennel.Gather(t.Context(), fennel.Only(r, "jobs"))
	if len(families) != 1 || err != nil {
		t.Errorf("gathered %v, %v", families, err)
	}
}

// A collector that withdraws in the middle of a scrape, and whose name is taken
// at once, must not meet its successor.
func TestDescriberThatUnregistersInTheMiddle(t *testing.T) {
	r := fennel.NewRegistry()
	d := &described{descs: []fennel.Desc{{Name: "x", Type: fennel.TypeGauge}}}
	d.collect = func(_ context.Context, w *fennel.Writer) error {
		w.Gauge("x", "").Write(1)
		r.Unregister(d)
		fennel.NewGauge("x", "", fennel.In(r)).Set(2)
		return nil
	}
	r.MustRegister(d)
	families, _ := gatherPartial(t, r)
	if x := family(t, families, "x"); len(x.Samples) != 1 {
		t.Errorf("%d samples of x", len(x.Samples))
	}
}

// What is late costs its own part; the rest is served before the deadline, and
// the error says so. What a collector has written that heeds its context belongs
// to the rest.
func TestLateCollectorLeavesTimeForTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		fennel.NewGauge("stored", "", fennel.In(r)).Set(1)
		r.MustRegister(fennel.CollectorFunc(func(ctx context.Context, w *fennel.Writer) error {
			w.Gauge("heeds", "").Write(1)
			<-ctx.Done()
			return ctx.Err()
		}))
		release := make(chan struct{})
		register(t, r, func(w *fennel.Writer) error { <-release; w.Gauge("late", "").Write(1); return nil })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begun := time.Now()
		families, errs := gatherPartialUnder(ctx, t, r)
		if took := time.Since(begun); took != 9500*time.Millisecond {
			t.Errorf("the scrape took %v of the 10s", took)
		}
		if got := names(families); got != "heeds stored" {
			t.Errorf("families %q, want what is stored and what was written in time", got)
		}
		if len(errs) == 0 || !errors.Is(errs[len(errs)-1], context.DeadlineExceeded) {
			t.Errorf("errors: %v", errs)
		}
		close(release)
		synctest.Wait()
	})
}

func TestDescriberKeepsItsNames(t *testing.T) {
	r := fennel.NewRegistry()
	c := &described{descs: []fennel.Desc{{Name: "x", Type: fennel.TypeSummary}, {Name: "s", Type: fennel.TypeStateSet}}}
	r.MustRegister(c)
	refused(t, "x_sum", func() { fennel.NewGauge("x_sum", "", fennel.In(r)) }, `summary "x"`, `both expose the name "x_sum"`)
	refused(t, "s", func() { fennel.NewStateSet("s", "", phases, fennel.In(r)) }, `stateset "s"`)
	r.Unregister(c)
	accepted(t, func() { fennel.NewGauge("x_sum", "", fennel.In(r)) })
}

func TestDescriberIsListed(t *testing.T) {
	r := fennel.NewRegistry()
	labels := []string{"k"}
	descs := []fennel.Desc{{Name: "b", Help: "Two.", Type: fennel.TypeGauge, Labels: labels}, {Name: "a", Type: fennel.TypeCounter}}
	r.MustRegister(&described{descs: descs})
	fennel.NewGauge("aa", "", fennel.In(r))
	got := r.Descs()
	if len(got) != 3 || got[0].Name != "a" || got[1].Name != "aa" || fmt.Sprintf("%q", got[2]) != fmt.Sprintf("%q", descs[0]) {
		t.Errorf("Descs() = %q", got)
	}
	// Neither the collector's slices nor those that were returned are shared.
	descs[0].Name, labels[0] = "changed", "changed"
	r.Descs()[2].Labels[0] = "changed"
	if last := r.Descs()[2]; last.Name != "b" || last.Labels[0] != "k" {
		t.Errorf("the list was changed from outside: %+v", last)
	}
}

func TestDescriberIsCalledOnlyForItsFamilies(t *testing.T) {
	r := fennel.NewRegistry()
	c := &described{descs: []fennel.Desc{{Name: "x", Type: fennel.TypeHistogram}, {Name: "y.z", Type: fennel.TypeGauge}}}
	r.MustRegister(c)
	for i, name := range []string{"x", "x_count", "y.z", "y_z"} {
		gather(t, fennel.Only(r, name))
		if got := c.calls.Load(); got != int64(i+1) {
			t.Errorf("after Only(%q) the collector was called %d times, want %d", name, got, i+1)
		}
	}
	gather(t, fennel.Only(r, "other", "x_total"))
	gather(t, fennel.Only(r))
	if got := c.calls.Load(); got != 4 {
		t.Errorf("the collector was called for what it doesn't have")
	}
}

func TestDescriberMayWriteWhatItAnnounced(t *testing.T) {
	r := fennel.NewRegistry()
	r.MustRegister(&described{
		descs: []fennel.Desc{{Name: "x", Type: fennel.TypeGauge}},
		collect: func(_ context.Context, w *fennel.Writer) error {
			w.Gauge("x", "").Write(1)
			return nil
		},
	})
	wantSamples(t, r, "x 1")
}

// What becomes of a family that two collectors write must not depend on which
// of them was registered first.
func TestAnnouncedFamilyOfTwoCollectorsInEitherOrder(t *testing.T) {
	write := func(k string) func(context.Context, *fennel.Writer) error {
		return func(_ context.Context, w *fennel.Writer) error {
			w.Gauge("x", "", fennel.LabelNames("k")).Write(1, k)
			return nil
		}
	}
	announced := &described{descs: []fennel.Desc{{Name: "x", Type: fennel.TypeGauge, Labels: []string{"k"}}}, collect: write("a")}
	other := &described{collect: write("b")}
	var got [2]string
	for i, order := range [][]fennel.Collector{{announced, other}, {other, announced}} {
		r := fennel.NewRegistry()
		r.MustRegister(order...)
		families, errs := gatherPartial(t, r)
		got[i] = fmt.Sprint(family(t, families, "x").Samples, len(errs))
	}
	if got[0] != got[1] {
		t.Errorf("with the describer first: %s\nlast: %s", got[0], got[1])
	}
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

func exit() { runtime.Goexit() }

// Between scrapes only declarations are kept, not samples: an exporter with a
// million series would hold them all twice.
func TestScrapeKeepsNothingOfWhatCollectorsWrote(t *testing.T) {
	const size = 32 << 20
	value := strings.Repeat("x", size)
	r := fennel.NewRegistry()
	register(t, r, func(w *fennel.Writer) error {
		w.Gauge("g", "", fennel.LabelNames("k")).Write(1, value)
		return nil
	})
	before := heapInUse()
	if err := r.Visit(t.Context(), nil, discard{}); err != nil {
		t.Fatal(err)
	}
	if after := heapInUse(); after > before+size/2 {
		t.Errorf("after the scrape of %d MB, %d MB are still in use", size>>20, (after-before)>>20)
	}
	runtime.KeepAlive(r)
	runtime.KeepAlive(value)
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // what is in pools goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// discard is a visitor that keeps nothing.
type discard struct{}

func (discard) Visit(*sample.Family, *sample.Batch) error { return nil }
