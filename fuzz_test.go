package fennel_test

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// allFormats are all formats that a body can be asked for in.
func allFormats() (all []exposition.Format) {
	for _, s := range []exposition.Syntax{exposition.Text004, exposition.Text100, exposition.OpenMetrics100} {
		for _, e := range []exposition.Escaping{exposition.EscapeUnderscores, exposition.AllowUTF8, exposition.EscapeDots, exposition.EscapeValues} {
			all = append(all, exposition.Format{Syntax: s, Escaping: e})
		}
	}
	return all
}

// FuzzDeclare declares metrics with any names. What is refused is refused with
// a DeclarationError; what is accepted can be read in every format.
func FuzzDeclare(f *testing.F) {
	for kind := range uint8(7) {
		f.Add(kind, "requests_total", "Requests.", "", "method", "status", false)
		f.Add(kind, "a.b_seconds_info", "h\n\"\\", "seconds", "le", "quantile", false)
		f.Add(kind, "größe:x\n{", "", "", "a b", "--name--", true)
		f.Add(kind, "__name__", "", "", "-name-", "a\"\n", false)
		f.Add(kind, "_", "", "", "a.b", "a_b", false)
		f.Add(kind, "x_\\\"_total", "", "\\\"", ".", "-", false)
	}
	f.Add(uint8(5), "@_name__", "", "", "a", "b", false)
	f.Fuzz(func(t *testing.T, kind uint8, name, help, unit, label1, label2 string, legacy bool) {
		var opts []fennel.RegistryOption
		if legacy {
			opts = append(opts, fennel.WithLegacyNames())
		}
		r := fennel.NewRegistry(opts...)
		_, err := fennel.Try(func() any {
			declareAny(r, kind, name, help, unit, fennel.LabelNames(label1, label2))
			return nil
		})
		var refusal *fennel.DeclarationError
		switch {
		case err == nil:
			checkAccepted(t, r, name, help)
		case !errors.As(err, &refusal) || refusal.Metric != name || refusal.Problem == "":
			t.Errorf("refused with %v", err)
		case len(r.Descs()) != 0:
			t.Errorf("refused, and declared all the same: %v", r.Descs())
		}
	})
}

// declareAny declares a metric of any type and creates two series.
func declareAny(r *fennel.Registry, kind uint8, name, help, unit string, labels fennel.Option) {
	in, u := fennel.In(r), fennel.Unit(unit)
	one, two := [2]string{"", "x\ny"}, [2]string{"ä", "\\"}
	switch kind % 7 {
	case 0:
		fennel.NewCounterVec[[2]string](name, help, in, u, labels).Create(one, two)
	case 1:
		fennel.NewGaugeVec[[2]string](name, help, in, u, labels).Create(one, two)
	case 2:
		fennel.NewHistogramVec[[2]string](name, help, in, u, labels, fennel.Buckets(1)).Create(one, two)
	case 3:
		fennel.NewSummaryVec[[2]string](name, help, in, u, labels).Create(one, two)
	case 4:
		fennel.NewUnknownVec[[2]string](name, help, in, u, labels).Create(one, two)
	case 5:
		fennel.NewStateSetVec[[2]string](name, help, []string{"a", "b\n"}, in, labels).Create(one, two)
	case 6:
		vec := fennel.NewInfoVec[[2]string, build](name, help, in, labels)
		vec.With(one).Set(build{})
		vec.With(two).Set(build{})
	}
}

func checkAccepted(t *testing.T, r *fennel.Registry, name, help string) {
	t.Helper()
	if f := gather(t, r)[0]; f.Name != name || f.Help != help || len(f.Samples) != 2 {
		t.Errorf("gathered %+v", f)
	}
	for _, format := range allFormats() {
		body := render(t, r, format)
		if err := checkExposition(body, format); err != nil {
			t.Errorf("%v: %v in\n%s", format, err, body)
		}
	}
}

// FuzzWith creates series with any label values. Each is found again by its
// values, and is read back with them, mended where they are not UTF-8.
func FuzzWith(f *testing.F) {
	f.Add("GET", "200", int64(1), "a", "b")
	f.Add("", "\n\"\\", int64(math.MinInt64), "\\n", "\xff")
	f.Add(`a",b="`, "", int64(0), "a", `",b="`)
	f.Add("\\", "\\\\", int64(-1), "\\\\", "\\")
	type labels struct {
		A string `label:"a"`
		B string `label:"b b"`
		N int64  `label:"n"`
	}
	f.Fuzz(func(t *testing.T, a, b string, n int64, c, d string) {
		r := fennel.NewRegistry()
		vec := fennel.NewCounterVec[labels]("c_total", "", fennel.In(r))
		sets := []labels{{a, b, n}, {c, d, n}, {b, a, n}, {d, c, -n}}
		want := make(map[labels]float64)
		for i, l := range sets {
			vec.With(l).Add(float64(i + 1))
			l.A, l.B = strings.ToValidUTF8(l.A, "\uFFFD"), strings.ToValidUTF8(l.B, "\uFFFD")
			want[l] += float64(i + 1)
		}
		if vec.Len() != len(want) {
			t.Errorf("%d series, want %d", vec.Len(), len(want))
		}
		for l, v := range want {
			if c, ok := vec.Get(l); !ok || c.Value() != v {
				t.Errorf("Get(%+v) = %v, %v; want %v", l, c.Value(), ok, v)
			}
			if s := findSample(t, r, l.A, l.B, strconv.FormatInt(l.N, 10)); s.Value != v {
				t.Errorf("gathered %v for %+v, want %v", s.Value, l, v)
			}
		}
		for l, c := range vec.All() {
			if c.Value() != want[l] {
				t.Errorf("All yields %+v with %v, want %v", l, c.Value(), want[l])
			}
		}
		if err := checkExposition(render(t, r, openMetrics), openMetrics); err != nil {
			t.Error(err)
		}
		for l := range want {
			if !vec.Delete(l) {
				t.Errorf("Delete(%+v) finds nothing", l)
			}
		}
		if vec.Len() != 0 {
			t.Errorf("%d series are left", vec.Len())
		}
	})
}

// checkExposition reads a body strictly, without the help of what wrote it, and
// returns what a scraper would stumble over.
func checkExposition(body string, format exposition.Format) error {
	c := checker{format: format, headers: make(map[string]bool), series: make(map[string]bool)}
	om := format.Syntax == exposition.OpenMetrics100
	rest, ended := strings.CutSuffix(body, "# EOF\n")
	if ended != om {
		return fmt.Errorf("it ends in # EOF: %v", ended)
	}
	for line := range strings.Lines(rest) {
		text, ok := strings.CutSuffix(line, "\n")
		if !ok || !utf8.ValidString(text) {
			return fmt.Errorf("line %q is cut short or not UTF-8", line)
		}
		if err := c.line(text); err != nil {
			return fmt.Errorf("line %q: %w", line, err)
		}
	}
	return nil
}

type checker struct {
	format  exposition.Format
	headers map[string]bool
	series  map[string]bool
}

func (c *checker) line(line string) error {
	if comment, ok := strings.CutPrefix(line, "# "); ok {
		keyword, rest, _ := strings.Cut(comment, " ")
		name, rest, err := c.name(rest, true)
		if err != nil || !strings.HasPrefix(rest, " ") {
			return fmt.Errorf("no name and text behind %s: %v", keyword, err)
		}
		if c.headers[keyword+name] {
			return fmt.Errorf("a second %s of %q", keyword, name)
		}
		c.headers[keyword+name] = true
		if keyword == "UNIT" && !strings.HasSuffix(name, "_"+rest[1:]) {
			return fmt.Errorf("the unit %q is no suffix of %q", rest[1:], name)
		}
		return nil
	}
	return c.sample(line)
}

func (c *checker) sample(line string) (err error) {
	name, rest := "", line
	if !strings.HasPrefix(line, "{") {
		if name, rest, err = c.name(line, true); err != nil {
			return err
		}
	}
	labels := make(map[string]string)
	if inner, ok := strings.CutPrefix(rest, "{"); ok {
		if name, rest, err = c.labels(name, inner, labels); err != nil {
			return err
		}
	}
	value, ok := strings.CutPrefix(rest, " ")
	value, exemplar, has := strings.Cut(value, " # ")
	if _, err := strconv.ParseFloat(value, 64); !ok || err != nil {
		return fmt.Errorf("value %q: %v", rest, err)
	}
	if has {
		if err := c.exemplar(exemplar); err != nil {
			return fmt.Errorf("exemplar %q: %w", exemplar, err)
		}
	}
	id := fmt.Sprintf("%q %q", name, labels)
	if c.series[id] {
		return errors.New("it is there twice")
	}
	c.series[id] = true
	return nil
}

// exemplar reads an exemplar, which Fennel never writes without labels or time.
func (c *checker) exemplar(text string) error {
	inner, ok := strings.CutPrefix(text, "{")
	if !ok || c.format.Syntax != exposition.OpenMetrics100 {
		return errors.New("there is to be none")
	}
	_, rest, err := c.labels("no name", inner, make(map[string]string))
	if err != nil {
		return err
	}
	numbers := strings.Split(strings.TrimPrefix(rest, " "), " ")
	for _, n := range numbers {
		if _, err := strconv.ParseFloat(n, 64); err != nil {
			return err
		}
	}
	if len(numbers) != 2 {
		return fmt.Errorf("%d numbers, want a value and a time", len(numbers))
	}
	return nil
}

// labels reads up to the closing brace, with the name in front if it is quoted.
func (c *checker) labels(name, rest string, labels map[string]string) (string, string, error) {
	for {
		label, after, err := c.name(rest, false)
		if err != nil {
			return "", "", err
		}
		if value, ok := strings.CutPrefix(after, "="); ok {
			text, after, err := unquote(value)
			if _, twice := labels[label]; err != nil || twice || label == "" || label == "__name__" {
				return "", "", fmt.Errorf("label %q, twice %v: %v", label, twice, err)
			}
			labels[label], rest = text, after
		} else if name == "" && strings.HasPrefix(rest, `"`) {
			name, rest = label, after
		} else {
			return "", "", fmt.Errorf("no value for label %q", label)
		}
		if after, ok := strings.CutPrefix(rest, "}"); ok {
			return name, after, nil
		}
		var ok bool
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return "", "", fmt.Errorf("no comma at %q", rest)
		}
	}
}

// name reads a bare name, or one in quotes if the format has such.
func (c *checker) name(text string, metric bool) (name, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		if c.format.Escaping != exposition.AllowUTF8 {
			return "", "", errors.New("a quoted name")
		}
		return unquote(text)
	}
	i := 0
	for i < len(text) && isNameByte(text[i], i, metric) {
		i++
	}
	if i == 0 {
		return "", "", fmt.Errorf("no name at %q", text)
	}
	return text[:i], text[i:], nil
}

func isNameByte(b byte, at int, metric bool) bool {
	return b == '_' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || metric && b == ':' || at > 0 && '0' <= b && b <= '9'
}

// unquote reads a quoted text in which backslash, quote and n are escaped.
func unquote(text string) (unquoted, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		return "", "", fmt.Errorf("no quote at %q", text)
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:], nil
		case text[i] != '\\':
			b.WriteByte(text[i])
		case i+1 < len(text) && strings.IndexByte(`\"n`, text[i+1]) >= 0:
			i++
			b.WriteByte(strings.NewReplacer("n", "\n").Replace(text[i : i+1])[0])
		default:
			return "", "", fmt.Errorf("a stray backslash at %q", text[i:])
		}
	}
	return "", "", errors.New("no closing quote")
}
