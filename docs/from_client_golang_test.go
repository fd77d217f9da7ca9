package docs_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/collectors"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/fennelhttp/zstd"
	"github.com/fennelmetrics/fennel/push"
	"github.com/fennelmetrics/fennel/textfile"
)

// These functions are the right-hand column of from-client-golang.md, where it is
// not that of from-python.md, too.

var _ = func(name, help string, reg *fennel.Registry, f func() float64, all iter.Seq2[string, float64]) {
	fennel.NewCounterVec[string](name, help, fennel.LabelNames("method"))
	fennel.NewGaugeVec[request](name, help)
	fennel.NewHistogramVec[request](name, help)
	fennel.NewSummaryVec[request](name, help)
	fennel.NewCounterFunc(name, help, f)
	fennel.NewUnknownFunc(name, help, f)
	fennel.NewGaugeFuncVec(name, help, all, fennel.LabelNames("room"))
	fennel.NewGauge(name, help, fennel.ConstLabels(fennel.Label{Name: "zone", Value: "a"}))
	fennel.LinearBuckets(0.1, 0.1, 10)
	fennel.ExponentialBuckets(0.1, 2, 10)
	fennel.ExponentialBucketsRange(0.1, 60, 10)
	fennel.NewHistogram(name, help, fennel.Buckets(fennel.DefaultBuckets()...))
	fennel.NewHistogram(name, help, fennel.Native{Factor: 1.1})
	_ = []fennel.Native{
		{ZeroThreshold: 1e-6},
		{ZeroThreshold: -1},
		{MaxBuckets: 100},
		{MaxZeroThreshold: 0.001},
		{MinReset: time.Hour},
		{Only: true},
	}
	fennel.NewSummary(name, help, fennel.Quantiles(0.5, 0.99), fennel.Window(time.Minute))
	fennel.NewCounter(name, help, fennel.In(nil))
	_ = new(fennel.Counter)
}

var _ = func(requests *fennel.CounterVec[request], latency *fennel.HistogramVec[request], method string) {
	get := requests.With(request{"GET", 200})
	get.Inc()
	_, _ = requests.Get(request{"GET", 200})
	requests.Create(request{"GET", 200})
	requests.Len()
	get500 := request{Method: "GET"}
	get500.Status = 500
	var observer fennel.Observer = latency.With(get500)
	observer.Observe(0.3)
	timer := fennel.StartTimer()
	timer.Stop()
	timer.StopTo(observer)
}

var _ fennel.Vec[request, fennel.Counter]

var _ = func(ctx context.Context, reg, other *fennel.Registry, collector fennel.Collector, w *fennel.Writer, name, help string, t time.Time) error {
	reg.View("", fennel.Label{Name: "zone", Value: "a"})
	reg.View("shop_").MustRegister(collector)
	fennel.Merge(reg, other)
	_, _ = fennel.Gather(ctx, reg)
	w.Summary(name, help, []float64{0.5}).Write(fennel.SummaryValue{Count: 3, Sum: 1.5, Quantiles: []float64{0.4}})
	w.Histogram(name, help, nil).Write(fennel.HistogramValue{Sum: 1.5, Native: new(fennel.NativeHistogram)})
	w.Histogram(name, help, []float64{1}).Since(t).Write(fennel.HistogramValue{Counts: []uint64{3, 2}, Sum: 4})
	w.Histogram(name, help, []float64{1}).Write(fennel.HistogramValue{Counts: []uint64{3, 2}, Sum: 4, Exemplars: []fennel.Exemplar{{Value: 0.3}}})
	err := reg.Register(collector)
	var partial *fennel.GatherError
	if errors.As(err, &partial) || fennel.Partial(err) {
		return nil
	}
	return err
}

var (
	_ fennel.Gatherer
	_ fennel.Collector
	_ fennel.Desc
	_ []fennel.Label
	_ fennelhttp.Coding
)

var _ = func(ctx context.Context, reg *fennel.Registry, path string, srv *http.Server) {
	_ = textfile.Write(ctx, path, reg, textfile.AnyName())
	fennelhttp.Handler(fennel.Default)
	_ = []fennelhttp.Option{
		fennelhttp.WithMaxInFlight(8),
		fennelhttp.WithoutSelfMetrics(),
		fennelhttp.WithOpenMetrics200(),
		fennelhttp.WithCoding(fennelhttp.Coding{}),
		fennelhttp.WithCompressionLevel(9),
		zstd.Compression(),
	}
}

var _ = func(branch, path string) {
	collectors.Version("gizmo", fennel.Label{Name: "branch", Value: branch})
	collectors.BuildInfo()
	collectors.Process(collectors.Namespace("db"))
	collectors.Go(collectors.RuntimeMetrics(collectors.MetricsAll))
	collectors.Go(collectors.RuntimeMetrics("/sched/latencies:seconds"))
	collectors.Go(collectors.WithoutRuntimeMetrics("/gc/*"))
	collectors.Go(collectors.WithoutMemStats())
	_ = []string{collectors.MetricsGC, collectors.MetricsMemory, collectors.MetricsScheduler, collectors.MetricsDebug}
}

var _ = func(ctx context.Context, reg *fennel.Registry, requests *fennel.CounterVec[request], w io.Writer) {
	_, _ = exposition.Bytes(ctx, fennel.Only(reg, "orders"), exposition.Format{})
	_ = exposition.Write(ctx, w, reg, exposition.Format{Syntax: exposition.OpenMetrics100, Created: true})
	_ = exposition.Write(ctx, w, reg, exposition.Format{Syntax: exposition.Protobuf, Readable: true})
	_, _ = exposition.ParseSyntax("OpenMetricsText1.0.0")
	_ = exposition.ContentTypeProtobuf
}

var _ = []push.Option{
	push.Header("X-Scope-OrgID", "shop"),
	push.Client(http.DefaultClient),
	push.Retry(3),
}

var _ push.Doer
