package exposition

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// Whatever is in a batch, protobuf and OpenMetrics 2.0 say the same, and the
// formats that are not read back whole are well formed.
func FuzzBatch(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed, "http.requests", "h", "zone.id", "a\n\"\\b", "trace.id")
	}
	f.Add(uint64(7), "é\"\\", "\\n\"", "l\n", "", "\\")
	f.Add(uint64(25), "O\n:", "0", "A", "\x10", "0") // a stateset with a colon in its name
	f.Fuzz(func(t *testing.T, seed uint64, name, help, label, value, note string) {
		name, label, note = mend(name), mend(label), mend(note)
		if name == "" || label == "" || note == "" || strings.Contains(name+label+note, "\x00") || label == "le" || label == "quantile" {
			return
		}
		m := randomFamily(rand.New(rand.NewPCG(seed, 1)), name, mend(help), label, mend(value), note)
		g := gathered{m}
		for format := range formats {
			if scheme := names.Scheme(format.Escaping); slices.Contains(escapedLabels(label, scheme), scheme.Label(m.family.Name)) {
				return // a stateset that is refused when it is declared
			}
			format.Created = true
			switch format.Syntax {
			case Protobuf, OpenMetrics200:
				g.check(t, format)
			default:
				wellFormed(t, g, format)
			}
		}
	})
}

func escapedLabels(label string, scheme names.Scheme) []string {
	return []string{scheme.Label(label), scheme.Label(label + "2")}
}

// wellFormed reads a body by the rules of its format.
func wellFormed(t *testing.T, g gathered, f Format) {
	t.Helper()
	body, err := Bytes(t.Context(), g, f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseAs(body, f); err != nil {
		t.Fatalf("%v: %v\n%q", f, err, body)
	}
}

// randomFamily makes a family of any kind.
func randomFamily(r *rand.Rand, name, help, label, value, noteName string) *madeFamily {
	m := &madeFamily{family: sample.Family{Name: name, Help: help, Kind: sample.Kind(r.IntN(sample.NumKinds))}}
	switch m.family.Kind {
	case sample.Counter:
		if r.IntN(3) > 0 {
			m.family.Name += "_total"
		}
	case sample.Info:
		m.family.Name += "_info"
	case sample.StateSet:
		m.family.States = []string{"on", value + "off", ""}
	case sample.Summary:
		m.family.Ranks = sorted(r, r.IntN(4), r.Float64)
	case sample.Histogram, sample.GaugeHistogram:
		m.family.Bounds = sorted(r, r.IntN(4), func() float64 { return randomFloat(r) })
	}
	for i := range 1 + r.IntN(4) {
		s := madeSample{
			labels: [][2]string{{label, value + string(rune('0'+i))}, {label + "2", value}},
			whole:  r.Uint64() >> r.IntN(64), value: randomFloat(r), sum: randomFloat(r), states: r.Uint64N(8),
		}
		if r.IntN(4) == 0 {
			s.labels = s.labels[:1]
		}
		if r.IntN(2) == 0 {
			s.time = 1 + r.Int64N(1<<60)
		}
		if r.IntN(2) == 0 {
			s.created = 1 + r.Int64N(1<<60)
		}
		if m.family.Kind == sample.Counter {
			s.value = math.Abs(s.value)
			s.exemplars = randomExemplars(r, sample.NoBucket, sample.NoBucket, noteName)
		}
		s.fillDistribution(r, &m.family, noteName)
		m.samples = append(m.samples, s)
	}
	return m.make(1 + r.IntN(3))
}

// fillDistribution fills what histograms and summaries have.
func (s *madeSample) fillDistribution(r *rand.Rand, f *sample.Family, noteName string) {
	if f.Kind == sample.Summary {
		s.counts = []uint64{r.Uint64() >> r.IntN(64)}
		for range f.Ranks {
			s.quantiles = append(s.quantiles, randomFloat(r))
		}
	}
	if !f.Kind.IsHistogram() {
		return
	}
	s.counts = make([]uint64, len(f.Bounds)+1)
	first := int(sample.NoBucket)
	if r.IntN(2) == 0 {
		s.native = randomNative(r)
		s.counts[r.IntN(len(s.counts))] = s.native.Total()
	} else {
		first = 0
		for i := range s.counts {
			s.counts[i] = r.Uint64N(1 << 40)
		}
	}
	last := len(f.Bounds)
	if last == 0 && s.native != nil {
		last = sample.NoBucket
	}
	s.exemplars = randomExemplars(r, first, last, noteName)
}

func randomExemplars(r *rand.Rand, first, last int, name string) []readExemplar {
	var all []readExemplar
	for bucket := first; bucket <= last; bucket++ {
		for range r.IntN(3) {
			x := note(bucket, name, strings.Repeat("é", r.IntN(200)), randomFloat(r), 1+r.Int64N(1<<60))
			if r.IntN(2) == 0 {
				x.labels = append(x.labels, [2]string{name + "2", "\\"})
			}
			all = append(all, x)
		}
	}
	return all
}

func randomNative(r *rand.Rand) *sample.Native {
	n := &sample.Native{Present: true, Schema: int32(r.IntN(13) - 4), ZeroCount: r.Uint64N(1<<20) * r.Uint64N(2)}
	if r.IntN(2) == 0 {
		n.ZeroThreshold = r.Float64()
	}
	for _, side := range []*[]sample.NativeBucket{&n.Positive, &n.Negative} {
		index := int32(r.IntN(2000) - 1000)
		for range r.IntN(20) {
			*side = append(*side, sample.NativeBucket{Index: index, Count: r.Uint64() >> (8 + r.IntN(56))})
			index += 1 + r.Int32N(1<<r.IntN(8))
		}
	}
	return n
}

// sorted returns at most n finite numbers, each once, in rising order.
func sorted(r *rand.Rand, n int, next func() float64) []float64 {
	var all []float64
	for range n {
		if v := next(); !math.IsNaN(v) && !math.IsInf(v, 0) {
			all = append(all, v+0)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func randomFloat(r *rand.Rand) float64 {
	switch r.IntN(4) {
	case 0:
		return math.Float64frombits(r.Uint64())
	case 1:
		return float64(r.IntN(100))
	case 2:
		return []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64, 5e-324}[r.IntN(6)]
	}
	return r.NormFloat64()
}
