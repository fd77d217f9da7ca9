package fennel_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"weak"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

func TestZeroRegistryIsReady(t *testing.T) {
	var r fennel.Registry
	if len(gather(t, &r)) != 0 || len(r.Descs()) != 0 || r.Forget("x") || r.Unregister(nil) {
		t.Error("the zero registry is not empty")
	}
	fennel.NewCounter("c_total", "", fennel.In(&r)).Inc()
	register(t, &r, func(w *fennel.Writer) error { w.Gauge("g", "").Write(1); return nil })
	wantSamples(t, &r, "c_total 1", "g 1")
}

func TestZeroRegistryIsReadyConcurrently(t *testing.T) {
	var r fennel.Registry
	concurrently(func(worker int) {
		fennel.NewCounter("c_total", "", fennel.In(&r)).Inc()
		gather(t, &r)
		r.Descs()
		r.Forget("none")
	})
	wantSamples(t, &r, fmt.Sprintf("c_total %d", workers))
}

func TestNilRegistryHoldsNothing(t *testing.T) {
	var r *fennel.Registry
	register(t, r, func(*fennel.Writer) error { panic("collected") })
	r.MustRegister(new(described))
	if len(gather(t, r)) != 0 || len(gather(t, fennel.Only(r, "x"))) != 0 || len(r.Descs()) != 0 || r.Forget("x") || r.Unregister(new(described)) {
		t.Error("a nil registry holds something")
	}
}

func TestRegistriesAreSeparate(t *testing.T) {
	a, b := fennel.NewRegistry(), fennel.NewRegistry()
	fennel.NewGauge("x", "one", fennel.In(a)).Set(1)
	fennel.NewCounter("x", "two", fennel.In(b)).Add(2)
	wantSamples(t, a, "x 1")
	wantSamples(t, b, "x 2")
}

func TestNewRegistryIsEmpty(t *testing.T) {
	for _, r := range []*fennel.Registry{fennel.NewRegistry(), fennel.Default} {
		if body := render(t, r, text004); body != "" {
			t.Errorf("a registry without metrics has:\n%s", body)
		}
		if body := render(t, r, openMetrics); body != "# EOF\n" {
			t.Errorf("a registry without metrics has:\n%s", body)
		}
	}
}

func TestForgetForgetsEntirely(t *testing.T) {
	r := fennel.NewRegistry()
	in := fennel.In(r)
	old := fennel.NewHistogram("x", "one", in)
	old.Observe(1)
	gather(t, r)
	if !r.Forget("x") || r.Forget("x") {
		t.Error("Forget does not forget once")
	}
	old.Observe(1)
	wantSamples(t, r)
	if len(r.Descs()) != 0 {
		t.Errorf("still declared: %v", r.Descs())
	}
	// Another type, help and labels, and the names of the samples are free.
	fennel.NewGaugeVec[string]("x", "two", in, fennel.LabelNames("k")).With("v").Set(2)
	fennel.NewGauge("x_count", "", in).Set(3)
	old.Observe(1)
	wantSamples(t, r, `x{k="v"} 2`, "x_count 3")
	if old.Count() != 3 {
		t.Errorf("the old handle has %d observations, want 3", old.Count())
	}
}

func TestForgetDeclaredAgainStartsAnew(t *testing.T) {
	r := fennel.NewRegistry()
	declare := func() *fennel.CounterVec[request] { return fennel.NewCounterVec[request]("c_total", "", fennel.In(r)) }
	old := declare()
	old.With(request{"GET", 200}).Inc()
	r.Forget("c_total")
	created := declare()
	if created == old {
		t.Error("the forgotten vec has come back")
	}
	created.With(request{"GET", 200}).Add(5)
	wantSamples(t, r, `c_total{method="GET",status="200"} 5`)
}

func TestForgetTakesAllConstantLabels(t *testing.T) {
	r := fennel.NewRegistry()
	for _, v := range []string{"a", "b"} {
		fennel.NewGauge("x", "", fennel.In(r), fennel.ConstLabels(label("k", v)))
	}
	r.Forget("x")
	wantSamples(t, r)
}

func TestForgetLeavesTheRegistrysOwnMetrics(t *testing.T) {
	r := fennel.NewRegistry()
	c := fennel.NewCounter("c_total", "", fennel.In(r))
	c.Add(-1)
	if r.Forget("fennel_dropped_updates_total") || r.Forget("fennel_collector_errors_total") {
		t.Error("the registry's own metrics are forgotten")
	}
	c.Add(-1)
	wantDropped(t, r, "c_total", "negative", 2)
}

func TestForgetConcurrently(t *testing.T) {
	r := fennel.NewRegistry()
	concurrently(func(worker int) {
		for i := range 200 {
			name := "x" + strconv.Itoa(i%3)
			switch worker % 3 {
			case 0:
				fennel.NewHistogramVec[int](name, "", fennel.In(r), fennel.LabelNames("k")).With(i).Observe(1)
			case 1:
				r.Forget(name)
			default:
				gather(t, r)
				r.Descs()
			}
		}
	})
	for i := range 3 {
		r.Forget("x" + strconv.Itoa(i))
	}
	accepted(t, func() { fennel.NewGauge("x0_count", "", fennel.In(r)) })
}

func TestDescsListWhatIsDeclared(t *testing.T) {
	r := fennel.NewRegistry()
	in := fennel.In(r)
	fennel.NewSummaryVec[string]("b_bytes", "Two.", in, fennel.Unit("bytes"), fennel.LabelNames("z"), fennel.ConstLabels(label("k", "v")))
	fennel.NewStateSet("c", "Three.", phases, in)
	fennel.NewInfo("a_info", "One.", build{}, in)
	fennel.NewGauge("c2", "", in).Set(1)
	want := []fennel.Desc{
		{Name: "a_info", Help: "One.", Type: fennel.TypeInfo, Labels: []string{"version", "release", "major"}},
		{Name: "b_bytes", Help: "Two.", Unit: "bytes", Type: fennel.TypeSummary, Labels: []string{"k", "z"}},
		{Name: "c", Help: "Three.", Type: fennel.TypeStateSet},
		{Name: "c2", Type: fennel.TypeGauge},
	}
	got := r.Descs()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("Descs() = %q\nwant      %q", got, want)
	}
	got[1].Labels[0] = "changed"
	if r.Descs()[1].Labels[0] != "k" {
		t.Error("the list can be changed through what Descs returns")
	}
}

func TestTypesHaveTheNamesOfOpenMetrics(t *testing.T) {
	for typ, want := range map[fennel.Type]string{
		fennel.TypeUnknown: "unknown", fennel.TypeCounter: "counter", fennel.TypeGauge: "gauge", fennel.TypeHistogram: "histogram",
		fennel.TypeSummary: "summary", fennel.TypeInfo: "info", fennel.TypeStateSet: "stateset", 200: "unknown",
	} {
		if typ.String() != want {
			t.Errorf("Type(%d) is %q, want %q", typ, typ, want)
		}
	}
}

// Many series have hashes in common. Each still is found by its values, and
// only by them.
func TestSeriesAreToldApartByTheirValuesNotByAHash(t *testing.T) {
	const n = 100_000 // of which some pairs have the same 32 bits
	r := fennel.NewRegistry()
	vec := fennel.NewGaugeVec[int]("g", "", fennel.In(r), fennel.LabelNames("k"))
	for i := range n {
		vec.With(i).Set(float64(i))
	}
	if vec.Len() != n {
		t.Fatalf("%d series, want %d", vec.Len(), n)
	}
	for i := 0; i < n; i += 2 {
		if !vec.Delete(i) {
			t.Fatalf("series %d is not deleted", i)
		}
	}
	for i := range n {
		g, ok := vec.Get(i)
		if ok != (i%2 == 1) || ok && g.Value() != float64(i) {
			t.Fatalf("series %d is there: %v, with %v", i, ok, g.Value())
		}
	}
}

// A registry that nobody scrapes must not hold on to what was deleted.
func TestDeletedSeriesAreFreedWithoutAScrape(t *testing.T) {
	vec := fennel.NewHistogramVec[int]("h", "", fennel.In(fennel.NewRegistry()), fennel.LabelNames("k"))
	const n = 10_000
	held := make([]weak.Pointer[fennel.Histogram], n)
	for i := range n {
		held[i] = weak.Make(vec.With(i))
		vec.Delete(i)
	}
	runtime.GC()
	alive := 0
	for _, p := range held {
		if p.Value() != nil {
			alive++
		}
	}
	if alive > n/10 {
		t.Errorf("%d of %d deleted series are still in memory", alive, n)
	}
	runtime.KeepAlive(vec)
}

// blockedWriter is a scraper that reads nothing until it is released.
type blockedWriter struct {
	begun   chan struct{}
	release chan struct{}
	once    sync.Once
}

func (w *blockedWriter) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.begun) })
	<-w.release
	return len(p), nil
}

// While a scrape hangs, everything else goes on.
func TestNothingWaitsForASlowScraper(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewCounterVec[int]("c_total", "", fennel.In(r), fennel.LabelNames("k"))
	for i := range 10_000 {
		vec.With(i)
	}
	w := &blockedWriter{begun: make(chan struct{}), release: make(chan struct{})}
	var scrape sync.WaitGroup
	scrape.Go(func() {
		if err := exposition.Write(t.Context(), w, r, text004); err != nil {
			t.Errorf("the slow scrape: %v", err)
		}
	})
	<-w.begun

	vec.With(5).Inc()
	vec.With(-1).Inc()
	vec.Delete(7)
	fennel.NewGauge("late", "", fennel.In(r)).Set(1)
	register(t, r, func(w *fennel.Writer) error { w.Gauge("collected", "").Write(1); return nil })
	for range vec.All() {
		break
	}
	vec.DeleteFunc(func(k int) bool { return k > 10 })
	if got, want := len(gather(t, r)[0].Samples), 11; got != want {
		t.Errorf("a second scrape sees %d samples, want %d", got, want)
	}
	vec.Clear()
	r.Forget("c_total")

	close(w.release)
	scrape.Wait()
	wantSamples(t, r, "collected 1", "late 1")
}

// All at once: scrapes, creation, deletion, declarations, updates. Afterwards
// nothing is lost.
func TestEverythingAtOnce(t *testing.T) {
	const each = 400
	r := fennel.NewRegistry()
	in := fennel.In(r)
	kept := fennel.NewCounterVec[request]("kept_total", "", in)
	passing := fennel.NewHistogramVec[request]("passing", "", in, fennel.Buckets(1))
	register(t, r, func(w *fennel.Writer) error {
		g := w.Gauge("collected", "", fennel.LabelNames("k"))
		for i := range 10 {
			g.Write(float64(i), strconv.Itoa(i))
		}
		return nil
	})
	concurrently(func(worker int) {
		handle := kept.With(request{"shared", 0})
		for i := range each {
			handle.Inc()
			kept.With(request{"GET", i % 7}).Add(0.5)
			kept.With(request{"own", worker*each + i}).Inc()
			passing.With(request{"PUT", i % 5}).Observe(1)
			passing.Delete(request{"PUT", (i + worker) % 5})
			fennel.NewGauge("g"+strconv.Itoa(i%20), "", in).Inc()
			if i%50 == worker {
				checkScrape(t, r)
			}
		}
	})
	if got := kept.With(request{"shared", 0}).Value(); got != workers*each {
		t.Errorf("the shared counter has %v, want %d", got, workers*each)
	}
	sum := 0.0
	for labels, c := range kept.All() {
		switch labels.Method {
		case "GET":
			sum += c.Value()
		case "own":
			if c.Value() != 1 {
				t.Errorf("%v has %v, want 1", labels, c.Value())
			}
		}
	}
	if sum != workers*each/2 || kept.Len() != 1+7+workers*each {
		t.Errorf("sum %v, %d series; want %d, %d", sum, kept.Len(), workers*each/2, 1+7+workers*each)
	}
	for i := range 20 {
		if got := fennel.NewGauge("g"+strconv.Itoa(i), "", in).Value(); got != workers*each/20 {
			t.Errorf("gauge %d has %v, want %d", i, got, workers*each/20)
		}
	}
	if n := len(family(t, gather(t, r), "kept_total").Samples); n != kept.Len() {
		t.Errorf("%d samples gathered of %d series", n, kept.Len())
	}
}

// checkScrape checks that a scrape in the middle of everything is in order.
func checkScrape(t *testing.T, r *fennel.Registry) {
	t.Helper()
	families := gather(t, r)
	if !slices.IsSortedFunc(families, func(a, b fennel.Family) int { return cmpStrings(a.Name, b.Name) }) {
		t.Errorf("the families are not sorted: %s", names(families))
	}
	for _, f := range families {
		for i := 1; i < len(f.Samples); i++ {
			if a, b := f.Samples[i-1].Labels, f.Samples[i].Labels; slices.CompareFunc(a, b, compareValues) >= 0 {
				t.Errorf("%s: %v comes before %v", f.Name, a, b)
			}
		}
	}
	if n := len(family(t, families, "collected").Samples); n != 10 {
		t.Errorf("%d samples of the collector, want 10", n)
	}
	if _, err := exposition.Bytes(context.Background(), r, openMetrics); err != nil {
		t.Error(err)
	}
}

func compareValues(a, b fennel.Label) int { return cmpStrings(a.Value, b.Value) }

func cmpStrings(a, b string) int { return slices.Compare([]byte(a), []byte(b)) }
