package exposition

import (
	"encoding/binary"
	"math"
	"math/bits"
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
	return fit(dst, start-1, start)
}

// openWide is open for what is likely to be about so many bytes long: there is
// room for two bytes if the length is likely to need them. It returns where the
// room begins, too.
func openWide(dst []byte, tag byte, size int) (out []byte, room, start int) {
	room = len(dst) + 1
	if size < 0x80 {
		return append(dst, tag, 0), room, room + 1
	}
	return append(dst, tag, 0, 0), room, room + 2
}

// shutWide is shut for openWide.
func shutWide(dst []byte, room, start int) []byte {
	n := len(dst) - start
	switch {
	case n < 0x80 && start-room == 1:
		dst[room] = byte(n)
	case n >= 0x80 && n < 0x4000 && start-room == 2:
		dst[room], dst[room+1] = byte(n)|0x80, byte(n>>7)
	default:
		return fit(dst, room, start)
	}
	return dst
}

// fit fills in the length of what was appended from start on, which is moved so
// that the length fits between room and it.
func fit(dst []byte, room, start int) []byte {
	var length [binary.MaxVarintLen64]byte
	size := len(dst) - start
	n := binary.PutUvarint(length[:], uint64(size))
	dst = append(dst, length[:n]...) // whatever, to make it long enough
	copy(dst[room+n:], dst[start:start+size])
	copy(dst[room:], length[:n])
	return dst[:room+n+size]
}

// appendVarint appends a field that is a number. A metric has few of them, so it is not
// inlined.
//
//go:noinline
func appendVarint(dst []byte, tag byte, v uint64) []byte {
	return binary.AppendUvarint(append(dst, tag), v)
}

// sizeOfVarint returns how many bytes a number takes.
func sizeOfVarint(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// spread returns the bytes of a varint of a number below 2^56 that takes n of them,
// the first one in the lowest: groups of seven bits, all moved at once.
func spread(v uint64, n int) uint64 {
	v = v&0x0fffffff | v<<4&(0x0fffffff<<32)
	v = v&0x00003fff_00003fff | v<<2&0x3fff0000_3fff0000
	v = v&0x007f007f_007f007f | v<<1&0x7f007f00_7f007f00
	return v | 0x80808080_80808080&(1<<(8*(n-1)&63)-1) // on all bytes but the last
}

func appendDouble(dst []byte, tag byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, tag), math.Float64bits(v))
}

// appendString appends a field that is a string. There are few at a scrape, so it is not
// inlined.
//
//go:noinline
func appendString(dst []byte, tag byte, s string) []byte {
	dst = binary.AppendUvarint(append(dst, tag), uint64(len(s)))
	return append(dst, s...)
}

// zigzag maps numbers close to zero, of either sign, to small ones.
func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }
