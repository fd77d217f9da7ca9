package integration

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// decodeMessages decodes a protobuf body with the generated code of client_model. A
// family that came in several messages is put together.
func decodeMessages(body []byte) ([]*dto.MetricFamily, error) {
	r := bufio.NewReader(bytes.NewReader(body))
	var families []*dto.MetricFamily
	for {
		f := new(dto.MetricFamily)
		if err := (protodelim.UnmarshalOptions{MaxSize: -1}).UnmarshalFrom(r, f); err != nil {
			if errors.Is(err, io.EOF) {
				return families, nil
			}
			return nil, err
		}
		if n := len(f.ProtoReflect().GetUnknown()); n > 0 {
			return nil, errors.New("a field that MetricFamily does not have")
		}
		if n := len(families); n > 0 && families[n-1].GetName() == f.GetName() {
			families[n-1].Metric = append(families[n-1].Metric, f.Metric...)
			continue
		}
		families = append(families, f)
	}
}

// messagesOf returns the messages that families that were gathered make, made
// without any code of the encoder.
func messagesOf(e *expected) []*dto.MetricFamily {
	var out []*dto.MetricFamily
	for i := range e.all {
		f := &e.all[i]
		m := &dto.MetricFamily{Name: new(e.metric(f.Name)), Type: messageTypes[f.Type].Enum()}
		if f.Help != "" {
			m.Help = new(f.Help)
		}
		if f.Unit != "" {
			m.Unit = new(f.Unit)
		}
		for j := range f.Samples {
			m.Metric = append(m.Metric, e.messages(f, &f.Samples[j])...)
		}
		if len(m.Metric) > 0 {
			out = append(out, m)
		}
	}
	return out
}

var messageTypes = map[fennel.Type]dto.MetricType{
	fennel.TypeUnknown:        dto.MetricType_UNTYPED,
	fennel.TypeCounter:        dto.MetricType_COUNTER,
	fennel.TypeGauge:          dto.MetricType_GAUGE,
	fennel.TypeHistogram:      dto.MetricType_HISTOGRAM,
	fennel.TypeGaugeHistogram: dto.MetricType_GAUGE_HISTOGRAM,
	fennel.TypeSummary:        dto.MetricType_SUMMARY,
	fennel.TypeInfo:           dto.MetricType_GAUGE,
	fennel.TypeStateSet:       dto.MetricType_GAUGE,
}

// messages returns the messages of one sample: one, or one for each state.
func (e *expected) messages(f *fennel.Family, s *fennel.Sample) []*dto.Metric {
	m := &dto.Metric{Label: e.pairs(s.Labels)}
	if !s.Time.IsZero() {
		m.TimestampMs = new(s.Time.UnixMilli())
	}
	switch f.Type {
	case fennel.TypeUnknown:
		m.Untyped = &dto.Untyped{Value: &s.Value}
	case fennel.TypeCounter:
		m.Counter = &dto.Counter{Value: &s.Value, CreatedTimestamp: stamp(s.Created)}
		if len(s.Exemplars) > 0 {
			m.Counter.Exemplar = e.message(s.Exemplars[0])
		}
	case fennel.TypeGauge, fennel.TypeInfo:
		m.Gauge = &dto.Gauge{Value: &s.Value}
	case fennel.TypeHistogram, fennel.TypeGaugeHistogram:
		m.Histogram = e.histogram(s)
	case fennel.TypeSummary:
		m.Summary = &dto.Summary{SampleCount: &s.Count, SampleSum: &s.Sum, CreatedTimestamp: stamp(s.Created)}
		for _, q := range s.Quantiles {
			m.Summary.Quantile = append(m.Summary.Quantile, &dto.Quantile{Quantile: new(q.Rank), Value: new(q.Value)})
		}
	case fennel.TypeStateSet:
		return e.states(f, s, m)
	}
	return []*dto.Metric{m}
}

func (e *expected) states(f *fennel.Family, s *fennel.Sample, like *dto.Metric) []*dto.Metric {
	var all []*dto.Metric
	for _, state := range s.States {
		m := proto.CloneOf(like)
		m.Label = e.pairs(append(slices.Clone(s.Labels), fennel.Label{Name: f.Name, Value: state.Name}))
		m.Gauge = &dto.Gauge{Value: new(0.0)}
		if state.On {
			*m.Gauge.Value = 1
		}
		all = append(all, m)
	}
	return all
}

// histogram returns the message of a histogram's sample. The +Inf bucket can be
// left out, unless it has an exemplar: the count says the same.
func (e *expected) histogram(s *fennel.Sample) *dto.Histogram {
	h := &dto.Histogram{SampleCount: &s.Count, SampleSum: &s.Sum, CreatedTimestamp: stamp(s.Created)}
	onlyNative := s.Native != nil && len(s.Buckets) == 1
	below := math.Inf(-1)
	for _, b := range s.Buckets {
		m := &dto.Bucket{UpperBound: new(b.UpperBound), CumulativeCount: new(b.Count)}
		for _, x := range s.Exemplars {
			if x.Value <= b.UpperBound && (x.Value > below || math.IsInf(below, -1)) && !onlyNative {
				m.Exemplar = e.message(x)
			}
		}
		if below = b.UpperBound; !math.IsInf(b.UpperBound, 1) || m.Exemplar != nil {
			h.Bucket = append(h.Bucket, m)
		}
	}
	if s.Native == nil {
		return h
	}
	h.Schema, h.ZeroThreshold, h.ZeroCount = new(int32(s.Native.Schema)), &s.Native.ZeroThreshold, &s.Native.ZeroCount
	h.PositiveSpan, h.PositiveDelta = spansOf(nativeBucketsOf(s.Native.Positive))
	h.NegativeSpan, h.NegativeDelta = spansOf(nativeBucketsOf(s.Native.Negative))
	if len(h.PositiveSpan)+len(h.NegativeSpan) == 0 && s.Native.ZeroThreshold == 0 && s.Native.ZeroCount == 0 {
		h.PositiveSpan = []*dto.BucketSpan{{Offset: new(int32(0)), Length: new(uint32(0))}} // or it would not be native
	}
	if onlyNative {
		for _, x := range s.Exemplars {
			h.Exemplars = append(h.Exemplars, e.message(x))
		}
	}
	return h
}

// spansOf returns the spans and deltas of buckets. A gap of up to two is filled
// with empty buckets, which takes less room than another span.
func spansOf(buckets []nativeBucket) (spans []*dto.BucketSpan, deltas []int64) {
	next, count := int32(0), int64(0)
	for i, b := range buckets {
		if gap := b.Index - next; i == 0 || gap > 2 {
			spans = append(spans, &dto.BucketSpan{Offset: &gap, Length: new(uint32(0))})
		} else {
			for ; next < b.Index; next++ {
				deltas, count = append(deltas, -count), 0
				*spans[len(spans)-1].Length++
			}
		}
		deltas = append(deltas, int64(b.Count)-count)
		*spans[len(spans)-1].Length++
		next, count = b.Index+1, int64(b.Count)
	}
	return spans, deltas
}

// pairs returns labels as messages have them.
func (e *expected) pairs(labels []fennel.Label) []*dto.LabelPair {
	var pairs []*dto.LabelPair
	for _, l := range labels {
		pairs = append(pairs, &dto.LabelPair{Name: new(e.label(l.Name)), Value: new(l.Value)})
	}
	return pairs
}

func (e *expected) message(x fennel.Exemplar) *dto.Exemplar {
	return &dto.Exemplar{Label: e.pairs(x.Labels), Value: &x.Value, Timestamp: stamp(x.Time)}
}

// stamp returns a time as messages have it: none for the zero time.
func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// normalise brings messages into the form in which those that mean the same are
// equal: labels in order, and no number that is 0, which is the same as none.
func normalise(families []*dto.MetricFamily) []*dto.MetricFamily {
	for _, f := range families {
		for _, m := range f.Metric {
			sortPairs(m.Label)
			sortPairs(m.GetCounter().GetExemplar().GetLabel())
			for _, x := range m.GetHistogram().GetExemplars() {
				sortPairs(x.Label)
			}
			for _, b := range m.GetHistogram().GetBucket() {
				sortPairs(b.GetExemplar().GetLabel())
			}
			dropZeroes(m.ProtoReflect())
		}
		slices.SortFunc(f.Metric, func(a, b *dto.Metric) int {
			return cmp.Compare(messageSeries(f, a), messageSeries(f, b))
		})
	}
	return families
}

func sortPairs(pairs []*dto.LabelPair) {
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
}

// dropZeroes takes away the numbers and texts in a message that are zero.
func dropZeroes(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsList() && field.Message() != nil:
			for i := range v.List().Len() {
				dropZeroes(v.List().Get(i).Message())
			}
		case field.IsList():
		case field.Message() != nil:
			dropZeroes(v.Message())
		case v.Equal(field.Default()) && !(field.Kind() == protoreflect.DoubleKind && math.Signbit(v.Float())):
			m.Clear(field)
		}
		return true
	})
}

// checkMessages checks that messages are equal, family by family.
func checkMessages(t *testing.T, got, want []*dto.MetricFamily) {
	t.Helper()
	byName := make(map[string]*dto.MetricFamily)
	for _, f := range normalise(got) {
		if byName[f.GetName()] != nil {
			t.Errorf("family %q comes twice", f.GetName())
		}
		byName[f.GetName()] = f
	}
	if len(got) != len(want) {
		t.Errorf("%d families, want %d", len(got), len(want))
	}
	for _, f := range normalise(want) {
		if other := byName[f.GetName()]; !proto.Equal(f, other) {
			t.Errorf("family %q: %s", f.GetName(), diffMessages(other, f))
		}
	}
}

// diffMessages returns the first metric of a family that differs, or the family.
func diffMessages(got, want *dto.MetricFamily) string {
	spell := func(m proto.Message) string { return prototext.MarshalOptions{Multiline: false}.Format(m) }
	if got == nil {
		return "missing"
	}
	for i, m := range want.Metric {
		if i < len(got.Metric) && !proto.Equal(m, got.Metric[i]) {
			return "got\n" + spell(got.Metric[i]) + "\nwant\n" + spell(m)
		}
	}
	g, w := proto.CloneOf(got), proto.CloneOf(want)
	g.Metric, w.Metric = nil, nil
	return "got\n" + spell(g) + "\nwant\n" + spell(w)
}

// TestMessages compares the protobuf body of a registry with everything in it,
// decoded by generated code, with what the registry holds, field by field.
func TestMessages(t *testing.T) {
	r := everything(t)
	for _, escaping := range allEscapings {
		format := exposition.Format{Syntax: exposition.Protobuf, Escaping: escaping}
		t.Run(escaping.String(), func(t *testing.T) {
			body, err := exposition.Bytes(t.Context(), r, format)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeMessages(body)
			if err != nil {
				t.Fatal(err)
			}
			want := expect(t, r, format)
			checkMessages(t, dropOwn(got), dropOwn(messagesOf(&want)))
		})
	}
}

// dropOwn drops the metrics that a registry has of itself.
func dropOwn(families []*dto.MetricFamily) []*dto.MetricFamily {
	return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return isOwn(f.GetName()) })
}
