package fennel_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// native is a native histogram of 20 observations.
func native() *fennel.NativeHistogram {
	return &fennel.NativeHistogram{
		Schema: 3, ZeroThreshold: 1e-128, ZeroCount: 2,
		Positive: []fennel.NativeBucket{{Index: -5, Count: 3}, {Index: 0, Count: 4}, {Index: 9, Count: 5}},
		Negative: []fennel.NativeBucket{{Index: 1, Count: 6}},
	}
}

func TestCollectorsWriteNativeHistograms(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		k := fennel.LabelNames("k")
		only := w.Histogram("only", "", nil, k)
		both := w.Histogram("both", "", []float64{0, 1, math.Inf(1)}, k)
		gauge := w.GaugeHistogram("gauge", "", nil, k)
		for _, label := range []string{"b", "a"} { // which has to be sorted
			only.Since(start).Write(fennel.HistogramValue{Sum: 7, Native: native()}, label)
			both.Write(fennel.HistogramValue{Counts: []uint64{7, 8, 5}, Sum: 8, Native: native()}, label)
			gauge.Write(fennel.HistogramValue{Counts: []uint64{20}, Sum: -9, Native: native()}, label)
		}
		only.Write(fennel.HistogramValue{Native: &fennel.NativeHistogram{Schema: -4}}, "empty")
	})
	families := gather(t, r)
	for name, want := range map[string]string{
		"only":  "[{a 20 7 [{+Inf 20}]} {b 20 7 [{+Inf 20}]} {empty 0 0 [{+Inf 0}]}]",
		"both":  "[{a 20 8 [{0 7} {1 15} {+Inf 20}]} {b 20 8 [{0 7} {1 15} {+Inf 20}]}]",
		"gauge": "[{a 20 -9 [{+Inf 20}]} {b 20 -9 [{+Inf 20}]}]",
	} {
		type line struct {
			label   string
			count   uint64
			sum     float64
			buckets []fennel.Bucket
		}
		var got []line
		for _, s := range family(t, families, name).Samples {
			got = append(got, line{s.Label("k"), s.Count, s.Sum, s.Buckets})
			want := native()
			if s.Label("k") == "empty" {
				want = &fennel.NativeHistogram{Schema: -4}
			}
			if s.Native == nil || fmt.Sprint(*s.Native) != fmt.Sprint(*want) {
				t.Errorf("%s: native part %v, want %v", name, s.Native, want)
			}
			if since := s.Created.Equal(start); since != (name == "only" && s.Label("k") != "empty") {
				t.Errorf("%s: it began to count at %v", name, s.Created)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	if got := family(t, families, "gauge").Type; got != fennel.TypeGaugeHistogram {
		t.Errorf("the type is %v", got)
	}
}

// Buckets that are empty say nothing and need not be written.
func TestEmptyNativeBucketsAreLeftOut(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		w.Histogram("h", "", nil).Write(fennel.HistogramValue{Native: &fennel.NativeHistogram{
			Positive: []fennel.NativeBucket{{1, 0}, {2, 1}, {3, 0}}, Negative: []fennel.NativeBucket{{1, 0}},
		}})
	})
	if n := family(t, gather(t, r), "h").Samples[0].Native; !slices.Equal(n.Positive, []fennel.NativeBucket{{2, 1}}) || n.Negative != nil {
		t.Errorf("%+v", n)
	}
}

func TestHistogramsThatCannotBeAreLeftOut(t *testing.T) {
	beyond := math.MaxInt32
	beyond++
	buckets := func(indices ...int) (list []fennel.NativeBucket) {
		for _, i := range indices {
			list = append(list, fennel.NativeBucket{Index: i, Count: 1})
		}
		return list
	}
	schema := func(schema int, positive ...fennel.NativeBucket) *fennel.NativeHistogram {
		return &fennel.NativeHistogram{Schema: schema, Positive: positive}
	}
	for _, tt := range []struct {
		name    string
		bounds  []float64
		value   fennel.HistogramValue
		problem string // "" if it can be
	}{
		{"schema 8", nil, fennel.HistogramValue{Native: schema(8)}, ""},
		{"schema -4", nil, fennel.HistogramValue{Native: schema(-4)}, ""},
		{"schema 9", nil, fennel.HistogramValue{Native: schema(9)}, "schema 9 is not between -4 and 8"},
		{"schema -5", nil, fennel.HistogramValue{Native: schema(-5)}, "schema -5 is not between -4 and 8"},
		{"custom buckets", nil, fennel.HistogramValue{Native: schema(-53)}, "schema -53"},
		{"a negative threshold", nil, fennel.HistogramValue{Native: &fennel.NativeHistogram{ZeroThreshold: -1}}, "zero threshold -1"},
		{"a threshold of NaN", nil, fennel.HistogramValue{Native: &fennel.NativeHistogram{ZeroThreshold: math.NaN()}}, "zero threshold NaN"},
		{"an infinite threshold", nil, fennel.HistogramValue{Native: &fennel.NativeHistogram{ZeroThreshold: math.Inf(1)}}, "zero threshold +Inf"},
		{"the largest threshold", nil, fennel.HistogramValue{Native: &fennel.NativeHistogram{ZeroThreshold: math.MaxFloat64}}, ""},
		{"falling indices", nil, fennel.HistogramValue{Native: schema(0, buckets(1, 3, 2)...)}, "native bucket 2 comes after 3: indices must rise"},
		{"an index twice", nil, fennel.HistogramValue{Native: schema(0, buckets(1, 1)...)}, "native bucket 1 comes after 1"},
		{"falling negative indices", nil, fennel.HistogramValue{Native: &fennel.NativeHistogram{Negative: buckets(2, -1)}}, "native bucket -1 comes after 2"},
		{"the outermost buckets of schema 0", nil, fennel.HistogramValue{Native: schema(0, buckets(-1074, 1025)...)}, ""},
		{"the outermost buckets of schema 8", nil, fennel.HistogramValue{Native: schema(8, buckets(-1074*256, 1024*256+1)...)}, ""},
		{"the outermost buckets of schema -1", nil, fennel.HistogramValue{Native: schema(-1, buckets(-537, 513)...)}, ""},
		{"the outermost buckets of schema -4", nil, fennel.HistogramValue{Native: schema(-4, buckets(-67, 65)...)}, ""},
		{"above all numbers", nil, fennel.HistogramValue{Native: schema(0, buckets(1026)...)}, "no number is in native bucket 1026 of schema 0"},
		{"below all numbers", nil, fennel.HistogramValue{Native: schema(8, buckets(-1074*256-1)...)}, "no number is in native bucket -274945 of schema 8"},
		{"above all numbers, coarse", nil, fennel.HistogramValue{Native: schema(-4, buckets(66)...)}, "no number is in native bucket 66"},
		{"below all numbers, coarse", nil, fennel.HistogramValue{Native: schema(-4, buckets(-68)...)}, "no number is in native bucket -68"},
		{"an index beyond 32 bits", nil, fennel.HistogramValue{Native: schema(8, buckets(beyond)...)}, "no number is in native bucket"},
		{"as many as fit", nil, fennel.HistogramValue{Native: schema(0, fennel.NativeBucket{Count: math.MaxUint64})}, ""},
		{"more than fit", nil, fennel.HistogramValue{Native: schema(0, fennel.NativeBucket{Count: math.MaxUint64}, fennel.NativeBucket{Index: 1, Count: 1})}, "native buckets count more than 2^64"},
		{"more than fit in classic buckets", []float64{1}, fennel.HistogramValue{Counts: []uint64{1, math.MaxUint64}}, "buckets count more than 2^64"},
		{"an agreement", []float64{1}, fennel.HistogramValue{Counts: []uint64{20, 0}, Native: native()}, ""},
		{"a mismatch", []float64{1}, fennel.HistogramValue{Counts: []uint64{20, 1}, Native: native()}, "21 observations in the buckets, 20 in the native ones"},
		{"a mismatch without bounds", nil, fennel.HistogramValue{Counts: []uint64{19}, Native: native()}, "19 observations in the buckets, 20 in the native ones"},
		{"no counts", []float64{1}, fennel.HistogramValue{Native: native()}, "0 counts for 2 buckets"},
		{"no counts and none native", nil, fennel.HistogramValue{}, "0 counts for 1 buckets"},
		{"too many counts", nil, fennel.HistogramValue{Counts: []uint64{1, 1}, Native: native()}, "2 counts for 1 buckets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for kind, declare := range map[string]func(*fennel.Writer, string, string, []float64, ...fennel.WriterOption) fennel.HistogramWriter{
				"histogram": (*fennel.Writer).Histogram, "gaugehistogram": (*fennel.Writer).GaugeHistogram,
			} {
				r := collected(t, func(w *fennel.Writer) { declare(w, "h", "", tt.bounds).Write(tt.value) })
				families, errs := gatherPartial(t, r)
				if tt.problem == "" {
					wantErrors(t, errs)
					family(t, families, "h")
					continue
				}
				wantErrors(t, errs, `metric "h": samples left out: 1, the first: sample []: `)
				if !strings.Contains(errs[0].Error(), tt.problem) {
					t.Errorf("%s: %v, want it to contain %q", kind, errs[0], tt.problem)
				}
				if names(families) != "" {
					t.Errorf("%s: exposed: %+v", kind, families)
				}
			}
		})
	}
}

// Without bounds a native and a classic histogram are different things, so a
// family is either.
func TestFamiliesAreNativeOrNot(t *testing.T) {
	plain := fennel.HistogramValue{Counts: []uint64{1}}
	k := fennel.LabelNames("k")
	for _, order := range [][]fennel.HistogramValue{{plain, {Native: native()}}, {{Native: native()}, plain}} {
		r := collected(t, func(w *fennel.Writer) {
			w.Histogram("h", "", nil, k).Write(order[0], "b")
			w.Histogram("h", "", nil, k).Write(order[1], "a")
			w.Histogram("h", "", nil, fennel.LabelNames("l")).Write(order[1], "c")
			w.Histogram("h", "", nil, k).Write(order[0], "d")
		})
		families, errs := gatherPartial(t, r)
		wantErrors(t, errs, `samples left out: 2, the first: sample ["a"]: some histograms of the family have native buckets and some have not`)
		for _, s := range family(t, families, "h").Samples {
			if (s.Native != nil) != (order[0].Native != nil) || s.Label("k") == "" {
				t.Errorf("gathered %+v", s)
			}
		}
		r = fennel.NewRegistry()
		for i, value := range order {
			register(t, r, func(w *fennel.Writer) error {
				w.Histogram("h", "", nil, k).Write(value, fmt.Sprint(i))
				return nil
			})
		}
		families, errs = gatherPartial(t, r)
		wantErrors(t, errs, "they differ in having native buckets")
		if s := family(t, families, "h").Samples; len(s) != 1 || s[0].Label("k") != "0" {
			t.Errorf("gathered %+v, want what came first", s)
		}
	}
}

func TestExemplarsFindTheirBuckets(t *testing.T) {
	several := []fennel.Exemplar{
		exemplar(2, "on the bound", 1), exemplar(-1, "below", 2), exemplar(5, "above", 3), exemplar(math.NaN(), "nan", 4),
		exemplar(1.5, "last", 5), exemplar(math.Inf(1), "infinite", 0), {Value: 2},
	}
	for _, gauge := range []bool{false, true} {
		r := collected(t, func(w *fennel.Writer) {
			declare := w.Histogram
			if gauge {
				declare = w.GaugeHistogram
			}
			h := declare("h", "", []float64{0, 1, 2}, fennel.LabelNames("k"))
			h.Write(fennel.HistogramValue{Counts: []uint64{1, 1, 1, 1}, Exemplars: several}, "b")
			h.Write(fennel.HistogramValue{Counts: []uint64{1, 1, 1, 1}}, "c")
			h.Write(fennel.HistogramValue{Counts: []uint64{1, 1, 1, 1}, Exemplars: several[:1]}, "a")
		})
		families, errs := gatherPartial(t, r)
		wantErrors(t, errs, `exemplars or start times left out: 2, the first: sample ["b"]: the value of an exemplar is NaN`)
		want := []string{
			"trace_id=on the bound:2@1s",
			"trace_id=below:-1@2s trace_id=last:1.5@5s trace_id=infinite:+Inf@0s",
			"",
		}
		for i, s := range family(t, families, "h").Samples {
			if got := details(s); got != want[i] {
				t.Errorf("sample %d: %s, want %s", i, got, want[i])
			}
		}
	}
}

func TestNativeHistogramsKeepTheLastTenExemplars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := collected(t, func(w *fennel.Writer) {
			var many []fennel.Exemplar
			for i := range 14 {
				many = append(many, exemplar(float64(i%2), fmt.Sprint(i), 100-i))
			}
			many[10].Time = time.Time{} // now, long before all others
			many[12].Labels = nil
			w.Histogram("h", "", nil).Write(fennel.HistogramValue{Native: native(), Exemplars: many})
		})
		families, errs := gatherPartial(t, r)
		wantErrors(t, errs, "left out: 1, the first: sample []: an exemplar has no labels")
		ids := ""
		for _, e := range family(t, families, "h").Samples[0].Exemplars {
			ids += " " + e.Labels[0].Value
		}
		if want := " 10 13 11 9 8 7 6 5 4 3"; ids != want {
			t.Errorf("exemplars%s, want those given last, by their times:%s", ids, want)
		}
	})
}

// bucketsOfExemplars is a visitor that notes them, sample by sample.
type bucketsOfExemplars map[string][]int32

func (v bucketsOfExemplars) Visit(f *sample.Family, b *sample.Batch) error {
	for _, e := range b.Exemplars {
		v[f.Name] = append(v[f.Name], e.Bucket)
	}
	return nil
}

// Formats are told the bucket of an exemplar, or that there is none.
func TestExemplarsSayTheirBuckets(t *testing.T) {
	e := []fennel.Exemplar{exemplar(0.5, "a", 0), exemplar(2, "b", 0)}
	r := collected(t, func(w *fennel.Writer) {
		w.Counter("counter", "").WithExemplar(e[0]).Write(1)
		w.Histogram("infinite", "", nil).Write(fennel.HistogramValue{Counts: []uint64{20}, Exemplars: e})
		w.Histogram("native", "", nil).Write(fennel.HistogramValue{Native: native(), Exemplars: e})
		w.Histogram("both", "", []float64{0, 1}).Write(fennel.HistogramValue{Counts: []uint64{0, 20, 0}, Native: native(), Exemplars: e})
	})
	got := make(bucketsOfExemplars)
	if err := r.Visit(t.Context(), nil, got); err != nil {
		t.Fatal(err)
	}
	want := bucketsOfExemplars{"counter": {-1}, "infinite": {0}, "native": {-1, -1}, "both": {1, 2}}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestHistogramWriterKeepsNothingOfItsArguments(t *testing.T) {
	value := fennel.HistogramValue{Counts: []uint64{20}, Native: native(), Exemplars: []fennel.Exemplar{exemplar(1, "kept", 0)}}
	r := collected(t, func(w *fennel.Writer) {
		w.Histogram("h", "", nil).Write(value)
		value.Counts[0], value.Native.Positive[0].Index, value.Exemplars[0].Labels[0].Value = 0, 99, "changed"
		value.Native.ZeroCount = 100
	})
	s := family(t, gather(t, r), "h").Samples[0]
	if s.Count != 20 || fmt.Sprint(*s.Native) != fmt.Sprint(*native()) || details(s) != "trace_id=kept:1@0s" {
		t.Errorf("%+v %v", s, s.Native)
	}
}

func TestGaugeHistogramsHaveNoStart(t *testing.T) {
	r := collected(t, func(w *fennel.Writer) {
		w.GaugeHistogram("h", "", nil).Since(start).Write(fennel.HistogramValue{Counts: []uint64{1}})
	})
	families, errs := gatherPartial(t, r)
	wantErrors(t, errs, "gaugehistogram metrics have no start time")
	if s := family(t, families, "h").Samples[0]; s.Count != 1 || !s.Created.IsZero() {
		t.Errorf("%+v", s)
	}
}

// The names of a gauge histogram in all formats belong to it: those of text,
// and those that a server makes of protobuf.
func TestGaugeHistogramTakesItsNames(t *testing.T) {
	for _, suffix := range []string{"", "_bucket", "_gcount", "_gsum", "_count", "_sum"} {
		r := collected(t, func(w *fennel.Writer) {
			w.GaugeHistogram("queue_age", "", []float64{1}).Write(fennel.HistogramValue{Counts: []uint64{1, 2}})
		})
		fennel.NewGauge("queue_age"+suffix, "", fennel.In(r))
		_, errs := gatherPartial(t, r)
		wantErrors(t, errs, "conflicts with")
		only := fennel.Only(collected(t, func(w *fennel.Writer) {
			if !w.Wants("queue_age") {
				t.Errorf("queue_age%s: not wanted", suffix)
			}
			w.GaugeHistogram("queue_age", "", []float64{1}).Write(fennel.HistogramValue{Counts: []uint64{1, 2}})
		}), "queue_age"+suffix)
		family(t, gather(t, only), "queue_age")
	}
	r := collected(t, func(w *fennel.Writer) {
		w.GaugeHistogram("queue_age", "", nil).Write(fennel.HistogramValue{Counts: []uint64{1}})
	})
	fennel.NewGauge("queue_age_created", "", fennel.In(r)) // which a gauge histogram has not
	gather(t, r)
	_, errs := gatherPartial(t, collected(t, func(w *fennel.Writer) {
		w.GaugeHistogram("g", "", nil, fennel.LabelNames("le")).Write(fennel.HistogramValue{Counts: []uint64{1}}, "1")
		w.GaugeHistogram("h", "", []float64{2, 1}).Write(fennel.HistogramValue{Counts: []uint64{1, 1, 1}})
	}))
	wantErrors(t, errs, `label "le" is reserved`, "sort the bounds")
}
