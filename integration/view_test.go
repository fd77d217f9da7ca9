package integration

import (
	"context"
	"math"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// fill declares some metrics in a registry or a view, registers a collector, and
// counts n.
func fill(r *fennel.Registry, n float64) {
	in := fennel.In(r)
	fennel.NewCounterVec[string]("queries_total", "Queries.", fennel.LabelNames("kind"), in).With("read").AddWithExemplar(n, trace("q")...)
	fennel.NewGauge("connections", "Connections.", in).Set(n)
	fennel.NewHistogram("latency_seconds", "Latency.", fennel.Unit("seconds"), fennel.Native{}, in).Observe(n)
	fennel.NewSummary("row_bytes", "Rows.", fennel.Unit("bytes"), in).Observe(n)
	fennel.NewStateSet("phase", "Phase.", []string{"up", "down"}, in).Set("up")
	fennel.NewInfo("server_info", "Server.", build{"v1", false}, in)
	fennel.NewGauge("cache.hits", "A name that needs quotes.", in).Set(n)
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		w.Counter("collected_total", "Collected.", fennel.LabelNames("a")).Write(n, "b")
		return nil
	}))
}

// checkSeries checks that a job has these series, among others.
func checkSeries(t *testing.T, p *prometheus, job string, want map[string]float64) {
	t.Helper()
	got := p.scraped(t, job)
	for series, v := range want {
		if held, ok := got[series]; !ok || !same(held, v) {
			t.Errorf("%s: %s is %v, %v, want %v", job, series, held, ok, v)
		}
	}
}

// TestViews lets Prometheus scrape a registry with views in it, and a view alone.
func TestViews(t *testing.T) {
	r := fennel.NewRegistry()
	fill(r, 1)
	db := r.View("db_", fennel.Label{Name: "shard", Value: "3"})
	fill(db, 2)
	fill(db.View("replica_", fennel.Label{Name: "data.center", Value: "west"}), 3)
	if err := r.SetTargetInfo(fennel.Label{Name: "service.name", Value: "shop"}, fennel.Label{Name: "version", Value: "1.2.3"}); err != nil {
		t.Fatal(err)
	}
	inView := map[string]float64{
		`db_queries_total{kind="read", shard="3"}`:                               2,
		`db_latency_seconds_count{shard="3"}`:                                    1,
		`{"db_cache.hits", shard="3"}`:                                           2,
		`db_collected_total{a="b", shard="3"}`:                                   2,
		`db_phase{db_phase="up", shard="3"}`:                                     1,
		`db_server_info{dirty="false", shard="3", version="v1"}`:                 1,
		`db_replica_queries_total{"data.center"="west", kind="read", shard="3"}`: 3,
		`db_replica_collected_total{a="b", "data.center"="west", shard="3"}`:     3,
	}
	p := checkScrapes(t, r, everyProtocol)
	checkSeries(t, p, text100, inView)
	checkSeries(t, p, text100, map[string]float64{
		`queries_total{kind="read"}`: 1, `collected_total{a="b"}`: 1,
		`target_info{"service.name"="shop", version="1.2.3"}`: 1,
	})
	p = checkScrapes(t, db, everyProtocol)
	checkSeries(t, p, text100, inView)
	for series := range p.scraped(t, text100) {
		if series == "connections" || series == `collected_total{a="b"}` {
			t.Errorf("the view has %s, which is not its own", series)
		}
	}
}

// TestMerge lets Prometheus scrape several registries as one.
func TestMerge(t *testing.T) {
	first, second := fennel.NewRegistry(), fennel.NewRegistry()
	fill(first.View("", fennel.Label{Name: "part", Value: "first"}), 1)
	fill(second.View("", fennel.Label{Name: "part", Value: "second"}), 2)
	fennel.NewGauge("contested", "Of the first.", fennel.In(first)).Set(1)
	fennel.NewCounter("contested", "Of the second.", fennel.In(second)).Add(math.Pi)
	third := fennel.NewRegistry()
	fill(third.View("third_"), 3)
	p := checkScrapes(t, fennel.Merge(first, second, fennel.Only(third, "third_queries_total"), nil), everyProtocol)
	checkSeries(t, p, text100, map[string]float64{
		`queries_total{kind="read", part="first"}`:  1,
		`queries_total{kind="read", part="second"}`: 2,
		`collected_total{a="b", part="second"}`:     2,
		`{"cache.hits", part="second"}`:             2,
		`third_queries_total{kind="read"}`:          3,
		`contested`:                                 1,
	})
	if _, ok := p.scraped(t, text100)["third_connections"]; ok {
		t.Error("what was not asked for is there")
	}
}
