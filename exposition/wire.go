package exposition

import (
	"encoding/binary"
	"math"
)

// The tags of the fields of https://github.com/prometheus/client_model, each the
// field's number and how its value is encoded.
const (
	asVarint = 0
	asDouble = 1
	asBytes  = 2

	familyName   = 1<<3 | asBytes
	familyHelp   = 2<<3 | asBytes
	familyType   = 3<<3 | asVarint
	familyMetric = 4<<3 | asBytes
	familyUnit   = 5<<3 | asBytes

	metricLabel     = 1<<3 | asBytes
	metricGauge     = 2<<3 | asBytes
	metricCounter   = 3<<3 | asBytes
	metricSummary   = 4<<3 | asBytes
	metricUntyped   = 5<<3 | asBytes
	metricTime      = 6<<3 | asVarint
	metricHistogram = 7<<3 | asBytes

	labelName  = 1<<3 | asBytes
	labelValue = 2<<3 | asBytes

	numberValue     = 1<<3 | asDouble // of a gauge, a counter or an untyped value
	counterExemplar = 2<<3 | asBytes
	counterCreated  = 3<<3 | asBytes

	summaryCount    = 1<<3 | asVarint
	summarySum      = 2<<3 | asDouble
	summaryQuantile = 3<<3 | asBytes
	summaryCreated  = 4<<3 | asBytes
	quantileRank    = 1<<3 | asDouble
	quantileValue   = 2<<3 | asDouble

	histogramCount         = 1<<3 | asVarint
	histogramSum           = 2<<3 | asDouble
	histogramBucket        = 3<<3 | asBytes
	histogramSchema        = 5<<3 | asVarint
	histogramZeroThreshold = 6<<3 | asDouble
	histogramZeroCount     = 7<<3 | asVarint
	histogramNegativeSpan  = 9<<3 | asBytes
	histogramNegativeDelta = 10<<3 | asBytes
	histogramPositiveSpan  = 12<<3 | asBytes
	histogramPositiveDelta = 13<<3 | asBytes
	histogramCreated       = 15<<3 | asBytes
	histogramExemplar      = 16<<3 | asBytes // the only tag of two bytes

	bucketCount    = 1<<3 | asVarint
	bucketBound    = 2<<3 | asDouble
	bucketExemplar = 3<<3 | asBytes
	spanOffset     = 1<<3 | asVarint
	spanLength     = 2<<3 | asVarint

	exemplarLabel = 1<<3 | asBytes
	exemplarValue = 2<<3 | asDouble
	exemplarTime  = 3<<3 | asBytes
	timeSeconds   = 1<<3 | asVarint
	timeNanos     = 2<<3 | asVarint
)

// open appends the tag of a field that is a message, or packed, and room for its
// length. It returns where the contents begin, for shut.
func open(dst []byte, tag byte) ([]byte, int) { return append(dst, tag, 0), len(dst) + 2 }

// shut fills in the length of what was appended since open. The room is for one
// byte, as most have it: else all is moved.
func shut(dst []byte, start int) []byte {
	n := len(dst) - start
	if n < 0x80 {
		dst[start-1] = byte(n)
		return dst
	}
	return widen(dst, start)
}

// widen makes room for a length of several bytes in front of start, and fills it
// in.
func widen(dst []byte, start int) []byte {
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(len(dst)-start))
	dst = append(dst, length[1:n]...) // whatever, to make it longer
	copy(dst[start+n-1:], dst[start:])
	copy(dst[start-1:], length[:n])
	return dst
}

func appendVarint(dst []byte, tag byte, v uint64) []byte {
	return binary.AppendUvarint(append(dst, tag), v)
}

func appendDouble(dst []byte, tag byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, tag), math.Float64bits(v))
}

func appendString(dst []byte, tag byte, s string) []byte {
	dst = binary.AppendUvarint(append(dst, tag), uint64(len(s)))
	return append(dst, s...)
}

// zigzag maps numbers close to zero, of either sign, to small ones.
func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }
