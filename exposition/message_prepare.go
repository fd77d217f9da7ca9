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

	// size is about how long a metric is, but for its label text.
	size int
}

// pair is what of a label is the same in all series.
type pair struct {
	skip int    // how long what stands before the value in the label text is: `,method="`
	head string // a LabelPair up to the value, with places for the two lengths
	room int    // a value of fewer bytes leaves both lengths at one byte

	low, high uint64 // the first 16 bytes of head
}

// newPair returns what is prepared of the label with this name.
func newPair(skip int, name string) pair {
	head := appendString([]byte{metricLabel, 0}, labelName, name)
	head = append(head, labelValue, 0)
	var first [16]byte
	copy(first[:], head)
	return pair{
		skip: skip,
		head: string(head),
		room: 0x80 + len("\x0a\x00") - len(head),
		low:  binary.LittleEndian.Uint64(first[:8]),
		high: binary.LittleEndian.Uint64(first[8:]),
	}
}

// append appends the LabelPair with a value.
func (p *pair) append(dst, value []byte) []byte {
	return p.shut(append(p.open(dst), value...), len(value))
}

// open appends the LabelPair up to the value. Few names are so long that it takes
// more than two words.
func (p *pair) open(dst []byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, p.low)
	dst = binary.LittleEndian.AppendUint64(dst, p.high)
	if len(p.head) <= 16 {
		return dst[:start+len(p.head)]
	}
	return append(dst, p.head[16:]...)
}

// shut fills in the lengths behind a value of this size.
func (p *pair) shut(dst []byte, size int) []byte {
	inner := len(dst) - size
	start := inner - len(p.head) + len("\x0a\x00")
	if size < p.room {
		dst[inner-1], dst[start-1] = byte(size), byte(len(dst)-start)
		return dst
	}
	return shut(shut(dst, inner), start)
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
		p.pairs = append(p.pairs, newPair(skip, scheme.Label(l)))
	}
	p.size = p.sizeOf(f)
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

// sizeOf returns about how long a metric of a family is, but for its label text.
func (p *preparedMessage) sizeOf(f *sample.Family) (n int) {
	for _, pair := range p.pairs {
		n += len(pair.head) - pair.skip - len(`"`)
	}
	const number, created = 11, 14
	switch f.Kind {
	case sample.Histogram, sample.GaugeHistogram:
		return n + number + created + 13*len(f.Bounds)
	case sample.Summary:
		return n + number + created + 20*len(f.Ranks)
	case sample.Counter:
		return n + number + created
	}
	return n + number
}
