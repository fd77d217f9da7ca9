package exposition

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	r := everything()
	for f := range formats {
		file := "all_text_" + f.Escaping.String() + ".txt"
		switch f.Syntax {
		case OpenMetrics100:
			file = "all_openmetrics_" + f.Escaping.String() + ".txt"
		case Protobuf, OpenMetrics200:
			continue // they say when it was made: see TestGoldenOfBatches
		}
		got, err := Bytes(t.Context(), r, f)
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		if again, _ := Bytes(t.Context(), r, f); !bytes.Equal(got, again) {
			t.Errorf("%v: a second scrape gives other bytes", f)
		}
		path := filepath.Join("testdata", file)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%v: not what %s has:\n%s", f, file, firstDifference(got, want))
		}
	}
}

// firstDifference returns the first line in which two bodies differ.
func firstDifference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %q\nwant %q", i+1, g[i:min(len(g), i+1)], w[i:min(len(w), i+1)])
		}
	}
	return "none"
}

// The bodies keep to the formats' rules, and all of them say the same.
func TestEveryFormatParses(t *testing.T) {
	r := everything()
	points := make(map[Syntax]int)
	for f := range formats {
		body, err := Bytes(t.Context(), r, f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseAs(body, f)
		if err != nil {
			t.Errorf("%v: %v", f, err)
			continue
		}
		if n := points[f.Syntax]; n != 0 && n != len(c.points) {
			t.Errorf("%v: %d samples, another escaping gave %d", f, len(c.points), n)
		}
		points[f.Syntax] = len(c.points)
		if !slices.IsSorted(familyNames(body)) && f.Escaping == AllowUTF8 {
			t.Errorf("%v: families are not in order: %q", f, familyNames(body))
		}
	}
	all := points[Text004]
	if all == 0 || points[Text100] != all || points[OpenMetrics100] != all-2 || points[Protobuf] != all || points[OpenMetrics200] != all {
		t.Errorf("%v samples; want as many everywhere, but for _sum and _count of one histogram in OpenMetrics 1.0", points)
	}
}

// familyNames returns the names of the families as the text formats give them,
// in order.
func familyNames(body []byte) []string {
	var all []string
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, err := cutName(rest, func(string) bool { return true })
			if err != nil {
				_, name, _ = strings.Cut(rest, `"`)
			}
			if strings.HasSuffix(rest, " counter\n") && !strings.HasSuffix(name, "_total") && name != "events" {
				name += "_total"
			}
			if strings.HasSuffix(rest, " info\n") {
				name += "_info"
			}
			all = append(all, name)
		}
	}
	return all
}

// write returns what a registry with one metric gives.
func write(t *testing.T, f Format, declare func(r *fennel.Registry)) string {
	t.Helper()
	r := fennel.NewRegistry()
	declare(r)
	body, err := Bytes(t.Context(), r, f)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// collect returns what a registry with one collector gives, and the error.
func collect(t *testing.T, f Format, c func(w *fennel.Writer)) (string, error) {
	t.Helper()
	r := fennel.NewRegistry()
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error { c(w); return nil }))
	body, err := Bytes(t.Context(), r, f)
	return string(body), err
}

var om100 = Format{Syntax: OpenMetrics100}

func TestEmptyRegistry(t *testing.T) {
	for f := range formats {
		want := ""
		if endsInEOF(f) {
			want = "# EOF\n"
		}
		if got := write(t, f, func(*fennel.Registry) {}); got != want {
			t.Errorf("%v: %q, want %q", f, got, want)
		}
		for what, declare := range map[string]func(*fennel.Registry){
			"a vec without series": func(r *fennel.Registry) {
				fennel.NewCounterVec[string]("x_total", "h", fennel.In(r), fennel.LabelNames("a"))
			},
			"an info vec that was not set": func(r *fennel.Registry) {
				fennel.NewInfoVec[string, struct {
					V string `label:"v"`
				}]("x_info", "h", fennel.In(r), fennel.LabelNames("a")).With("x")
			},
			"a vec that was cleared": func(r *fennel.Registry) {
				v := fennel.NewGaugeVec[string]("x", "h", fennel.In(r), fennel.LabelNames("a"))
				v.With("1")
				v.Clear()
			},
		} {
			if got := write(t, f, declare); got != want {
				t.Errorf("%v: %s: %q, want %q", f, what, got, want)
			}
		}
		if got, err := collect(t, f, func(w *fennel.Writer) { w.Gauge("x", "h") }); got != want || err != nil {
			t.Errorf("%v: a collector without samples: %q, %v, want %q", f, got, err, want)
		}
	}
}

func TestCounterWithoutTotalIsUnknownInOpenMetrics(t *testing.T) {
	declare := func(r *fennel.Registry) { fennel.NewCounter("requests", "h", fennel.In(r)).Inc() }
	if got, want := write(t, om100, declare), "# TYPE requests unknown\n# HELP requests h\nrequests 1\n# EOF\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := write(t, Format{}, declare), "# HELP requests h\n# TYPE requests counter\nrequests 1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHistogramWithNegativeBounds(t *testing.T) {
	declare := func(r *fennel.Registry) {
		fennel.NewHistogram("x", "h", fennel.In(r), fennel.Buckets(-1, 0)).Observe(-0.5)
	}
	want := "# TYPE x histogram\n# HELP x h\nx_bucket{le=\"-1.0\"} 0\nx_bucket{le=\"0.0\"} 1\nx_bucket{le=\"+Inf\"} 1\n# EOF\n"
	if got := write(t, om100, declare); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want = "# HELP x h\n# TYPE x histogram\nx_bucket{le=\"-1\"} 0\nx_bucket{le=\"0\"} 1\nx_bucket{le=\"+Inf\"} 1\nx_sum -0.5\nx_count 1\n"
	if got := write(t, Format{}, declare); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHelpIsEscaped(t *testing.T) {
	tests := []struct{ help, text, openMetrics string }{
		{"plain", "plain", "plain"},
		{`a "quote"`, `a "quote"`, `a \"quote\"`},
		{"two\nlines", `two\nlines`, `two\nlines`},
		{`back\slash`, `back\\slash`, `back\\slash`},
		{`ends in \`, `ends in \\`, `ends in \\`},
		{`\n`, `\\n`, `\\n`},
		{"\n", `\n`, `\n`},
		{"\\\"\n", `\\"\n`, `\\\"\n`},
		{" blanks ", " blanks ", " blanks "},
		{"# EOF", "# EOF", "# EOF"},
		{"日本\t\r", "日本\t\r", "日本\t\r"},
	}
	for _, tt := range tests {
		declare := func(r *fennel.Registry) { fennel.NewGauge("x", tt.help, fennel.In(r)) }
		if got, want := write(t, Format{}, declare), "# HELP x "+tt.text+"\n# TYPE x gauge\nx 0\n"; got != want {
			t.Errorf("%q: got %q, want %q", tt.help, got, want)
		}
		if got, want := write(t, om100, declare), "# TYPE x gauge\n# HELP x "+tt.openMetrics+"\nx 0\n# EOF\n"; got != want {
			t.Errorf("%q: got %q, want %q", tt.help, got, want)
		}
	}
	if got, want := write(t, Format{}, func(r *fennel.Registry) { fennel.NewGauge("x", "", fennel.In(r)) }), "# TYPE x gauge\nx 0\n"; got != want {
		t.Errorf("no help: got %q, want %q", got, want)
	}
}

// Prometheus refuses a whole scrape whose UNIT is not the suffix of the name as
// it is written.
func TestUnit(t *testing.T) {
	tests := []struct {
		name, unit string
		counter    bool
		want       [escapings]string // UNIT lines
	}{
		{"x_seconds", "seconds", false, [escapings]string{"x_seconds seconds", "x_seconds seconds", "x_seconds seconds", "x_seconds seconds"}},
		{"x_seconds_total", "seconds", true, [escapings]string{"x_seconds seconds", "x_seconds seconds", "x_seconds seconds", "x_seconds seconds"}},
		{"x_seconds", "seconds", true, [escapings]string{"x_seconds seconds", "x_seconds seconds", "x_seconds seconds", "x_seconds seconds"}},
		{"a.b_seconds", "seconds", false, [escapings]string{"a_b_seconds seconds", `"a.b_seconds" seconds`, "a_dot_b__seconds seconds", "U__a_2e_b__seconds seconds"}},
		{"x_m/s", "m/s", false, [escapings]string{"x_m_s m_s", `"x_m/s" m/s`, "x__m__s m__s", ""}},
		{"x_%", "%", false, [escapings]string{"x__ _", `"x_%" %`, "x____ __", ""}},
	}
	for _, tt := range tests {
		for e := range Escaping(escapings) {
			body := write(t, Format{Syntax: OpenMetrics100, Escaping: e}, func(r *fennel.Registry) {
				if tt.counter {
					fennel.NewCounter(tt.name, "h", fennel.In(r), fennel.Unit(tt.unit))
				} else {
					fennel.NewGauge(tt.name, "h", fennel.In(r), fennel.Unit(tt.unit))
				}
			})
			got := ""
			for line := range strings.Lines(body) {
				if rest, ok := strings.CutPrefix(line, "# UNIT "); ok {
					got += strings.TrimSuffix(rest, "\n")
				}
			}
			if got != tt.want[e] {
				t.Errorf("%s in %s under %v: UNIT %s, want %s", tt.name, tt.unit, e, got, tt.want[e])
			}
			if _, err := parse([]byte(body), true); err != nil {
				t.Errorf("%s in %s under %v: %v", tt.name, tt.unit, e, err)
			}
		}
		if text := write(t, Format{}, func(r *fennel.Registry) { fennel.NewGauge("x_s", "h", fennel.In(r), fennel.Unit("s")) }); strings.Contains(text, "UNIT") {
			t.Errorf("the text format has a unit: %q", text)
		}
	}
}

// Prometheus compares the bytes of the unit with those of the name as it is
// written, escapes included, so a unit that holds one costs the scrape.
func TestUnitIsASuffixOfTheNameAsWritten(t *testing.T) {
	for _, unit := range []string{`"`, `\`, `in"ch`} {
		r := fennel.NewRegistry()
		_, err := fennel.Try(func() *fennel.Gauge {
			return fennel.NewGauge("x_"+unit, "h", fennel.In(r), fennel.Unit(unit))
		})
		if err != nil {
			continue // refused: just as good
		}
		body, err := Bytes(t.Context(), r, Format{Syntax: OpenMetrics100, Escaping: AllowUTF8})
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(body)) {
			rest, ok := strings.CutPrefix(line, `# UNIT "`)
			name, unit, _ := strings.Cut(rest, `" `)
			if ok && !strings.HasSuffix(name, "_"+strings.TrimSuffix(unit, "\n")) {
				t.Errorf("the unit is not a suffix of the name in %q", line)
			}
		}
	}
}

func TestHugeLabelValue(t *testing.T) {
	huge := strings.Repeat("x", 1<<20) + "\n" + strings.Repeat(`"`, 1000)
	rendered := strings.Repeat("x", 1<<20) + `\n` + strings.Repeat(`\"`, 1000)
	for f := range formats {
		if f.Syntax == Protobuf {
			continue // see TestMessageLengths
		}
		got := write(t, f, func(r *fennel.Registry) {
			v := fennel.NewGaugeVec[string]("g", "", fennel.In(r), fennel.LabelNames("a.b"))
			v.With(huge).Set(1)
			v.With("small").Set(2)
		})
		label := map[Escaping]string{EscapeUnderscores: "a_b", AllowUTF8: `"a.b"`, EscapeDots: "a_dot_b", EscapeValues: "U__a_2e_b"}[f.Escaping]
		want := "# TYPE g gauge\ng{" + label + `="small"} 2` + "\ng{" + label + `="` + rendered + `"} 1` + "\n"
		if endsInEOF(f) {
			want += "# EOF\n"
		}
		if got != want {
			t.Errorf("%v: %d bytes, want %d", f, len(got), len(want))
		}
	}
}

func TestCounterIsExact(t *testing.T) {
	tests := []struct {
		add  func(*fennel.Counter)
		want string
	}{
		{func(c *fennel.Counter) {}, "0"},
		{func(c *fennel.Counter) { c.AddUint(math.MaxUint64) }, "18446744073709551615"},
		{func(c *fennel.Counter) { c.AddUint(1<<53 + 1) }, "9007199254740993"},
		{func(c *fennel.Counter) { c.Add(1 << 62); c.Inc() }, "4611686018427387905"},
		{func(c *fennel.Counter) { c.Add(1e300) }, "1e+300"},
		{func(c *fennel.Counter) { c.Add(0.25); c.Add(0.75) }, "1"},
		{func(c *fennel.Counter) { c.Add(0.25); c.Inc() }, "1.25"},
		{func(c *fennel.Counter) { c.AddUint(math.MaxUint64); c.Inc() }, "1.8446744073709552e+19"},
		{func(c *fennel.Counter) { c.Add(5e-324) }, "5e-324"},
	}
	for _, tt := range tests {
		got := write(t, Format{}, func(r *fennel.Registry) { tt.add(fennel.NewCounter("x_total", "", fennel.In(r))) })
		if want := "# TYPE x_total counter\nx_total " + tt.want + "\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTimestamps(t *testing.T) {
	tests := []struct {
		time              time.Time
		text, openMetrics string // behind the value; nothing if it is refused
	}{
		{time.Unix(0, 0), "0", "0"},
		{time.Unix(0, 1), "0", "0.000000001"},
		{time.Unix(0, 999_999), "0", "0.000999999"},
		{time.Unix(0, 1_000_000), "1", "0.001"},
		{time.Unix(1, 0), "1000", "1"},
		{time.Unix(1700000000, 0), "1700000000000", "1700000000"},
		{time.Unix(1700000000, 100_000_000), "1700000000100", "1700000000.1"},
		{time.Unix(1700000000, 120_000), "1700000000000", "1700000000.00012"},
		{time.Unix(1700000000, 999_999_999), "1700000000999", "1700000000.999999999"},
		{time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC), "9223286400000", "9223286400"},
		{time.Unix(-1, 0), "", ""},
		{time.Unix(-1, 999_999_999), "", ""},
		{time.Unix(0, -1), "", ""},
	}
	for _, tt := range tests {
		checkTime(t, tt.time, tt.text, tt.openMetrics)
	}
}

// checkTime checks what is written behind a value with a timestamp: nothing if
// it has to be refused.
func checkTime(t *testing.T, at time.Time, text, openMetricsText string) {
	t.Helper()
	for f, want := range map[Format]string{{}: text, om100: openMetricsText} {
		body, err := collect(t, f, func(w *fennel.Writer) { w.Gauge("x", "").At(at).Write(1) })
		line := ""
		for l := range strings.Lines(body) {
			if rest, ok := strings.CutPrefix(l, "x 1"); ok {
				line = strings.TrimSpace(rest)
				if line == "" {
					line = "no timestamp"
				}
			}
		}
		if line != want || (err != nil) != (want == "") {
			t.Errorf("%v: %v is written as %q, error %v, want %q", f, at, line, err, want)
		}
	}
}

// What doesn't fit into 64 bits of nanoseconds must not wrap around.
func TestTimestampsOutOfRangeAreRefused(t *testing.T) {
	checkTime(t, time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC), "", "")
	checkTime(t, time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), "", "")
	checkTime(t, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), "", "")
	checkTime(t, time.Unix(1<<62, 0), "", "")
}

// A label that is written as __name__ takes the place of the metric's name.
func TestNoLabelIsWrittenAsTheName(t *testing.T) {
	for _, label := range []string{"..name..", "--name__", ".-name.-", "_.name__", "énameé", "0.name.-"} {
		r := fennel.NewRegistry()
		_, err := fennel.Try(func() *fennel.Gauge {
			v := fennel.NewGaugeVec[string]("x", "h", fennel.In(r), fennel.LabelNames(label))
			return v.With("other")
		})
		if err != nil {
			continue
		}
		for f := range formats {
			body, err := Bytes(t.Context(), r, f)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(body, []byte("{__name__=")) {
				t.Errorf("%v: label %q is written as __name__: %q", f, label, body)
				break
			}
		}
	}
}

// Prometheus's parsers refuse a body with U+0000 in a name, so it must not get
// there. In help and in label values it is harmless.
func TestNoNULInNames(t *testing.T) {
	tests := map[string][2]string{
		"metric name": {"x\x00y", "l"},
		"label name":  {"x", "l\x00m"},
	}
	for what, tt := range tests {
		r := fennel.NewRegistry()
		_, err := fennel.Try(func() *fennel.Gauge {
			return fennel.NewGaugeVec[string](tt[0], "h", fennel.In(r), fennel.LabelNames(tt[1])).With("v")
		})
		if err != nil {
			continue // refused
		}
		for f := range formats {
			body, err := Bytes(t.Context(), r, f)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.IndexByte(body, 0) >= 0 {
				t.Errorf("%v: a NUL in the %s is written: %q", f, what, body)
			}
		}
	}
}

// A bound of -0 is the bound 0: as another le it would be another series to a
// server that takes labels as they are.
func TestBoundOfNegativeZero(t *testing.T) {
	wants := map[Syntax]string{
		Text004: `h_bucket{le="0"} 1`, OpenMetrics100: `h_bucket{le="0.0"} 1`,
		Protobuf: "upper_bound: 0", OpenMetrics200: `h {count:1,sum:0,bucket:[0.0:1,1.0:1,+Inf:1]}`,
	}
	for syntax, want := range wants {
		r := fennel.NewRegistry()
		fennel.NewHistogram("h", "", fennel.In(r), fennel.Buckets(math.Copysign(0, -1), 1)).Observe(0)
		body, err := Bytes(t.Context(), r, Format{Syntax: syntax, Readable: true})
		if err != nil || !strings.Contains(strings.ReplaceAll(string(body), " st@", "\n"), want+"\n") {
			t.Errorf("%v: %v\n%swant %s", syntax, err, body, want)
		}
	}
}

// A stateset's label is called like the family. Where it can't be, because a
// label has no colon, OpenMetrics 2.0 has a gauge: Prometheus would refuse the
// body.
func TestStateSetWithColon(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewStateSet("rule:phase", "", []string{"on"}, fennel.In(r))
	for escaping, want := range map[Escaping]string{
		AllowUTF8:         "# TYPE rule:phase stateset\n" + `rule:phase{"rule:phase"="on"} 1` + "\n# EOF\n",
		EscapeUnderscores: "# TYPE rule:phase gauge\n" + `rule:phase{rule_phase="on"} 1` + "\n# EOF\n",
	} {
		got, err := Bytes(t.Context(), r, Format{Syntax: OpenMetrics200, Escaping: escaping})
		if err != nil || string(got) != want {
			t.Errorf("%v: %v, got\n%s\nwant\n%s", escaping, err, got, want)
		}
	}
}
