package exposition

import (
	"encoding/binary"
	"math"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// preparedMessage is all of a family's messages that doesn't change from one
// scrape to the next. It is made once for each escaping and kept with the family.
type preparedMessage struct {
	header []byte   // the fields of the family but for its metrics
	pairs  []pair   // the labels
	bounds []string // the field of the upper bound, +Inf included
	ranks  []string // the field of the rank
	states []string // the labels of the states

	number byte // the tag of the value of a counter, a gauge, or what is of unknown type
	extra  int  // how much longer the labels are than their text
	room   int  // how much longer any of them are, taken one by one
	size   int  // about how long a metric is, but for its label text
}

// pair is what of a label is the same in all series.
type pair struct {
	skip  int    // how long what stands before the value in the label text is: `,method="`
	size  int    // of a LabelPair up to the value, with places for the two lengths
	words string // this, and zeros up to a whole number of words, two at least
	room  int    // a value of fewer bytes leaves both lengths at one byte

	low, high uint64 // the first two words
}

// newPair returns what is prepared of the label with this name.
func newPair(skip int, name string) pair {
	head := appendString([]byte{metricLabel, 0}, labelName, name)
	head = append(head, labelValue, 0)
	size := len(head)
	for len(head) < 16 || len(head)%8 > 0 {
		head = append(head, 0)
	}
	return pair{
		skip:  skip,
		size:  size,
		words: string(head),
		room:  0x80 + len("\x0a\x00") - size,
		low:   binary.LittleEndian.Uint64(head),
		high:  binary.LittleEndian.Uint64(head[8:]),
	}
}

// append appends the LabelPair with a value.
func (p *pair) append(dst, value []byte) []byte {
	start := len(dst) + len("\x0a\x00")
	dst = append(dst, p.words[:p.size]...)
	inner := len(dst)
	return shut(shut(append(dst, value...), inner), start)
}

// messageTypes are the values of MetricType.
var messageTypes = [sample.NumKinds]uint64{
	sample.Unknown:        3,
	sample.Counter:        0,
	sample.Gauge:          1,
	sample.Histogram:      4,
	sample.Summary:        2,
	sample.Info:           1,
	sample.StateSet:       1,
	sample.GaugeHistogram: 5,
}

// numberTags are the tags of the values of what is one number.
var numberTags = [sample.NumKinds]byte{
	sample.Unknown: metricUntyped,
	sample.Counter: metricCounter,
	sample.Gauge:   metricGauge,
}

// prepareMessage returns what is prepared for a family in the protobuf format.
func prepareMessage(f *sample.Family, format Format) *preparedMessage {
	slot := format.slot()
	if p, ok := f.Prepared(slot).(*preparedMessage); ok {
		return p
	}
	p := newPreparedMessage(f, names.Scheme(format.Escaping))
	f.Prepare(slot, p)
	return p
}

func newPreparedMessage(f *sample.Family, scheme names.Scheme) *preparedMessage {
	p := new(preparedMessage)
	p.header = appendString(nil, familyName, scheme.Metric(f.Name))
	if f.Help != "" {
		p.header = appendString(p.header, familyHelp, f.Help)
	}
	p.header = appendVarint(p.header, familyType, messageTypes[f.Kind])
	if f.Unit != "" {
		p.header = appendString(p.header, familyUnit, f.Unit)
	}
	for i, l := range f.Labels {
		skip := len(series.AppendLabel(nil, i == 0, l, "")) - len(`"`)
		label := newPair(skip, scheme.Label(l))
		extra := label.size - skip - len(`"`)
		p.pairs, p.extra, p.room = append(p.pairs, label), p.extra+extra, p.room+max(extra, 0)
	}
	p.number, p.size = numberTags[f.Kind], p.room+sizeOf(f)
	switch f.Kind {
	case sample.Histogram, sample.GaugeHistogram:
		for _, bound := range append(f.Bounds[:len(f.Bounds):len(f.Bounds)], math.Inf(1)) {
			p.bounds = append(p.bounds, string(appendDouble(nil, bucketBound, bound+0))) // +0 makes -0 a 0
		}
	case sample.Summary:
		for _, rank := range f.Ranks {
			p.ranks = append(p.ranks, string(appendDouble(nil, quantileRank, rank+0)))
		}
	case sample.StateSet:
		label := newPair(0, scheme.Label(f.Name))
		for _, state := range f.States {
			p.states = append(p.states, string(label.append(nil, []byte(series.Mend(state)))))
		}
	}
	return p
}

// sizeOf returns about how long a metric of a family is, but for its labels.
func sizeOf(f *sample.Family) int {
	const created = 14
	switch f.Kind {
	case sample.Histogram, sample.GaugeHistogram:
		return numberSize + created + 13*len(f.Bounds)
	case sample.Summary:
		return numberSize + created + 20*len(f.Ranks)
	case sample.Counter:
		return numberSize + created
	}
	return numberSize
}
