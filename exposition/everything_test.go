package exposition

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/fennelmetrics/fennel"
)

type phase string

// everything returns a registry with metrics of every type, and what is
// awkward about names, labels, help and values.
func everything() *fennel.Registry {
	r := fennel.NewRegistry()
	in := fennel.In(r)

	fennel.NewCounter("http_requests_total", "Requests, \"all\" of them,\nfrom C:\\here.", in).AddUint(math.MaxUint64)
	fennel.NewCounter("io_read_bytes_total", "Bytes read.", in, fennel.Unit("bytes")).Add(0.5)
	fennel.NewCounter("events", "A counter without _total.", in, fennel.ConstLabels(fennel.Label{Name: "k", Value: "v"})).Inc()
	fennel.NewCounter("no_help_total", "", in)
	fennel.NewCounterVec[string]("never_used_total", "Has no series.", in, fennel.LabelNames("a"))

	hostile := fennel.NewCounterVec[[2]string]("hostile_total", "Label values.", in, fennel.LabelNames("value", "zone.id"))
	for i, v := range []string{"plain", "", `"`, `\`, "\n", `\n`, `",zone_id="x`, "Zürich 東京 🚀", "a\xffb", "}", " "} {
		hostile.With([2]string{v, "eu"}).AddUint(uint64(i))
	}

	values := fennel.NewGaugeVec[float64Label]("value", "Numbers.", in)
	for _, v := range []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 999_999, 1e6, 1_234_567, -1e6, 1e15 - 1, 1e15, 1e16, -1e15, 1e21, 1e100,
		math.MaxFloat64, math.SmallestNonzeroFloat64, 1e-5, 2.5e-7, math.Inf(1), math.Inf(-1), math.NaN(), 1.0 / 3,
	} {
		values.With(float64Label{fmt.Sprint(v)}).Set(v)
	}

	fennel.NewGauge("http.server.in-flight", "A name with a dot and a dash.", in).Set(3)
	fennel.NewGauge("we\"ird\\na\nme", "A name with all that is escaped.", in).Set(4)
	fennel.NewGauge("job:colon", "A name with a colon.", in).Set(5)
	fennel.NewCounter("rpc.calls_total", "A counter whose name is not legal.", in).AddUint(6)

	for _, shard := range []string{"1", "0"} {
		fennel.NewGaugeVec[string]("shard_size_bytes", "Constant labels.", in, fennel.LabelNames("kind"), fennel.Unit("bytes"),
			fennel.ConstLabels(fennel.Label{Name: "shard", Value: shard})).With("disk").Set(7)
	}

	latency := fennel.NewHistogram("latency_seconds", "Latency.", in, fennel.Unit("seconds"), fennel.Buckets(0.005, 1, 2.5, 10, 1e6))
	for _, v := range []float64{0.001, 0.5, 0.5, 2, 1e9} {
		latency.Observe(v)
	}
	fennel.NewHistogramVec[string]("rpc.latency_seconds", "Latency.", in, fennel.LabelNames("rpc.method"), fennel.Unit("seconds"), fennel.Buckets(1)).With("get").Observe(0.5)
	fennel.NewHistogram("temperature", "Negative bounds.", in, fennel.Buckets(-10, 0, 10)).Observe(-3)
	fennel.NewHistogram("uncut", "No bounds.", in, fennel.Buckets()).Observe(3)

	fennel.NewSummary("batch_size", "A summary.", in).Observe(2.5)
	fennel.NewSummaryVec[string]("batch.size.by", "A summary with labels.", in, fennel.LabelNames("kind")).With("x").Observe(1)

	fennel.NewInfo("build_info", "The build.", struct {
		Version string `label:"version"`
		GoOS    string `label:"go.os"`
	}{`1.2"3`, "linux"}, in)
	fennel.NewInfo("empty_info", "Says nothing.", struct{}{}, in)

	fennel.NewStateSet("phase", "A stateset.", []phase{"starting", "run\"ning", ""}, in).Set("run\"ning")
	fennel.NewStateSetVec[string]("worker.phase", "A stateset with labels.", []phase{"up", "down"}, in, fennel.LabelNames("worker")).With("a")

	fennel.NewUnknown("passed_on", "Of unknown type.", in).Set(1.5)

	r.MustRegister(fennel.CollectorFunc(collectEverything))
	return r
}

type float64Label struct {
	Value string `label:"v"`
}

// collectEverything writes all types with timestamps.
func collectEverything(_ context.Context, w *fennel.Writer) error {
	whole, fraction, zero := time.Unix(1700000000, 0), time.Unix(1700000000, 120_300_000), time.Unix(0, 0)
	g := w.Gauge("collected_gauge", "Timestamps.", fennel.LabelNames("time"))
	g.Write(1, "none")
	g.At(whole).Write(2, "whole")
	g.At(fraction).Write(3, "fraction")
	g.At(zero).Write(4, "1970")
	g.At(time.Unix(1, 1)).Write(5, "nanosecond")
	g.At(whole).At(time.Time{}).Write(6, "taken away")
	w.Counter("collected_total", "A counter.").At(fraction).Write(1e18)
	w.Histogram("collected_histogram", "A histogram.", []float64{0.5, math.Inf(1)}, fennel.LabelNames("l")).At(whole).
		Write(fennel.HistogramValue{Counts: []uint64{1, 1<<63 + 1}, Sum: math.NaN()}, "x")
	w.Summary("collected.summary", "A summary.", []float64{0, 0.5, 1}, fennel.LabelNames("a.b")).At(fraction).
		Write(fennel.SummaryValue{Count: 2, Sum: 3, Quantiles: []float64{1, math.NaN(), math.Inf(1)}}, "\n")
	w.Info("collected_facts_info", "An info.", fennel.LabelNames("v")).At(whole).Write("1")
	w.StateSet("collected_state", "A stateset.", []string{"a", "b"}).At(whole).Write([]string{"a", "b"})
	w.Unknown("collected_unknown", "").At(whole).Write(math.Inf(-1))
	w.Gauge("collected_empty", "No samples.")
	return nil
}
