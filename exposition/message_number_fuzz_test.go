package exposition

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// plainNumber returns the metric that is labels and one number, field by field.
func plainNumber(kind sample.Kind, labels [][2]string, value float64, created int64) []byte {
	var metric []byte
	for _, l := range labels {
		pair := appendString(appendString(nil, labelName, l[0]), labelValue, l[1])
		metric = appendString(metric, metricLabel, string(pair))
	}
	number := appendDouble(nil, numberValue, value)
	if kind == sample.Counter && created > 0 {
		var stamp []byte
		if seconds := created / int64(time.Second); seconds > 0 {
			stamp = appendVarint(stamp, timeSeconds, uint64(seconds))
		}
		if rest := created % int64(time.Second); rest > 0 {
			stamp = appendVarint(stamp, timeNanos, uint64(rest))
		}
		number = appendString(number, counterCreated, string(stamp))
	}
	metric = appendString(metric, numberTags[kind], string(number))
	return appendString(nil, familyMetric, string(metric))
}

// FuzzNumbers compares batches of such metrics, whose text ends where its memory does or
// before that, with what they are field by field.
func FuzzNumbers(f *testing.F) {
	for _, n := range []uint16{0, 1, 7, 8, 94, 126, 127, 128, 300} {
		f.Add("method", "", "GET", "", n, uint8(n), 1.5, int64(1_700_000_000_000_000_001))
		f.Add("l", "é", "a\n\"\\b", "x", n, uint8(3), math.NaN(), int64(-1))
		f.Add(strings.Repeat("n", int(n)+1), "http.status", "", "200", n, uint8(17), math.Copysign(0, -1), int64(math.MaxInt64))
	}
	f.Add("a", "b", "", "", uint16(1), uint8(0), 1.0, int64(1<<28*1e9)) // a whole second
	f.Add("a", "b\"c\\", "12345678", "", uint16(50_000), uint8(4), math.Inf(1), int64(1<<28*1e9))
	f.Fuzz(func(t *testing.T, first, second, value, other string, times uint16, variant uint8, number float64, created int64) {
		first, second, value, other = mend(first), mend(second), mend(value), mend(other)
		if first == "" || first == second || strings.Contains(first+second, "\x00") {
			return
		}
		kind := []sample.Kind{sample.Counter, sample.Gauge, sample.Unknown}[variant%3]
		scheme := []names.Scheme{names.AllowUTF8, names.Underscores, names.Dots, names.Values}[variant/3%4]
		labels := [][2]string{{first, value}}
		if second != "" {
			labels = append(labels, [2]string{second, other})
		}
		m := &madeFamily{family: sample.Family{Name: "x", Kind: kind}}
		for i := range 1 + int(variant/12)%4 {
			labels = slices.Clone(labels)
			labels[len(labels)-1][1] = other + strings.Repeat("v", i*int(times))
			m.samples = append(m.samples, madeSample{labels: labels, whole: uint64(times), value: number, created: created})
		}
		e := &messageEncoder{format: Format{Syntax: Protobuf, Escaping: Escaping(scheme)}, limit: math.MaxInt}
		var want []byte
		for i, b := range m.make(2).batches {
			b.Times = nil
			b.Text = slices.Clip(b.Text)
			if variant >= 128 {
				b.Text = append(make([]byte, 0, len(b.Text)+int(variant)%16), b.Text...)
			}
			for _, s := range m.samples[2*i : 2*i+b.Len()] {
				v := number
				if kind == sample.Counter {
					v += float64(times)
				}
				want = append(want, plainNumber(kind, escapeNames(s.labels, scheme), v, created)...)
			}
			if err := e.Visit(&m.family, b); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(e.metrics, want) {
			t.Fatalf("%v, %v: %q, want %q", kind, scheme, e.metrics, want)
		}
	})
}
