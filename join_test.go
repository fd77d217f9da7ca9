package fennel_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestMergeKeepsEverything(t *testing.T) {
	a, b := oneOfEach(t), fennel.NewRegistry()
	all := fennel.ConstLabels(label("from", "b"))
	in := fennel.In(b)
	h := fennel.NewHistogram("latency_seconds", "Time.", in, all, fennel.Unit("seconds"), fennel.Buckets(1))
	h.ObserveWithExemplar(0.25, label("trace_id", "x"))
	c := fennel.NewCounter("requests_total", "Requests.", in, all)
	c.IncWithExemplar(label("trace_id", "y"))
	c.AddUint(1<<63 + 1)
	s := fennel.NewSummary("size_bytes", "Size.", in, all, fennel.Unit("bytes"))
	s.Observe(2)
	fennel.NewStateSet("phase", "Phase.", phases, in, all).Set(running)
	register(t, b, func(w *fennel.Writer) error {
		w.Histogram("native", "", nil).Write(fennel.HistogramValue{Native: &fennel.NativeHistogram{
			Schema: 3, ZeroThreshold: 0.5, ZeroCount: 1, Positive: []fennel.NativeBucket{{Index: 2, Count: 3}},
		}})
		w.Gauge("timed", "", fennel.LabelNames("k")).At(time.Unix(7, 0)).Write(1, "b")
		return nil
	})
	register(t, a, func(w *fennel.Writer) error {
		w.Histogram("native", "", nil, fennel.LabelNames("k")).Write(fennel.HistogramValue{Counts: []uint64{2}}, "a")
		w.Gauge("timed", "", fennel.LabelNames("k")).Write(1, "a")
		return nil
	})
	byName := make(map[string]fennel.Family)
	for _, f := range gather(t, fennel.Merge(a, b)) {
		byName[f.Name] = f
	}
	mine := make(map[string]fennel.Sample)
	for _, f := range gather(t, b) {
		mine[f.Name] = f.Samples[0]
	}
	for name, want := range mine {
		if strings.HasPrefix(name, "fennel_") {
			continue
		}
		got := byName[name].Samples
		i := slices.IndexFunc(got, func(s fennel.Sample) bool { return reflect.DeepEqual(s, want) })
		if i < 0 || len(got) != 2 {
			t.Errorf("%s: %+v, want %+v among two", name, got, want)
			continue
		}
		if want.Native != nil && got[i].Native == nil {
			t.Errorf("%s: the native buckets are gone", name)
		}
	}
	if f := byName["latency_seconds"]; f.Unit != "seconds" || f.Help != "Time." || len(byName) != 9 {
		t.Errorf("%d families, among them %+v", len(byName), f)
	}
	body := render(t, fennel.Merge(a, b), openMetrics)
	if n := strings.Count(body, "# TYPE "); n != len(byName) {
		t.Errorf("%d headers, want %d:\n%s", n, len(byName), body)
	}
	if !strings.Contains(body, `requests_total{from="b"} 9223372036854775810`) {
		t.Errorf("the counter isn't exact:\n%s", body)
	}
}

func TestMergeReportsDuplicates(t *testing.T) {
	a, b, g := twoRegistries()
	for i, r := range []*fennel.Registry{a, b} {
		vec := fennel.NewGaugeVec[string]("x", "", fennel.In(r), fennel.LabelNames("k"))
		vec.With("same").Set(float64(i))
		vec.With("too").Set(float64(i))
		vec.With(fmt.Sprint(i)).Set(float64(i))
	}
	families, errs := gatherPartial(t, g)
	wantErrors(t, errs, `metric "x": samples left out because another registry has their labels, too: 2`)
	if got := fmt.Sprint(families[0].Samples); strings.Count(got, "same") != 1 {
		t.Errorf("samples %s", got)
	}
	body, err := exposition.Bytes(t.Context(), g, utf8Text)
	if want := "# TYPE x gauge\nx{k=\"0\"} 0\nx{k=\"1\"} 1\nx{k=\"same\"} 0\nx{k=\"too\"} 0\n"; string(body) != want || !fennel.Partial(err) {
		t.Errorf("body with %v:\n%swant:\n%s", err, body, want)
	}
}

// Samples with the same names of labels are told apart in one order of them.
func TestMergeOfFamiliesWithOtherLabels(t *testing.T) {
	a, b, g := twoRegistries()
	fennel.NewGaugeVec[[2]string]("x", "", fennel.In(a), fennel.LabelNames("k", "l")).With([2]string{"1", "\"2"}).Set(1)
	other := fennel.NewGaugeVec[[2]string]("x", "", fennel.In(b), fennel.LabelNames("l", "k"))
	other.With([2]string{"\"2", "0"}).Set(2)
	other.With([2]string{"\"2", "1"}).Set(3)
	other.With([2]string{"1", "2"}).Set(4)
	families, errs := gatherPartial(t, g)
	wantErrors(t, errs, "samples left out because another registry has their labels, too: 1")
	if got, want := fmt.Sprint(values(families[0])), "[2 1 4]"; got != want {
		t.Errorf("values %s in %+v, want %s", got, families, want)
	}
	b.Forget("x")
	register(t, b, func(w *fennel.Writer) error {
		w.Gauge("x", "", fennel.LabelNames("z.z")).Write(5, "1")
		w.Gauge("x", "", fennel.LabelNames("l", "k")).Write(6, "2", "3")
		w.Gauge("x", "").Write(7)
		return nil
	})
	wantBody(t, g, text004, "# TYPE x gauge\nx 7\nx{z_z=\"1\"} 5\nx{k=\"1\",l=\"\\\"2\"} 1\nx{k=\"3\",l=\"2\"} 6\n")
}

func values(f fennel.Family) (values []float64) {
	for _, s := range f.Samples {
		values = append(values, s.Value)
	}
	return values
}

func TestMergeAddsUpTheRegistriesOwnMetrics(t *testing.T) {
	a, b, g := twoRegistries()
	for i, r := range []*fennel.Registry{a, b} {
		fennel.NewCounter("c_total", "", fennel.In(r), fennel.ConstLabels(shard(fmt.Sprint(i)))).Add(-1)
		fennel.NewCounter(fmt.Sprintf("m%d_total", i), "", fennel.In(r)).Add(-1)
	}
	body := render(t, g, text004)
	for _, want := range []string{`{metric="c_total",reason="negative"} 2`, `{metric="m0_total",reason="negative"} 1`, `{metric="m1_total",reason="negative"} 1`} {
		if !strings.Contains(body, "fennel_dropped_updates_total"+want) {
			t.Errorf("no %s in:\n%s", want, body)
		}
	}
}

// Of the sum it is known since when all of it counts: since the earliest.
func TestMergeAddsUpSinceTheEarliest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late, early := fennel.NewRegistry(), fennel.NewRegistry()
		start := time.Now()
		for _, r := range []*fennel.Registry{early, late} {
			fennel.NewCounter("c_total", "", fennel.In(r), fennel.ConstLabels(shard(fmt.Sprint(r == late)))).Add(-1)
			time.Sleep(time.Hour)
		}
		for _, g := range []fennel.Gatherer{fennel.Merge(late, early), fennel.Merge(early, late)} {
			for _, f := range gather(t, g) {
				if s := f.Samples[0]; f.Name == "fennel_dropped_updates_total" && (s.Value != 2 || !s.Created.Equal(start)) {
					t.Errorf("%v since %v, want 2 since %v", s.Value, s.Created, start)
				}
			}
		}
	})
}

// Collectors that share a family, and of which a part is given twice.
func TestMergeOfPartsOfAFamily(t *testing.T) {
	r := fennel.NewRegistry()
	v := r.View("")
	for i, r := range []*fennel.Registry{r, v, v} {
		register(t, r, func(w *fennel.Writer) error {
			w.Gauge("x", "", fennel.LabelNames("k")).Write(1, fmt.Sprint(i))
			return nil
		})
	}
	wantSamples(t, fennel.Merge(fennel.Only(r, "x"), fennel.Only(v, "x")), `x{k="0"} 1`, `x{k="1"} 1`, `x{k="2"} 1`)
}

// A sum that is beyond the integers of a counter goes on as a float.
func TestMergeAddsUpBeyondTheIntegers(t *testing.T) {
	family := sample.Family{Name: "fennel_dropped_updates_total", Kind: sample.Counter, Legal: true}
	gatherer := func(whole uint64, fraction float64) fennel.Gatherer {
		return foreignFunc(func(_ context.Context, _ *sample.Request, v sample.Visitor) error {
			return v.Visit(&family, &sample.Batch{Ends: []uint32{0}, Whole: []uint64{whole}, Values: []float64{fraction}})
		})
	}
	const half = 1 << 63
	for _, tt := range []struct {
		a, b  uint64
		whole uint64
		rest  float64
	}{
		{half, half - 1, math.MaxUint64, 0.75},
		{half, half, 0, 1<<64 + 0.75},
		{math.MaxUint64, 1, 0, 1<<64 + 0.75},
		{math.MaxUint64, math.MaxUint64, math.MaxUint64 - 1, 1<<64 + 0.75},
		{0, 0, 0, 0.75},
	} {
		g := fennel.Merge(gatherer(tt.a, 0.5), gatherer(tt.b, 0.25))
		err := g.Visit(t.Context(), nil, visitorFunc(func(_ *sample.Family, b *sample.Batch) error {
			if b.Len() != 1 || b.Whole[0] != tt.whole || b.Values[0] != tt.rest {
				t.Errorf("%d and %d: %d samples, %d and %v, want %d and %v", tt.a, tt.b, b.Len(), b.Whole[0], b.Values[0], tt.whole, tt.rest)
			}
			return nil
		}))
		if err != nil {
			t.Error(err)
		}
	}
}
