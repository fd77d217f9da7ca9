package integration

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/fennelmetrics/fennel"
)

// nativeShapes are native histograms of all forms, by name.
var nativeShapes = map[string]*fennel.NativeHistogram{
	"nothing":         {Schema: 3, ZeroThreshold: 0x1p-128},
	"nothing, no 0":   {Schema: 0},
	"zeroes":          {Schema: 8, ZeroThreshold: 0.001, ZeroCount: 7},
	"zeroes alone":    {Schema: 8, ZeroCount: 7},
	"one":             {Positive: []fennel.NativeBucket{{Index: 0, Count: 1}}},
	"first below 1":   {Schema: 2, Positive: []fennel.NativeBucket{{Index: -3, Count: 4}, {Index: -2, Count: 1}, {Index: 1, Count: 2}}},
	"short gaps":      {Schema: 1, Positive: []fennel.NativeBucket{{Index: 5, Count: 1}, {Index: 7, Count: 2}, {Index: 10, Count: 3}}},
	"long gaps":       {Schema: 1, Positive: []fennel.NativeBucket{{Index: -50, Count: 9}, {Index: -46, Count: 1}, {Index: 90, Count: 3}}},
	"negative":        {Schema: -1, ZeroThreshold: 1, ZeroCount: 2, Negative: []fennel.NativeBucket{{Index: 1, Count: 3}, {Index: 2, Count: 1}}},
	"both sides":      {Schema: 4, ZeroCount: 1, Positive: []fennel.NativeBucket{{Index: 17, Count: 1 << 40}}, Negative: []fennel.NativeBucket{{Index: -17, Count: 1}, {Index: 30, Count: 5}}},
	"coarsest":        {Schema: -4, Positive: []fennel.NativeBucket{{Index: -66, Count: 1}, {Index: 0, Count: 2}, {Index: 64, Count: 3}, {Index: 65, Count: 4}}},
	"finest":          {Schema: 8, Positive: []fennel.NativeBucket{{Index: -274943, Count: 1}, {Index: 262144, Count: 3}, {Index: 262145, Count: 4}}},
	"counts that dip": {Schema: 3, Positive: []fennel.NativeBucket{{Index: 1, Count: 1 << 50}, {Index: 2, Count: 1}, {Index: 3, Count: 1 << 50}}},
	"empty buckets":   {Schema: 3, Positive: []fennel.NativeBucket{{Index: 1, Count: 0}, {Index: 2, Count: 1}, {Index: 9, Count: 0}}},
}

// total returns the number of observations in a histogram.
func total(h *fennel.NativeHistogram) uint64 {
	n := h.ZeroCount
	for _, buckets := range [][]fennel.NativeBucket{h.Positive, h.Negative} {
		for _, b := range buckets {
			n += b.Count
		}
	}
	return n
}

// aTime returns a function of times that are not whole numbers of milliseconds.
// They are the same whenever it is called.
func aTime() func(ago time.Duration) time.Time {
	now := time.Now().Truncate(time.Second)
	return func(ago time.Duration) time.Time { return now.Add(-ago - time.Second + 123456789) }
}

// addNatives adds a collector that writes native histograms of all shapes, alone
// and with classic buckets.
func addNatives(r *fennel.Registry) {
	at, names := aTime(), fennel.LabelNames("shape")
	since, exemplars := at(time.Minute), someExemplars()
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		both := w.Histogram("native_both_seconds", "Native and classic.", someBounds, names, fennel.Unit("seconds")).Since(since)
		alone := w.Histogram("native.alone", "Native alone.", nil, names)
		for shape, h := range nativeShapes {
			v := fennel.HistogramValue{Sum: 12.5, Native: h, Exemplars: exemplars}
			alone.Write(v, shape)
			v.Counts = []uint64{total(h), 0, 0, 0}
			both.Write(v, shape)
		}
		alone.Since(since).At(at(5*time.Second)).Write(fennel.HistogramValue{Sum: math.NaN(), Native: nativeShapes["negative"]}, "at a time")
		return nil
	}))
}

// addNativeGauges adds a collector that writes native gauge histograms.
func addNativeGauges(r *fennel.Registry) {
	exemplars := someExemplars()
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		gauge := w.GaugeHistogram("native_ages", "A gauge.", someBounds, fennel.LabelNames("shape"))
		for shape, h := range nativeShapes {
			gauge.Write(fennel.HistogramValue{Counts: []uint64{0, 0, total(h), 0}, Sum: -1, Native: h, Exemplars: exemplars}, shape)
		}
		return nil
	}))
}

var someBounds = []float64{0, 1, 10}

// someExemplars returns three exemplars, which go into three of [someBounds].
func someExemplars() []fennel.Exemplar {
	at := aTime()
	return []fennel.Exemplar{
		{Labels: trace("one"), Value: 0.1, Time: at(3 * time.Second)},
		{Labels: trace("two"), Value: 3, Time: at(2 * time.Second)},
		{Labels: trace("three"), Value: 1e9, Time: at(time.Second)},
	}
}

// addGaugeHistograms adds gauge histograms with classic buckets alone.
func addGaugeHistograms(r *fennel.Registry) {
	at := aTime()
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		for name, bounds := range map[string][]float64{"queue_age_seconds": {0.5, 1, 60}, "balance.spread": {-10, 0, 10}, "no_bounds_ages": nil} {
			h := w.GaugeHistogram(name, "A gauge histogram.", bounds, fennel.LabelNames("kind"))
			v := fennel.HistogramValue{Counts: []uint64{3, 0, 2, 1}[:len(bounds)+1], Sum: -7.25}
			h.Write(v, "plain")
			v.Exemplars = []fennel.Exemplar{{Labels: trace("gauge"), Value: 0.25, Time: at(time.Second)}}
			h.Write(v, "with an exemplar")
			h.At(at(4*time.Second)).Write(v, "at a time")
		}
		return nil
	}))
}

// addExemplars adds metrics with exemplars and start times of all kinds.
func addExemplars(r *fennel.Registry) {
	in := fennel.In(r)
	fennel.NewCounter("traced_total", "With an exemplar.", in).AddWithExemplar(2.5, trace("0123456789abcdef")...)
	fennel.NewCounter("traced_events", "OpenMetrics has no such counter.", in).IncWithExemplar(trace("lost there")...)
	fennel.NewCounter("traced.utf8_total", "With a name that needs quotes.", in).
		IncWithExemplar(fennel.Label{Name: "trace.id", Value: "a\"b\\c\nd"}, fennel.Label{Name: "花", Value: "火"})
	h := fennel.NewHistogramVec[string]("traced_seconds", "With exemplars.", fennel.LabelNames("path"), fennel.Unit("seconds"), fennel.Buckets(0.1, 1, 10), in)
	for _, v := range []float64{0.05, 0.1, 1.5, 100} {
		h.With("/").ObserveWithExemplar(v, trace(fmt.Sprint(v))...)
	}
	h.With("/plain").Observe(1)
	fennel.NewHistogram("traced_deviation", "With negative buckets.", fennel.Buckets(-1, 1), in).ObserveWithExemplar(-5, trace("below")...)
	addStarts(r)
}

// addStarts adds a collector with start times.
func addStarts(r *fennel.Registry) {
	at, names := aTime(), fennel.LabelNames("since")
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		starts := map[string]time.Time{"now": at(0), "long ago": time.Unix(0, 1), "not known": {}}
		for name, start := range starts {
			x := fennel.Exemplar{Labels: trace(name), Value: 0.5, Time: at(time.Second)}
			w.Counter("started_total", "A counter.", names).Since(start).WithExemplar(x).Write(3, name)
			w.Summary("started_seconds", "A summary.", []float64{0.5}, names).Since(start).
				Write(fennel.SummaryValue{Count: 1, Sum: 2, Quantiles: []float64{2}}, name)
			w.Histogram("started.bytes", "A histogram.", []float64{1}, names).Since(start).
				Write(fennel.HistogramValue{Counts: []uint64{1, 2}, Sum: 3, Exemplars: []fennel.Exemplar{x}}, name)
		}
		return nil
	}))
}

// trace returns the labels of an exemplar.
func trace(id string) []fennel.Label { return []fennel.Label{{Name: "trace_id", Value: id}} }
