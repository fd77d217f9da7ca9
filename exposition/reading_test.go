package exposition

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// reading is a sample as protobuf and OpenMetrics 2.0 have it, in one piece.
type reading struct {
	name   string // as it is written
	word   string // its type, in OpenMetrics' words
	labels [][2]string
	time   int64 // nanoseconds, or NoTime

	value float64 // of all that has one number

	count     uint64
	sum       float64
	buckets   []readBucket // nil for none
	quantiles [][2]float64
	native    *sample.Native // without empty buckets

	created   int64 // nanoseconds, or NoTime
	exemplars []readExemplar
}

type readBucket struct {
	bound float64
	total uint64 // of this one and those before
}

type readExemplar struct {
	bucket int // a classic one, or NoBucket where it is not known
	labels [][2]string
	value  float64
	time   int64
}

// String tells everything there is.
func (r *reading) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %q @%d", r.word, r.name, r.labels, r.time)
	switch r.word {
	case "histogram", "gaugehistogram":
		fmt.Fprintf(&b, " %d %v %v", r.count, r.sum, r.buckets)
	case "summary":
		fmt.Fprintf(&b, " %d %v %v", r.count, r.sum, r.quantiles)
	default:
		fmt.Fprintf(&b, " %v", r.value)
	}
	if r.native != nil {
		fmt.Fprintf(&b, " native %+v", *r.native)
	}
	fmt.Fprintf(&b, " since %d exemplars %v", r.created, r.exemplars)
	return b.String()
}

// check returns what no reader would take.
func (r *reading) check() error {
	if r.native != nil {
		if total := r.native.Total(); total != r.count {
			return fmt.Errorf("%q: %d observations, but %d in native buckets", r.name, r.count, total)
		}
		if r.native.Schema < -4 || r.native.Schema > 8 {
			return fmt.Errorf("%q: schema %d", r.name, r.native.Schema)
		}
	}
	for i, b := range r.buckets {
		if i > 0 && (b.bound <= r.buckets[i-1].bound || b.total < r.buckets[i-1].total) {
			return fmt.Errorf("%q: buckets out of order: %v", r.name, r.buckets)
		}
	}
	if n := len(r.buckets); n > 0 && (!math.IsInf(r.buckets[n-1].bound, 1) || r.buckets[n-1].total != r.count) {
		return fmt.Errorf("%q: the last bucket of %v, count %d", r.name, r.buckets, r.count)
	}
	for i, q := range r.quantiles {
		if i > 0 && q[0] <= r.quantiles[i-1][0] {
			return fmt.Errorf("%q: quantiles out of order: %v", r.name, r.quantiles)
		}
	}
	return nil
}

// points takes a reading apart into the samples of the other text formats.
func (r *reading) points() []point {
	var all []point
	add := func(suffix string, value float64, last ...string) {
		p := point{name: r.name + suffix, labels: slices.Clone(r.labels), value: value}
		if len(last) > 0 {
			p.labels = append(p.labels, [2]string(last))
		}
		if r.time != sample.NoTime {
			p.time = big.NewRat(r.time, 1e9)
		}
		all = append(all, p)
	}
	float := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	count, sum := "_count", "_sum"
	switch r.word {
	case "gaugehistogram":
		count, sum = "_gcount", "_gsum"
	case "histogram", "summary":
	default:
		add("", r.value)
		return all
	}
	for _, b := range r.buckets {
		add("_bucket", float64(b.total), "le", float(b.bound))
	}
	for _, q := range r.quantiles {
		add("", q[1], "quantile", float(q[0]))
	}
	add(sum, r.sum)
	add(count, float64(r.count))
	return all
}

// contentOf is what is in a body that was read in one piece each.
func contentOf(families []readFamily) (*content, error) {
	c := &content{types: map[string]string{}, helps: map[string]string{}, units: map[string]string{}}
	seen := make(map[string]bool)
	for _, f := range families {
		if c.types[f.name] != "" {
			return nil, fmt.Errorf("family %q is there twice", f.name)
		}
		c.types[f.name] = f.word
		if f.help != "" {
			c.helps[f.name] = f.help
		}
		if f.unit != "" {
			c.units[f.name] = f.unit
		}
		for _, r := range f.readings {
			if err := r.check(); err != nil {
				return nil, err
			}
			for _, p := range r.points() {
				key := fmt.Sprint(p.series(), r.time)
				if seen[key] {
					return nil, fmt.Errorf("%s is there twice", key)
				}
				seen[key] = true
				c.points = append(c.points, p)
			}
		}
	}
	return c, nil
}

// readFamily is a family with all of its readings.
type readFamily struct {
	name, word, help, unit string
	readings               []reading
}

// parseAs reads a body of any format.
func parseAs(body []byte, f Format) (*content, error) {
	switch f.Syntax {
	case Protobuf:
		families, err := readMessages(body)
		if err != nil {
			return nil, err
		}
		return contentOf(families)
	case OpenMetrics200:
		families, err := readComposites(body)
		if err != nil {
			return nil, err
		}
		return contentOf(families)
	}
	return parse(body, f.Syntax == OpenMetrics100)
}

// endsInEOF reports whether a format says where its bodies end.
func endsInEOF(f Format) bool { return f.Syntax == OpenMetrics100 || f.Syntax == OpenMetrics200 }

// absolute makes a native part from what the formats have: spans, and a count
// for each bucket in them.
func absolute(spans [][2]int64, counts []uint64) ([]sample.NativeBucket, error) {
	var buckets []sample.NativeBucket
	index := int64(0)
	for i, s := range spans {
		if i > 0 && s[0] < 0 || s[1] < 0 {
			return nil, fmt.Errorf("span %v", s)
		}
		index += s[0]
		for range s[1] {
			if len(counts) == 0 {
				return nil, fmt.Errorf("spans %v are longer than their counts", spans)
			}
			if counts[0] > 0 {
				buckets = append(buckets, sample.NativeBucket{Index: int32(index), Count: counts[0]})
			}
			counts = counts[1:]
			index++
		}
	}
	if len(counts) > 0 {
		return nil, fmt.Errorf("%d counts beyond the spans %v", len(counts), spans)
	}
	return buckets, nil
}
