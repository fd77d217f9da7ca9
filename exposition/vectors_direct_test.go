package exposition

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// Vectors with exemplars, times of creation or native buckets are handed to the
// formats as what storage makes of them.

type vectorExemplar struct {
	Labels    [][2]string
	Value     string
	Timestamp string
}

type vectorNative struct {
	Schema        int32
	Sum           string
	ZeroThreshold string     `json:"zero_threshold"`
	ZeroCount     string     `json:"zero_count"`
	PosSpans      [][2]int64 `json:"pos_spans"`
	NegSpans      [][2]int64 `json:"neg_spans"`
	PosDeltas     []int64    `json:"pos_deltas"`
	NegDeltas     []int64    `json:"neg_deltas"`
	Exemplars     []vectorExemplar
}

// untimed is the time of exemplars that have none in the vector.
const untimed = int64(1e9)

// isDirect reports whether a vector has something that only storage can make.
func (v *vector) isDirect() bool {
	return slices.ContainsFunc(v.Families, func(f vectorFamily) bool {
		return f.Type == "gaugehistogram" || slices.ContainsFunc(f.Samples, func(s vectorSample) bool {
			return s.Exemplar != nil || s.Native != nil || strings.HasSuffix(s.Name, "_created")
		})
	})
}

func (v *vector) make(t *testing.T) gathered {
	t.Helper()
	var g gathered
	for _, f := range v.Families {
		m := &madeFamily{family: sample.Family{Name: f.Name, Help: f.Help, Unit: f.Unit}}
		switch f.Type {
		case "counter", "gauge":
			f.makeNumbers(t, m)
		case "histogram", "gaugehistogram":
			f.makeHistogram(t, m)
		case "summary":
			f.makeSummary(t, m)
		default:
			t.Fatalf("type %s", f.Type)
		}
		g = append(g, m.make(2))
	}
	return g
}

func (f *vectorFamily) makeNumbers(t *testing.T, m *madeFamily) {
	t.Helper()
	m.family.Kind = map[string]sample.Kind{"counter": sample.Counter, "gauge": sample.Gauge}[f.Type]
	for _, s := range f.Samples {
		if strings.HasSuffix(s.Name, "_created") {
			m.samples[len(m.samples)-1].created = nanos(t, s.Value)
			continue
		}
		m.family.Name = s.Name
		made := madeSample{labels: s.Labels, value: number(t, s.Value), time: nanos(t, s.Timestamp)}
		if s.Exemplar != nil {
			made.exemplars = []readExemplar{s.Exemplar.make(t, sample.NoBucket)}
		}
		m.samples = append(m.samples, made)
	}
}

func (f *vectorFamily) makeHistogram(t *testing.T, m *madeFamily) {
	t.Helper()
	m.family.Kind = map[string]sample.Kind{"histogram": sample.Histogram, "gaugehistogram": sample.GaugeHistogram}[f.Type]
	var made madeSample
	before := uint64(0)
	for _, s := range f.Samples {
		made.time = nanos(t, s.Timestamp)
		switch strings.TrimPrefix(s.Name, f.Name) {
		case "_bucket":
			total := uint64(number(t, s.Value))
			if le := s.Labels[len(s.Labels)-1][1]; le != "+Inf" {
				m.family.Bounds = append(m.family.Bounds, number(t, le))
			}
			if s.Exemplar != nil {
				made.exemplars = append(made.exemplars, s.Exemplar.make(t, len(made.counts)))
			}
			made.counts, before = append(made.counts, total-before), total
		case "_sum", "_gsum":
			made.sum = number(t, s.Value)
		case "_created":
			made.created = nanos(t, s.Value)
		case "":
			made.labels, made.sum = s.Labels, number(t, s.Native.Sum)
			made.native = s.Native.make(t)
			for _, x := range s.Native.Exemplars {
				made.exemplars = append(made.exemplars, x.make(t, sample.NoBucket))
			}
		}
	}
	if made.counts == nil {
		made.counts = []uint64{made.native.Total()}
	}
	m.samples = []madeSample{made}
}

func (f *vectorFamily) makeSummary(t *testing.T, m *madeFamily) {
	t.Helper()
	m.family.Kind = sample.Summary
	var made madeSample
	for _, s := range f.Samples {
		made.time = nanos(t, s.Timestamp)
		switch strings.TrimPrefix(s.Name, f.Name) {
		case "":
			m.family.Ranks = append(m.family.Ranks, number(t, s.Labels[len(s.Labels)-1][1]))
			made.quantiles = append(made.quantiles, number(t, s.Value))
		case "_count":
			made.counts = []uint64{uint64(number(t, s.Value))}
		case "_sum":
			made.sum = number(t, s.Value)
		case "_created":
			made.created = nanos(t, s.Value)
		}
	}
	m.samples = []madeSample{made}
}

func (x *vectorExemplar) make(t *testing.T, bucket int) readExemplar {
	t.Helper()
	made := readExemplar{bucket, x.Labels, number(t, x.Value), untimed}
	if x.Timestamp != "" {
		made.time = nanos(t, x.Timestamp)
	}
	return made
}

func (n *vectorNative) make(t *testing.T) *sample.Native {
	t.Helper()
	made := &sample.Native{Present: true, Schema: n.Schema, ZeroThreshold: number(t, n.ZeroThreshold)}
	zero, err := strconv.ParseUint(n.ZeroCount, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	made.ZeroCount = zero
	for _, side := range []struct {
		to     *[]sample.NativeBucket
		spans  [][2]int64
		deltas []int64
	}{{&made.Positive, n.PosSpans, n.PosDeltas}, {&made.Negative, n.NegSpans, n.NegDeltas}} {
		var counts []uint64
		count := int64(0)
		for _, d := range side.deltas {
			count += d
			counts = append(counts, uint64(count))
		}
		if *side.to, err = absolute(side.spans, counts); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// nanos returns a time in seconds as madeSample has it.
func nanos(t *testing.T, s string) int64 {
	t.Helper()
	if s == "" {
		return 0
	}
	sample := vectorSample{Timestamp: s}
	return sample.time(t).UnixNano()
}

func (x readExemplar) String() string {
	return fmt.Sprintf("%d %q %v @%d", x.bucket, x.labels, x.value, x.time)
}
