package integration

import (
	"maps"
	"math"
	"testing"

	golang "github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// This file reads what client_golang, the reference among clients, has to say:
// it is by its bodies that the harness is tested, and by its messages that those
// of Fennel are.

// observations are some numbers of all kinds that a histogram can take.
var observations = []float64{0, 1e-300, -1e-300, 0.001, 0.25, 0.5, 1, 1, 1, 1.5, 2, 3, 100, 1e9, -0.5, -2, -2, -1e6, math.MaxFloat64}

// messageNative converts a histogram in a message. The spans are read here and
// not by Prometheus's code, so that one reader stands against the other.
func messageNative(t *testing.T, h *dto.Histogram) native {
	t.Helper()
	return native{
		Schema:        h.GetSchema(),
		ZeroThreshold: h.GetZeroThreshold(),
		ZeroCount:     h.GetZeroCount(),
		Count:         h.GetSampleCount(),
		Sum:           h.GetSampleSum(),
		Positive:      messageBuckets(t, h.GetPositiveSpan(), h.GetPositiveDelta()),
		Negative:      messageBuckets(t, h.GetNegativeSpan(), h.GetNegativeDelta()),
	}
}

// messageBuckets reads the buckets of one side. What is wrong with them fails
// the test.
func messageBuckets(t *testing.T, spans []*dto.BucketSpan, deltas []int64) []nativeBucket {
	t.Helper()
	var out []nativeBucket
	index, count := int32(0), int64(0)
	for i, span := range spans {
		if i > 0 && span.GetOffset() < 0 {
			t.Errorf("span %d goes back by %d", i, span.GetOffset())
		}
		index += span.GetOffset()
		for range span.GetLength() {
			if len(deltas) == 0 {
				t.Fatalf("spans %v have fewer deltas than buckets", spans)
			}
			count, deltas = count+deltas[0], deltas[1:]
			if count < 0 {
				t.Errorf("bucket %d counts %d", index, count)
			}
			if count > 0 {
				out = append(out, nativeBucket{index, uint64(count)})
			}
			index++
		}
	}
	if len(deltas) > 0 {
		t.Errorf("%d deltas are left over by spans %v", len(deltas), spans)
	}
	return out
}

// messageSeries spells the series of a metric in a message.
func messageSeries(f *dto.MetricFamily, m *dto.Metric) string {
	set := map[string]string{"__name__": f.GetName()}
	for _, l := range m.Label {
		set[l.GetName()] = l.GetValue()
	}
	return seriesName(set)
}

// messageNatives returns the native histograms in messages, by series.
func messageNatives(t *testing.T, families []*dto.MetricFamily) map[string]native {
	t.Helper()
	natives := make(map[string]native)
	for _, f := range families {
		for _, m := range f.Metric {
			if h := m.Histogram; h != nil && (len(h.PositiveSpan)+len(h.NegativeSpan) > 0 || h.GetZeroThreshold() > 0) {
				natives[messageSeries(f, m)] = messageNative(t, h)
			}
		}
	}
	return natives
}

// messageExemplars returns the exemplars in messages, by the series that has
// them in Prometheus: with natives they are those of native histograms, too.
func messageExemplars(families []*dto.MetricFamily) map[string][]*dto.Exemplar {
	found := make(map[string][]*dto.Exemplar)
	add := func(series string, e *dto.Exemplar) {
		if e != nil {
			found[series] = append(found[series], e)
		}
	}
	for _, f := range families {
		for _, m := range f.Metric {
			add(messageSeries(f, m), m.GetCounter().GetExemplar())
			for _, e := range m.GetHistogram().GetExemplars() {
				add(messageSeries(f, m), e)
			}
			for _, b := range m.GetHistogram().GetBucket() {
				set := map[string]string{"__name__": f.GetName() + "_bucket", "le": canonical(b.GetUpperBound())}
				for _, l := range m.Label {
					set[l.GetName()] = l.GetValue()
				}
				add(seriesName(set), b.Exemplar)
			}
		}
	}
	return found
}

// messageStarts returns the start times in messages in milliseconds, by series of
// counters and native histograms.
func messageStarts(families []*dto.MetricFamily) map[string]int64 {
	starts := make(map[string]int64)
	for _, f := range families {
		for _, m := range f.Metric {
			if c := m.GetCounter(); c.GetCreatedTimestamp() != nil {
				starts[messageSeries(f, m)] = c.GetCreatedTimestamp().AsTime().UnixMilli()
			}
			if h := m.GetHistogram(); h.GetCreatedTimestamp() != nil {
				starts[messageSeries(f, m)] = h.GetCreatedTimestamp().AsTime().UnixMilli()
			}
		}
	}
	return starts
}

// golangRegistry returns a registry of client_golang with counters, and with
// histograms of each kind, all with exemplars.
func golangRegistry() *golang.Registry {
	r := golang.NewRegistry()
	requests := golang.NewCounterVec(golang.CounterOpts{Name: "golang_requests_total", Help: "Counters."}, []string{"code"})
	requests.WithLabelValues("200").(golang.ExemplarAdder).AddWithExemplar(42, golang.Labels{"trace_id": "a"})
	requests.WithLabelValues("500").Add(0.5)
	kinds := map[string]golang.HistogramOpts{
		"both":    {Buckets: []float64{-1, 0, 1, 10}, NativeHistogramBucketFactor: 1.1},
		"native":  {NativeHistogramBucketFactor: 2, NativeHistogramZeroThreshold: golang.NativeHistogramZeroThresholdZero},
		"classic": {Buckets: []float64{0.5, 5}},
		"coarse":  {NativeHistogramBucketFactor: 65536, NativeHistogramZeroThreshold: 0.01},
		"fine":    {NativeHistogramBucketFactor: 1.001},
		"empty":   {NativeHistogramBucketFactor: 1.1},
		"limited": {NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 5, NativeHistogramMaxZeroThreshold: 0.01},
	}
	for name, opts := range kinds {
		opts.Name, opts.Help = "golang_"+name, "A histogram."
		h := golang.NewHistogram(opts)
		r.MustRegister(h)
		if name == "empty" {
			continue
		}
		for i, v := range observations {
			h.Observe(v)
			if i%5 == 0 {
				h.(golang.ExemplarObserver).ObserveWithExemplar(v, golang.Labels{"trace_id": string(rune('a' + i))})
			}
		}
	}
	r.MustRegister(requests)
	return r
}

// golangGather gathers from a registry of client_golang. An error fails the
// test.
func golangGather(t *testing.T, r golang.Gatherer) []*dto.MetricFamily {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// plus returns a and b together.
func plus(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}
