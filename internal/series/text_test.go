package series

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// layoutTests say how label sets are rendered. The text is what every text
// format has between the braces.
var layoutTests = []struct {
	name     string
	constant []string
	varying  []string
	values   []string
	want     string
}{
	{"nothing at all", nil, nil, nil, ``},
	{"constant labels alone", []string{"a", "1", "b", "2"}, nil, nil, `a="1",b="2"`},
	{"one label", nil, []string{"method"}, []string{"GET"}, `method="GET"`},
	{"three labels", nil, []string{"a", "b", "c"}, []string{"1", "2", "3"}, `a="1",b="2",c="3"`},
	{"an empty value", nil, []string{"a"}, []string{""}, `a=""`},
	{"empty values", nil, []string{"a", "b"}, []string{"", ""}, `a="",b=""`},
	{"constant labels come first", []string{"z", "9"}, []string{"a"}, []string{"1"}, `z="9",a="1"`},
	{"a quote", nil, []string{"a"}, []string{`x"y`}, `a="x\"y"`},
	{"a backslash", nil, []string{"a"}, []string{`C:\dir`}, `a="C:\\dir"`},
	{"a newline", nil, []string{"a"}, []string{"x\ny"}, `a="x\ny"`},
	{"a backslash and an n", nil, []string{"a"}, []string{`\n`}, `a="\\n"`},
	{"a backslash at the end", nil, []string{"a", "b"}, []string{`x\`, "y"}, `a="x\\",b="y"`},
	{"only special bytes", nil, []string{"a"}, []string{"\\\"\n"}, `a="\\\"\n"`},
	{"another label set in the value", nil, []string{"a", "b"}, []string{`1",b="2`, ""}, `a="1\",b=\"2",b=""`},
	{"a carriage return and a tab stay", nil, []string{"a"}, []string{"\r\t"}, "a=\"\r\t\""},
	{"UTF-8", nil, []string{"a"}, []string{"Zürich 東京 🚀"}, `a="Zürich 東京 🚀"`},
	{"a name with a dot", nil, []string{"zone.id"}, []string{"eu"}, `"zone.id"="eu"`},
	{"a name with a colon", nil, []string{"a:b"}, []string{"v"}, `"a:b"="v"`},
	{"a name with a quote, a backslash and a newline", nil, []string{"a\"\\\nb"}, []string{"v"}, `"a\"\\\nb"="v"`},
	{"a name like a label set", nil, []string{`x="1",y`}, []string{"v"}, `"x=\"1\",y"="v"`},
	{"hostile constant labels", []string{"zone.id", "a\"\\\n"}, []string{"b.c", "d"}, []string{"\"", "e"}, `"zone.id"="a\"\\\n","b.c"="\"",d="e"`},
}

func TestLayoutRendersLabels(t *testing.T) {
	for _, tt := range layoutTests {
		t.Run(tt.name, func(t *testing.T) {
			l := NewLayout(tt.constant, tt.varying)
			got := string(l.Append([]byte("before|"), tt.values))
			if got != "before|"+tt.want {
				t.Errorf("got %s\nwant before|%s", got, tt.want)
			}
		})
	}
}

// What was rendered is found again and taken apart again.
func TestLayoutReadsWhatItRendered(t *testing.T) {
	for _, tt := range layoutTests {
		t.Run(tt.name, func(t *testing.T) {
			l := NewLayout(tt.constant, tt.varying)
			if got := l.values(tt.want); !slices.Equal(got, tt.values) {
				t.Errorf("values = %q, want %q", got, tt.values)
			}
			if !l.equalEscaped(tt.want, tt.values) {
				t.Error("equalEscaped = false, want true")
			}
			if len(tt.values) > 0 && !needsEscape(tt.values) && !l.equal(tt.want, tt.values) {
				t.Error("equal = false, want true")
			}
			want := slices.Concat(tt.constant, pairs(tt.varying, tt.values))
			var got []string
			for name, value := range Labels(tt.want) {
				got = append(got, name, value)
			}
			if !slices.Equal(got, want) {
				t.Errorf("Labels = %q, want %q", got, want)
			}
		})
	}
}

func pairs(names, values []string) []string {
	var out []string
	for i, n := range names {
		out = append(out, n, values[i])
	}
	return out
}

func TestAppendLabelRendersLikeALayout(t *testing.T) {
	for _, tt := range layoutTests {
		var got []byte
		all := slices.Concat(tt.constant, pairs(tt.varying, tt.values))
		for i := 0; i < len(all); i += 2 {
			got = AppendLabel(got, i == 0, all[i], all[i+1])
		}
		if string(got) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Values that hold quotes, commas and whole labels must not be taken for
// another label set whose rendering they imitate.
func TestEqualIsNotFooledByForgedLabels(t *testing.T) {
	l := NewLayout(nil, []string{"a", "b"})
	tests := []struct{ stored, asked []string }{
		{[]string{"1", "2"}, []string{`1",b="2`, ""}},
		{[]string{"1", "2"}, []string{`1",b="`, "2"}},
		{[]string{"", ""}, []string{`",b="`, ""}},
		{[]string{"", ""}, []string{`"`, `"`}},
		{[]string{"x", ""}, []string{"", "x"}},
		{[]string{"", "x"}, []string{"x", ""}},
		{[]string{"ab", "c"}, []string{"a", "bc"}},
		{[]string{`1",b="2`, ""}, []string{"1", "2"}},
		{[]string{`1",b="2`, `3`}, []string{"1", `2",b="3`}},
		{[]string{`\`, `x`}, []string{`\",b=`, `x`}},
		{[]string{`\"`, ``}, []string{`\`, `"`}},
		{[]string{"\n", "x"}, []string{`\n`, "x"}},
		{[]string{`\n`, "x"}, []string{"\n", "x"}},
		{[]string{`\\`, ""}, []string{`\`, `\`}},
		{[]string{`"`, ""}, []string{`\"`, ""}},
		{[]string{`x\`, "y"}, []string{`x\\`, "y"}},
		{[]string{"a", "b"}, []string{"a", "b\x00"}},
		{[]string{"a", "b"}, []string{"A", "b"}},
		{[]string{"é", ""}, []string{"e\u0301", ""}},
	}
	for _, tt := range tests {
		text := string(l.Append(nil, tt.stored))
		same := l.equal
		if needsEscape(tt.stored) {
			same = l.equalEscaped
		}
		if same(text, tt.asked) {
			t.Errorf("%s was taken for %q", text, tt.asked)
		}
		if !same(text, tt.stored) {
			t.Errorf("%s was not taken for %q", text, tt.stored)
		}
		table := NewTable(Config{Labels: []string{"a", "b"}, New: newRecord})
		s := table.Get(tt.stored)
		if table.Find(tt.asked) != nil || table.Get(tt.asked) == s {
			t.Errorf("table: %q was taken for %q", tt.asked, tt.stored)
		}
	}
}

// A difference in any byte counts, whatever the length and the place.
func TestEqualLooksAtEveryByte(t *testing.T) {
	l := NewLayout(nil, []string{"a", "b"})
	for n := range 70 {
		value := []byte(strings.Repeat("abcdefg", 10)[:n])
		texts := []string{
			string(l.Append(nil, []string{string(value), "x"})),
			string(l.Append(nil, []string{"x", string(value)})),
		}
		for i := -1; i < n; i++ {
			if i >= 0 {
				value[i] ^= 1
			}
			v := string(value)
			for j, values := range [][]string{{v, "x"}, {"x", v}} {
				if got := l.equal(texts[j], values); got != (i < 0) {
					t.Errorf("%s equals %q: %v", texts[j], values, got)
				}
			}
			if i >= 0 {
				value[i] ^= 1
			}
		}
	}
}

// hostile are pieces of which random values are made: what has a meaning in
// the rendering, what sorts below a quote, and what is harmless.
var hostile = []string{
	"", "a", "b", "n", "=", ",", `"`, `\`, "\n", `",b="`, `",a="`, `\"`, `\\`, `\n`, "\x00", "\x01", "\t", "\r", " ", "!", "#", "[", "]", "{", "}", "~", "\x7f", "é", "日", "\U0010ffff", "\ufffd",
}

func hostileValue(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(5) {
		b.WriteString(hostile[r.IntN(len(hostile))])
	}
	return b.String()
}

func hostileValues(r *rand.Rand, n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = hostileValue(r)
	}
	return values
}

func TestEqualityIsOnValues(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, labels := range [][]string{{"a"}, {"a", "b"}, {"a", "b.c", "d"}} {
		l := NewLayout([]string{"k", `"`}, labels)
		for range 10_000 {
			v, w := hostileValues(r, len(labels)), hostileValues(r, len(labels))
			if r.IntN(4) == 0 {
				w = slices.Clone(v)
				w[r.IntN(len(w))] += hostile[r.IntN(len(hostile))]
			}
			text := string(l.Append(nil, v))
			got := l.equalEscaped(text, w)
			if !needsEscape(v) {
				got = l.equal(text, w)
			}
			if want := slices.Equal(v, w); got != want {
				t.Fatalf("%s equals %q: %v, want %v", text, w, got, want)
			}
		}
	}
}

func TestUnescape(t *testing.T) {
	tests := []struct{ text, want string }{
		{``, ``},
		{`a`, `a`},
		{`\\`, `\`},
		{`\"`, `"`},
		{`\n`, "\n"},
		{`\\n`, `\n`},
		{`\\\n`, "\\\n"},
		{`\\\\`, `\\`},
		{`\x`, `x`},
		{`\`, `\`}, // not something that AppendValue writes
		{`a\nb\"c\\d`, "a\nb\"c\\d"},
		{`日\n本`, "日\n本"},
	}
	for _, tt := range tests {
		if got := Unescape(tt.text); got != tt.want {
			t.Errorf("Unescape(%s) = %q, want %q", tt.text, got, tt.want)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		v := hostileValue(r)
		if got := Unescape(string(AppendValue(nil, v))); got != v {
			t.Fatalf("%q came back as %q", v, got)
		}
	}
}

func TestLabelsStopsWhenAsked(t *testing.T) {
	n := 0
	for range Labels(`a="1",b="2",c="3"`) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d labels, want 2", n)
	}
	for name, value := range Labels("") {
		t.Errorf("no labels have %s=%q", name, value)
	}
}

// Buffers are used again, so what is taken out of one must not lie in it.
func TestReadingCopies(t *testing.T) {
	buf := []byte(`a="1","b.c"="2"`)
	text := string(buf)
	l := NewLayout(nil, []string{"a", "b.c"})
	values := l.values(text)
	if !slices.Equal(values, []string{"1", "2"}) {
		t.Fatalf("values = %q", values)
	}
	if Unescape("x") != "x" {
		t.Fatal("Unescape(x) is not x")
	}
}

func TestAppendRenamed(t *testing.T) {
	tests := []struct {
		text  string
		names []string
		want  string
	}{
		{``, nil, ``},
		{`a="x"`, []string{"b"}, `b="x"`},
		{`a=""`, []string{"b"}, `b=""`},
		{`"a.b"="x\"\\\n"`, []string{"a_b"}, `a_b="x\"\\\n"`},
		{`k="v","a.b"="x,y=\"z\"",c=""`, []string{"k", "U__a_2e_b", "c"}, `k="v",U__a_2e_b="x,y=\"z\"",c=""`},
		{`"a\"\\\nb"="v","="=","`, []string{"a___b", "_"}, `a___b="v",_=","`},
	}
	for _, tt := range tests {
		if got := string(AppendRenamed([]byte("{"), tt.text, func(i int, _ string) string { return tt.names[i] })); got != "{"+tt.want {
			t.Errorf("%s with the names %q: got %s, want {%s", tt.text, tt.names, got, tt.want)
		}
	}
}

func sign(n int) int { return min(1, max(-1, n)) }

func TestCompareIsTheOrderOfValues(t *testing.T) {
	tests := []struct{ a, b []string }{ // a before b
		{[]string{"", ""}, []string{"", "a"}},
		{[]string{"", "z"}, []string{"a", ""}},
		{[]string{"a", "z"}, []string{"ab", "a"}},
		{[]string{"a", ""}, []string{"a\x00", ""}},
		{[]string{"a", ""}, []string{"a!", ""}},  // ! is below the quote that ends a value
		{[]string{"a ", ""}, []string{"a!", ""}}, // a blank too
		{[]string{"\x00", ""}, []string{"\n", ""}},
		{[]string{"\t", ""}, []string{"\n", ""}},
		{[]string{"\n", ""}, []string{"\r", ""}},
		{[]string{"\n", ""}, []string{" ", ""}},
		{[]string{"!", ""}, []string{`"`, ""}},
		{[]string{`"`, ""}, []string{"#", ""}},
		{[]string{"[", ""}, []string{`\`, ""}},
		{[]string{`\`, ""}, []string{"]", ""}},
		{[]string{`\`, ""}, []string{`\\`, ""}},
		{[]string{`\`, "z"}, []string{`\n`, ""}},
		{[]string{"\n", ""}, []string{`\n`, ""}},
		{[]string{"\\\n", ""}, []string{`\"`, ""}},
		{[]string{`\"`, ""}, []string{`\\`, ""}},
		{[]string{"A", ""}, []string{"a", ""}},
		{[]string{"\x7f", ""}, []string{"é", ""}},
		{[]string{"é", ""}, []string{"日", ""}},
		{[]string{"\uffff", ""}, []string{"\U00010000", ""}},
		{[]string{"1", `"`}, []string{`1",b="`, ""}},
	}
	l := NewLayout([]string{`k\`, `\`}, []string{`a\`, "b"})
	for _, tt := range tests {
		a, b := string(l.Append(nil, tt.a)), string(l.Append(nil, tt.b))
		if slices.Compare(tt.a, tt.b) >= 0 {
			t.Fatalf("the test is wrong: %q is not before %q", tt.a, tt.b)
		}
		if Compare(a, b) >= 0 || Compare(b, a) <= 0 || Compare(a, a) != 0 {
			t.Errorf("%s is not before %s: %d, %d", a, b, Compare(a, b), Compare(b, a))
		}
	}
}

func TestCompareAgreesWithRawValues(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, labels := range [][]string{{"a"}, {"a", "b"}, {`"`, `\`, "\n", "a"}} {
		l := NewLayout(nil, labels)
		for range 15_000 {
			v, w := hostileValues(r, len(labels)), hostileValues(r, len(labels))
			if n := r.IntN(3 * len(labels)); n < len(labels) {
				copy(w, v[:n]) // let later labels decide, too
			}
			a, b := string(l.Append(nil, v)), string(l.Append(nil, w))
			if got, want := sign(Compare(a, b)), slices.Compare(v, w); got != want {
				t.Fatalf("Compare(%s, %s) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestMend(t *testing.T) {
	tests := []struct{ value, want string }{
		{"", ""},
		{"abc", "abc"},
		{"\ufffd", "\ufffd"},
		{"a\xffb", "a\ufffdb"},
		{"a\xff\xfeb", "a\ufffdb"}, // a run is one replacement
		{"\xe6\x97", "\ufffd"},
		{"日\xe6", "日\ufffd"},
		{"\xed\xa0\x80", "\ufffd"}, // a surrogate
		{"\xc0\x80", "\ufffd"},     // overlong
	}
	for _, tt := range tests {
		if got := Mend(tt.value); got != tt.want {
			t.Errorf("Mend(%q) = %q, want %q", tt.value, got, tt.want)
		}
	}
}

func TestMendAllLeavesTheArgumentAlone(t *testing.T) {
	good := []string{"a", "é", ""}
	if got := MendAll(good); got != nil {
		t.Errorf("MendAll(%q) = %q, want nil", good, got)
	}
	if got := MendAll(nil); got != nil {
		t.Errorf("MendAll(nil) = %q, want nil", got)
	}
	bad := []string{"a", "\xff", "\xe6\x97"}
	if got, want := MendAll(bad), []string{"a", "\ufffd", "\ufffd"}; !slices.Equal(got, want) {
		t.Errorf("MendAll = %q, want %q", got, want)
	}
	if !slices.Equal(bad, []string{"a", "\xff", "\xe6\x97"}) {
		t.Errorf("MendAll changed its argument to %q", bad)
	}
}

func FuzzText(f *testing.F) {
	f.Add("a", "b", "x", "y", "x", "z")
	f.Add("a", "a.b", `1",b="2`, "", "1", "2")
	f.Add("\n", `"`, "\\", "\n", "\\\\", `"`)
	f.Add(`\`, "é", "\x00", "!", "", "\"")
	f.Fuzz(func(t *testing.T, name1, name2, v1, v2, w1, w2 string) {
		labels := []string{Mend(name1), Mend(name2)}
		if labels[0] == "" || labels[1] == "" {
			t.Skip("names are not empty")
		}
		l := NewLayout(labels, labels) // constant labels of the same names, which does not matter here
		v, w := []string{Mend(v1), Mend(v2)}, []string{Mend(w1), Mend(w2)}
		a, b := string(l.Append(nil, v)), string(l.Append(nil, w))
		if strings.Contains(a, "\n") {
			t.Errorf("%q has a raw newline", a)
		}
		if got, want := sign(Compare(a, b)), slices.Compare(v, w); got != want {
			t.Errorf("Compare(%s, %s) = %d, want %d", a, b, got, want)
		}
		same := l.equal
		if needsEscape(v) {
			same = l.equalEscaped
		}
		if got, want := same(a, w), slices.Equal(v, w); got != want {
			t.Errorf("%s is %q: %v, want %v", a, w, got, want)
		}
		if got := l.values(a); !slices.Equal(got, v) {
			t.Errorf("values(%s) = %q, want %q", a, got, v)
		}
		var got []string
		for name, value := range Labels(a) {
			got = append(got, name, value)
		}
		if want := slices.Concat(labels, pairs(labels, v)); !slices.Equal(got, want) {
			t.Errorf("Labels(%s) = %q, want %q", a, got, want)
		}
	})
}

// What is mended is kept, and the values may lie on the stack of a look-up: also
// those that need no mending must not be shared.
func TestMendAllSharesNoMemory(t *testing.T) {
	values := []string{"bad\xff", "123456", "good"}
	mended := MendAll(values)
	if want := []string{"bad\uFFFD", "123456", "good"}; !slices.Equal(mended, want) {
		t.Errorf("MendAll(%q) = %q, want %q", values, mended, want)
	}
	for i := range values {
		if unsafe.StringData(mended[i]) == unsafe.StringData(values[i]) {
			t.Errorf("value %q shares its memory with the argument", mended[i])
		}
	}
}

// All ways to cut a text into values whose lengths fit: only the right one does.
func TestEqualRefusesOtherCuts(t *testing.T) {
	for _, names := range [][]string{
		{"a", "b"}, {"a", "b", "c"}, {"a", "b.c"}, {"a.b", "c", "d.e"}, {"a", `"`, "b"}, {"a", `=,"`, `",`},
	} {
		l := NewLayout(nil, names)
		for _, values := range [][]string{
			{"x", "y", "z"}, {"x", "yyyyyyyyyyyyyyyyyyyy", ""}, {"", "yyyyyyyyyyyy", "zzzzzzzzzzzzzzzzzzzzzzz"}, {",b=", ",c=,c=,c=", "=,b=,c="},
		} {
			values = values[:len(names)]
			text := string(l.Append(nil, values))
			if !l.equal(text, values) {
				t.Errorf("%s is not equal to its own values", text)
			}
			for _, other := range cuts(&l, text, len(l.before[0]), 0) {
				if got, want := l.equal(text, other), slices.Equal(other, values); got != want {
					t.Errorf("%s equals %q: %v", text, other, got)
				}
			}
		}
	}
}

// cuts returns the values, from the one with this number on, that lie along text
// from there if the pieces between them are taken to be wherever they are.
func cuts(l *Layout, text string, from, number int) (all [][]string) {
	if number == len(l.before)-1 {
		if end := len(text) - 1; end >= from {
			all = append(all, []string{text[from:end]})
		}
		return all
	}
	for end := from; end < len(text); end++ {
		for _, rest := range cuts(l, text, end+len(l.before[number+1]), number+1) {
			all = append(all, append([]string{text[from:end]}, rest...))
		}
	}
	return all
}
