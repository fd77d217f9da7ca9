package integration

import (
	"bytes"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	golang "github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// twins are a registry of Fennel's and one of client_golang's, with the same
// metrics in them.
type twins struct {
	fennel *fennel.Registry
	golang *golang.Registry
}

// TestTwins compares the messages of two registries that hold the same, each
// written by the encoder of its own library.
func TestTwins(t *testing.T) {
	tw := twins{fennel.NewRegistry(), golang.NewRegistry()}
	tw.addNumbers()
	tw.addNames()
	tw.addSummaries()
	tw.addHistograms()
	for _, escaping := range allEscapings {
		t.Run(escaping.String(), func(t *testing.T) {
			got := tw.ours(t, escaping)
			if len(got) < 20 {
				t.Fatalf("only %d families", len(got))
			}
			checkMessages(t, got, tw.theirs(t, escaping))
		})
	}
}

// ours returns the messages of Fennel.
func (tw twins) ours(t *testing.T, escaping exposition.Escaping) []*dto.MetricFamily {
	t.Helper()
	body, err := exposition.Bytes(t.Context(), tw.fennel, exposition.Format{Syntax: exposition.Protobuf, Escaping: escaping})
	if err != nil {
		t.Fatal(err)
	}
	families, err := decodeMessages(body)
	if err != nil {
		t.Fatal(err)
	}
	return alike(dropOwn(families))
}

// theirs returns the messages of client_golang.
func (tw twins) theirs(t *testing.T, escaping exposition.Escaping) []*dto.MetricFamily {
	t.Helper()
	scheme, err := model.ToEscapingScheme(escaping.String())
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	encoder := expfmt.NewEncoder(&body, expfmt.NewFormat(expfmt.TypeProtoDelim).WithEscapingScheme(scheme))
	for _, f := range golangGather(t, tw.golang) {
		if err := encoder.Encode(f); err != nil {
			t.Fatal(err)
		}
	}
	families, err := decodeMessages(body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return alike(families)
}

// alike replaces the times of the clock by one and the same, and chooses between
// what means the same to Prometheus: client_golang sends exemplars with the classic
// buckets and once more for the native ones, even where it sends a +Inf bucket
// for them alone, and a help text where there is none.
func alike(families []*dto.MetricFamily) []*dto.MetricFamily {
	then := timestamppb.New(time.Unix(1700000000, 0))
	exemplar := func(x *dto.Exemplar) {
		if x != nil && x.Timestamp != nil {
			x.Timestamp = then
		}
	}
	for _, f := range families {
		if f.GetHelp() == "" {
			f.Help = nil
		}
		for _, m := range f.Metric {
			if c := m.Counter; c != nil && c.CreatedTimestamp != nil {
				c.CreatedTimestamp = then
			}
			exemplar(m.GetCounter().GetExemplar())
			if s := m.Summary; s != nil && s.CreatedTimestamp != nil {
				s.CreatedTimestamp = then
			}
			h := m.Histogram
			if h == nil {
				continue
			}
			if h.CreatedTimestamp != nil {
				h.CreatedTimestamp = then
			}
			if len(h.Bucket) == 1 && math.IsInf(h.Bucket[0].GetUpperBound(), 1) && len(h.Exemplars) > 0 {
				h.Bucket = nil
			}
			for _, b := range h.Bucket {
				if b.Exemplar != nil {
					h.Exemplars = nil
				}
				exemplar(b.Exemplar)
			}
			for _, x := range h.Exemplars {
				exemplar(x)
			}
		}
	}
	return families
}

func (tw twins) addNumbers() {
	in := fennel.In(tw.fennel)
	ours := fennel.NewCounterVec[[2]string]("requests_total", "Requests, with a \\ and a line\nfeed.", fennel.LabelNames("method", "code"), in)
	theirs := golang.NewCounterVec(golang.CounterOpts{Name: "requests_total", Help: "Requests, with a \\ and a line\nfeed."}, []string{"method", "code"})
	gauges := fennel.NewGaugeVec[string]("special", "Special numbers.", fennel.LabelNames("name"), in)
	theirGauges := golang.NewGaugeVec(golang.GaugeOpts{Name: "special", Help: "Special numbers."}, []string{"name"})
	unit := golang.NewCounter(golang.CounterOpts{Name: "cpu_seconds_total", Help: "With a unit.", Unit: "seconds"})
	tw.golang.MustRegister(theirs, theirGauges, unit)
	fennel.NewCounter("cpu_seconds_total", "With a unit.", fennel.Unit("seconds"), in).Add(0.25)
	unit.Add(0.25)
	for i, v := range []string{"GET", "", "fünf\n\"\\", "花火"} {
		ours.With([2]string{v, "200"}).Add(float64(i) + 0.5)
		theirs.WithLabelValues(v, "200").Add(float64(i) + 0.5)
	}
	ours.With([2]string{"PUT", "500"}).AddWithExemplar(2, trace("abc")...)
	theirs.WithLabelValues("PUT", "500").(golang.ExemplarAdder).AddWithExemplar(2, golang.Labels{"trace_id": "abc"})
	for name, v := range specialFloats {
		gauges.With(name).Set(v)
		theirGauges.WithLabelValues(name).Set(v)
	}
	consts := fennel.ConstLabels(fennel.Label{Name: "zone", Value: "b"}, fennel.Label{Name: "area", Value: "a"})
	fennel.NewGauge("constant", "", consts, in).Set(1)
	c := golang.NewGauge(golang.GaugeOpts{Name: "constant", ConstLabels: golang.Labels{"zone": "b", "area": "a"}})
	c.Set(1)
	u := golang.NewUntypedFunc(golang.UntypedOpts{Name: "untyped", Help: "Whatever."}, func() float64 { return -3 })
	fennel.NewUnknown("untyped", "Whatever.", in).Set(-3)
	tw.golang.MustRegister(c, u)
}

func (tw twins) addNames() {
	for i, name := range []string{"http.requests", "花火", "0digit", "a b", "a:b", "_", "quote\"back\\slash"} {
		fennel.NewGaugeVec[string](name, name, fennel.LabelNames("sensor.id"), fennel.In(tw.fennel)).With(name).Set(float64(i))
		v := golang.NewGaugeVec(golang.GaugeOpts{Name: name, Help: name}, []string{"sensor.id"})
		v.WithLabelValues(name).Set(float64(i))
		tw.golang.MustRegister(v)
	}
}

func (tw twins) addSummaries() {
	s := golang.NewSummary(golang.SummaryOpts{Name: "pause_seconds", Help: "A summary."})
	empty := golang.NewSummary(golang.SummaryOpts{Name: "empty_seconds"})
	tw.golang.MustRegister(s, empty)
	fennel.NewSummary("empty_seconds", "", fennel.In(tw.fennel))
	ours := fennel.NewSummary("pause_seconds", "A summary.", fennel.In(tw.fennel))
	for _, v := range observations {
		s.Observe(v)
		ours.Observe(v)
	}
}

// histogramTwin is a histogram of which there are two.
type histogramTwin struct {
	name   string
	ours   fennel.Native
	theirs golang.HistogramOpts
}

// unlimited is more buckets than there are.
const unlimited = math.MaxInt32

var histogramTwins = []histogramTwin{
	{"native", fennel.Native{Factor: 1.1}, golang.HistogramOpts{NativeHistogramBucketFactor: 1.1}},
	{"no_zeroes", fennel.Native{Factor: 2, ZeroThreshold: -1},
		golang.HistogramOpts{NativeHistogramBucketFactor: 2, NativeHistogramZeroThreshold: golang.NativeHistogramZeroThresholdZero}},
	{"coarse", fennel.Native{Factor: 65536, ZeroThreshold: 0.01},
		golang.HistogramOpts{NativeHistogramBucketFactor: 65536, NativeHistogramZeroThreshold: 0.01}},
	{"fine", fennel.Native{Schema: 8, MaxBuckets: unlimited}, golang.HistogramOpts{NativeHistogramBucketFactor: 1.001}},
}

func (tw twins) addHistograms() {
	kinds := slices.Clone(histogramTwins)
	for _, k := range histogramTwins {
		k.name, k.ours.Only = k.name+"_only", true
		kinds = append(kinds, k)
	}
	for _, k := range kinds {
		for _, suffix := range []string{"", "_empty", "_traced"} {
			k := k
			k.name += suffix
			ours, theirs := tw.addHistogram(k)
			for i, v := range observations {
				switch {
				case suffix == "_empty":
				case suffix == "_traced" && i%5 == 1:
					ours.ObserveWithExemplar(v, trace("a")...)
					theirs.(golang.ExemplarObserver).ObserveWithExemplar(v, golang.Labels{"trace_id": "a"})
				default:
					ours.Observe(v)
					theirs.Observe(v)
				}
			}
		}
	}
	classic := golang.NewHistogram(golang.HistogramOpts{Name: "classic_bytes", Unit: "bytes", Buckets: []float64{-1, 0, 2.5}})
	tw.golang.MustRegister(classic)
	ours := fennel.NewHistogram("classic_bytes", "", fennel.Unit("bytes"), fennel.Buckets(-1, 0, 2.5), fennel.In(tw.fennel))
	for _, v := range observations {
		classic.Observe(v)
		ours.Observe(v)
	}
}

// addHistogram adds a histogram to both registries.
func (tw twins) addHistogram(k histogramTwin) (*fennel.Histogram, golang.Histogram) {
	opts := []fennel.HistogramOption{k.ours, fennel.In(tw.fennel)}
	k.theirs.Name, k.theirs.Help = k.name, "A histogram."
	if !k.ours.Only {
		opts = append(opts, fennel.Buckets(-1, 0, 1, 10))
		k.theirs.Buckets = []float64{-1, 0, 1, 10}
	}
	theirs := golang.NewHistogram(k.theirs)
	tw.golang.MustRegister(theirs)
	return fennel.NewHistogram(k.name, "A histogram.", opts...), theirs
}

// TestNativeTwins observes the same random numbers with both libraries, at every
// resolution, and compares all that they say of it: spans and deltas included.
func TestNativeTwins(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for schema := -4; schema <= 8; schema++ {
		for _, threshold := range []float64{0, -1, 0.01, 3} {
			factor := math.Pow(2, math.Pow(2, -float64(schema))) * 1.0000001
			k := histogramTwin{
				name:   "native",
				ours:   fennel.Native{Factor: factor, ZeroThreshold: threshold, MaxBuckets: unlimited},
				theirs: golang.HistogramOpts{NativeHistogramBucketFactor: factor, NativeHistogramZeroThreshold: threshold},
			}
			tw := twins{fennel.NewRegistry(), golang.NewRegistry()}
			ours, theirs := tw.addHistogram(k)
			for range 500 {
				v := randomNumber(random)
				ours.Observe(v)
				theirs.Observe(v)
			}
			got := tw.ours(t, exposition.AllowUTF8)
			checkMessages(t, got, tw.theirs(t, exposition.AllowUTF8))
			if s := got[0].Metric[0].Histogram.GetSchema(); int(s) != schema {
				t.Errorf("factor %v: schema %d, want %d", factor, s, schema)
			}
		}
	}
}

// FuzzNative observes any numbers with both libraries, at any resolution and zero
// threshold, and compares the messages.
func FuzzNative(f *testing.F) {
	for i, v := range observations {
		f.Add(1.1+float64(i), math.Abs(v), v, -v, v/3)
	}
	f.Add(1.0000001, 0x1p-128, 1.0, 1-0x1p-53, 1+0x1p-52)
	f.Add(1e300, -1.0, math.Inf(1), math.Inf(-1), math.MaxFloat64)
	f.Fuzz(func(t *testing.T, factor, threshold, a, b, c float64) {
		if !(factor > 1 && factor <= math.MaxFloat64) || math.IsNaN(threshold) || math.IsInf(threshold, 0) {
			return // can't be declared
		}
		if threshold == math.MaxFloat64 {
			return // to client_golang infinity is no more than that
		}
		tw := twins{fennel.NewRegistry(), golang.NewRegistry()}
		ours, theirs := tw.addHistogram(histogramTwin{
			name:   "native",
			ours:   fennel.Native{Factor: factor, ZeroThreshold: threshold, MaxBuckets: unlimited, Only: true},
			theirs: golang.HistogramOpts{NativeHistogramBucketFactor: factor, NativeHistogramZeroThreshold: threshold},
		})
		for _, v := range []float64{a, b, c, a * b, a / c} {
			if !math.IsNaN(v) { // Fennel leaves it out
				ours.Observe(v)
				theirs.Observe(v)
			}
		}
		checkMessages(t, tw.ours(t, exposition.AllowUTF8), tw.theirs(t, exposition.AllowUTF8))
	})
}

// randomNumber returns a number of any kind. Many are at the bound of a bucket,
// or next to it.
func randomNumber(random *rand.Rand) float64 {
	sign := float64(random.IntN(2)*2 - 1)
	switch random.IntN(6) {
	case 0: // of any bits
		if v := math.Float64frombits(random.Uint64()); !math.IsNaN(v) {
			return v
		}
		return math.Inf(int(sign))
	case 1: // a power of 2, or next to it
		v := math.Ldexp(1, random.IntN(2000)-1000)
		return sign * []float64{v, math.Nextafter(v, 0), math.Nextafter(v, math.Inf(1))}[random.IntN(3)]
	case 2: // about a bound of the finest resolution
		v := math.Exp2(float64(random.IntN(4096)-2048) / 256)
		for range random.IntN(5) {
			v = math.Nextafter(v, 0)
		}
		return sign * v
	case 3:
		return []float64{0, math.Copysign(0, -1), math.SmallestNonzeroFloat64, math.MaxFloat64, 0x1p-128, 0.01, 3, 0x1p-1022}[random.IntN(8)] * sign
	default: // a time to answer
		return sign * math.Exp(random.NormFloat64())
	}
}

// TestLimitedTwins compares histograms that may have few buckets. The libraries
// need not make room at the same moments, so they may end with buckets of another
// width; but what is in them is the same, once both are as wide.
func TestLimitedTwins(t *testing.T) {
	const rounds = 1000
	random := rand.New(rand.NewPCG(3, 4))
	equal := 0
	for round := range rounds {
		limit, widest := 4+random.IntN(40), []float64{0, 0, 1e-3, 0.5}[random.IntN(4)]
		k := histogramTwin{
			name: "native",
			ours: fennel.Native{Factor: 1.1, MaxBuckets: limit, MaxZeroThreshold: widest},
			theirs: golang.HistogramOpts{
				NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: uint32(limit), NativeHistogramMaxZeroThreshold: widest,
			},
		}
		tw := twins{fennel.NewRegistry(), golang.NewRegistry()}
		ours, theirs := tw.addHistogram(k)
		for range 1 + random.IntN(400) {
			v := math.Exp(random.NormFloat64() * 2)
			ours.Observe(v)
			theirs.Observe(v)
		}
		got, want := onlyNative(t, tw.ours(t, exposition.AllowUTF8)), onlyNative(t, tw.theirs(t, exposition.AllowUTF8))
		if n := len(got.Positive) + len(got.Negative); n > limit {
			t.Errorf("round %d: %d buckets, want %d at most", round, n, limit)
		}
		if got.Count != want.Count || got.Sum != want.Sum {
			t.Errorf("round %d: count %d and sum %v, want %d and %v", round, got.Count, got.Sum, want.Count, want.Sum)
		}
		if len(want.Positive)+len(want.Negative) > limit {
			continue // client_golang keeps to the limit nearly always
		}
		if got.Schema < want.Schema || got.ZeroThreshold > want.ZeroThreshold {
			t.Errorf("round %d: schema %d and zero threshold %v, client_golang gets by with %d and %v",
				round, got.Schema, got.ZeroThreshold, want.Schema, want.ZeroThreshold)
		}
		if got.String() == want.String() {
			equal++
		}
		schema := min(got.Schema, want.Schema)
		if got.ZeroThreshold == want.ZeroThreshold {
			if a, b := coarsened(got, schema).String(), coarsened(want, schema).String(); a != b {
				t.Errorf("round %d: got\n%s\nwant\n%s", round, a, b)
			}
		}
	}
	if equal < rounds/2 {
		t.Errorf("%d of %d histograms are equal, want most of them", equal, rounds)
	}
	t.Logf("%d of %d histograms are equal", equal, rounds)
}

// onlyNative returns the only native histogram in messages.
func onlyNative(t *testing.T, families []*dto.MetricFamily) native {
	t.Helper()
	natives := messageNatives(t, families)
	if len(natives) != 1 {
		t.Fatalf("%d native histograms, want 1", len(natives))
	}
	return slices.Collect(maps.Values(natives))[0]
}

// coarsened returns a histogram with the wider buckets of another schema.
func coarsened(n native, schema int32) native {
	widen := func(buckets []nativeBucket) []nativeBucket {
		var out []nativeBucket
		for _, b := range buckets {
			// The upper bound of bucket i is base^i: that of the wider bucket is the
			// next power of its own base from there on.
			wider := int32(math.Ceil(math.Ldexp(float64(b.Index), -int(n.Schema-schema))))
			if last := len(out) - 1; last >= 0 && out[last].Index == wider {
				out[last].Count += b.Count
				continue
			}
			out = append(out, nativeBucket{wider, b.Count})
		}
		return out
	}
	n.Positive, n.Negative, n.Schema = widen(n.Positive), widen(n.Negative), schema
	return n
}
