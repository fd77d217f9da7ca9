package exposition

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// gathered is a Gatherer of what a test has made, in batches of a few samples.
type gathered []*madeFamily

func (g gathered) Visit(_ context.Context, _ *sample.Request, v sample.Visitor) error {
	for _, m := range g {
		for _, b := range m.batches {
			if err := v.Visit(&m.family, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// madeFamily is a family that a test has made, and what it was made of.
type madeFamily struct {
	family  sample.Family
	batches []*sample.Batch
	samples []madeSample
}

// madeSample is a sample of any kind.
type madeSample struct {
	labels    [][2]string
	whole     uint64
	value     float64
	counts    []uint64
	sum       float64
	quantiles []float64
	states    uint64
	native    *sample.Native
	exemplars []readExemplar // sorted by bucket

	time    int64 // nanoseconds; 0 for none
	created int64
}

// make fills in the family what follows from its samples, and makes its batches
// of so many samples each.
func (m *madeFamily) make(perBatch int) *madeFamily {
	f := &m.family
	f.Legal, f.Labels = true, nil
	for i, s := range m.samples {
		var labels []string
		for _, l := range s.labels {
			labels = append(labels, l[0])
			f.Legal = f.Legal && names.LegalLabel(l[0])
		}
		if i == 0 {
			f.Labels = labels
		} else if !slices.Equal(labels, f.Labels) {
			f.Mix()
		}
	}
	m.batches = nil
	for run := range slices.Chunk(m.samples, perBatch) {
		// The text of a page can begin in the middle of other text.
		b := &sample.Batch{Text: []byte(`other="\\text"`)}
		b.Start = uint32(len(b.Text))
		for i := range run {
			run[i].add(f, b)
		}
		m.batches = append(m.batches, b)
	}
	return m
}

func (s *madeSample) add(f *sample.Family, b *sample.Batch) {
	i := b.Len()
	b.SetTime(orNone(s.time))
	b.SetCreated(orNone(s.created))
	for j, l := range s.labels {
		b.Text = series.AppendLabel(b.Text, j == 0, l[0], l[1])
	}
	b.Ends = append(b.Ends, uint32(len(b.Text)))
	switch f.Kind {
	case sample.Counter:
		b.Whole, b.Values = append(b.Whole, s.whole), append(b.Values, s.value)
	case sample.Gauge, sample.Unknown:
		b.Values = append(b.Values, s.value)
	case sample.Histogram, sample.GaugeHistogram:
		b.Counts, b.Sums = append(b.Counts, s.counts...), append(b.Sums, s.sum)
		n := b.AddNative()
		n.Present = false
		if s.native != nil {
			*n = *s.native
		}
	case sample.Summary:
		b.Counts, b.Sums, b.Values = append(b.Counts, s.counts[0]), append(b.Sums, s.sum), append(b.Values, s.quantiles...)
	case sample.StateSet:
		b.States = append(b.States, s.states)
	}
	for _, x := range s.exemplars {
		start := len(b.Notes)
		for j, l := range x.labels {
			b.Notes = series.AppendLabel(b.Notes, j == 0, l[0], l[1])
		}
		b.AddExemplar(i, x.bucket, start, x.value, x.time)
	}
}

func orNone(nanos int64) int64 {
	if nanos == 0 {
		return sample.NoTime
	}
	return nanos
}

// want returns what a reader of protobuf or OpenMetrics 2.0 has to find.
func (m *madeFamily) want(f Format) readFamily {
	scheme := names.Scheme(f.Escaping)
	want := readFamily{name: scheme.Metric(m.family.Name), word: m.family.Kind.String(), help: m.family.Help, unit: m.family.Unit}
	if f.Syntax == OpenMetrics200 {
		want.unit = scheme.Metric(want.unit)
	}
	switch colon := strings.Contains(want.name, ":") && f.Escaping != AllowUTF8; {
	case m.family.Kind == sample.Info && f.Syntax == Protobuf:
		want.word = "gauge"
	case m.family.Kind == sample.StateSet && (f.Syntax == Protobuf || colon): // a label can't have the colon
		want.word = "gauge"
	}
	for i := range m.samples {
		s := &m.samples[i]
		r := s.want(&m.family, f)
		r.name, r.word, r.labels = want.name, want.word, escapeNames(s.labels, scheme)
		if m.family.Kind != sample.StateSet {
			want.readings = append(want.readings, r)
			continue
		}
		for j, state := range m.family.States {
			one := r
			one.value = float64(s.states >> j & 1)
			one.labels = append(slices.Clone(r.labels), [2]string{scheme.Label(m.family.Name), state})
			want.readings = append(want.readings, one)
		}
	}
	return want
}

func escapeNames(labels [][2]string, scheme names.Scheme) [][2]string {
	var escaped [][2]string
	for _, l := range labels {
		escaped = append(escaped, [2]string{scheme.Label(l[0]), l[1]})
	}
	return escaped
}

func (s *madeSample) want(family *sample.Family, f Format) reading {
	r := reading{time: orNone(s.time), created: sample.NoTime, value: s.value}
	if f.Syntax == Protobuf {
		r.time = orNone(s.time / 1e6 * 1e6)
	}
	switch family.Kind {
	case sample.Counter:
		r.value += float64(s.whole)
		r.created, r.exemplars = orNone(s.created), s.wantExemplars(family, f)
	case sample.Info:
		r.value = 1
	case sample.Summary:
		r.count, r.sum, r.created = s.counts[0], s.sum, orNone(s.created)
		for i, v := range s.quantiles {
			r.quantiles = append(r.quantiles, [2]float64{family.Ranks[i], v})
		}
	case sample.Histogram, sample.GaugeHistogram:
		r.sum, r.exemplars = s.sum, s.wantExemplars(family, f)
		if family.Kind == sample.Histogram {
			r.created = orNone(s.created)
		}
		if r.native = s.wantNative(); r.native != nil && r.native.Schema == -53 {
			r.native = nil // that of custom buckets, which no format has
		}
		for i, n := range s.counts {
			r.count += n
			bound := math.Inf(1)
			if i < len(family.Bounds) {
				bound = family.Bounds[i]
			}
			r.buckets = append(r.buckets, readBucket{bound, r.count})
		}
		if len(family.Bounds) == 0 && r.native != nil {
			r.buckets = nil
		}
	}
	return r
}

// wantNative returns the native part without empty buckets.
func (s *madeSample) wantNative() *sample.Native {
	if s.native == nil {
		return nil
	}
	n := *s.native
	full := func(buckets []sample.NativeBucket) []sample.NativeBucket {
		var all []sample.NativeBucket
		for _, b := range buckets {
			if b.Count > 0 {
				all = append(all, b)
			}
		}
		return all
	}
	n.Positive, n.Negative = full(n.Positive), full(n.Negative)
	return &n
}

func (s *madeSample) wantExemplars(family *sample.Family, f Format) []readExemplar {
	var free, classic []readExemplar
	for i, x := range s.exemplars {
		x.labels = escapeNames(x.labels, names.Scheme(f.Escaping))
		last := i == len(s.exemplars)-1 || s.exemplars[i+1].bucket != x.bucket
		switch {
		case f.Syntax == Protobuf && family.Kind == sample.Counter:
			if last {
				free = append(free, x)
			}
		case f.Syntax == Protobuf && len(family.Bounds) == 0 && s.native != nil, x.bucket == sample.NoBucket:
			x.bucket = sample.NoBucket
			free = append(free, x)
		case last || f.Syntax == OpenMetrics200:
			classic = append(classic, x)
		}
	}
	if f.Syntax == Protobuf {
		return append(classic, free...)
	}
	if len(classic) == 0 {
		classic = free
	}
	for i := range classic {
		classic[i].bucket = sample.NoBucket // nobody can tell
	}
	return classic
}

// note is an exemplar with one label.
func note(bucket int, name, value string, v float64, at int64) readExemplar {
	return readExemplar{bucket, [][2]string{{name, value}}, v, at}
}

const (
	day    = int64(24 * time.Hour)
	begin  = 20_000*day + 120_300_000 // some time in 2024, with a fraction of a second
	middle = 20_001 * day
)

// everyKind returns families of all kinds with all that a batch can hold.
func everyKind() gathered {
	native := func(n sample.Native) *sample.Native { n.Present = true; return &n }
	wide := native(sample.Native{
		Schema: 3, ZeroThreshold: 0x1p-128, ZeroCount: 2,
		// Gaps of 0, 1, 2 and 3 empty buckets.
		Positive: []sample.NativeBucket{{Index: -5, Count: 1}, {Index: -4, Count: 7}, {Index: -2, Count: 1 << 40}, {Index: 1, Count: 2}, {Index: 5, Count: 3}},
		Negative: []sample.NativeBucket{{Index: 0, Count: 4}, {Index: 100, Count: 1}},
	})
	a, b := [][2]string{{"zone.id", "a"}, {"l", "\n\"\\"}}, [][2]string{{"zone.id", "b"}, {"l", "Zürich"}}
	x, y := [][2]string{{"l", "x"}}, [][2]string{{"l", "y"}}
	all := gathered{
		{family: sample.Family{Name: "a.counter_seconds_total", Help: "A \"counter\",\nwith \\ all.", Unit: "seconds", Kind: sample.Counter}, samples: []madeSample{
			{labels: a, whole: math.MaxUint64, created: begin, exemplars: []readExemplar{note(-1, "trace_id", "old", 1, begin), note(-1, "trace.id", "\"new\"", 0.5, middle)}},
			{labels: b, whole: 3, value: 0.25, time: begin},
			{labels: [][2]string{{"other", "label"}}, created: begin, time: middle, exemplars: []readExemplar{{-1, [][2]string{{"a", "1"}, {"b.c", "2"}}, math.Inf(1), begin}}},
		}},
		{family: sample.Family{Name: "bare_counter", Help: "Is unknown to OpenMetrics 1.0.", Kind: sample.Counter}, samples: []madeSample{
			{whole: 7, created: begin, exemplars: []readExemplar{note(-1, "trace_id", "t", 1, begin)}},
		}},
		{family: sample.Family{Name: "gauge_ratio", Unit: "ratio", Kind: sample.Gauge}, samples: []madeSample{
			{labels: x, value: math.Inf(-1), time: begin}, {labels: y, value: math.Copysign(0, -1)},
		}},
		{family: sample.Family{Name: "gaugehistogram_bytes", Help: "One that can fall.", Unit: "bytes", Kind: sample.GaugeHistogram, Bounds: []float64{1, 1e6}}, samples: []madeSample{
			{labels: x, counts: []uint64{1, 2, 3}, sum: 4.5, created: begin, exemplars: []readExemplar{note(1, "trace_id", "t", 2, begin)}},
			{labels: y, counts: []uint64{0, 0, 0}, time: middle},
			{labels: [][2]string{{"l", "z"}}, counts: []uint64{0, 0, 1}, sum: 1e300, native: native(sample.Native{Schema: -4, ZeroThreshold: 1, Positive: []sample.NativeBucket{{Index: 63, Count: 1}}})},
		}},
		{family: sample.Family{Name: "histogram.classic_seconds", Help: "Classic buckets.", Unit: "seconds", Kind: sample.Histogram, Bounds: []float64{-1, 0, 0.5}}, samples: []madeSample{
			{labels: x, counts: []uint64{0, 1, 0, 2}, sum: math.NaN(), created: begin, time: middle, exemplars: []readExemplar{
				note(1, "trace_id", "first", -0.5, begin), note(1, "trace_id", "second", -0.25, begin+1), note(3, "trace_id", "third", 77, begin+2)}},
			{labels: y, counts: []uint64{0, 0, 0, 0}},
		}},
		{family: sample.Family{Name: "histogram_mixed", Help: "Both kinds of buckets.", Kind: sample.Histogram, Bounds: []float64{1}}, samples: []madeSample{
			{labels: x, counts: []uint64{1 << 40, 20}, sum: 9, native: wide, created: begin, exemplars: []readExemplar{
				note(-1, "trace_id", "native", 3, begin), note(0, "trace_id", "classic", 0.5, begin)}},
			{labels: y, counts: []uint64{0, 0}, native: native(sample.Native{Schema: 8})},
			{labels: [][2]string{{"l", "z"}}, counts: []uint64{1, 0}, native: native(sample.Native{Schema: -53, ZeroCount: 1})},
		}},
		{family: sample.Family{Name: "histogram_native", Help: "Native buckets.", Kind: sample.Histogram}, samples: []madeSample{
			{labels: x, counts: []uint64{1<<40 + 20}, sum: 9, native: wide, time: begin, created: middle, exemplars: []readExemplar{
				note(-1, "trace_id", "first", 3, begin), note(-1, "span.id", "second", 4, begin)}},
			{labels: y, counts: []uint64{0}, native: native(sample.Native{})},
			{labels: [][2]string{{"l", "z"}}, counts: []uint64{0}, native: native(sample.Native{Schema: 5, ZeroThreshold: 0x1p-128})},
		}},
		{family: sample.Family{Name: "some.facts_info", Help: "An info.", Kind: sample.Info}, samples: []madeSample{{labels: a}, {labels: b, time: begin}}},
		{family: sample.Family{Name: "state.set", Help: "A stateset.", Kind: sample.StateSet, States: []string{"on", "o\"ff"}}, samples: []madeSample{
			{labels: x, states: 1}, {labels: y, states: 3, time: middle},
		}},
		{family: sample.Family{Name: "summary", Help: "A summary.", Kind: sample.Summary, Ranks: []float64{0, 0.5, 1}}, samples: []madeSample{
			{labels: x, counts: []uint64{2}, sum: 3, quantiles: []float64{1, 2, math.Inf(1)}, created: begin},
			{labels: y, counts: []uint64{0}, quantiles: []float64{math.NaN(), math.NaN(), math.NaN()}, time: begin},
		}},
		{family: sample.Family{Name: "summary_bare", Help: "A summary without quantiles.", Kind: sample.Summary}, samples: []madeSample{{counts: []uint64{1}, sum: -1}}},
		{family: sample.Family{Name: "unknown", Help: "Of unknown type.", Kind: sample.Unknown}, samples: []madeSample{{value: math.NaN(), time: begin}}},
	}
	for _, m := range all {
		m.make(2)
	}
	return all
}
