package exposition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// The reader of protobuf below shares nothing with the writer but the
// specification. It takes what is in it and nothing else: fields that are not
// known, or are there twice, are errors.

// wireField is a field as it is on the wire.
type wireField struct {
	number, kind uint64
	bits         uint64 // of a varint or a double
	data         []byte
}

// readFields takes a message apart.
func readFields(b []byte) ([]wireField, error) {
	var all []wireField
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errors.New("a broken tag")
		}
		b = b[n:]
		f := wireField{number: tag >> 3, kind: tag & 7}
		switch f.kind {
		case 0, 2:
			if f.bits, n = binary.Uvarint(b); n <= 0 {
				return nil, errors.New("a broken varint")
			}
			b = b[n:]
			if f.kind == 2 {
				if f.bits > uint64(len(b)) {
					return nil, fmt.Errorf("field %d has %d bytes of %d", f.number, len(b), f.bits)
				}
				f.data, b = b[:f.bits], b[f.bits:]
			}
		case 1:
			if len(b) < 8 {
				return nil, errors.New("a broken double")
			}
			f.bits, b = binary.LittleEndian.Uint64(b), b[8:]
		default:
			return nil, fmt.Errorf("field %d has the wire type %d", f.number, f.kind)
		}
		all = append(all, f)
	}
	return all, nil
}

// handler reads the value of a field. kind is how it has to be encoded.
type handler struct {
	kind     uint64
	repeated bool
	read     func(f wireField) error
}

// readMessage hands all fields of a message to their handlers.
func readMessage(b []byte, handlers map[uint64]handler) error {
	fields, err := readFields(b)
	if err != nil {
		return err
	}
	seen := make(map[uint64]bool)
	for _, f := range fields {
		h, ok := handlers[f.number]
		if !ok || h.kind != f.kind || seen[f.number] && !h.repeated {
			return fmt.Errorf("field %d of wire type %d is not known, or twice there", f.number, f.kind)
		}
		seen[f.number] = true
		if err := h.read(f); err != nil {
			return fmt.Errorf("field %d: %w", f.number, err)
		}
	}
	return nil
}

func doubleTo(v *float64) handler {
	return handler{1, false, func(f wireField) error { *v = math.Float64frombits(f.bits); return nil }}
}

func uintTo(v *uint64) handler {
	return handler{0, false, func(f wireField) error { *v = f.bits; return nil }}
}

func zigzagTo(v *int64) handler {
	return handler{0, false, func(f wireField) error { *v = unzigzag(f.bits); return nil }}
}

func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

func stringTo(v *string) handler {
	return handler{2, false, func(f wireField) error {
		*v = string(f.data)
		if !utf8.ValidString(*v) {
			return fmt.Errorf("%q is not UTF-8", *v)
		}
		return nil
	}}
}

func message(repeated bool, read func(b []byte) error) handler {
	return handler{2, repeated, func(f wireField) error { return read(f.data) }}
}

// readMessages reads a body: messages, each behind its length.
func readMessages(body []byte) ([]readFamily, error) {
	var all []readFamily
	for len(body) > 0 {
		size, n := binary.Uvarint(body)
		if n <= 0 || n > 5 || size > uint64(len(body)-n) {
			return nil, fmt.Errorf("a message of %d bytes, there are %d", size, len(body)-n)
		}
		f, err := readFamilyMessage(body[n:][:size])
		if err != nil {
			return nil, fmt.Errorf("message %d, %q: %w", len(all), f.name, err)
		}
		all = append(all, f)
		body = body[uint64(n)+size:]
	}
	return all, nil
}

var readTypes = []string{"counter", "gauge", "summary", "unknown", "histogram", "gaugehistogram"}

func readFamilyMessage(b []byte) (readFamily, error) {
	var f readFamily
	var kind uint64
	var metrics [][]byte
	err := readMessage(b, map[uint64]handler{
		1: stringTo(&f.name), 2: stringTo(&f.help), 3: uintTo(&kind), 5: stringTo(&f.unit),
		4: message(true, func(b []byte) error { metrics = append(metrics, b); return nil }),
	})
	if err != nil || kind >= uint64(len(readTypes)) || f.name == "" || len(metrics) == 0 {
		return f, fmt.Errorf("type %d, %d metrics: %w", kind, len(metrics), err)
	}
	f.word = readTypes[kind]
	for _, b := range metrics {
		r := reading{name: f.name, word: f.word, time: sample.NoTime, created: sample.NoTime}
		if err := r.readMetric(b); err != nil {
			return f, err
		}
		f.readings = append(f.readings, r)
	}
	return f, nil
}

func (r *reading) readMetric(b []byte) error {
	var millis uint64
	values := 0
	value := func(word string, read func(b []byte) error) handler {
		return message(false, func(b []byte) error {
			if values++; r.word != word {
				return fmt.Errorf("a %s in a family of type %s", word, r.word)
			}
			return read(b)
		})
	}
	number := func(b []byte) error { return readMessage(b, map[uint64]handler{1: doubleTo(&r.value)}) }
	histogram := "histogram"
	if r.word == "gaugehistogram" {
		histogram = r.word
	}
	err := readMessage(b, map[uint64]handler{
		1: labelTo(&r.labels), 2: value("gauge", number), 3: value("counter", r.readCounter),
		4: value("summary", r.readSummary), 5: value("unknown", number), 6: uintTo(&millis), 7: value(histogram, r.readHistogram),
	})
	if err != nil || values != 1 {
		return fmt.Errorf("%d values: %w", values, err)
	}
	if millis != 0 {
		r.time = int64(millis) * 1e6
	}
	return nil
}

func labelTo(labels *[][2]string) handler {
	return message(true, func(b []byte) error {
		var l [2]string
		*labels = append(*labels, l)
		last := &(*labels)[len(*labels)-1]
		return readMessage(b, map[uint64]handler{1: stringTo(&last[0]), 2: stringTo(&last[1])})
	})
}

func timeTo(nanos *int64) handler {
	return message(false, func(b []byte) error {
		var seconds, rest uint64
		err := readMessage(b, map[uint64]handler{1: uintTo(&seconds), 2: uintTo(&rest)})
		if rest >= 1e9 {
			return fmt.Errorf("%d nanoseconds", rest)
		}
		*nanos = int64(seconds)*1e9 + int64(rest)
		return err
	})
}

func (r *reading) exemplarTo(bucket int, repeated bool) handler {
	return message(repeated, func(b []byte) error {
		x := readExemplar{bucket: bucket, time: sample.NoTime}
		err := readMessage(b, map[uint64]handler{1: labelTo(&x.labels), 2: doubleTo(&x.value), 3: timeTo(&x.time)})
		r.exemplars = append(r.exemplars, x)
		return err
	})
}

func (r *reading) readCounter(b []byte) error {
	return readMessage(b, map[uint64]handler{
		1: doubleTo(&r.value), 2: r.exemplarTo(sample.NoBucket, false), 3: timeTo(&r.created),
	})
}

func (r *reading) readSummary(b []byte) error {
	return readMessage(b, map[uint64]handler{
		1: uintTo(&r.count), 2: doubleTo(&r.sum), 4: timeTo(&r.created),
		3: message(true, func(b []byte) error {
			var q [2]float64
			err := readMessage(b, map[uint64]handler{1: doubleTo(&q[0]), 2: doubleTo(&q[1])})
			r.quantiles = append(r.quantiles, q)
			return err
		}),
	})
}

// side is one side of zero of a native histogram.
type side struct {
	spans  [][2]int64
	counts []uint64
}

func (s *side) spanTo() handler {
	return message(true, func(b []byte) error {
		var offset int64
		var length uint64
		err := readMessage(b, map[uint64]handler{1: zigzagTo(&offset), 2: uintTo(&length)})
		s.spans = append(s.spans, [2]int64{offset, int64(length)})
		return err
	})
}

func (s *side) deltasTo() handler {
	return message(false, func(b []byte) error {
		count := int64(0)
		for len(b) > 0 {
			n, size := binary.Uvarint(b)
			if size <= 0 {
				return errors.New("a broken delta")
			}
			count += unzigzag(n)
			s.counts = append(s.counts, uint64(count))
			b = b[size:]
		}
		return nil
	})
}

func (r *reading) readHistogram(b []byte) error {
	var positive, negative side
	var free reading // its exemplars
	var schema int64
	var n sample.Native
	err := readMessage(b, map[uint64]handler{
		1: uintTo(&r.count), 2: doubleTo(&r.sum), 3: message(true, r.readBucket),
		5: zigzagTo(&schema), 6: doubleTo(&n.ZeroThreshold), 7: uintTo(&n.ZeroCount),
		9: negative.spanTo(), 10: negative.deltasTo(), 12: positive.spanTo(), 13: positive.deltasTo(),
		15: timeTo(&r.created), 16: free.exemplarTo(sample.NoBucket, true),
	})
	r.exemplars = append(r.exemplars, free.exemplars...)
	if err != nil {
		return err
	}
	// This is how Prometheus tells.
	native := len(positive.spans)+len(negative.spans) > 0 || n.ZeroThreshold > 0 || n.ZeroCount > 0
	if native {
		n.Present, n.Schema = true, int32(schema)
		if n.Positive, err = absolute(positive.spans, positive.counts); err != nil {
			return err
		}
		if n.Negative, err = absolute(negative.spans, negative.counts); err != nil {
			return err
		}
		r.native = &n
	}
	if last := len(r.buckets) - 1; last < 0 && native || last >= 0 && math.IsInf(r.buckets[last].bound, 1) {
		return nil
	}
	r.buckets = append(r.buckets, readBucket{math.Inf(1), r.count})
	return nil
}

func (r *reading) readBucket(b []byte) error {
	bucket := readBucket{bound: math.NaN()}
	err := readMessage(b, map[uint64]handler{
		1: uintTo(&bucket.total), 2: doubleTo(&bucket.bound), 3: r.exemplarTo(len(r.buckets), false),
	})
	r.buckets = append(r.buckets, bucket)
	return err
}
