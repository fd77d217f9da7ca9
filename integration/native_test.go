package integration

import (
	"fmt"
	"math"
	"slices"
	"strings"

	promhistogram "github.com/prometheus/prometheus/model/histogram"

	"github.com/fennelmetrics/fennel"
)

// native is a native histogram, bucket by bucket, whatever the spans in which it
// came: all that tells two of them apart.
type native struct {
	Schema        int32 // promhistogram.CustomBucketsSchema if it has Bounds
	ZeroThreshold float64
	ZeroCount     uint64
	Count         uint64
	Sum           float64
	Positive      []nativeBucket // none is empty
	Negative      []nativeBucket
	Bounds        []float64
	Gauge         bool
}

type nativeBucket struct {
	Index int32
	Count uint64
}

// String spells the histogram so that two are alike if their texts are.
func (n native) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{schema %d, count %d, sum %v, zero %d within %v", n.Schema, n.Count, n.Sum, n.ZeroCount, n.ZeroThreshold)
	for _, bucket := range n.Positive {
		fmt.Fprintf(&b, ", [%d] %d", bucket.Index, bucket.Count)
	}
	for _, bucket := range n.Negative {
		fmt.Fprintf(&b, ", -[%d] %d", bucket.Index, bucket.Count)
	}
	if n.Schema == promhistogram.CustomBucketsSchema {
		fmt.Fprintf(&b, ", bounds %v", n.Bounds)
	}
	if n.Gauge {
		b.WriteString(", gauge")
	}
	return b.String() + "}"
}

// nativeOf converts a histogram of Prometheus's. The server's own check must
// find nothing wrong with it.
func nativeOf(h *promhistogram.Histogram) (native, error) {
	n := native{
		Schema:        h.Schema,
		ZeroThreshold: h.ZeroThreshold,
		ZeroCount:     h.ZeroCount,
		Count:         h.Count,
		Sum:           h.Sum,
		Bounds:        h.CustomValues,
		Gauge:         h.CounterResetHint == promhistogram.GaugeType,
	}
	if err := h.Validate(); err != nil {
		return n, fmt.Errorf("%v: %w", h, err)
	}
	for it := h.PositiveBucketIterator(); it.Next(); {
		n.Positive = appendBucket(n.Positive, it.At())
	}
	for it := h.NegativeBucketIterator(); it.Next(); {
		n.Negative = appendBucket(n.Negative, it.At())
	}
	return n, nil
}

func appendBucket(to []nativeBucket, b promhistogram.Bucket[uint64]) []nativeBucket {
	if b.Count == 0 {
		return to
	}
	return append(to, nativeBucket{b.Index, b.Count})
}

// nativeOfSample converts the native part of a sample that was gathered.
func nativeOfSample(f *fennel.Family, s *fennel.Sample) native {
	h := s.Native
	return native{
		Schema:        int32(h.Schema),
		ZeroThreshold: h.ZeroThreshold,
		ZeroCount:     h.ZeroCount,
		Count:         s.Count,
		Sum:           s.Sum,
		Positive:      nativeBucketsOf(h.Positive),
		Negative:      nativeBucketsOf(h.Negative),
		Gauge:         f.Type == fennel.TypeGaugeHistogram,
	}
}

func nativeBucketsOf(buckets []fennel.NativeBucket) []nativeBucket {
	var out []nativeBucket
	for _, b := range buckets {
		if b.Count > 0 {
			out = append(out, nativeBucket{int32(b.Index), b.Count})
		}
	}
	return out
}

// customOfSample returns the native histogram with custom buckets that the
// server makes of a classic one, if it is told to.
func customOfSample(f *fennel.Family, s *fennel.Sample) native {
	n := native{Schema: promhistogram.CustomBucketsSchema, Count: s.Count, Sum: s.Sum, Gauge: f.Type == fennel.TypeGaugeHistogram}
	below := uint64(0)
	for i, b := range s.Buckets {
		if !math.IsInf(b.UpperBound, 1) {
			n.Bounds = append(n.Bounds, b.UpperBound)
		}
		if b.Count > below {
			n.Positive = append(n.Positive, nativeBucket{int32(i), b.Count - below})
		}
		below = b.Count
	}
	return n
}

// diffNatives says how two sets of native histograms differ, one series a line;
// it is empty if they don't.
func diffNatives(got, want map[string]native) string {
	return diffTexts(texts(got), texts(want))
}

func texts(natives map[string]native) map[string]string {
	out := make(map[string]string)
	for series, n := range natives {
		out[series] = n.String()
	}
	return out
}

// diffTexts says how two sets of texts by series differ, one series a line; it
// is empty if they don't.
func diffTexts(got, want map[string]string) string {
	var lines []string
	for series, text := range want {
		if other, ok := got[series]; !ok {
			lines = append(lines, fmt.Sprintf("%.300s: missing, want %.1000s\n", series, text))
		} else if other != text {
			lines = append(lines, fmt.Sprintf("%.300s: got %.1000s, want %.1000s\n", series, other, text))
		}
	}
	for series, text := range got {
		if _, ok := want[series]; !ok {
			lines = append(lines, fmt.Sprintf("%.300s: unexpected, got %.1000s\n", series, text))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
