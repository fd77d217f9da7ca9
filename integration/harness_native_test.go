package integration

import (
	"bytes"
	"net/http"
	"reflect"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

const protobufType = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

// nativeBody returns a protobuf body with one native histogram, which has classic
// buckets too: 0, 1.5, 1.5 and 3 were observed, at schema 0.
func nativeBody(t *testing.T) []byte {
	family := &dto.MetricFamily{
		Name: new("fixture_native_seconds"),
		Help: new("A native histogram."),
		Type: dto.MetricType_HISTOGRAM.Enum(),
		Unit: new("seconds"),
		Metric: []*dto.Metric{{Histogram: &dto.Histogram{
			SampleCount:   new(uint64(4)),
			SampleSum:     new(6.0),
			Bucket:        []*dto.Bucket{{UpperBound: new(1.0), CumulativeCount: new(uint64(1))}},
			Schema:        new(int32(0)),
			ZeroThreshold: new(0.001),
			ZeroCount:     new(uint64(1)),
			PositiveSpan:  []*dto.BucketSpan{{Offset: new(int32(1)), Length: new(uint32(2))}},
			PositiveDelta: []int64{2, -1},
		}}},
	}
	var body bytes.Buffer
	if err := expfmt.NewEncoder(&body, expfmt.NewFormat(expfmt.TypeProtoDelim)).Encode(family); err != nil {
		t.Fatal(err)
	}
	return body.Bytes()
}

// classicOfNative is the classic form of the histogram in [nativeBody].
var classicOfNative = map[string]float64{
	`fixture_native_seconds_bucket{le="1.0"}`:  1,
	`fixture_native_seconds_bucket{le="+Inf"}`: 4,
	`fixture_native_seconds_sum`:               6,
	`fixture_native_seconds_count`:             4,
}

func TestHarnessNativeScrape(t *testing.T) {
	body := nativeBody(t)
	addr := startFixture(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", protobufType)
		_, _ = w.Write(body)
	})
	p := startPrometheus(t, target{Name: "native", Addr: addr, Protocol: protobuf, Extra: map[string]any{
		"scrape_native_histograms":         true,
		"always_scrape_classic_histograms": true,
	}})
	got := p.query(t, "fixture_native_seconds")
	want := &histogram{Count: 4, Sum: 6, Buckets: []bucket{
		{Boundaries: 3, Lower: -0.001, Upper: 0.001, Count: 1},
		{Boundaries: 0, Lower: 1, Upper: 2, Count: 2},
		{Boundaries: 0, Lower: 2, Upper: 4, Count: 1},
	}}
	if len(got) != 1 || !reflect.DeepEqual(got[0].Histogram, want) {
		t.Errorf("native histogram: %+v, want %+v", got, want)
	}
	if d := diff(p.scraped(t, "native"), classicOfNative); d != "" {
		t.Errorf("classic histogram:\n%s", d)
	}
}

func TestHarnessNativeParse(t *testing.T) {
	got, err := parse(nativeBody(t), protobufType)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(got.values(), classicOfNative); d != "" {
		t.Errorf("classic histogram:\n%s", d)
	}
	want := map[string]native{"fixture_native_seconds": {
		Count: 4, Sum: 6, ZeroCount: 1, ZeroThreshold: 0.001, Positive: []nativeBucket{{1, 2}, {2, 1}},
	}}
	if d := diffNatives(got.natives(), want); d != "" {
		t.Errorf("native histogram:\n%s", d)
	}
	if got.Units["fixture_native_seconds"] != "seconds" {
		t.Errorf("units: %v, want seconds", got.Units)
	}
}
