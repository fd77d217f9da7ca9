package exposition

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/names"
)

// Whatever a registry takes, each format writes in lines that say the same
// again when they are read.
func FuzzWrite(f *testing.F) {
	f.Add("x", "help", "a", "b", "1", "2", 1.5, uint8(0))
	f.Add("http.requests_total", "he\"lp\n\\", "zone.id", "b", "\n", `"`, 1e300, uint8(1))
	f.Add("x_seconds", "", "le_", "quantile_", `\`, "", math.Inf(1), uint8(2))
	f.Add("a:b\n", "# EOF", "é", "z", "\xff", "}", math.Copysign(0, -1), uint8(3))
	f.Add("we\"ird", "h", "U__", "_", "a\\", "\x00", math.NaN(), uint8(4))
	f.Add("build_info", "h", "a.b", "a-c", ",", "=", 0.1, uint8(5))
	f.Add("# EOF", " ", "{", "}", " # {", "\r", 5e-324, uint8(6))
	f.Fuzz(func(t *testing.T, name, help, label1, label2, value1, value2 string, v float64, kind uint8) {
		labels := []string{mend(label1), mend(label2)}
		m := fuzzed{mend(name), mend(help), labels, []string{mend(value1), mend(value2)}, v, kind % 7}
		r := fennel.NewRegistry()
		if _, err := fennel.Try(func() any { m.declare(r); return nil }); err != nil {
			return
		}
		for f := range formats {
			body, err := Bytes(t.Context(), r, f)
			if err != nil {
				t.Fatalf("%v: %v", f, err)
			}
			c, err := parseAs(body, f)
			if err != nil {
				t.Fatalf("%v: %v\n%q", f, err, body)
			}
			c.drop(func(n string) bool { return strings.HasPrefix(n, "fennel_") && !strings.HasPrefix(m.name, "fennel_") })
			m.check(t, f, c, body)
		}
	})
}

func mend(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// fuzzed is a metric with two labels and one series.
type fuzzed struct {
	name, help     string
	labels, values []string
	value          float64
	kind           uint8
}

func (m *fuzzed) declare(r *fennel.Registry) {
	in, labels, values := fennel.In(r), fennel.LabelNames(m.labels...), [2]string(m.values)
	switch m.kind {
	case 0:
		fennel.NewGaugeVec[[2]string](m.name, m.help, in, labels).With(values).Set(m.value)
	case 1:
		fennel.NewCounterVec[[2]string](m.name, m.help, in, labels).With(values).Add(m.value)
	case 2:
		fennel.NewHistogramVec[[2]string](m.name, m.help, in, labels, fennel.Buckets(1)).With(values).Observe(m.value)
	case 3:
		fennel.NewSummaryVec[[2]string](m.name, m.help, in, labels).With(values).Observe(m.value)
	case 4:
		fennel.NewUnknownVec[[2]string](m.name, m.help, in, labels).With(values).Set(m.value)
	case 5:
		fennel.NewInfoVec[[2]string, struct{}](m.name, m.help, in, labels).With(values).Set(struct{}{})
	case 6:
		fennel.NewStateSetVec[[2]string](m.name, m.help, []string{"", "b"}, in, labels).With(values)
	}
}

// suffixes are those of the samples of each kind.
var suffixes = [...][]string{{""}, {""}, {"_bucket", "_bucket", "_sum", "_count"}, {"_sum", "_count"}, {""}, {""}, {"", ""}}

func (m *fuzzed) check(t *testing.T, f Format, c *content, body []byte) {
	scheme := names.Scheme(f.Escaping)
	if len(c.types) != 1 || len(c.points) != len(suffixes[m.kind]) {
		t.Fatalf("%v: %d families, %d samples\n%q", f, len(c.types), len(c.points), body)
	}
	for _, help := range c.helps {
		if help != m.help {
			t.Errorf("%v: help %q, want %q", f, help, m.help)
		}
	}
	if (len(c.helps) == 0) != (m.help == "") {
		t.Errorf("%v: %d helps for %q", f, len(c.helps), m.help)
	}
	for i, p := range c.points {
		want := scheme.Metric(m.name + suffixes[m.kind][i])
		if f.Syntax == Protobuf || f.Syntax == OpenMetrics200 {
			want = scheme.Metric(m.name) + suffixes[m.kind][i] // the reader puts it there
		}
		if p.name != want {
			t.Errorf("%v: name %q, want %q", f, p.name, want)
		}
		labels := [][2]string{{scheme.Label(m.labels[0]), m.values[0]}, {scheme.Label(m.labels[1]), m.values[1]}}
		if !slices.Equal(p.labels[:2], labels) {
			t.Errorf("%v: labels %q, want %q", f, p.labels, labels)
		}
	}
	if m.kind == 0 || m.kind == 4 {
		if got := c.points[0].value; math.Float64bits(got) != math.Float64bits(m.value) && (got == got || m.value == m.value) {
			t.Errorf("%v: value %v, want %v", f, got, m.value)
		}
	}
	if m.kind == 1 && m.value >= 0 && !math.IsInf(m.value, 0) && c.points[0].value != m.value {
		t.Errorf("%v: counter %v, want %v", f, c.points[0].value, m.value)
	}
}
