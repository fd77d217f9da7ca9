package integration

import (
	"cmp"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	golang "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// The tests in this file test what the harness reads of native histograms,
// exemplars and start times: the bodies are client_golang's, and what comes back is
// compared with what it says that it holds.

// Settings of a scrape job for histograms.
var (
	scrapeNative  = map[string]any{"scrape_native_histograms": true}
	scrapeClassic = map[string]any{"always_scrape_classic_histograms": true}
	scrapeCustom  = map[string]any{"convert_classic_histograms_to_nhcb": true}
)

// serveGolang serves a registry of client_golang and returns the address.
func serveGolang(t *testing.T, g golang.Gatherer) string {
	t.Helper()
	srv := httptest.NewServer(promhttp.HandlerFor(g, promhttp.HandlerOpts{
		EnableOpenMetrics: true, EnableOpenMetricsTextCreatedSamples: true,
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

func TestHarnessGolangHistograms(t *testing.T) {
	r := golangRegistry()
	addr := serveGolang(t, r)
	p := startPrometheus(t,
		target{Name: "native", Addr: addr, Protocol: protobuf, Extra: scrapeNative},
		target{Name: "both", Addr: addr, Protocol: protobuf, Extra: plus(scrapeNative, scrapeClassic)},
		target{Name: "classic", Addr: addr, Protocol: protobuf},
		target{Name: "custom", Addr: addr, Protocol: protobuf, Extra: plus(scrapeNative, scrapeCustom)},
	)
	families := golangGather(t, r)
	want := messageNatives(t, families)
	if len(want) != 6 {
		t.Fatalf("%d native histograms: %v", len(want), want)
	}
	for _, job := range []string{"native", "both"} {
		if d := diffNatives(p.natives(t, job), want); d != "" {
			t.Errorf("%s:\n%s", job, d)
		}
	}
	if got := p.natives(t, "classic"); len(got) > 0 {
		t.Errorf("native histograms in a job without: %v", got)
	}
	for job, series := range map[string]int{"native": 0, "both": 4, "classic": 4} {
		got := p.scraped(t, job)
		n := 0
		for name := range got {
			if strings.HasPrefix(name, "golang_both_bucket{") && strings.Contains(name, "le=") {
				n++
			}
		}
		if n != series && n != series+1 || n == 1 {
			t.Errorf("%s: %d classic buckets beside a native histogram, want %d and +Inf", job, n, series)
		}
	}
	custom := p.natives(t, "custom")["golang_classic"]
	buckets := fmt.Sprint(custom.Schema, custom.Bounds, custom.Positive, custom.Count)
	if want := "-53 [0.5 5] [{0 13} {1 7} {2 3}] 23"; buckets != want {
		t.Errorf("custom buckets %s, want %s", buckets, want)
	}
}

func TestHarnessGolangExemplars(t *testing.T) {
	r := golangRegistry()
	addr := serveGolang(t, r)
	p := startPrometheus(t,
		target{Name: "both", Addr: addr, Protocol: protobuf, Extra: plus(scrapeNative, scrapeClassic)},
		target{Name: "text", Addr: addr, Protocol: om100})
	want := make(map[string]string)
	for series, list := range messageExemplars(golangGather(t, r)) {
		var exemplars []exemplar
		for _, e := range list {
			x := exemplar{Labels: make(map[string]string), Value: e.GetValue(), Time: e.GetTimestamp().AsTime()}
			for _, l := range e.Label {
				x.Labels[l.GetName()] = l.GetValue()
			}
			exemplars = append(exemplars, x)
		}
		want[series] = exemplarTexts(exemplars)
	}
	classicOfBoth := func(series, _ string) bool { return strings.HasPrefix(series, "golang_both_bucket") }
	got := p.exemplarsBySeries(t, "both")
	// client_golang gives the native histogram its exemplars, and has none there
	// for buckets that are both: the server shows both.
	if d := diffTexts(got, want); d != "" {
		t.Errorf("protobuf:\n%s", d)
	}
	natives := messageNatives(t, golangGather(t, r))
	maps.DeleteFunc(want, func(series, _ string) bool { _, ok := natives[series]; return ok })
	got = p.exemplarsBySeries(t, "text")
	if d := diffTexts(got, want); d != "" {
		t.Errorf("OpenMetrics:\n%s", d)
	}
	maps.DeleteFunc(got, func(series, text string) bool { return !classicOfBoth(series, text) })
	if len(got) != 4 {
		t.Errorf("%d buckets of golang_both have an exemplar, want 4", len(got))
	}
}

// exemplarsBySeries returns the exemplars of a job that are stored, by series,
// as [exemplarTexts] spells them.
func (p *prometheus) exemplarsBySeries(t *testing.T, job string) map[string]string {
	t.Helper()
	lists := make(map[string][]exemplar)
	for _, e := range p.exemplars(t, fmt.Sprintf("{job=%q}", job)) {
		series := seriesName(e.Series, "job", "instance")
		lists[series] = append(lists[series], e)
	}
	texts := make(map[string]string)
	for series, list := range lists {
		texts[series] = exemplarTexts(list)
	}
	return texts
}

// exemplarTexts spells exemplars in the order of their times, then values.
func exemplarTexts(list []exemplar) string {
	slices.SortFunc(list, func(a, b exemplar) int {
		return cmp.Or(cmp.Compare(a.Time.UnixMilli(), b.Time.UnixMilli()), cmp.Compare(a.Value, b.Value))
	})
	var texts []string
	for _, e := range list {
		texts = append(texts, fmt.Sprintf("%s %v at %d", seriesName(e.Labels), e.Value, e.Time.UnixMilli()))
	}
	return strings.Join(texts, ", ")
}

// swapped gathers from a registry that can be exchanged for another.
type swapped struct {
	mu sync.Mutex
	r  *golang.Registry
}

func (s *swapped) swap(r *golang.Registry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.r = r
}

// Gather implements [golang.Gatherer].
func (s *swapped) Gather() ([]*dto.MetricFamily, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Gather()
}

// TestHarnessGolangStarts counts a little, starts anew, and counts more than
// before: only the start time tells that there was a restart.
func TestHarnessGolangStarts(t *testing.T) {
	var g swapped
	fresh := func(n int) *golang.Registry {
		r := golang.NewRegistry()
		c := golang.NewCounter(golang.CounterOpts{Name: "golang_total", Help: "A counter."})
		h := golang.NewHistogram(golang.HistogramOpts{Name: "golang_native", NativeHistogramBucketFactor: 2})
		r.MustRegister(c, h)
		for range n {
			c.Inc()
			h.Observe(3)
		}
		return r
	}
	before := fresh(5)
	g.swap(before)
	addr := serveGolang(t, &g)
	zeroes := setup{Features: []string{featureZeroes}}.start(t,
		target{Name: "proto", Addr: addr, Protocol: protobuf, Extra: scrapeNative},
		target{Name: "text", Addr: addr, Protocol: om100})
	stored := setup{Features: []string{featureStarts, featureUse, featureFunction}}.start(t,
		target{Name: "proto", Addr: addr, Protocol: protobuf, Extra: scrapeNative},
		target{Name: "text", Addr: addr, Protocol: om100})
	plain := startPrometheus(t,
		target{Name: "proto", Addr: addr, Protocol: protobuf, Extra: scrapeNative},
		target{Name: "text", Addr: addr, Protocol: om100})
	after := fresh(7)
	g.swap(after)
	for _, p := range []*prometheus{zeroes, stored, plain} {
		p.rescrape(t)
	}
	for _, job := range []string{"proto", "text"} {
		zeroes.checkZeroes(t, job, "golang_total", messageStarts(golangGather(t, before))["golang_total"], messageStarts(golangGather(t, after))["golang_total"])
		zeroes.checkResets(t, job, "golang_total", 1)
		stored.checkResets(t, job, "golang_total", 1)
		plain.checkResets(t, job, "golang_total", 0)
		stored.checkStart(t, job, "golang_total", messageStarts(golangGather(t, after))["golang_total"])
	}
	zeroes.checkZeroes(t, "proto", "golang_native", messageStarts(golangGather(t, before))["golang_native"], messageStarts(golangGather(t, after))["golang_native"])
	zeroes.checkResets(t, "proto", "golang_native", 1)
	stored.checkResets(t, "proto", "golang_native", 1)
	plain.checkResets(t, "proto", "golang_native", 0)
}

// checkZeroes checks that a series has zeroes where it started, and nowhere
// else. OpenMetrics's times may be a millisecond off: they are read as floats.
func (p *prometheus) checkZeroes(t *testing.T, job, series string, want ...int64) {
	t.Helper()
	h := p.histories(t, job)[series]
	var got []int64
	for _, s := range h.Floats {
		if s.Value == 0 {
			got = append(got, s.Time)
		}
	}
	for _, s := range h.Natives {
		if s.Value.Count == 0 {
			got = append(got, s.Time)
		}
	}
	near := func(a, b int64) bool { return a-b <= 1 && b-a <= 1 }
	if !slices.EqualFunc(got, want, near) {
		t.Errorf("%s: %s is 0 at %v, want %v", job, series, got, want)
	}
}

// checkResets checks how many resets of a counter queries see.
func (p *prometheus) checkResets(t *testing.T, job, series string, want float64) {
	t.Helper()
	expr := fmt.Sprintf("resets(%s)", selectorOf(series, job)+"[5m]")
	got := p.query(t, expr)
	if len(got) != 1 || got[0].Value != want {
		t.Errorf("%s = %v, want %v", expr, got, want)
	}
}

// checkStart checks the start time of a counter, in milliseconds, where the server
// stores it.
func (p *prometheus) checkStart(t *testing.T, job, series string, want int64) {
	t.Helper()
	got := p.query(t, fmt.Sprintf("start_timestamp(%s)", selectorOf(series, job)))
	if len(got) != 1 {
		t.Errorf("%s: start times of %s: %v, want one", job, series, got)
		return
	}
	if at := seconds(got[0].Value); at.Sub(time.UnixMilli(want)).Abs() > time.Millisecond {
		t.Errorf("%s: start time of %s: %v, want %v", job, series, at, time.UnixMilli(want))
	}
}

// selectorOf returns a selector of a series, as [seriesName] spells it, in one job.
func selectorOf(series, job string) string {
	if name, found := strings.CutSuffix(series, "}"); found {
		return fmt.Sprintf("%s, job=%q}", name, job)
	}
	return fmt.Sprintf("%s{job=%q}", series, job)
}
