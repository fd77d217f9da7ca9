package exposition

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// appendFloat appends a value. Whole numbers below 1e15 have no decimal point and
// no exponent: that is valid everywhere, shorter, and quicker to write and read.
func appendFloat(dst []byte, v float64) []byte {
	if n := int64(v); float64(n) == v && n > -1e15 && n < 1e15 && (n != 0 || !math.Signbit(v)) {
		return strconv.AppendInt(dst, n, 10)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// appendCounter appends a value that is in two parts, exactly if it is whole.
func appendCounter(dst []byte, whole uint64, part float64) []byte {
	if part == 0 {
		return strconv.AppendUint(dst, whole, 10)
	}
	return appendFloat(dst, float64(whole)+part)
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
		return strconv.AppendInt(dst, nanos/int64(time.Millisecond), 10)
	}
	return appendSeconds(dst, nanos)
}

// appendSeconds appends a time in seconds, exactly and without an exponent.
func appendSeconds(dst []byte, nanos int64) []byte {
	dst = strconv.AppendInt(dst, nanos/int64(time.Second), 10)
	rest := nanos % int64(time.Second)
	if rest == 0 {
		return dst
	}
	start := len(dst)
	dst = strconv.AppendInt(dst, int64(time.Second)+rest, 10) // a leading 1 keeps the zeros
	dst[start] = '.'
	return bytes.TrimRight(dst, "0")
}
