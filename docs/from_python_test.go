package docs_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/collectors"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/push"
	"github.com/fennelmetrics/fennel/textfile"
)

// These functions are the right-hand column of from-python.md. They are compiled
// and not run: each line is taken for itself.

type request struct {
	Method string `label:"method"`
	Status int    `label:"status"`
}

type build struct {
	Version string `label:"version"`
}

var _ = func(name, help string, reg *fennel.Registry, f func() float64) {
	fennel.NewCounter(name, help)
	fennel.NewGauge(name, help)
	fennel.NewHistogram(name, help)
	fennel.NewHistogram(name, help, fennel.Buckets(0.1, 1))
	fennel.DefaultBuckets()
	fennel.NewSummary(name, help)
	fennel.NewSummary(name, help, fennel.Quantiles(0.5, 0.99))
	fennel.NewInfo(name, help, build{"1.2"})
	fennel.NewStateSet(name, help, []string{"on", "off"})
	fennel.NewCounterVec[request](name, help)
	fennel.NewCounterVec[[2]string](name, help, fennel.LabelNames("method", "status"))
	fennel.NewGauge("shop_orders", help)
	fennel.NewGauge("orders", help, fennel.In(reg.View("shop_")))
	fennel.NewGauge("size_bytes", help, fennel.Unit("bytes"))
	fennel.NewGauge(name, help, fennel.In(reg))
	fennel.NewGaugeFunc(name, help, f)
	_ = new(fennel.Gauge)
}

var _ = func(c *fennel.Counter, g *fennel.Gauge, h *fennel.Histogram, s *fennel.Summary, id string, d time.Duration, t time.Time) {
	c.Inc()
	c.Add(5)
	c.AddUint(5)
	c.IncWithExemplar(fennel.Label{Name: "trace_id", Value: id})
	c.AddWithExemplar(5, fennel.Label{Name: "trace_id", Value: id})
	c.Reset()
	c.Value()
	c.Created()
	g.Inc()
	g.Dec()
	g.Add(2)
	g.Sub(2)
	g.Set(5)
	g.SetToCurrentTime()
	g.SetToTime(t)
	defer g.Track()()
	defer g.Timer().Stop()
	h.Observe(0.3)
	h.ObserveDuration(d)
	h.ObserveWithExemplar(0.3, fennel.Label{Name: "trace_id", Value: id})
	defer h.Timer().Stop()
	h.Count()
	h.Sum()
	h.Buckets()
	h.Native()
	s.Observe(0.3)
	defer s.Timer().Stop()
	s.Quantile(0.99)
}

var _ = func(failures *fennel.Counter, work func() error) error {
	err := work()
	if err != nil {
		failures.Inc()
	}
	return err
}

var _ = func(i *fennel.Info[build], e *fennel.StateSet[string]) {
	i.Set(build{"1.3"})
	e.Set("on")
}

var _ = func(requests *fennel.CounterVec[request], latency *fennel.HistogramVec[request]) {
	requests.With(request{"GET", 200}).Inc()
	requests.Delete(request{"GET", 200})
	requests.DeletePartial(fennel.Label{Name: "method", Value: "GET"})
	requests.DeleteFunc(func(r request) bool { return r.Status >= 500 })
	requests.Clear()
	timer := fennel.StartTimer()
	timer.StopTo(latency.With(request{"GET", 200}))
}

var _ = func(ctx context.Context, reg *fennel.Registry, collector fennel.Collector, name, help string) {
	fennel.NewRegistry()
	fennel.NewRegistry(fennel.WithLegacyNames())
	_ = fennel.Default
	_ = reg.SetTargetInfo(fennel.Label{Name: "service", Value: "shop"})
	_ = reg.SetTargetInfo()
	_ = reg.Register(collector)
	reg.MustRegister(collector)
	reg.Unregister(collector)
	reg.Forget(name)
	reg.Descs()
	_, _ = reg.Gather(ctx)
	fennel.Only(reg, "orders", "requests_total")
	fennel.SampleValue(ctx, reg, "requests_total", fennel.Label{Name: "method", Value: "GET"})
	var refused *fennel.DeclarationError
	_, err := fennel.Try(func() *fennel.Gauge { return fennel.NewGauge(name, help) })
	errors.As(err, &refused)
	reg.MustRegister(fennel.CollectorFunc(func(ctx context.Context, w *fennel.Writer) error { return nil }))
}

var _ fennel.Describer

var _ = func(ctx context.Context, w *fennel.Writer, name, help string, v, sum float64, n uint64, t, start time.Time, id string) error {
	w.Gauge(name, help).Write(v)
	w.Gauge(name, help, fennel.LabelNames("room")).Write(v, "kitchen")
	w.Gauge(name, help).At(t).Write(v)
	w.Counter(name, help).Write(v)
	w.Counter(name, help).WriteUint(n)
	w.Counter(name, help).Since(start).Write(v)
	w.Counter(name, help).WithExemplar(fennel.Exemplar{Labels: []fennel.Label{{Name: "trace_id", Value: id}}, Value: 1}).Write(v)
	w.Unknown(name, help).Write(v)
	w.Summary(name, help, nil).Write(fennel.SummaryValue{Count: n, Sum: sum})
	w.Histogram(name, help, []float64{1}).Write(fennel.HistogramValue{Counts: []uint64{3, 2}, Sum: sum})
	w.GaugeHistogram(name, help, []float64{1}).Write(fennel.HistogramValue{Counts: []uint64{3, 2}, Sum: sum})
	w.Info(name, help, fennel.LabelNames("version")).Write("1.2")
	w.StateSet(name, help, []string{"on", "off"}).Write([]string{"on"})
	w.Wants(name)
	return ctx.Err()
}

// What gathering gives, and what it is made of.
var (
	_ fennel.Family
	_ fennel.Sample
	_ fennel.Exemplar
	_ fennel.Type
	_ fennel.NativeHistogram
	_ fennel.NativeBucket
	_ time.Time
	_ = math.Inf(1)
	_ = math.NaN()
)

var _ = func(ctx context.Context, reg *fennel.Registry, w io.Writer, r *http.Request, format exposition.Format, path, dir string) {
	_, _ = exposition.Bytes(ctx, reg, exposition.Format{})
	_ = exposition.Write(ctx, w, reg, format)
	_, _ = exposition.Bytes(ctx, reg, exposition.Format{Syntax: exposition.OpenMetrics100})
	_ = []exposition.Syntax{exposition.OpenMetrics200, exposition.Protobuf}
	_ = exposition.Format{Escaping: exposition.AllowUTF8}
	_ = []exposition.Escaping{exposition.EscapeUnderscores, exposition.EscapeDots, exposition.EscapeValues}
	format.ContentType()
	_ = []string{exposition.ContentTypeText004, exposition.ContentTypeText100, exposition.ContentTypeOpenMetrics100, exposition.ContentTypeOpenMetrics200}
	exposition.Negotiate(r.Header.Values("Accept"))
	_ = textfile.Write(ctx, path, reg)
	_ = textfile.Write(ctx, path, reg, textfile.Escaping(exposition.AllowUTF8))
	_ = textfile.Write(ctx, path, reg, textfile.TempDir(dir))
	_ = textfile.Run(ctx, path, reg)
}

var _ = func(ctx context.Context, reg *fennel.Registry, cert, key, caFile, caDir string, config *tls.Config, logger *slog.Logger) error {
	srv, err := fennelhttp.Start(":8000", reg)
	if err != nil {
		return err
	}
	_, _ = fennelhttp.Start("127.0.0.1:8000", reg)
	_, _ = fennelhttp.Start(":8000", reg, fennelhttp.WithTLSFiles(cert, key))
	_ = []fennelhttp.ServerOption{
		fennelhttp.WithClientAuth(tls.RequireAndVerifyClientCert),
		fennelhttp.WithClientCAFiles(caFile, caDir),
		fennelhttp.WithTLSConfig(config),
		fennelhttp.WithTLSVersions(tls.VersionTLS12, tls.VersionTLS13),
	}
	fennelhttp.Handler(reg)
	http.Handle("/metrics", fennelhttp.Handler(reg))
	_ = []fennelhttp.Option{
		fennelhttp.WithoutCompression(),
		fennelhttp.WithLogger(logger),
		fennelhttp.WithCreatedLines(),
	}
	srv.Addr()
	<-srv.Done()
	return errors.Join(srv.Err(), srv.Shutdown(ctx))
}

var _ *fennelhttp.Server

var _ = func(ctx context.Context, reg *fennel.Registry, gateway, user, password, cert, key, ca string, client push.Doer) error {
	group, err := push.New(gateway, "backup")
	if err != nil {
		return err
	}
	_ = group.Push(ctx, reg)
	_ = group.Add(ctx, reg)
	_ = group.Delete(ctx)
	_ = group.Run(ctx, reg)
	_ = []push.Option{
		push.Grouping("instance", "db1"),
		push.Timeout(30 * time.Second),
		push.Client(client),
		push.Snappy(),
		push.Uncompressed(),
		push.TrustRedirects(),
		push.BasicAuth(user, password),
		push.TLSFiles(cert, key, ca),
		push.TLSConfig(&tls.Config{InsecureSkipVerify: true}),
		push.Format(exposition.Format{Syntax: exposition.Text004}),
	}
	ip, err := push.InstanceIP(ctx, gateway)
	_ = push.Grouping("instance", ip.String())
	return err
}

var _ = func(reg *fennel.Registry, path string) {
	reg.MustRegister(collectors.Process())
	reg.MustRegister(collectors.Go(), collectors.BuildInfo())
	_ = []collectors.ProcessOption{
		collectors.Namespace("db"),
		collectors.PID(collectors.PIDFile(path)),
		collectors.ProcFS("/host/proc"),
	}
}
