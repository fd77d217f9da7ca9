package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/fennelhttp/zstd"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// broken is a collector that writes a sample and then does not end well.
type broken struct {
	name string
	end  func() error
}

// String names the collector in errors and in metrics.
func (b *broken) String() string { return b.name }

// Collect implements [fennel.Collector].
func (b *broken) Collect(_ context.Context, w *fennel.Writer) error {
	w.Gauge(b.name+"_gauge", "Written before it went wrong.").Write(1)
	return b.end()
}

// TestBrokenCollectors sees to it that a collector that fails costs nobody else
// anything: the target is up and all the rest is there.
func TestBrokenCollectors(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGauge("a_gauge", "Before the collectors.", fennel.In(r)).Set(1)
	fennel.NewGauge("z_gauge", "After the collectors.", fennel.In(r)).Set(2)
	r.MustRegister(
		&broken{"failing", func() error { return errors.New("no connection") }},
		&broken{"panicking", func() error { panic("what?") }},
		&broken{"healthy", func() error { return nil }},
	)
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		w.Counter("negative_total", "What can't be.").Write(-1)
		w.Gauge("wrong_number", "Of label values.").Write(1, "too many")
		w.Gauge("a_gauge", "Not the help of the other.").Write(3)
		twice := w.Gauge("twice", "The same series twice.")
		twice.Write(1)
		twice.Write(2)
		return nil
	}))
	x := show(t, r)
	p := startPrometheus(t, x.target(text004, text004), x.target(om100, om100))
	for _, job := range []string{text004, om100} {
		got := p.scraped(t, job)
		failures := got[`fennel_collector_errors_total{collector="failing"}`]
		if failures < 1 || got[`fennel_collector_errors_total{collector="panicking"}`] < 1 {
			t.Errorf("%s: errors of collectors are not counted: %v", job, got)
		}
		for series := range got {
			if isOwn(series) {
				delete(got, series)
			}
		}
		want := map[string]float64{
			"a_gauge": 1, "z_gauge": 2, "failing_gauge": 1, "panicking_gauge": 1, "healthy_gauge": 1, "twice": 1,
		}
		if d := diff(got, want); d != "" {
			t.Errorf("%s:\n%s", job, d)
		}
		p.rescrape(t)
		if again := p.scraped(t, job)[`fennel_collector_errors_total{collector="failing"}`]; again <= failures {
			t.Errorf("%s: %v errors after another scrape, want more than %v", job, again, failures)
		}
	}
}

// severed is a Gatherer that breaks off after some runs of samples.
type severed struct {
	fennel.Gatherer
	runs atomic.Int64 // how many it gathers; all, if negative
	end  func() error
}

// Visit implements [fennel.Gatherer].
func (s *severed) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	return s.Gatherer.Visit(ctx, r, &severing{v, s.runs.Load(), s.end})
}

type severing struct {
	sample.Visitor
	runs int64
	end  func() error
}

// Visit implements [sample.Visitor].
func (s *severing) Visit(f *sample.Family, b *sample.Batch) error {
	if s.runs == 0 {
		return s.end()
	}
	s.runs--
	return s.Visitor.Visit(f, b)
}

// many returns a registry with n counters of 1.
func many(n int) *fennel.Registry {
	r := fennel.NewRegistry()
	v := fennel.NewCounterVec[int]("many_total", "A counter for each number.", fennel.LabelNames("number"), fennel.In(r))
	for i := range n {
		v.With(i).Inc()
	}
	return r
}

// severedCase is a way in which a body ends too early.
type severedCase struct {
	job      string
	protocol string
	gzip     bool
	runs     int64 // of samples that are sent
	end      func() error
	want     string // in Prometheus' error
}

func severedCases() []severedCase {
	fail := func() error { return errors.New("the storage is gone") }
	fall := func() error { panic("the storage is gone") }
	var cases []severedCase
	for _, protocol := range []string{text004, text100, om100} {
		for _, gzip := range []bool{false, true} {
			name := fmt.Sprintf("%s-gzip-%v", protocol, gzip)
			cases = append(cases,
				severedCase{name + "-error", protocol, gzip, 200, fail, "EOF"},
				severedCase{name + "-panic", protocol, gzip, 200, fall, "EOF"},
				severedCase{name + "-at-once", protocol, gzip, 0, fail, "500"})
		}
	}
	return cases
}

// TestSevered lets bodies end in the middle. Such a scrape must fail: what has
// arrived must not pass for the whole, and what was there before must be gone.
func TestSevered(t *testing.T) {
	r := many(100000) // in more than 200 runs, and some megabytes
	cases := severedCases()
	var targets []target
	for _, c := range cases {
		g := &severed{Gatherer: fennel.Only(r, "many_total"), end: c.end}
		g.runs.Store(c.runs)
		scrape := show(t, g).target(c.job, c.protocol)
		scrape.Extra = map[string]any{"enable_compression": c.gzip}
		targets = append(targets, scrape)
	}
	p := setup{Interval: time.Second}.launch(t, targets...)
	for _, c := range cases {
		if got := p.awaitError(t, c.job); !strings.Contains(got, c.want) {
			t.Errorf("%s: error %q, want %q in it", c.job, got, c.want)
		}
		p.await(t, scrapeTimeout, "aware of "+c.job, func(context.Context) bool {
			return len(p.query(t, fmt.Sprintf("up{job=%q}", c.job))) > 0
		})
	}
	if up := p.query(t, "up != 0"); len(up) > 0 {
		t.Errorf("targets are up: %v", up)
	}
	if n := p.query(t, `count({__name__="many_total"})`); len(n) > 0 {
		t.Errorf("samples of cut bodies were taken: %v", n)
	}
}

// TestSeveredLater lets a target fail that was fine before: its series must not
// live on.
func TestSeveredLater(t *testing.T) {
	g := &severed{Gatherer: many(10000), end: func() error { return errors.New("the storage is gone") }}
	g.runs.Store(-1)
	scrape := show(t, g).target("later", om100)
	scrape.Extra = map[string]any{"enable_compression": false} // or all would fit into the first piece
	p := startPrometheus(t, scrape)
	if n := p.query(t, "count(many_total)"); len(n) != 1 || n[0].Value != 10000 {
		t.Errorf("count is %v, want 10000", n)
	}
	g.runs.Store(20)
	if got := p.awaitError(t, "later"); !strings.Contains(got, "EOF") {
		t.Errorf("error %q, want EOF in it", got)
	}
	p.await(t, scrapeTimeout, "rid of stale series", func(context.Context) bool {
		up := p.query(t, "up")
		return len(up) == 1 && up[0].Value == 0 && len(p.query(t, "many_total")) == 0
	})
}

// TestCompression lets Prometheus ask for gzip and zstd or not, and a handler have
// them or not. What arrives is the same.
func TestCompression(t *testing.T) {
	const n = 5000 // some pieces of 64 KiB
	r := many(n)
	zipping, plain := show(t, r, zstd.Compression()), show(t, r, fennelhttp.WithoutCompression())
	tests := []struct {
		x    *exhibit
		job  string
		asks bool
		zstd bool
		want string
	}{
		{zipping, "both", true, false, "gzip"},
		{zipping, "zstd", true, true, "zstd"},
		{show(t, r), "no zstd", true, true, "gzip"},
		{zipping, "handler", false, false, ""},
		{zipping, "handler zstd", false, true, ""},
		{plain, "prometheus", true, false, ""},
		{plain, "neither", false, false, ""},
	}
	targets := make(map[bool][]target)
	for _, test := range tests {
		scrape := scrape{test.job, protobufFirst, readAll, inProtobuf}.target(test.x)
		scrape.Extra["enable_compression"] = test.asks
		targets[test.zstd] = append(targets[test.zstd], scrape)
	}
	servers := map[bool]*prometheus{
		false: setup{Interval: time.Second}.start(t, targets[false]...),
		true:  setup{Interval: time.Second, Features: []string{featureZstd}}.start(t, targets[true]...),
	}
	want := expect(t, r, inProtobuf)
	for _, test := range tests {
		if got := test.x.exchanged(test.job).encoding; got != test.want {
			t.Errorf("%s: Content-Encoding %q, want %q", test.job, got, test.want)
		}
		if d := diff(servers[test.zstd].scraped(t, test.job), want.values); d != "" {
			t.Errorf("%s:\n%.2000s", test.job, d)
		}
	}
}

// TestManySeries lets Prometheus scrape 100k series.
func TestManySeries(t *testing.T) {
	const n = 100000
	r := many(n)
	x := show(t, r)
	targets := []target{x.target("text", text004), x.target("openmetrics", om100), x.target("protobuf", protobuf), x.target("plain", protobuf)}
	targets[0].Extra = map[string]any{"enable_compression": false}
	targets[3].Extra = map[string]any{"enable_compression": false}
	p := setup{Interval: 3 * time.Second}.launch(t, targets...)
	p.await(t, scrapeTimeout, "done with one scrape of each", func(context.Context) bool {
		return len(p.query(t, "scrape_series_added")) == len(targets)
	})
	for _, expr := range []string{"count by (job) (many_total)", "sum by (job) (many_total)", "scrape_samples_scraped"} {
		got := p.query(t, expr)
		wrong := func(pt point) bool { return pt.Value != n }
		if len(got) != len(targets) || slices.ContainsFunc(got, wrong) {
			t.Errorf("%s = %v, want %d of each job", expr, got, n)
		}
	}
	want := expect(t, r, exposition.Format{Syntax: exposition.OpenMetrics100})
	for _, job := range []string{"openmetrics", "protobuf"} {
		got := make(map[string]float64)
		for series, h := range p.histories(t, job) { // faster than a query
			got[series] = h.Floats[len(h.Floats)-1].Value
		}
		if d := diff(got, want.values); d != "" {
			t.Errorf("%s:\n%.2000s", job, d)
		}
	}
}
