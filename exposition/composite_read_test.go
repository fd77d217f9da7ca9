package exposition

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// readComposites reads a body of OpenMetrics 2.0, as strictly as its grammar is
// and a bit more: numbers are as Fennel writes them.
func readComposites(body []byte) ([]readFamily, error) {
	text, ok := strings.CutSuffix(string(body), "# EOF\n")
	if !ok {
		return nil, errors.New("no # EOF at the end")
	}
	var c compositeReader
	for text != "" {
		line, rest, found := strings.Cut(text, "\n")
		if !found {
			return nil, fmt.Errorf("no newline behind %q", line)
		}
		text = rest
		if err := c.line(line); err != nil {
			return nil, fmt.Errorf("%.500q: %w", line, err)
		}
	}
	return c.families, nil
}

type compositeReader struct{ families []readFamily }

func (c *compositeReader) last() *readFamily { return &c.families[len(c.families)-1] }

func (c *compositeReader) line(line string) error {
	for _, what := range []string{"TYPE", "UNIT", "HELP"} {
		if rest, ok := strings.CutPrefix(line, "# "+what+" "); ok {
			return c.metadata(what, rest)
		}
	}
	if strings.HasPrefix(line, "#") {
		return errors.New("a comment")
	}
	return c.sample(line)
}

// metadata reads a line of metadata, which come in the order TYPE, UNIT, HELP.
func (c *compositeReader) metadata(what, rest string) error {
	name, rest, err := cutName(rest, names.LegalMetric)
	if err != nil {
		return err
	}
	text, ok := strings.CutPrefix(rest, " ")
	if !ok || text == "" {
		return errors.New("no text")
	}
	if what == "TYPE" {
		if !slices.Contains((&parser{openMetrics: true}).typeWords(), text) {
			return errors.New("no such type")
		}
		c.families = append(c.families, readFamily{name: name, word: text})
		return nil
	}
	if len(c.families) == 0 || c.last().name != name || len(c.last().readings) > 0 || c.last().help != "" {
		return errors.New("metadata in the wrong place")
	}
	if what == "UNIT" {
		if c.last().unit != "" {
			return errors.New("a second unit")
		}
		c.last().unit = text
		return nil
	}
	c.last().help, err = (&parser{openMetrics: true}).unescapeHelp(text)
	return err
}

func (c *compositeReader) sample(line string) error {
	pt, rest, err := new(parser).labels(line)
	if err != nil {
		return err
	}
	if len(c.families) == 0 || c.last().name != pt.name {
		return errors.New("a sample outside of its family")
	}
	f := c.last()
	r := reading{name: f.name, word: f.word, labels: pt.labels, time: sample.NoTime, created: sample.NoTime}
	rest, ok := strings.CutPrefix(rest, " ")
	if !ok {
		return errors.New("no blank before the value")
	}
	switch f.word {
	case "histogram", "gaugehistogram", "summary":
		end := strings.IndexByte(rest, '}') + 1
		if err := r.readValue(rest[:end]); err != nil {
			return err
		}
		rest = rest[end:]
	default:
		end := strings.IndexByte(rest+" ", ' ')
		if r.value, err = readNumber(rest[:end]); err != nil {
			return err
		}
		rest = rest[end:]
	}
	f.readings = append(f.readings, r)
	return f.readings[len(f.readings)-1].readTail(rest)
}

// What is behind a value.
var (
	tailTime    = regexp.MustCompile(`^ (\d+(?:\.\d+)?)`)
	tailCreated = regexp.MustCompile(`^ st@(\d+(?:\.\d+)?)`)
	tailValue   = regexp.MustCompile(`^ (\S+) (\d+(?:\.\d+)?)`)
)

func (r *reading) readTail(rest string) error {
	if m := tailTime.FindStringSubmatch(rest); m != nil {
		r.time, rest = readSeconds(m[1]), rest[len(m[0]):]
	}
	if m := tailCreated.FindStringSubmatch(rest); m != nil {
		r.created, rest = readSeconds(m[1]), rest[len(m[0]):]
	}
	if r.created != sample.NoTime && !slices.Contains([]string{"counter", "histogram", "summary"}, r.word) {
		return errors.New("a time of creation")
	}
	for rest != "" {
		after, ok := strings.CutPrefix(rest, " # {")
		if !ok || !slices.Contains([]string{"counter", "histogram", "gaugehistogram"}, r.word) {
			return fmt.Errorf("%q behind the value", rest)
		}
		x := readExemplar{bucket: sample.NoBucket}
		pt, after, err := new(parser).labels("x{" + strings.TrimPrefix(after, "}"))
		if strings.HasPrefix(rest, " # {}") {
			pt, after, err = point{}, rest[len(" # {}"):], nil
		}
		if err != nil {
			return err
		}
		m := tailValue.FindStringSubmatch(after)
		if m == nil {
			return fmt.Errorf("exemplar %q", rest)
		}
		if x.value, err = readNumber(m[1]); err != nil {
			return err
		}
		x.labels, x.time, rest = pt.labels, readSeconds(m[2]), after[len(m[0]):]
		r.exemplars = append(r.exemplars, x)
	}
	return nil
}

var compositeValue = regexp.MustCompile(`^\{(g?count):(\d+),(g?sum):([^,\[\]]+)` +
	`(?:,schema:(-?\d+),zero_threshold:([^,\[\]]+),zero_count:(\d+)` +
	`(?:,negative_spans:\[([-\d:,]+)\],negative_buckets:\[([\d,]+)\])?` +
	`(?:,positive_spans:\[([-\d:,]+)\],positive_buckets:\[([\d,]+)\])?)?` +
	`(?:,(bucket):\[([^\[\]]+)\])?(?:,(quantile):\[([^\[\]]*)\])?\}$`)

// readValue reads a composite value.
func (r *reading) readValue(s string) error {
	m := compositeValue.FindStringSubmatch(s)
	if m == nil {
		return fmt.Errorf("composite value %q", s)
	}
	prefix := map[bool]string{true: "g"}[r.word == "gaugehistogram"]
	summary := r.word == "summary"
	if m[1] != prefix+"count" || m[3] != prefix+"sum" || (m[14] != "") != summary || summary && m[5]+m[12] != "" || !summary && m[5]+m[12] == "" {
		return fmt.Errorf("fields of another type in %q", s)
	}
	var err error
	r.count, _ = strconv.ParseUint(m[2], 10, 64)
	if r.sum, err = readNumber(m[4]); err != nil {
		return err
	}
	if m[5] != "" {
		if err := r.readNative(m[5:]); err != nil {
			return err
		}
	}
	for pair := range strings.SplitSeq(m[13]+m[15], ",") {
		key, value, ok := strings.Cut(pair, ":")
		if pair == "" && summary {
			break
		}
		if !ok && m[12]+m[14] != "" || ok && !strings.ContainsAny(key, ".eI") {
			return fmt.Errorf("%q in a list", pair)
		}
		if !ok {
			break
		}
		if err := r.readPair(key, value); err != nil {
			return err
		}
	}
	return nil
}

// readPair reads a bucket or a quantile.
func (r *reading) readPair(key, value string) error {
	k, err := readNumber(key)
	if err != nil {
		return err
	}
	if r.word == "summary" {
		v, err := readNumber(value)
		r.quantiles = append(r.quantiles, [2]float64{k, v})
		return err
	}
	n, err := strconv.ParseUint(value, 10, 64)
	r.buckets = append(r.buckets, readBucket{k, n})
	return err
}

func (r *reading) readNative(m []string) error {
	n := &sample.Native{Present: true}
	schema, _ := strconv.Atoi(m[0])
	n.Schema = int32(schema)
	var err error
	if n.ZeroThreshold, err = readNumber(m[1]); err != nil {
		return err
	}
	n.ZeroCount, _ = strconv.ParseUint(m[2], 10, 64)
	if n.Negative, err = readSide(m[3], m[4]); err != nil {
		return err
	}
	n.Positive, err = readSide(m[5], m[6])
	r.native = n
	return err
}

func readSide(spans, counts string) ([]sample.NativeBucket, error) {
	var s side
	if spans == "" {
		return nil, nil
	}
	for i, text := range strings.Split(spans, ",") {
		offset, length, _ := strings.Cut(text, ":")
		o, err1 := strconv.ParseInt(offset, 10, 64)
		l, err2 := strconv.ParseInt(length, 10, 64)
		if err1 != nil || err2 != nil || i > 0 && o < 0 || l <= 0 {
			return nil, fmt.Errorf("spans %q", spans)
		}
		s.spans = append(s.spans, [2]int64{o, l})
	}
	for _, text := range strings.Split(counts, ",") {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, err
		}
		s.counts = append(s.counts, n)
	}
	return absolute(s.spans, s.counts)
}

var decimal = regexp.MustCompile(`^(-?\d+(\.\d+)?(e[+-]\d+)?|NaN|[+-]Inf)$`)

func readNumber(s string) (float64, error) {
	if !decimal.MatchString(s) {
		return math.NaN(), fmt.Errorf("number %q", s)
	}
	return strconv.ParseFloat(s, 64)
}

// readSeconds returns nanoseconds, exactly.
func readSeconds(s string) int64 {
	r, _ := new(big.Rat).SetString(s)
	r.Mul(r, big.NewRat(1e9, 1))
	return r.Num().Int64()
}
