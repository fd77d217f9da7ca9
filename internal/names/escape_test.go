package names

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// escapeTest gives one name under the three schemes that change it.
type escapeTest struct {
	name                      string
	underscores, dots, values string
}

func (tt escapeTest) run(t *testing.T, kind string, escape func(Scheme, string) string) {
	t.Helper()
	want := map[Scheme]string{
		Underscores: tt.underscores,
		AllowUTF8:   tt.name,
		Dots:        tt.dots,
		Values:      tt.values,
		Values + 1:  tt.underscores,
		255:         tt.underscores,
	}
	for s, want := range want {
		if got := escape(s, tt.name); got != want {
			t.Errorf("Scheme(%d) %s.%s(%q) = %q, want %q", s, s, kind, tt.name, got, want)
		}
	}
}

// same is a name that no scheme changes.
func same(name string) escapeTest { return escapeTest{name, name, name, name} }

func TestMetric(t *testing.T) {
	tests := []escapeTest{
		// What prometheus/common gives. Under dots its EscapeName turns the two
		// legal names into no:escaping__required and U____x, but nobody sees
		// that: EscapeMetricFamily leaves legal names alone, and so do we.
		{"http.status:sum", "http_status:sum", "http_dot_status:sum", "U__http_2e_status:sum"},
		{"mix_1.2", "mix_1_2", "mix__1_dot_2", "U__mix__1_2e_2"},
		{"foo-bar", "foo_bar", "foo__bar", "U__foo_2d_bar"},
		{"0starts", "_starts", "__starts", "U___30_starts"},
		{"a..b", "a__b", "a_dot__dot_b", "U__a_2e__2e_b"},
		{"_a.b", "_a_b", "__a_dot_b", "U____a_2e_b"},
		{"花火", "__", "____", "U___82b1__706b_"},
		{"label with 😱", "label_with__", "label__with____", "U__label_20_with_20__1f631_"},
		same("no:escaping_required"),
		same("U__x"),
		same("foo_bar"),

		// What Python's client gives.
		{"http.server.requests", "http_server_requests", "http_dot_server_dot_requests", "U__http_2e_server_2e_requests"},
		{"🚀", "_", "__", "U___1f680_"},
		{"my metric", "my_metric", "my__metric", "U__my_20_metric"},
		{`a"b`, "a_b", "a__b", "U__a_22_b"},
		{`a\b`, "a_b", "a__b", "U__a_5c_b"},
		{"a\nb", "a_b", "a__b", "U__a_a_b"},
		{"a_b.c", "a_b_c", "a__b_dot_c", "U__a__b_2e_c"},
		{"a\x01b", "a_b", "a__b", "U__a_1_b"},
		{"a:b.c", "a:b_c", "a:b_dot_c", "U__a:b_2e_c"},
		{"a.1", "a_1", "a_dot_1", "U__a_2e_1"},
		same("__a__b_"),   // Python has ____a____b__ under dots
		same("U__a_2e_b"), // Python has U____a__2e__b under dots
		// The suffix is part of what is escaped.
		{"http.reqs_total", "http_reqs_total", "http_dot_reqs__total", "U__http_2e_reqs__total"},
		{"rpc.dur_bucket", "rpc_dur_bucket", "rpc_dot_dur__bucket", "U__rpc_2e_dur__bucket"},
		{"build.data_info", "build_data_info", "build_dot_data__info", "U__build_2e_data__info"},
		{"disk.io_bytes", "disk_io_bytes", "disk_dot_io__bytes", "U__disk_2e_io__bytes"},
		// Python's $ lets the newline through, raw; common escapes it.
		{"abc\n", "abc_", "abc__", "U__abc_a_"},

		// The edges.
		same(""),
		same("_"),
		same(":"),
		{".", "_", "_dot_", "U___2e_"},
		{"0", "_", "__", "U___30_"},
		{"00", "_0", "__0", "U___30_0"},
		{"_.", "__", "___dot_", "U_____2e_"},
		{"._", "__", "_dot___", "U___2e___"},
		{"é", "_", "__", "U___e9_"},
		{"\ufffd", "_", "__", "U___fffd_"},
		{"a\xffb", "a_b", "a__b", "U__a_fffd_b"},
		{"\xe8\x8a", "__", "____", "U___fffd__fffd_"},
		{"\U0010ffff", "_", "__", "U___10ffff_"},
		{"U__.", "U___", "U_____dot_", "U__U_____2e_"},
	}
	for _, tt := range tests {
		tt.run(t, "Metric", Scheme.Metric)
	}
}

func TestLabel(t *testing.T) {
	tests := []escapeTest{
		{"a.b", "a_b", "a_dot_b", "U__a_2e_b"},
		{"a-b", "a_b", "a__b", "U__a_2d_b"},
		{"9lives", "_lives", "__lives", "U___39_lives"},
		{"a b", "a_b", "a__b", "U__a_20_b"},
		{`a"b`, "a_b", "a__b", "U__a_22_b"},
		{"a\nb", "a_b", "a__b", "U__a_a_b"},
		{"é", "_", "__", "U___e9_"},
		{"日", "_", "__", "U___65e5_"},
		{"zone.id", "zone_id", "zone_dot_id", "U__zone_2e_id"},
		// Legal in a metric name, not in a label name.
		{"e:f", "e_f", "e__f", "U__e_3a_f"},
		{":", "_", "__", "U___3a_"},
		{"a:b.c", "a_b_c", "a__b_dot_c", "U__a_3a_b_2e_c"},
		same("_"),
		same("a_b"),
		same("__x"), // reserved, but that is for the declaration to say
		same(""),
	}
	for _, tt := range tests {
		tt.run(t, "Label", Scheme.Label)
	}
}

// A name too long for the buffer on the stack comes out as whole as a short one.
func TestEscapeLong(t *testing.T) {
	const n = 10_000
	name := strings.Repeat("é.", n)
	for s, want := range map[Scheme]string{
		Underscores: strings.Repeat("__", n),
		Dots:        strings.Repeat("___dot_", n),
		Values:      "U__" + strings.Repeat("_e9__2e_", n),
	} {
		if got := s.Metric(name); got != want {
			t.Errorf("%s: wrong result for a name of %d bytes", s, len(name))
		}
	}
}

func TestScheme(t *testing.T) {
	tests := map[Scheme]string{
		Underscores: "underscores",
		AllowUTF8:   "allow-utf-8",
		Dots:        "dots",
		Values:      "values",
	}
	for s, name := range tests {
		if got := s.String(); got != name {
			t.Errorf("Scheme(%d).String() = %q, want %q", s, got, name)
		}
		for _, in := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
			if got, ok := ParseScheme(in); got != s || !ok {
				t.Errorf("ParseScheme(%q) = %v, %v, want %v, true", in, got, ok, s)
			}
		}
	}
	if got := Scheme(200).String(); got != "underscores" {
		t.Errorf("Scheme(200).String() = %q, want underscores", got)
	}
	if got := Scheme(0); got != Underscores {
		t.Errorf("the zero Scheme is %v, want underscores", got)
	}
}

func TestParseSchemeRefuses(t *testing.T) {
	for _, in := range []string{"", "rot13", "dot", "dotss", " dots", "dots ", "allow-utf8", "allow_utf_8", "underscore\u017f"} {
		if got, ok := ParseScheme(in); got != Underscores || ok {
			t.Errorf("ParseScheme(%q) = %v, %v, want underscores, false", in, got, ok)
		}
	}
}

func TestAppendQuoted(t *testing.T) {
	tests := []struct{ name, want string }{
		{"", `""`},
		{"a", `"a"`},
		{"http.status", `"http.status"`},
		{`a"b`, `"a\"b"`},
		{`a\b`, `"a\\b"`},
		{"a\nb", `"a\nb"`},
		{"\"\\\n", `"\"\\\n"`},
		{`a\n`, `"a\\n"`},
		{"a\tb\r", "\"a\tb\r\""}, // only three are special
		{"花火", `"花火"`},
	}
	for _, tt := range tests {
		if got := string(AppendQuoted([]byte("x="), tt.name)); got != "x="+tt.want {
			t.Errorf("AppendQuoted(x=, %q) = %s, want x=%s", tt.name, got, tt.want)
		}
	}
	dst := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() { AppendQuoted(dst, "a\"b\\c\nd") }); n != 0 {
		t.Errorf("AppendQuoted into a buffer with room: %v allocations, want 0", n)
	}
}

func ExampleScheme_Metric() {
	for s := Underscores; s <= Values; s++ {
		fmt.Println(s, s.Metric("http.requests_total"))
	}
	// Output:
	// underscores http_requests_total
	// allow-utf-8 http.requests_total
	// dots http_dot_requests__total
	// values U__http_2e_requests__total
}

func BenchmarkMetric(b *testing.B) {
	for _, name := range []string{"http_requests_total", "http.requests_total"} {
		for s := Underscores; s <= Values; s++ {
			b.Run(fmt.Sprintf("%s/%s", name, s), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s.Metric(name)
				}
			})
		}
	}
}

func TestSpellings(t *testing.T) {
	got := Spellings("a_b", "a.b", "c")
	want := []string{"a_b", "a.b", "a_dot_b", "U__a_2e_b", "c"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
