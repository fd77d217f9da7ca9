package fennel_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"unsafe"

	"github.com/fennelmetrics/fennel"
)

type (
	namedString string
	namedBool   bool
	namedInt    int16
	namedUint   uint64
)

// everyKind has a field of each kind that a label can have.
type everyKind struct {
	String string      `label:"string"`
	Bool   bool        `label:"bool"`
	Int    int         `label:"int"`
	I8     int8        `label:"i8"`
	I16    int16       `label:"i16"`
	I32    int32       `label:"i32"`
	I64    int64       `label:"i64"`
	Uint   uint        `label:"uint"`
	U8     uint8       `label:"u8"`
	U16    uint16      `label:"u16"`
	U32    uint32      `label:"u32"`
	U64    uint64      `label:"u64"`
	NS     namedString `label:"ns"`
	NB     namedBool   `label:"nb"`
	NI     namedInt    `label:"ni"`
	NU     namedUint   `label:"nu"`
	hidden int8        `label:"hidden"`
	rune   rune        `label:"rune"`
	byte   byte        `label:"byte"`
}

// There are more labels here, and longer numbers, than a look-up has room for
// on its stack.
func TestLabelsOfEveryKind(t *testing.T) {
	least := everyKind{"", false, math.MinInt, math.MinInt8, math.MinInt16, math.MinInt32, math.MinInt64,
		0, 0, 0, 0, 0, "", false, math.MinInt16, 0, math.MinInt8, math.MinInt32, 0}
	most := everyKind{"ÿ\n", true, math.MaxInt, math.MaxInt8, math.MaxInt16, math.MaxInt32, math.MaxInt64,
		math.MaxUint, math.MaxUint8, math.MaxUint16, math.MaxUint32, math.MaxUint64, "s", true, math.MaxInt16, math.MaxUint64,
		math.MaxInt8, math.MaxInt32, math.MaxUint8}
	r := fennel.NewRegistry()
	vec := fennel.NewCounterVec[everyKind]("c_total", "", fennel.In(r))
	vec.With(least).Add(1)
	vec.With(most).Add(2)
	vec.With(most).Add(2)
	// int and uint have the size of the machine's words.
	wantSamples(t, r,
		`c_total{string="",bool="false",int="`+fmt.Sprint(math.MinInt)+`",i8="-128",i16="-32768",i32="-2147483648",i64="-9223372036854775808",`+
			`uint="0",u8="0",u16="0",u32="0",u64="0",ns="",nb="false",ni="-32768",nu="0",hidden="-128",rune="-2147483648",byte="0"} 1`,
		`c_total{string="ÿ\n",bool="true",int="`+fmt.Sprint(math.MaxInt)+`",i8="127",i16="32767",i32="2147483647",i64="9223372036854775807",`+
			`uint="`+fmt.Sprint(uint(math.MaxUint))+`",u8="255",u16="65535",u32="4294967295",u64="18446744073709551615",ns="s",nb="true",ni="32767",`+
			`nu="18446744073709551615",hidden="127",rune="2147483647",byte="255"} 4`)
	for labels, want := range map[everyKind]float64{least: 1, most: 4} {
		if c, ok := vec.Get(labels); !ok || c.Value() != want {
			t.Errorf("Get(%+v) = %v, %v; want %v", labels, c.Value(), ok, want)
		}
	}
	for labels, c := range vec.All() {
		if labels != least && labels != most {
			t.Errorf("All yields %+v", labels)
		}
		if !vec.Delete(labels) || vec.Delete(labels) {
			t.Errorf("Delete(%+v) of %v does not delete once", labels, c.Value())
		}
	}
}

func TestLabelsOfArraysAndSingleValues(t *testing.T) {
	r := fennel.NewRegistry()
	in := fennel.In(r)
	fennel.NewGaugeVec[[2]string]("a", "", in, fennel.LabelNames("x", "y")).With([2]string{"1", "2"})
	fennel.NewGaugeVec[[3]int8]("b", "", in, fennel.LabelNames("x", "y", "z")).With([3]int8{-1, 0, 1})
	fennel.NewGaugeVec[string]("c", "", in, fennel.LabelNames("x")).With("1")
	fennel.NewGaugeVec[namedBool]("d", "", in, fennel.LabelNames("x")).With(true)
	fennel.NewGaugeVec[[1]namedUint]("e", "", in, fennel.LabelNames("x")).With([1]namedUint{9})
	wantSamples(t, r, `a{x="1",y="2"} 0`, `b{x="-1",y="0",z="1"} 0`, `c{x="1"} 0`, `d{x="true"} 0`, `e{x="9"} 0`)
}

func TestLabelSetsWithoutLabels(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewCounterVec[struct{}]("c_total", "", fennel.In(r))
	wantSamples(t, r)
	vec.With(struct{}{}).Inc()
	vec.With(struct{}{}).Inc()
	if single := fennel.NewCounter("c_total", "", fennel.In(r)); single != vec.With(struct{}{}) {
		t.Error("the counter without labels is another than the vec's only one")
	}
	array := fennel.NewCounterVec[[0]string]("c_total", "", fennel.In(r))
	array.With([0]string{}).Inc()
	wantSamples(t, r, "c_total 3")
	if vec.Len() != 1 || !vec.Delete(struct{}{}) || vec.Len() != 0 {
		t.Error("the only series is not deleted")
	}
	wantSamples(t, r)
}

func TestLabelSetTypesAreChecked(t *testing.T) {
	type embedded struct{ request }
	type pointer struct {
		P *string `label:"p"`
	}
	type mixed struct {
		A string `label:"a"`
		B string
	}
	in, named := fennel.In(fennel.NewRegistry()), fennel.LabelNames("a")
	for _, c := range []struct {
		declare func()
		part    string
	}{
		{func() { fennel.NewGaugeVec[embedded]("g", "", in) }, "it embeds fennel_test.request: write the fields of that out"},
		{func() { fennel.NewGaugeVec[mixed]("g", "", in) }, "field B has no tag"},
		{func() { fennel.NewGaugeVec[pointer]("g", "", in) }, "field P is of type *string: a label is a string, a bool or an integer"},
		{func() {
			fennel.NewGaugeVec[struct {
				R request `label:"r"`
			}]("g", "", in)
		}, "field R is of type"},
		{func() {
			fennel.NewGaugeVec[struct {
				F float64 `label:"f"`
			}]("g", "", in)
		}, "float64"},
		{func() {
			fennel.NewGaugeVec[struct {
				A any `label:"a"`
			}]("g", "", in)
		}, "interface"},
		{func() {
			fennel.NewGaugeVec[struct {
				A []byte `label:"a"`
			}]("g", "", in)
		}, "[]uint8"},
		{func() {
			fennel.NewGaugeVec[struct {
				A uintptr `label:"a"`
			}]("g", "", in)
		}, "uintptr"},
		{func() { fennel.NewGaugeVec[*request]("g", "", in, named) }, "*fennel_test.request"},
		{func() { fennel.NewGaugeVec[any]("g", "", in, named) }, "interface"},
		{func() { fennel.NewGaugeVec[map[string]string]("g", "", in, named) }, "map[string]string"},
		{func() { fennel.NewGaugeVec[[]string]("g", "", in, named) }, "[]string"},
		{func() { fennel.NewGaugeVec[[1]float32]("g", "", in, named) }, "element 0 is of type float32"},
		{func() { fennel.NewGaugeVec[float64]("g", "", in, named) }, "the value is of type float64"},
		{func() { fennel.NewGaugeVec[request]("g", "", in, named) }, "drop the option LabelNames"},
		{func() { fennel.NewGaugeVec[string]("g", "", in) }, "needs 1 label names and has 0: name each with the option LabelNames"},
		{func() { fennel.NewGaugeVec[[2]string]("g", "", in, named) }, "needs 2 label names and has 1"},
		{func() { fennel.NewGaugeVec[[0]string]("g", "", in, named) }, "needs 0 label names and has 1"},
		{func() { fennel.NewGauge("g", "", in, named) }, "use the constructor whose name ends in Vec"},
	} {
		refused(t, "g", c.declare, c.part)
	}
}

// A label set type that is a duplicate of another names the same series.
func TestLabelSetTypesWithTheSameLabelsShareSeries(t *testing.T) {
	type alike struct {
		M namedString `label:"method"`
		S string      `label:"status"`
	}
	r := fennel.NewRegistry()
	in := fennel.In(r)
	a := fennel.NewCounterVec[request]("c_total", "", in)
	b := fennel.NewCounterVec[alike]("c_total", "", in)
	c := fennel.NewCounterVec[[2]string]("c_total", "", in, fennel.LabelNames("method", "status"))
	counter := a.With(request{"GET", 200})
	if b.With(alike{"GET", "200"}) != counter || c.With([2]string{"GET", "200"}) != counter {
		t.Error("the same labels name different counters")
	}
	counter.Inc()
	wantSamples(t, r, `c_total{method="GET",status="200"} 1`)

	// What one type writes another may be unable to read back.
	b.With(alike{"GET", "none"})
	for labels := range a.All() {
		if labels.Method != "GET" || labels.Status != 200 && labels.Status != 0 {
			t.Errorf("All yields %+v", labels)
		}
	}
}

func TestLabelStringsAreCloned(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewCounterVec[[2]string]("c_total", "", fennel.In(r), fennel.LabelNames("a", "b"))
	buffer := []byte("GET\n\"200")
	shared := func(from, to int) string { return unsafe.String(&buffer[from], to-from) }
	vec.With([2]string{shared(0, 3), shared(3, 8)}).Inc()
	copy(buffer, "PUT12345")
	vec.With([2]string{shared(0, 3), shared(3, 8)}).Add(2)
	copy(buffer, "yyyyyyyy")
	wantSamples(t, r, `c_total{a="GET",b="\n\"200"} 1`, `c_total{a="PUT",b="12345"} 2`)
	for labels := range vec.All() {
		if strings.Contains(labels[0]+labels[1], "y") {
			t.Errorf("All yields %q", labels)
		}
	}
	if _, ok := vec.Get([2]string{"GET", "\n\"200"}); !ok {
		t.Error("the first series is not found any more")
	}
}

func TestLabelValuesThatNeedCare(t *testing.T) {
	mega := strings.Repeat("0123456789abcde\n", 1<<16) // 1 MB
	for name, value := range map[string]string{
		"empty":             "",
		"newline":           "a\nb",
		"newlines only":     "\n\n",
		"quote":             `"`,
		"quotes":            `a"b""c`,
		"backslash":         `\`,
		"backslashes":       `a\b\\c\`,
		"escape look-alike": `\n`,
		"all of them":       "\\\"\n\\n\\\\\"",
		"braces and comma":  `a="b",c{d} 1`,
		"NUL":               "a\x00b",
		"carriage return":   "a\rb",
		"not ASCII":         "grüße, 世界 🌍",
		"U+FFFD":            "\uFFFD",
		"BOM":               "\uFEFF",
		"blanks":            " a  b ",
		"1 MB":              mega,
	} {
		t.Run(name, func(t *testing.T) {
			r := fennel.NewRegistry()
			vec := fennel.NewCounterVec[[2]string]("c_total", "", fennel.In(r), fennel.LabelNames("a", "b"))
			vec.With([2]string{value, "x"}).Inc()
			vec.With([2]string{value, "x"}).Inc()
			vec.With([2]string{"x", value}).Inc()
			if vec.Len() != 2 {
				t.Errorf("%d series, want 2", vec.Len())
			}
			if s := findSample(t, r, value, "x"); s.Value != 2 {
				t.Errorf("gathered %v, want 2", s.Value)
			}
			escaped := strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(value)
			if want := `c_total{a="` + escaped + `",b="x"} 2` + "\n"; !strings.Contains(samples(t, r), want) {
				t.Errorf("the scrape has no line %.200q", want)
			}
			if !vec.Delete([2]string{value, "x"}) || vec.Len() != 1 {
				t.Error("it is not deleted")
			}
		})
	}
}

// findSample returns the sample of the family c_total with these label values.
func findSample(t *testing.T, g fennel.Gatherer, values ...string) fennel.Sample {
	t.Helper()
	for _, s := range family(t, gather(t, g), "c_total").Samples {
		if hasValues(s.Labels, values) {
			return s
		}
	}
	t.Fatalf("no sample with the label values %.200q", values)
	return fennel.Sample{}
}

// Values that differ only in where one ends and the next begins, or in what
// their escaping looks like, are different values.
func TestLabelValuesThatLookAlikeAreDifferent(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewCounterVec[[2]string]("c_total", "", fennel.In(r), fennel.LabelNames("a", "b"))
	sets := [][2]string{
		{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}, {"", ""},
		{`a",b="b`, `c`}, {`a`, `b",b="c`}, {`a",b="b",b="c`, ``},
		{`\n`, ""}, {"\n", ""}, {`\\n`, ""}, {"\\\n", ""}, {`\`, `n`}, {`\\`, ""}, {`\`, `\`}, {`\"`, ``}, {`"`, ``}, {`\`, `"`},
		{"a\xff", ""}, {"a\uFFFD", "x"},
	}
	for i, s := range sets {
		vec.With(s).Add(float64(i + 1))
	}
	if vec.Len() != len(sets) {
		t.Errorf("%d series, want %d", vec.Len(), len(sets))
	}
	for i, s := range sets {
		if got := vec.With(s).Value(); got != float64(i+1) {
			t.Errorf("%q has %v, want %d", s, got, i+1)
		}
	}
}

func TestLabelValuesAreMendedAndCounted(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewCounterVec[[2]string]("c_total", "", fennel.In(r), fennel.LabelNames("a", "b"))
	bad := [2]string{"a\xff\xfe", "\xc3"}
	mended := [2]string{"a\uFFFD", "\uFFFD"}
	if vec.With(bad) != vec.With(mended) {
		t.Error("the mended labels name another counter")
	}
	if got := own(t, r, "fennel_mended_labels_total", "c_total"); got != 1 {
		t.Errorf("%v label sets mended, want 1", got)
	}
	if n := vec.DeletePartial(fennel.Label{Name: "b", Value: "\xc3"}); n != 1 {
		t.Errorf("DeletePartial removed %d, want 1", n)
	}
	vec.With(bad)
	if !vec.Delete(bad) || vec.Len() != 0 {
		t.Error("Delete does not find what With made")
	}
}

// What With makes, Get finds.
func TestGetMendsLabelValuesToo(t *testing.T) {
	vec := fennel.NewCounterVec[string]("c_total", "", fennel.In(fennel.NewRegistry()), fennel.LabelNames("a"))
	want := vec.With("a\xff")
	if got, ok := vec.Get("a\xff"); !ok || got != want {
		t.Error("Get does not find what With made with the same labels")
	}
}
