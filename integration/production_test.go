package integration

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// everyProtocol are all that Prometheus can ask for, each alone, but for the one
// that needs another to bring its names along.
var everyProtocol = []scrape{
	{text004, []string{text004}, reading{}, exposition.Format{}},
	{text100, []string{text100}, reading{}, inText100},
	{om100, []string{om100}, reading{}, inOpenMetrics},
	{protobuf, protobufFirst, readAll, inProtobuf},
	{om200, []string{om200}, readAll, in200},
}

// late is a collector that is not done in time.
type late struct {
	name    string
	collect func(ctx context.Context)
}

// String names the collector.
func (l late) String() string { return l.name }

// Collect implements [fennel.Collector].
func (l late) Collect(ctx context.Context, w *fennel.Writer) error {
	w.Gauge(l.name+"_gauge", "Written before it got late.").Write(1)
	l.collect(ctx)
	return ctx.Err()
}

// TestLateCollectors sees to it that collectors that aren't done when Prometheus
// is about to give up cost nobody else anything, whether they heed their context
// or not.
func TestLateCollectors(t *testing.T) {
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	r := fennel.NewRegistry()
	fennel.NewCounter("before_total", "Before the collectors.", fennel.In(r)).Add(3)
	fennel.NewHistogram("then_seconds", "After the collectors.", fennel.In(r), fennel.Native{}).Observe(1)
	r.MustRegister(
		late{"heeding", func(ctx context.Context) { <-ctx.Done() }},
		late{"deaf", func(context.Context) { <-end }},
		late{"punctual", func(context.Context) {}},
	)
	x := show(t, r, fennelhttp.WithOpenMetrics200())
	var targets []target
	for _, s := range everyProtocol {
		targets = append(targets, s.target(x))
	}
	p := setup{Interval: time.Second, Features: []string{featureOpenMetrics2}}.start(t, targets...)
	for _, s := range everyProtocol {
		got := p.scraped(t, s.job)
		if got["before_total"] != 3 || got["then_seconds_count"] != 1 || got["punctual_gauge"] != 1 {
			t.Errorf("%s: %v, want what is not late", s.job, got)
		}
		for _, name := range []string{"heeding", "deaf"} {
			if failures := got[fmt.Sprintf("fennel_collector_errors_total{collector=%q}", name)]; failures < 1 {
				t.Errorf("%s: %v errors of the collector %s, want some", s.job, failures, name)
			}
		}
		if took := p.scalar(t, fmt.Sprintf("scrape_duration_seconds{job=%q}", s.job)); took > 1 {
			t.Errorf("%s: the scrape took %v seconds of 1", s.job, took)
		}
	}
}

// TestBodySizes compares the size that Prometheus has seen of each body, whether
// it was compressed on the way or not, with that of the format.
func TestBodySizes(t *testing.T) {
	r := everything(t)
	x := show(t, r, fennelhttp.WithOpenMetrics200())
	var targets []target
	sizes := make(map[string]int)
	for _, s := range everyProtocol {
		body, err := exposition.Bytes(t.Context(), r, s.format)
		if err != nil {
			t.Fatal(err)
		}
		for _, coded := range []bool{true, false} {
			job := s.target(x)
			job.Name = fmt.Sprintf("%s-gzip-%v", s.job, coded)
			sizes[job.Name] = len(body)
			job.Extra = plus(job.Extra, map[string]any{
				"enable_compression": coded, "extra_scrape_metrics": true, "body_size_limit": fmt.Sprintf("%dB", len(body)+1),
			})
			targets = append(targets, job)
		}
	}
	p := setup{Interval: time.Second, Features: []string{featureOpenMetrics2}}.start(t, targets...)
	for job, size := range sizes {
		if got := p.scalar(t, fmt.Sprintf("scrape_body_size_bytes{job=%q}", job)); int(got) != size {
			t.Errorf("%s: body of %v bytes, want %d", job, got, size)
		}
	}
}

// TestBusy sees to it that a scrape that is one too many is refused at once, and
// that Prometheus is back as soon as there is room.
func TestBusy(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGauge("gauge", "A gauge.", fennel.In(r)).Set(1)
	hold, held := make(chan struct{}), make(chan struct{})
	r.MustRegister(late{"slow", func(context.Context) {
		select {
		case held <- struct{}{}: // the first to come stays
			<-hold
		default:
		}
	}})
	x := show(t, r, fennelhttp.WithMaxInFlight(1))
	done := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + x.Addr + "/metrics")
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		done <- err
	}()
	<-held
	p := setup{}.launch(t, x.target("busy", om100))
	if got := p.awaitError(t, "busy"); !strings.Contains(got, "503") {
		t.Errorf("error %q, want the status 503 in it", got)
	}
	close(hold)
	if err := <-done; err != nil {
		t.Error(err)
	}
	p.await(t, scrapeTimeout, "back", func(context.Context) bool { return len(p.query(t, "gauge == 1")) == 1 })
}

// TestSelfMetrics looks at what a handler says of itself.
func TestSelfMetrics(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewGauge("gauge", "A gauge.", fennel.In(r)).Set(1)
	x := exhibitOf(t, fennelhttp.Handler(r))
	p := startPrometheus(t, scrape{"self", protobufFirst, readAll, inProtobuf}.target(x))
	got := p.scraped(t, "self")
	scrapes := got[`fennel_scrapes_total{code="200", format="PrometheusProto"}`]
	size, n := got[`fennel_scrape_size_bytes_sum{format="PrometheusProto"}`], got[`fennel_scrape_size_bytes_count{format="PrometheusProto"}`]
	switch {
	case scrapes < 1 || n != scrapes || got["fennel_scrapes_in_flight"] != 1:
		t.Errorf("%v scrapes, %v sizes, %v in flight: %v", scrapes, n, got["fennel_scrapes_in_flight"], got)
	case size/n < 50 || size/n > 10000:
		t.Errorf("%v bytes in %v scrapes", size, n)
	}
}
