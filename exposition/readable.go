package exposition

import (
	"encoding/binary"
	"math"
	"strconv"
)

// field is how a field of a message is called and shown.
type field struct {
	name string
	show func(dst, value []byte) []byte // of all that is no message, packed numbers one by one
	in   []field                        // the fields of a message by their number
}

// The messages of https://github.com/prometheus/client_model, as far as they are
// written. A field's number is its index.
var (
	labelFields  = []field{1: {name: "name", show: showString}, 2: {name: "value", show: showString}}
	numberFields = []field{1: {name: "value", show: showDouble}}
	timeFields   = []field{1: {name: "seconds", show: showUint}, 2: {name: "nanos", show: showUint}}
	spanFields   = []field{1: {name: "offset", show: showZigzag}, 2: {name: "length", show: showUint}}

	exemplarFields = []field{
		1: {name: "label", in: labelFields}, 2: {name: "value", show: showDouble}, 3: {name: "timestamp", in: timeFields},
	}
	counterFields = []field{
		1: {name: "value", show: showDouble}, 2: {name: "exemplar", in: exemplarFields}, 3: {name: "start_timestamp", in: timeFields},
	}
	quantileFields = []field{1: {name: "quantile", show: showDouble}, 2: {name: "value", show: showDouble}}
	summaryFields  = []field{
		1: {name: "sample_count", show: showUint}, 2: {name: "sample_sum", show: showDouble},
		3: {name: "quantile", in: quantileFields}, 4: {name: "start_timestamp", in: timeFields},
	}
	bucketFields = []field{
		1: {name: "cumulative_count", show: showUint}, 2: {name: "upper_bound", show: showDouble}, 3: {name: "exemplar", in: exemplarFields},
	}
	histogramFields = []field{
		1: {name: "sample_count", show: showUint}, 2: {name: "sample_sum", show: showDouble}, 3: {name: "bucket", in: bucketFields},
		5: {name: "schema", show: showZigzag}, 6: {name: "zero_threshold", show: showDouble}, 7: {name: "zero_count", show: showUint},
		9: {name: "negative_span", in: spanFields}, 10: {name: "negative_delta", show: showZigzags},
		12: {name: "positive_span", in: spanFields}, 13: {name: "positive_delta", show: showZigzags},
		15: {name: "start_timestamp", in: timeFields}, 16: {name: "exemplars", in: exemplarFields},
	}
	metricFields = []field{
		1: {name: "label", in: labelFields}, 2: {name: "gauge", in: numberFields}, 3: {name: "counter", in: counterFields},
		4: {name: "summary", in: summaryFields}, 5: {name: "untyped", in: numberFields}, 6: {name: "timestamp_ms", show: showUint},
		7: {name: "histogram", in: histogramFields},
	}
	familyFields = []field{
		1: {name: "name", show: showString}, 2: {name: "help", show: showString}, 3: {name: "type", show: showType},
		4: {name: "metric", in: metricFields}, 5: {name: "unit", show: showString},
	}
)

// writeReadable writes a family in protobuf's text format, with an empty line
// behind it.
func (e *messageEncoder) writeReadable(header, metrics []byte) error {
	e.buf = appendFields(e.buf, header, familyFields, 0)
	for len(metrics) > 0 {
		e.buf, metrics = appendField(e.buf, metrics, familyFields, 0)
		if len(e.buf) >= pieceSize {
			if err := e.flush(); err != nil {
				return err
			}
		}
	}
	e.buf = append(e.buf, '\n')
	return nil
}

func appendFields(dst, message []byte, fields []field, depth int) []byte {
	for len(message) > 0 {
		dst, message = appendField(dst, message, fields, depth)
	}
	return dst
}

// appendField appends the first field of a message and returns the others. The
// message is one of ours, so nothing in it comes as a surprise.
func appendField(dst, message []byte, fields []field, depth int) (out, rest []byte) {
	tag, n := binary.Uvarint(message)
	message = message[n:]
	f := &fields[tag>>3]
	size, skip := 8, 0 // of a double
	switch tag & 7 {
	case asVarint:
		_, size = binary.Uvarint(message)
	case asBytes:
		length, n := binary.Uvarint(message)
		size, skip = int(length), n
	}
	value, rest := message[skip:skip+size], message[skip+size:]
	dst = indent(dst, depth)
	dst = append(dst, f.name...)
	if f.in == nil {
		dst = f.show(append(dst, ": "...), value)
		return append(dst, '\n'), rest
	}
	dst = append(dst, " {\n"...)
	dst = appendFields(dst, value, f.in, depth+1)
	return append(indent(dst, depth), "}\n"...), rest
}

func indent(dst []byte, depth int) []byte {
	for range depth {
		dst = append(dst, "  "...)
	}
	return dst
}

func showString(dst, value []byte) []byte { return strconv.AppendQuote(dst, string(value)) }

func showUint(dst, value []byte) []byte {
	v, _ := binary.Uvarint(value)
	return strconv.AppendUint(dst, v, 10)
}

func showZigzag(dst, value []byte) []byte {
	v, _ := binary.Varint(value)
	return strconv.AppendInt(dst, v, 10)
}

// showZigzags shows packed numbers.
func showZigzags(dst, value []byte) []byte {
	separator := "["
	for len(value) > 0 {
		_, n := binary.Varint(value)
		dst = showZigzag(append(dst, separator...), value[:n])
		value, separator = value[n:], ", "
	}
	return append(dst, ']')
}

func showDouble(dst, value []byte) []byte {
	switch v := math.Float64frombits(binary.LittleEndian.Uint64(value)); {
	case math.IsNaN(v):
		return append(dst, "nan"...)
	case math.IsInf(v, 1):
		return append(dst, "inf"...)
	case math.IsInf(v, -1):
		return append(dst, "-inf"...)
	default:
		return appendFloat(dst, v)
	}
}

var typeNames = []string{"COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM"}

func showType(dst, value []byte) []byte { return append(dst, typeNames[value[0]]...) }
