package integration

import (
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// starters are metrics that are reset in these tests.
type starters struct {
	counter   *fennel.Counter
	labelled  *fennel.CounterVec[string]
	histogram *fennel.Histogram
	native    *fennel.Histogram
	summary   *fennel.Summary
}

func newStarters(r *fennel.Registry) starters {
	in := fennel.In(r)
	return starters{
		counter:   fennel.NewCounter("starter_total", "A counter.", in),
		labelled:  fennel.NewCounterVec[string]("starter.labelled_total", "With labels.", fennel.LabelNames("a.b"), in),
		histogram: fennel.NewHistogram("starter_bytes", "Classic.", fennel.Buckets(1, 2), in),
		native:    fennel.NewHistogram("starter_seconds", "Native.", fennel.Native{Only: true}, in),
		summary:   fennel.NewSummary("starter_size", "A summary.", in),
	}
}

// count counts n in each.
func (s starters) count(n int) {
	for range n {
		s.counter.Inc()
		s.labelled.With("x").Inc()
		s.histogram.Observe(0.5)
		s.native.Observe(0.5)
		s.summary.Observe(0.5)
	}
}

func (s starters) reset() {
	s.counter.Reset()
	s.labelled.With("x").Reset()
	s.histogram.Reset()
	s.native.Reset()
	s.summary.Reset()
}

// created returns the start times by series in milliseconds. The series of the
// native histogram is found in formats that have such ones only.
func (s starters) created(natives bool) map[string]int64 {
	created := map[string]int64{
		"starter_total":                         s.counter.Created().UnixMilli(),
		`{"starter.labelled_total", "a.b"="x"}`: s.labelled.With("x").Created().UnixMilli(),
		`starter_bytes_bucket{le="1.0"}`:        s.histogram.Created().UnixMilli(),
		`starter_bytes_bucket{le="+Inf"}`:       s.histogram.Created().UnixMilli(),
		"starter_bytes_count":                   s.histogram.Created().UnixMilli(),
		"starter_bytes_sum":                     s.histogram.Created().UnixMilli(),
		"starter_size_count":                    s.summary.Created().UnixMilli(),
		"starter_size_sum":                      s.summary.Created().UnixMilli(),
	}
	if natives {
		created["starter_seconds"] = s.native.Created().UnixMilli()
	} else {
		created[`starter_seconds_bucket{le="+Inf"}`] = s.native.Created().UnixMilli()
	}
	return created
}

// starting are the ways in which start times come to Prometheus.
var starting = []scrape{
	{"protobuf", protobufFirst, reading{natives: true}, inProtobuf},
	{"openmetrics", []string{om100}, reading{}, inOpenMetrics},
	{"openmetrics2", []string{om200}, reading{natives: true}, in200},
}

// TestStartTimes resets metrics and lets them count more than before: it takes the
// start time to see that. Prometheus has two ways to keep it.
func TestStartTimes(t *testing.T) {
	r := fennel.NewRegistry()
	s := newStarters(r)
	x := show(t, r, fennelhttp.WithCreatedLines(), fennelhttp.WithOpenMetrics200())
	var targets []target
	for _, how := range starting {
		targets = append(targets, how.target(x))
	}
	s.count(5)
	before := map[bool]map[string]int64{true: s.created(true), false: s.created(false)}
	zeroes := setup{Features: []string{featureZeroes, featureOpenMetrics2}}.start(t, targets...)
	stored := setup{Features: []string{featureStarts, featureUse, featureFunction, featureOpenMetrics2}}.start(t, targets...)
	x.change(func() {
		s.reset()
		s.count(7)
	})
	zeroes.rescrape(t)
	stored.rescrape(t)
	for _, how := range starting {
		t.Run(how.job, func(t *testing.T) {
			old := before[how.reading.natives]
			for series, at := range s.created(how.reading.natives) {
				if at <= old[series] {
					t.Fatalf("%s was reset and is still from %d", series, at)
				}
				zeroes.checkZeroes(t, how.job, series, old[series], at)
				zeroes.checkResets(t, how.job, series, 1)
				stored.checkResets(t, how.job, series, 1)
				if series != "starter_seconds" { // the function has no histograms
					stored.checkStart(t, how.job, series, at)
				}
			}
			checkIncrease(t, zeroes, how.job, "starter_total", 12)
			checkIncrease(t, stored, how.job, "starter_total", 12)
		})
	}
}

// checkIncrease checks that a counter is seen to have counted at least as much as
// it did: the server adds what it may have missed at the ends.
func checkIncrease(t *testing.T, p *prometheus, job, series string, least float64) {
	t.Helper()
	expr := "increase(" + selectorOf(series, job) + "[5m])"
	if got := p.scalar(t, expr); got < least {
		t.Errorf("%s = %v, want %v at least", expr, got, least)
	}
}

// TestCreatedSeries sees to it that a server without the feature gets the lines
// of OpenMetrics 1.0 as series, and none where they weren't asked for.
func TestCreatedSeries(t *testing.T) {
	r := fennel.NewRegistry()
	s := newStarters(r)
	s.count(1)
	with, without := show(t, r, fennelhttp.WithCreatedLines()), show(t, r)
	p := startPrometheus(t, with.target("with", om100), without.target("without", om100))
	got := p.scraped(t, "with")
	for series, at := range map[string]int64{
		"starter_created":                         s.counter.Created().UnixNano(),
		`{"starter.labelled_created", "a.b"="x"}`: s.labelled.With("x").Created().UnixNano(),
		"starter_bytes_created":                   s.histogram.Created().UnixNano(),
		"starter_seconds_created":                 s.native.Created().UnixNano(),
		"starter_size_created":                    s.summary.Created().UnixNano(),
	} {
		if v, ok := got[series]; !ok || v < float64(at)/1e9-1e-3 || v > float64(at)/1e9+1e-3 {
			t.Errorf("%s is %v, want %v", series, v, float64(at)/1e9)
		}
		delete(got, series)
	}
	if d := diff(got, p.scraped(t, "without")); d != "" {
		t.Errorf("with and without:\n%s", d)
	}
}
