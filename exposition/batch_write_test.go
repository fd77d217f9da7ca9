package exposition

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// readAs reads a body of a format that has samples in one piece.
func readAs(t *testing.T, body []byte, f Format) []readFamily {
	t.Helper()
	read := readMessages
	if f.Syntax == OpenMetrics200 {
		read = readComposites
	}
	families, err := read(body)
	if err != nil {
		t.Fatalf("%v: %v\n%q", f, err, body)
	}
	return families
}

// check compares what was read with what was made.
func (g gathered) check(t *testing.T, f Format) {
	t.Helper()
	body, err := Bytes(t.Context(), g, f)
	if err != nil {
		t.Fatal(err)
	}
	got := readAs(t, body, f)
	if len(got) != len(g) {
		t.Fatalf("%v: %d families, want %d", f, len(got), len(g))
	}
	for i, m := range g {
		want := m.want(f)
		if got[i].name != want.name || got[i].word != want.word || got[i].help != want.help || got[i].unit != want.unit {
			t.Errorf("%v: got %q %q %q %q\nwant %q %q %q %q", f, got[i].name, got[i].word, got[i].help, got[i].unit, want.name, want.word, want.help, want.unit)
		}
		if len(got[i].readings) != len(want.readings) {
			t.Errorf("%v: %s has %d samples, want %d", f, want.name, len(got[i].readings), len(want.readings))
			continue
		}
		for j := range want.readings {
			if got, want := got[i].readings[j].String(), want.readings[j].String(); got != want {
				t.Errorf("%v: sample %d\n got %s\nwant %s", f, j, got, want)
			}
		}
	}
}

// All that a batch can hold comes out again.
func TestEveryField(t *testing.T) {
	for e := range Escaping(escapings) {
		everyKind().check(t, Format{Syntax: Protobuf, Escaping: e})
		everyKind().check(t, Format{Syntax: OpenMetrics200, Escaping: e})
	}
}

func TestGoldenOfBatches(t *testing.T) {
	g := everyKind()
	for f := range formats {
		f.Created = f.Syntax == OpenMetrics100
		f.Readable = f.Syntax == Protobuf
		got, err := Bytes(t.Context(), g, f)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := Bytes(t.Context(), g, f); !bytes.Equal(got, again) {
			t.Errorf("%v: a second scrape gives other bytes", f)
		}
		path := filepath.Join("testdata", "batches_"+f.Syntax.String()+"_"+f.Escaping.String()+".txt")
		if f.Syntax == Text100 {
			path = strings.Replace(path, "1.0.0", "0.0.4", 1) // the same bytes
		}
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
			t.Errorf("%v: not what %s has:\n%s", f, path, firstDifference(got, want))
		}
		if f.Syntax != Protobuf {
			if _, err := parseAs(got, f); err != nil {
				t.Errorf("%v: %v", f, err)
			}
		}
	}
}

// single returns a family with one sample.
func single(kind sample.Kind, name string, bounds []float64, s madeSample) gathered {
	return gathered{(&madeFamily{family: sample.Family{Name: name, Kind: kind, Bounds: bounds}, samples: []madeSample{s}}).make(1)}
}

func bytesOf(t *testing.T, g gathered, f Format) string {
	t.Helper()
	body, err := Bytes(t.Context(), g, f)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// The bytes of one message, so that writer and reader can't share an error.
func TestMessageBytes(t *testing.T) {
	g := single(sample.Counter, "x_total", nil, madeSample{
		labels: [][2]string{{"a", "1"}, {"b", `"`}}, whole: 2, time: 3_000_000, created: 5_000_000_007,
		exemplars: []readExemplar{note(-1, "t", "u", 1, 1_000_000_000)},
	})
	want := "\x47" +
		"\x0a\x07x_total" + "\x18\x00" +
		"\x22\x3a" +
		"\x0a\x06\x0a\x01a\x12\x011" + "\x0a\x06\x0a\x01b\x12\x01\"" +
		"\x1a\x26" +
		"\x09\x00\x00\x00\x00\x00\x00\x00\x40" +
		"\x12\x15" + "\x0a\x06\x0a\x01t\x12\x01u" + "\x11\x00\x00\x00\x00\x00\x00\xf0\x3f" + "\x1a\x02\x08\x01" +
		"\x1a\x04\x08\x05\x10\x07" +
		"\x30\x03"
	if got := bytesOf(t, g, Format{Syntax: Protobuf}); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// The example of https://prometheus.io/docs/specs/native_histograms, with the
// short gaps filled.
func TestSpans(t *testing.T) {
	g := single(sample.Histogram, "x", nil, madeSample{counts: []uint64{14}, sum: 3, native: &sample.Native{Present: true,
		Positive: []sample.NativeBucket{{Index: -2, Count: 3}, {Index: -1, Count: 5}, {Index: 2, Count: 1}, {Index: 4, Count: 3}, {Index: 5, Count: 2}}}})
	want := "# TYPE x histogram\nx {count:14,sum:3,schema:0,zero_threshold:0,zero_count:0,positive_spans:[-2:8],positive_buckets:[3,5,0,0,1,0,3,2]}\n# EOF\n"
	if got := bytesOf(t, g, Format{Syntax: OpenMetrics200}); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	readable := bytesOf(t, g, Format{Syntax: Protobuf, Readable: true})
	want = `    positive_span {
      offset: -2
      length: 8
    }
    positive_delta: [3, 2, -5, 0, 1, -1, 3, -1]
`
	if !strings.Contains(readable, want) {
		t.Errorf("got %s\nwant %s", readable, want)
	}
}

// A native histogram in which there is nothing has an empty span: else a server
// would take it for a classic one.
func TestEmptyNativeHistogram(t *testing.T) {
	for _, n := range []sample.Native{{}, {Schema: 3}, {ZeroThreshold: 1}, {Positive: []sample.NativeBucket{{}}}} {
		n.Present = true
		for _, bounds := range [][]float64{nil, {1}} {
			g := single(sample.Histogram, "x", bounds, madeSample{counts: make([]uint64, len(bounds)+1), native: &n})
			body := bytesOf(t, g, Format{Syntax: Protobuf})
			if r := readAs(t, []byte(body), Format{Syntax: Protobuf})[0].readings[0]; r.native == nil || r.native.Schema != n.Schema {
				t.Errorf("%+v is read as %v", n, &r)
			}
		}
	}
}

// Messages are as long as they say, whatever is in them.
func TestMessageLengths(t *testing.T) {
	for _, n := range []int{0, 1, 100, 110, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 1000, 16370, 16380, 16384, 1 << 17, 3 << 20} {
		for _, kind := range []sample.Kind{sample.Counter, sample.Histogram, sample.Info, sample.StateSet} {
			long, short := strings.Repeat("v", n), "\\"+strings.Repeat("\n", n/4)
			m := &madeFamily{family: sample.Family{Name: "x", Help: long, Kind: kind, Bounds: []float64{1}, States: []string{long}}, samples: []madeSample{
				{labels: [][2]string{{"a", long}, {"b.c", short}}, counts: []uint64{1, 2}},
				{labels: [][2]string{{"a", short}, {"b.c", long}}, counts: []uint64{1, 2}, exemplars: []readExemplar{note(0, "t", long, 1, 1)}},
				{labels: [][2]string{{"a", "1"}, {"b.c", "2"}}, counts: []uint64{1, 2}},
			}}
			if kind == sample.Counter {
				m.samples[1].exemplars = []readExemplar{note(-1, "t", long, 1, 1)}
			} else if kind != sample.Histogram {
				m.samples[1].exemplars = nil
			}
			if kind != sample.Histogram {
				m.family.Bounds = nil
			}
			g := gathered{m.make(3)}
			g.check(t, Format{Syntax: Protobuf})
			g.check(t, Format{Syntax: OpenMetrics200, Escaping: AllowUTF8})
		}
	}
}

// A family of several MB comes in several messages when it is streamed, and in
// one when it is returned whole.
func TestLargeFamilyIsSplit(t *testing.T) {
	m := &madeFamily{family: sample.Family{Name: "x", Help: "h", Unit: "u", Kind: sample.Gauge}}
	value := strings.Repeat("v", 1000)
	for i := range 3500 {
		m.samples = append(m.samples, madeSample{labels: [][2]string{{"l", value}}, value: float64(i)})
	}
	g := gathered{m.make(100), (&madeFamily{family: sample.Family{Name: "y"}, samples: []madeSample{{}}}).make(1)}
	f := Format{Syntax: Protobuf}
	g.check(t, f) // Bytes
	var w bytes.Buffer
	if err := Write(t.Context(), &w, g, f); err != nil {
		t.Fatal(err)
	}
	families := readAs(t, w.Bytes(), f)
	if len(families) != 15 {
		t.Fatalf("%d messages, want 15", len(families))
	}
	next := 0.
	for _, part := range families[:14] {
		if part.name != "x" || part.help != "h" || part.unit != "u" || part.word != "gauge" || len(part.readings) > 280 {
			t.Errorf("%q %q %q %q, %d samples", part.name, part.word, part.help, part.unit, len(part.readings))
		}
		for _, r := range part.readings {
			if r.value != next {
				t.Fatalf("sample %v, want %v", r.value, next)
			}
			next++
		}
	}
	if next != 3500 || families[14].name != "y" {
		t.Errorf("%v samples, then %q", next, families[14].name)
	}
}

func TestReadable(t *testing.T) {
	g := gathered{
		(&madeFamily{family: sample.Family{Name: "x.y_total", Help: "Two\nlines.", Kind: sample.Counter}, samples: []madeSample{
			{labels: [][2]string{{"a", "\"é\\"}}, whole: 1, created: 1_500_000_000},
			{labels: [][2]string{{"a", ""}}, value: 0.5, time: 7_000_000},
		}}).make(1),
		(&madeFamily{family: sample.Family{Name: "z", Kind: sample.Unknown}, samples: []madeSample{{}}}).make(1),
	}
	want := `name: "x.y_total"
help: "Two\nlines."
type: COUNTER
metric {
  label {
    name: "a"
    value: "\"é\\"
  }
  counter {
    value: 1
    created_timestamp {
      seconds: 1
      nanos: 500000000
    }
  }
}
metric {
  label {
    name: "a"
    value: ""
  }
  counter {
    value: 0.5
  }
  timestamp_ms: 7
}

name: "z"
type: UNTYPED
metric {
  untyped {
    value: 0
  }
}

`
	f := Format{Syntax: Protobuf, Escaping: AllowUTF8, Readable: true}
	if got := bytesOf(t, g, f); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	// Others are text already.
	for f := range formats {
		if f.Syntax == Protobuf {
			continue
		}
		plain := bytesOf(t, g, f)
		f.Readable = true
		if got := bytesOf(t, g, f); got != plain {
			t.Errorf("%v: got %s\nwant %s", f, got, plain)
		}
	}
}

// Lines for times of creation are there if they are asked for, and only where
// they have a meaning.
func TestCreatedLines(t *testing.T) {
	m := (&madeFamily{family: sample.Family{Name: "x_total", Kind: sample.Counter}, samples: []madeSample{
		{labels: [][2]string{{"l", "a"}}, whole: 1, created: begin, time: 1_500_000_000},
		{labels: [][2]string{{"l", "b"}}, whole: 2},
		{labels: [][2]string{{"l", "c"}}, whole: 3, created: 1_700_000_000_000_000_001},
	}}).make(2)
	h := single(sample.Histogram, "h", []float64{1}, madeSample{counts: []uint64{1, 0}, created: begin})[0]
	s := single(sample.Summary, "s", nil, madeSample{counts: []uint64{1}, created: begin})[0]
	bare := single(sample.Counter, "bare", nil, madeSample{created: begin})[0]
	gauges := single(sample.GaugeHistogram, "gauges", nil, madeSample{counts: []uint64{1}, created: begin})[0]
	shadowed := single(sample.Counter, "shadowed_total", nil, madeSample{created: begin})[0]
	shadowed.family.Shadow(true)
	g := gathered{m, h, s, bare, gauges, shadowed}
	want := `# TYPE x counter
x_total{l="a"} 1 1.5
x_created{l="a"} 1728000000.1203 1.5
x_total{l="b"} 2
x_total{l="c"} 3
x_created{l="c"} 1700000000.000000001
# TYPE h histogram
h_bucket{le="1.0"} 1
h_bucket{le="+Inf"} 1
h_sum 0
h_count 1
h_created 1728000000.1203
# TYPE s summary
s_sum 0
s_count 1
s_created 1728000000.1203
# TYPE bare unknown
bare 0
# TYPE gauges gaugehistogram
gauges_bucket{le="+Inf"} 1
gauges_gsum 0
gauges_gcount 1
# TYPE shadowed_total unknown
shadowed_total 0
# EOF
`
	if got := bytesOf(t, g, Format{Syntax: OpenMetrics100, Created: true}); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for f := range formats {
		plain := bytesOf(t, g, f)
		if strings.Contains(plain, "_created") {
			t.Errorf("%v: got %s", f, plain)
		}
		f.Created = true
		if got := bytesOf(t, g, f); f.Syntax != OpenMetrics100 && got != plain {
			t.Errorf("%v: got %s\nwant %s", f, got, plain)
		}
	}
}

// The counts and sums of a gauge histogram are families of their own in the text
// formats, however many batches it comes in.
func TestGaugeHistogramInText(t *testing.T) {
	m := &madeFamily{family: sample.Family{Name: "x", Help: "h", Kind: sample.GaugeHistogram, Bounds: []float64{0.5}}}
	for _, l := range []string{"a", "b", "c"} {
		m.samples = append(m.samples, madeSample{labels: [][2]string{{"l", l}}, counts: []uint64{1, 2}, sum: 4.5, time: 1_000_000_000})
	}
	g := gathered{m.make(1), single(sample.Gauge, "y", nil, madeSample{})[0], single(sample.GaugeHistogram, "z", nil, madeSample{counts: []uint64{0}})[0]}
	want := `# HELP x h
# TYPE x histogram
x_bucket{l="a",le="0.5"} 1 1000
x_bucket{l="a",le="+Inf"} 3 1000
x_bucket{l="b",le="0.5"} 1 1000
x_bucket{l="b",le="+Inf"} 3 1000
x_bucket{l="c",le="0.5"} 1 1000
x_bucket{l="c",le="+Inf"} 3 1000
# HELP x_gcount h
# TYPE x_gcount gauge
x_gcount{l="a"} 3 1000
x_gcount{l="b"} 3 1000
x_gcount{l="c"} 3 1000
# HELP x_gsum h
# TYPE x_gsum gauge
x_gsum{l="a"} 4.5 1000
x_gsum{l="b"} 4.5 1000
x_gsum{l="c"} 4.5 1000
# TYPE y gauge
y 0
# TYPE z histogram
z_bucket{le="+Inf"} 0
# TYPE z_gcount gauge
z_gcount 0
# TYPE z_gsum gauge
z_gsum 0
`
	if got := bytesOf(t, g, Format{}); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	// What was held back when a scrape failed isn't in the next one.
	w := &limited{left: 10, err: errFull}
	if err := Write(t.Context(), w, g, Format{}); err == nil {
		t.Error("no error")
	}
	if got := bytesOf(t, g[1:2], Format{}); got != "# TYPE y gauge\ny 0\n" {
		t.Errorf("got %s", got)
	}
}

func TestExemplarLines(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n) }
	with := func(labels ...[2]string) []readExemplar { return []readExemplar{{-1, labels, 0.25, 1_500_000_000}} }
	tests := []struct {
		what      string
		exemplars []readExemplar
		escaping  Escaping
		om1, om2  string // behind the value
	}{
		{"none", nil, 0, "", ""},
		{"no labels", with(), 0, " # {} 0.25 1.5", " # {} 0.25 1.5"},
		{"labels", with([2]string{"a", "1"}, [2]string{"b", "\n\"\\"}), 0, ` # {a="1",b="\n\"\\"} 0.25 1.5`, ` # {a="1",b="\n\"\\"} 0.25 1.5`},
		{"a name to escape", with([2]string{"a.b", "1"}), EscapeUnderscores, ` # {a_b="1"} 0.25 1.5`, ` # {a_b="1"} 0.25 1.5`},
		{"a name to quote", with([2]string{"a.b\"", "1"}), AllowUTF8, ` # {"a.b\""="1"} 0.25 1.5`, ` # {"a.b\""="1"} 0.25 1.5`},
		{"the last of several", append(with([2]string{"a", "1"}), with([2]string{"a", "2"})...), 0, ` # {a="2"} 0.25 1.5`, ` # {a="1"} 0.25 1.5 # {a="2"} 0.25 1.5`},
		{"just short enough", with([2]string{"k", long(127)}), 0, ` # {k="` + long(127) + `"} 0.25 1.5`, ` # {k="` + long(127) + `"} 0.25 1.5`},
		{"too long", with([2]string{"k", long(128)}), 0, "", ` # {k="` + long(128) + `"} 0.25 1.5`},
		{"short enough but for escapes", with([2]string{"k", strings.Repeat("\n", 127)}), 0, ` # {k="` + strings.Repeat(`\n`, 127) + `"} 0.25 1.5`, ` # {k="` + strings.Repeat(`\n`, 127) + `"} 0.25 1.5`},
		{"too long with an escaped name", with([2]string{"k.l", long(124)}), EscapeValues, "", ` # {U__k_2e_l="` + long(124) + `"} 0.25 1.5`},
	}
	for _, tt := range tests {
		g := single(sample.Counter, "x_total", nil, madeSample{labels: [][2]string{{"l", "v"}}, exemplars: tt.exemplars})
		want := "# TYPE x counter\nx_total{l=\"v\"} 0" + tt.om1 + "\n# EOF\n"
		if got := bytesOf(t, g, Format{Syntax: OpenMetrics100, Escaping: tt.escaping}); got != want {
			t.Errorf("%s: got %s\nwant %s", tt.what, got, want)
		}
		want = "# TYPE x_total counter\nx_total{l=\"v\"} 0" + tt.om2 + "\n# EOF\n"
		if got := bytesOf(t, g, Format{Syntax: OpenMetrics200, Escaping: tt.escaping}); got != want {
			t.Errorf("%s: got %s\nwant %s", tt.what, got, want)
		}
		if got := bytesOf(t, g, Format{}); got != "# TYPE x_total counter\nx_total{l=\"v\"} 0\n" {
			t.Errorf("%s: got %s", tt.what, got)
		}
	}
}

// A histogram with native buckets only has its exemplars, too, on the one bucket
// that OpenMetrics 1.0 shows.
func TestExemplarOfNativeHistogram(t *testing.T) {
	g := single(sample.Histogram, "x", nil, madeSample{counts: []uint64{2}, sum: 3,
		native:    &sample.Native{Present: true, Positive: []sample.NativeBucket{{Index: 1, Count: 2}}},
		exemplars: []readExemplar{note(-1, "t", "1", 1, 1_000_000_000), note(-1, "t", "2", 2, 2_000_000_000)}})
	want := "# TYPE x histogram\nx_bucket{le=\"+Inf\"} 2 # {t=\"2\"} 2 2\nx_sum 3\nx_count 2\n# EOF\n"
	if got := bytesOf(t, g, om100); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// An exemplar that is of no classic bucket is on none of them.
func TestExemplarOfNoBucket(t *testing.T) {
	g := single(sample.Histogram, "x", []float64{1}, madeSample{counts: []uint64{2, 0}, sum: 3,
		native:    &sample.Native{Present: true, Positive: []sample.NativeBucket{{Index: 0, Count: 2}}},
		exemplars: []readExemplar{note(-1, "t", "1", 1, 1_000_000_000)}})
	want := "# TYPE x histogram\nx_bucket{le=\"1.0\"} 2\nx_bucket{le=\"+Inf\"} 2\nx_sum 3\nx_count 2\n# EOF\n"
	if got := bytesOf(t, g, om100); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	g.check(t, Format{Syntax: Protobuf})
	g.check(t, Format{Syntax: OpenMetrics200})
}

// OpenMetrics forbids the sum of a histogram with negative bounds, but not that
// of a gauge histogram.
func TestGaugeHistogramWithNegativeBounds(t *testing.T) {
	g := single(sample.GaugeHistogram, "x", []float64{-1}, madeSample{counts: []uint64{1, 0}, sum: -2})
	want := "# TYPE x gaugehistogram\nx_bucket{le=\"-1.0\"} 1\nx_bucket{le=\"+Inf\"} 1\nx_gsum -2\nx_gcount 1\n# EOF\n"
	if got := bytesOf(t, g, om100); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// However much there is to a sample, it costs no allocation.
func TestSamplesDoNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's pools allocate")
	}
	small, large := everyKind(), everyKind()
	for i, m := range large {
		samples := m.samples
		for range 50 {
			m.samples = append(m.samples, samples...)
		}
		mixed := m.family.Mixed()
		if m.make(100); mixed { // and names to be escaped one by one
			large[i], small[i] = single(sample.Gauge, "g", nil, madeSample{})[0], single(sample.Gauge, "g", nil, madeSample{})[0]
		}
	}
	for f := range formats {
		f.Created = true
		allocs := func(g gathered) float64 {
			return testing.AllocsPerRun(10, func() {
				if err := Write(t.Context(), io.Discard, g, f); err != nil {
					t.Fatal(err)
				}
			})
		}
		// The names of exemplars' labels aren't prepared: one is escaped each time.
		before, after := allocs(small), allocs(large)
		if after > before+10 && f.Escaping == AllowUTF8 {
			t.Errorf("%v: %v allocations, with 50 times the samples %v", f, before, after)
		}
	}
}
