package exposition

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// appendFloat appends a value. Whole numbers below 1e15 have no decimal point and
// no exponent: that is valid everywhere, shorter, and quicker to write and read.
func appendFloat(dst []byte, v float64) []byte {
	if n := int64(v); float64(n) == v && n > -1e15 && n < 1e15 && (n != 0 || !math.Signbit(v)) {
		return appendInt(dst, n)
	}
	if n := int64(math.Round(v * 1e3)); n != 0 && -1e9 < n && n < 1e9 && float64(n)/1e3 == v {
		return appendThousandths(dst, n)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// appendThousandths appends a number of thousandths that is not whole. If it is what a
// float64 is read from, it is the shortest such number: numbers of up to 15 digits
// are never read as the same.
func appendThousandths(dst []byte, n int64) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	dst = appendUint(dst, uint64(n/1000))
	d := digits(uint64(n%1000)) >> 40 // three digits
	dst = append(dst, '.', '0'+byte(d), '0'+byte(d>>8), '0'+byte(d>>16))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendCounter appends a value that is in two parts, exactly if it is whole.
func appendCounter(dst []byte, whole uint64, part float64) []byte {
	if part == 0 {
		return appendUint(dst, whole)
	}
	return appendFloat(dst, float64(whole)+part)
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendUint(append(dst, '-'), uint64(-n))
	}
	return appendUint(dst, uint64(n))
}

// appendUint appends n as strconv.AppendUint does. That works through the digits
// one or two at a time, as many as there are; here eight are made at once, without
// a branch that depends on n.
func appendUint(dst []byte, n uint64) []byte {
	if n >= 1e8 {
		dst = appendUint(dst, n/1e8)
		return binary.LittleEndian.AppendUint64(dst, digits(n%1e8)|zeros)
	}
	d := digits(n)
	leading := bits.TrailingZeros64(d|1<<56) / 8 // but the last digit stays
	dst = binary.LittleEndian.AppendUint64(dst, (d|zeros)>>(8*leading&63))
	return dst[:len(dst)-leading]
}

const zeros = 0x3030303030303030 // "00000000"

// digits returns the eight digits of n < 1e8, one in each byte, the first one in
// the lowest. All parts of the number are divided at once, each by multiplying
// with a reciprocal that is exact for numbers of its size.
func digits(n uint64) uint64 {
	high := n / 1e4
	n = high | (n-high*1e4)<<32 // 2 numbers below 10000
	high = n * 10486 >> 20 & 0x0000007f_0000007f
	n = high | (n-high*100)<<16 // 4 numbers below 100
	high = n * 103 >> 10 & 0x000f_000f_000f_000f
	return high | (n-high*10)<<8
}

// appendBound appends the upper bound of a bucket, or the rank of a quantile,
// as a label value. Its spelling is part of a series' identity, so each format
// keeps its own: OpenMetrics has 1.0 where the text format has 1.
func (s *syntax) appendBound(dst []byte, v float64) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, v+0, 'g', -1, 64) // +0 makes -0 a 0
	if s.openMetrics && !bytes.ContainsAny(dst[start:], ".eIN") {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendTime appends a timestamp behind a blank: milliseconds in the text
// format, seconds in OpenMetrics.
func (s *syntax) appendTime(dst []byte, nanos int64) []byte {
	if nanos == sample.NoTime {
		return dst
	}
	dst = append(dst, ' ')
	if !s.openMetrics {
		return appendInt(dst, nanos/int64(time.Millisecond))
	}
	return appendSeconds(dst, nanos)
}

// appendSeconds appends a time in seconds, exactly and without an exponent.
func appendSeconds(dst []byte, nanos int64) []byte {
	dst = appendInt(dst, nanos/int64(time.Second))
	rest := nanos % int64(time.Second)
	if rest == 0 {
		return dst
	}
	start := len(dst)
	dst = appendInt(dst, int64(time.Second)+rest) // a leading 1 keeps the zeros
	dst[start] = '.'
	return bytes.TrimRight(dst, "0")
}
