package exposition

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/fennelmetrics/fennel/internal/names"
)

// content is what is in a body. Names are as they are written there, without
// quotes.
type content struct {
	types, helps, units map[string]string // by family
	points              []point
}

// point is one sample line.
type point struct {
	name   string
	labels [][2]string // in the order of the line
	value  float64
	time   *big.Rat // in seconds; nil if there is none

	exemplar string // all of it, spelled in one way
}

// series spells the name and the labels of a point in one way, whatever their
// order, and le and quantile as the number that they are.
func (p point) series() string {
	labels := make([]string, len(p.labels))
	for i, l := range p.labels {
		if n, err := strconv.ParseFloat(l[1], 64); err == nil && (l[0] == "le" || l[0] == "quantile") {
			l[1] = strconv.FormatFloat(n, 'g', -1, 64)
		}
		labels[i] = fmt.Sprintf("%q=%q", l[0], l[1])
	}
	slices.Sort(labels)
	return fmt.Sprintf("%q{%s}", p.name, strings.Join(labels, ","))
}

// String tells everything about a point, numbers by their value.
func (p point) String() string {
	s := fmt.Sprintf("%s %v", p.series(), p.value)
	if math.Signbit(p.value) && p.value == 0 {
		s = p.series() + " -0"
	}
	if p.time != nil {
		s += " @" + p.time.RatString()
	}
	return s + p.exemplar
}

// lines lists all that c holds, in a form that can be compared.
func (c *content) lines() []string {
	var all []string
	for what, set := range map[string]map[string]string{"TYPE": c.types, "HELP": c.helps, "UNIT": c.units} {
		for name, text := range set {
			all = append(all, fmt.Sprintf("# %s %q %q", what, name, text))
		}
	}
	for _, p := range c.points {
		all = append(all, p.String())
	}
	slices.Sort(all)
	return all
}

// parser reads bodies line by line. It takes what the formats' specifications
// demand of writers and nothing else; readers are more generous. A lenient one
// takes what Python's client writes, too.
type parser struct {
	openMetrics bool
	lenient     bool

	content
	family string // of the last metadata
	before int    // how many points there were before it
	done   map[string]bool
	series map[string]bool
	owners map[string]string // the family of each name of a sample
}

func parse(body []byte, openMetrics bool) (*content, error) {
	return (&parser{openMetrics: openMetrics}).parse(body)
}

func (p *parser) parse(body []byte) (*content, error) {
	p.types, p.helps, p.units = map[string]string{}, map[string]string{}, map[string]string{}
	p.done, p.series, p.owners = map[string]bool{}, map[string]bool{}, map[string]string{}
	text := string(body)
	if p.openMetrics {
		var ok bool
		if text, ok = strings.CutSuffix(text, "# EOF\n"); !ok {
			return nil, errors.New("no # EOF at the end")
		}
	}
	for text != "" {
		line, rest, found := strings.Cut(text, "\n")
		if !found {
			return nil, fmt.Errorf("no newline behind %q", line)
		}
		text = rest
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("%.500q: %w", line, err)
		}
	}
	for name := range p.helps {
		if p.types[name] == "" {
			return nil, fmt.Errorf("%q has help and no type", name)
		}
	}
	return &p.content, nil
}

func (p *parser) line(line string) error {
	for what, set := range map[string]map[string]string{"# HELP ": p.helps, "# TYPE ": p.types, "# UNIT ": p.units} {
		if rest, ok := strings.CutPrefix(line, what); ok {
			return p.metadata(what, set, rest)
		}
	}
	if strings.HasPrefix(line, "#") {
		return errors.New("a comment")
	}
	return p.sample(line)
}

func (p *parser) metadata(what string, set map[string]string, rest string) error {
	name, rest, err := cutName(rest, names.LegalMetric)
	if err != nil {
		return err
	}
	text, ok := strings.CutPrefix(rest, " ")
	switch {
	case !ok:
		return errors.New("no blank behind the name")
	case what == "# TYPE " && !slices.Contains(p.typeWords(), text):
		return errors.New("no such type")
	case what == "# UNIT " && (!p.openMetrics || !strings.HasSuffix(name, "_"+text)):
		return errors.New("no such unit")
	case p.lenient:
	case text == "":
		return errors.New("metadata without a text")
	case set[name] != "":
		return errors.New("metadata twice")
	case name != p.family && p.done[name]:
		return errors.New("the family was there before")
	}
	if what == "# HELP " {
		if text, err = p.unescapeHelp(text); err != nil {
			return err
		}
	}
	if name != p.family {
		p.family, p.done[name], p.before = name, true, len(p.points)
	} else if !p.lenient && len(p.points) > p.before {
		return errors.New("metadata behind the samples")
	}
	if text != "" {
		set[name] = text
	}
	return nil
}

func (p *parser) typeWords() []string {
	if p.openMetrics {
		return []string{"unknown", "counter", "gauge", "histogram", "summary", "info", "stateset", "gaugehistogram"}
	}
	return []string{"untyped", "counter", "gauge", "histogram", "summary"}
}

func (p *parser) unescapeHelp(text string) (string, error) {
	return unescape(text, map[byte]string{'\\': `\`, 'n': "\n"}, p.openMetrics)
}

// unescape undoes the escapes. A quote is one of them or has no meaning.
func unescape(text string, escapes map[byte]string, quote bool) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"' && quote:
			return "", errors.New("a quote that is not escaped")
		case c != '\\':
			b.WriteByte(c)
			continue
		case i+1 == len(text):
			return "", errors.New("a backslash at the end")
		}
		i++
		raw, ok := escapes[text[i]]
		if text[i] == '"' && quote {
			raw, ok = `"`, true
		}
		if !ok {
			return "", fmt.Errorf("no such escape: %q", text[i-1:i+1])
		}
		b.WriteString(raw)
	}
	return b.String(), nil
}

// cutName cuts a name off, which must be in quotes exactly if it is not legal.
func cutName(s string, legal func(string) bool) (name, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, `{}=", `)
		if end < 0 || !legal(s[:end]) {
			return "", "", errors.New("a bare name that is not legal")
		}
		return s[:end], s[end:], nil
	}
	name, rest, err = cutQuoted(s)
	if err == nil && (legal(name) || name == "") {
		err = fmt.Errorf("quotes around %q", name)
	}
	return name, rest, err
}

func cutQuoted(s string) (text, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", errors.New("no quote")
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			text, err = unescape(s[1:i], map[byte]string{'\\': `\`, 'n': "\n"}, true)
			return text, s[i+1:], err
		}
	}
	return "", "", errors.New("no closing quote")
}

func (p *parser) sample(line string) error {
	pt, rest, err := p.labels(line)
	if err != nil {
		return err
	}
	rest, ok := strings.CutPrefix(rest, " ")
	if !ok {
		return errors.New("no blank before the value")
	}
	rest, exemplar, found := strings.Cut(rest, " # ")
	if found {
		if pt.exemplar, err = p.exemplar(pt.name, exemplar); err != nil {
			return err
		}
	}
	value, time, hasTime := strings.Cut(rest, " ")
	if strings.Trim(value, "+-.0123456789einfaNI") != "" {
		return fmt.Errorf("value %q", value)
	}
	if pt.value, err = strconv.ParseFloat(value, 64); err != nil {
		return err
	}
	if hasTime {
		if pt.time, err = p.time(time); err != nil {
			return err
		}
	}
	s := pt.series() + " " + time
	switch {
	case p.lenient:
	case p.series[s]:
		return errors.New("the series was there before")
	case !p.belongs(pt.name):
		return fmt.Errorf("a sample in the family %q", p.family)
	case p.owners[pt.name] != "" && p.owners[pt.name] != p.family:
		return fmt.Errorf("a sample in the families %q and %q", p.owners[pt.name], p.family)
	}
	p.owners[pt.name] = p.family
	p.series[s] = true
	p.points = append(p.points, pt)
	return nil
}

// exemplar reads what stands behind a " # ", for a sample of this name.
func (p *parser) exemplar(name, s string) (string, error) {
	suffix := map[string]string{"counter": "total", "histogram": "bucket", "gaugehistogram": "bucket"}[p.types[p.family]]
	if !p.openMetrics || !p.lenient && (suffix == "" || !strings.HasSuffix(name, "_"+suffix)) {
		return "", fmt.Errorf("an exemplar of %q", name)
	}
	var pt point
	rest, empty := strings.CutPrefix(s, "{}")
	if !empty {
		var err error
		if pt, rest, err = p.labels("x" + s); err != nil {
			return "", err
		}
	}
	runes := 0
	for _, l := range pt.labels {
		runes += len([]rune(l[0])) + len([]rune(l[1]))
	}
	value, time, ok := strings.Cut(strings.TrimPrefix(rest, " "), " ")
	v, err := strconv.ParseFloat(value, 64)
	if err != nil || !ok && !p.lenient || runes > 128 && !p.lenient {
		return "", fmt.Errorf("exemplar %q: %w", s, err)
	}
	if !ok {
		return fmt.Sprintf(" # %s %v", pt.series(), v), nil
	}
	at, err := p.time(time)
	return fmt.Sprintf(" # %s %v @%v", pt.series(), v, at), err
}

// time reads a timestamp: whole milliseconds in the text format, a decimal
// number of seconds in OpenMetrics.
func (p *parser) time(s string) (*big.Rat, error) {
	digits := "0123456789"
	if p.openMetrics {
		digits += "."
	}
	t, ok := new(big.Rat).SetString(s)
	if !ok || !p.lenient && strings.Trim(s, digits) != "" {
		return nil, fmt.Errorf("timestamp %q", s)
	}
	if !p.openMetrics {
		t.Quo(t, big.NewRat(1000, 1))
	}
	return t, nil
}

// belongs reports whether a sample of this name can be of the family whose
// metadata was read last. Escaping comes after the suffix, so that its
// underscore may be doubled.
func (p *parser) belongs(name string) bool {
	rest, ok := strings.CutPrefix(name, p.family)
	if ok && p.done[p.family] {
		switch strings.Replace(rest, "__", "_", 1) {
		case "", "_total", "_info", "_bucket", "_count", "_sum":
			return true
		case "_created", "_gcount", "_gsum":
			return p.openMetrics
		}
	}
	return false
}

// labels reads the name and the labels of a sample.
func (p *parser) labels(line string) (pt point, rest string, err error) {
	if strings.HasPrefix(line, `{"`) {
		pt.name, rest, err = cutName(line[1:], names.LegalMetric)
		rest = "{" + strings.TrimPrefix(rest, ",")
	} else {
		pt.name, rest, err = cutName(line, names.LegalMetric)
		if strings.HasPrefix(rest, "{}") {
			return pt, "", errors.New("empty braces")
		}
	}
	if err != nil || !strings.HasPrefix(rest, "{") {
		return pt, rest, err
	}
	rest = rest[1:]
	seen := map[string]bool{}
	for n := 0; ; n++ {
		if after, ok := strings.CutPrefix(rest, "}"); ok {
			return pt, after, nil
		}
		if n > 0 {
			var ok bool
			if rest, ok = strings.CutPrefix(rest, ","); !ok {
				return pt, "", errors.New("no comma between labels")
			}
		}
		var l [2]string
		if l[0], rest, err = cutName(rest, names.LegalLabel); err != nil {
			return pt, "", err
		}
		if !strings.HasPrefix(rest, "=") {
			return pt, "", errors.New("no = behind a label name")
		}
		if l[1], rest, err = cutQuoted(rest[1:]); err != nil {
			return pt, "", err
		}
		if seen[l[0]] {
			return pt, "", fmt.Errorf("label %q twice", l[0])
		}
		seen[l[0]] = true
		pt.labels = append(pt.labels, l)
	}
}
