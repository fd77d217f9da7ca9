package promtext

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// asIs is the format in which all that can be parsed can be written.
var asIs = exposition.Format{Escaping: exposition.AllowUTF8}

// rewrite parses a text and writes it again.
func rewrite(t *testing.T, text string) string {
	t.Helper()
	f, err := Parse("a.prom", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return render(t, f)
}

// render writes files as one.
func render(t *testing.T, files ...*File) string {
	t.Helper()
	set, err := Join(files...)
	if err != nil {
		t.Fatal(err)
	}
	body, err := exposition.Bytes(t.Context(), set, asIs)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestParseAccepts(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"nothing":  {"", ""},
		"no lines": {"\n\n  \n\t\n", ""},
		"comments": {"# a comment\n#HELP not really\n#\n# EOF\n# UNIT x seconds\n", ""},
		"metadata alone": {
			"# HELP a A.\n# TYPE a gauge\n# TYPE b counter\n", "",
		},
		"a bare number":   {"a 1\n", "# TYPE a untyped\na 1\n"},
		"blanks and tabs": {" \ta\t{ b = \"c\" , d=\"e\" ,\t}\t1 \t1000  \n", "# TYPE a untyped\na{b=\"c\",d=\"e\"} 1 1000\n"},
		"empty braces":    {"a{} 1\n", "# TYPE a untyped\na 1\n"},
		"an empty label":  {"a{b=\"\"} 1\n", "# TYPE a untyped\na 1\n"},
		"sorted labels":   {"a{c=\"1\",b=\"2\"} 1\n", "# TYPE a untyped\na{b=\"2\",c=\"1\"} 1\n"},
		"escapes":         {"# HELP a \\\\ \\n \"\na{b=\"\\\\\\\"\\n\"} 1\n", "# HELP a \\\\ \\n \"\n# TYPE a untyped\na{b=\"\\\\\\\"\\n\"} 1\n"},
		"quoted names":    {"# TYPE \"a.b\" gauge\n{\"a.b\",\"c.d\"=\"e\"} 1\n{f=\"g\",\"a.b\"} 2\n", "# TYPE \"a.b\" gauge\n{\"a.b\",\"c.d\"=\"e\"} 1\n{\"a.b\",f=\"g\"} 2\n"},
		"a quoted old name": {
			"{\"a\"} 1\n", "# TYPE a untyped\na 1\n",
		},
		"numbers": {
			"# TYPE a gauge\na{n=\"1\"} NaN\na{n=\"2\"} +Inf\na{n=\"3\"} -Inf\na{n=\"4\"} -0.5e-3\na{n=\"5\"} +1\na{n=\"6\"} .5\n",
			"# TYPE a gauge\na{n=\"1\"} NaN\na{n=\"2\"} +Inf\na{n=\"3\"} -Inf\na{n=\"4\"} -0.0005\na{n=\"5\"} 1\na{n=\"6\"} 0.5\n",
		},
		"large counters": {
			"# TYPE a counter\na 18446744073709551615\n# TYPE b counter\nb 1.8e+20\n",
			"# TYPE a counter\na 18446744073709551615\n# TYPE b counter\nb 1.8e+20\n",
		},
		"metadata in any order": {
			"# TYPE a gauge\n# HELP a A.\na 1\n", "# HELP a A.\n# TYPE a gauge\na 1\n",
		},
		"a help after samples": {
			"a 1\n# HELP a A.\n", "# HELP a A.\n# TYPE a untyped\na 1\n",
		},
		"families apart": {
			"b{n=\"2\"} 1\na 2\nb{n=\"1\"} 3\n", "# TYPE a untyped\na 2\n# TYPE b untyped\nb{n=\"1\"} 3\nb{n=\"2\"} 1\n",
		},
		"labels that differ": {
			"a{b=\"1\"} 1\na{c=\"1\"} 2\na 3\n", "# TYPE a untyped\na 3\na{b=\"1\"} 1\na{c=\"1\"} 2\n",
		},
		"a histogram in disorder": {
			"# TYPE h histogram\nh_count 3\nh_bucket{le=\"+Inf\"} 3\nh_bucket{le=\"5\"} 2.0\nh_sum 1.5\nh_bucket{le=\"1.0\"} 0\n",
			"# TYPE h histogram\nh_bucket{le=\"1\"} 0\nh_bucket{le=\"5\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 1.5\nh_count 3\n",
		},
		"two histograms": {
			"# TYPE h histogram\nh_bucket{a=\"1\",le=\"+Inf\"} 1\nh_bucket{le=\"+Inf\",a=\"2\"} 2\nh_sum{a=\"1\"} 1\nh_sum{a=\"2\"} 2\nh_count{a=\"1\"} 1\nh_count{a=\"2\"} 2\n",
			"# TYPE h histogram\nh_bucket{a=\"1\",le=\"+Inf\"} 1\nh_sum{a=\"1\"} 1\nh_count{a=\"1\"} 1\nh_bucket{a=\"2\",le=\"+Inf\"} 2\nh_sum{a=\"2\"} 2\nh_count{a=\"2\"} 2\n",
		},
		"a summary": {
			"# TYPE s summary\ns{quantile=\"0.9\"} NaN\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 3\n",
			"# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.9\"} NaN\ns_sum 2\ns_count 3\n",
		},
		"timestamps of a histogram": {
			"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3 7\nh_sum 1.5 7\nh_count 3 7\n",
			"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3 7\nh_sum 1.5 7\nh_count 3 7\n",
		},
		"names like parts": {
			"a_count 1\nb_sum 2\nc_bucket 3\n", "# TYPE a_count untyped\na_count 1\n# TYPE b_sum untyped\nb_sum 2\n# TYPE c_bucket untyped\nc_bucket 3\n",
		},
		"what Python's client writes": {
			"# TYPE a_total counter\na_total 1\n# TYPE a_created gauge\na_created 1.7e+09\n",
			"# TYPE a_created gauge\na_created 1700000000\n# TYPE a_total counter\na_total 1\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := rewrite(t, test.text); got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
			if got := rewrite(t, test.want); got != test.want {
				t.Errorf("once more it is\n%s", got)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const bucket = "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\n"
	tests := map[string]struct{ text, want string }{
		"half a line":              {"a 1\nb", "a.prom:2: the last line has no line feed"},
		"CR LF":                    {"a 1\nb 2\r\n", "a.prom:2: the line ends in CR LF"},
		"a byte order mark":        {"\uFEFFa 1\n", "a.prom:1: it begins with a byte order mark"},
		"no UTF-8":                 {"a 1\n# \uFFFD\nb{c=\"\xff\"} 1\n", "a.prom:3: it is not UTF-8"},
		"no value":                 {"a\n", "a.prom:1: the value is missing"},
		"no value after labels":    {"a{b=\"c\"}\n", "the value is missing"},
		"no number":                {"a b\n", `"b" is no number`},
		"hexadecimal":              {"a 0x10\n", `"0x10" is no number`},
		"underscores":              {"a 1_000\n", "is no number"},
		"too large":                {"a 1e999\n", "is no number"},
		"no timestamp":             {"a 1 x\n", `"x" is no timestamp`},
		"a timestamp in seconds":   {"a 1 1.5\n", "no timestamp"},
		"a negative timestamp":     {"a 1 -5\n", "not between 1970 and 2262"},
		"a far timestamp":          {"a 1 9300000000000\n", "not between 1970 and 2262"},
		"more":                     {"a 1 2 3\n", `more behind the timestamp: "3"`},
		"an exemplar":              {"a 1 # {b=\"c\"} 1\n", "no timestamp"},
		"a dotted name":            {"a.b 1\n", `"a.b" only in quotes`},
		"quoted outside":           {"\"a.b\" 1\n", "name of a metric is missing"},
		"only a value":             {"{} 1\n", "no name"},
		"an empty name":            {"{\"\"} 1\n", "name of the metric is empty"},
		"two names":                {"a{\"b\"} 1\n", `two names, "a" and "b"`},
		"no closing brace":         {"a{b=\"c\" 1\n", `missing before "1"`},
		"no closing quote":         {"a{b=\"c} 1\n", "a closing quote is missing"},
		"no quotes":                {"a{b=c} 1\n", "text in quotes is missing"},
		"no label value":           {"a{b} 1\n", `label "b" has no value`},
		"no label name":            {"a{=\"b\"} 1\n", "name of a label is missing"},
		"two commas":               {"a{b=\"c\",,d=\"e\"} 1\n", "name of a label is missing"},
		"a dotted label":           {"a{b.c=\"d\"} 1\n", `"b.c" only in quotes`},
		"a reserved label":         {"a{__name__=\"b\"} 1\n", "reserved"},
		"a label twice":            {"a{b=\"1\",c=\"\",b=\"2\"} 1\n", `"b" is there twice`},
		"no blank":                 {"a\"b\" 1\n", "a blank is missing"},
		"no such escape":           {"a{b=\"\\t\"} 1\n", `no escape \t`},
		"a backslash at the end":   {"# HELP a b\\\n", "a backslash ends the line"},
		"a series twice":           {"a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\",d=\"\"} 1\n", "a.prom:2: metric \"a\": the series is there already, in line 1"},
		"a series at two times":    {"a 1 1\na 1 2\n", "another timestamp in line 1"},
		"no such type":             {"# TYPE a info\n", `there is no type "info"`},
		"no type":                  {"# TYPE a\n", `no type ""`},
		"no name to a type":        {"# TYPE\n", "name of a metric is missing"},
		"two types":                {"# TYPE a gauge\n# TYPE a gauge\n", "has a type already"},
		"a type too late":          {"a 1\n# TYPE a gauge\n", "a.prom:2: metric \"a\": the type must come before the samples"},
		"two helps":                {"# HELP a b\n# HELP a b\n", "has a help already"},
		"a negative counter":       {"# TYPE a counter\na -1\n", "a counter can't be -1"},
		"a counter of nothing":     {"# TYPE a counter\na NaN\n", "a counter can't be NaN"},
		"no +Inf":                  {"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n", `a.prom:2: metric "h": the bucket with le="+Inf" is missing`},
		"no buckets":               {"# TYPE h histogram\nh_sum 1\nh_count 1\n", `le="+Inf" is missing`},
		"no sum":                   {bucket + "h_count 3\n", "h_sum is missing"},
		"no count":                 {bucket + "h_sum 3\n", "h_count is missing"},
		"another count":            {bucket + "h_sum 3\nh_count 4\n", `h_count is 4, but the bucket with le="+Inf" holds 3`},
		"two counts":               {bucket + "h_sum 3\nh_count 3\nh_count 3\n", "there already"},
		"two sums":                 {bucket + "h_sum 3\nh_sum 3\n", "there already"},
		"a bucket twice":           {bucket + "h_bucket{le=\"Inf\"} 3\nh_sum 1\nh_count 3\n", "the bucket or quantile +Inf is there twice"},
		"no le":                    {"# TYPE h histogram\nh_bucket 3\n", `the label "le" is missing`},
		"le no number":             {"# TYPE h histogram\nh_bucket{le=\"x\"} 3\n", `the label "le" must be a number`},
		"le NaN":                   {"# TYPE h histogram\nh_bucket{le=\"NaN\"} 3\n", `the label "le" must be a number`},
		"le at the sum":            {"# TYPE h histogram\nh_sum{le=\"1\"} 3\n", "does not belong here"},
		"a histogram's own name":   {"# TYPE h histogram\nh 3\n", "a histogram has no such sample"},
		"falling buckets":          {"# TYPE h histogram\nh_bucket{le=\"1\"} 4\n" + bucket[19:] + "h_sum 1\nh_count 3\n", "buckets are cumulative"},
		"half an observation":      {"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 0.5\nh_sum 1\nh_count 1\n", "can't hold 0.5"},
		"a negative count":         {bucket + "h_count -3\n", "a count can't be -3"},
		"other buckets":            {bucket + "h_sum 1\nh_count 3\nh_bucket{a=\"b\",le=\"1\"} 1\nh_bucket{a=\"b\",le=\"+Inf\"} 1\nh_sum{a=\"b\"} 1\nh_count{a=\"b\"} 1\n", "a.prom:5: metric \"h\": the series has the buckets [1], and the one in line 2 has []"},
		"times within a histogram": {bucket + "h_sum 3 5\n", "another timestamp"},
		"a quantile above 1":       {"# TYPE s summary\ns{quantile=\"2\"} 1\ns_sum 1\ns_count 1\n", "the quantile 2 is not in [0,1]"},
		"a summary without any":    {"# TYPE s summary\ns 1\n", `the label "quantile" is missing`},
		"other quantiles":          {"# TYPE s summary\ns_sum 1\ns_count 1\ns{a=\"b\",quantile=\"1\"} 1\ns_sum{a=\"b\"} 1\ns_count{a=\"b\"} 1\n", "quantiles"},
		"a name of a part":         {"# TYPE h_count gauge\nh_count 1\n" + "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\nh_sum 3\nh_count{a=\"b\"} 3\n", "is missing"},
		"samples of two families":  {"h_count 1\n# TYPE h summary\nh_sum{a=\"b\"} 1\nh_count{a=\"b\"} 1\n", `has samples of the same name, "h_count"`},
		"names escaped alike":      {"a_b 1\n{\"a.b\"} 1\n", `has samples of the same name, "a_b"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("a.prom", []byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v; want %q", f, err, test.want)
			}
			var e *Error
			if !errors.As(err, &e) || e.File != "a.prom" {
				t.Errorf("%#v has no place", err)
			}
		})
	}
}

// What this library writes can be read, and is the same when it is written again.
func TestParseReadsWhatExpositionWrites(t *testing.T) {
	reg := fennel.NewRegistry()
	in := fennel.In(reg)
	fennel.NewCounterVec[[2]string]("a_total", "A \\ and\nmore.", fennel.LabelNames("x", "y.z"), in).With([2]string{"\\\"\n", "ü"}).AddUint(1 << 60)
	fennel.NewGauge("a", "Beside the counter.", in).Set(-0.1)
	fennel.NewHistogramVec[string]("h.seconds", "H.", fennel.LabelNames("k"), in).With("v").Observe(0.3)
	fennel.NewSummary("s", "S.", in, fennel.Quantiles(0.5, 0.99)).Observe(2)
	fennel.NewStateSet("phase", "P.", []string{"off", "on"}, in).Set("on")
	fennel.NewUnknown("u", "", in).Set(1)
	want, err := exposition.Bytes(t.Context(), reg, asIs)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("a.prom", want)
	if err != nil {
		t.Fatal(err)
	}
	if got := render(t, f); got != string(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestValue(t *testing.T) {
	f, err := Parse("a.prom", []byte("# TYPE c counter\nc 7\ng{a=\"b\"} 1.5\ntwo{a=\"1\"} 1\ntwo{a=\"2\"} 1\n# TYPE s summary\ns_sum 1\ns_count 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"c": 7, "g": 1.5, "two": -1, "s": -1, "s_sum": -1, "none": -1} {
		got, ok := f.Value(name)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("# HELP a A \\\\ \\n.\n# TYPE a counter\na{b=\"c\\\"\\n\",\"d.e\"=\"\"} 1 1000\n{\"x.y\",z=\"\"} NaN\n"))
	f.Add([]byte("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 1.5e3\nh_count 3\n"))
	f.Add([]byte("# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\na_total 1\n# TYPE a_total counter\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := Parse("a.prom", text)
		if err != nil {
			return
		}
		once := render(t, first)
		second, err := Parse("a.prom", []byte(once))
		if err != nil {
			t.Fatalf("%q became %q: %v", text, once, err)
		}
		if twice := render(t, second); twice != once {
			t.Fatalf("%q became %q and then %q", text, once, twice)
		}
		set, _ := Join(first)
		for _, syntax := range []exposition.Syntax{exposition.OpenMetrics100, exposition.OpenMetrics200, exposition.Protobuf} {
			if _, err := exposition.Bytes(t.Context(), set, exposition.Format{Syntax: syntax}); err != nil {
				t.Fatal(err)
			}
		}
		if bytes.Count(text, []byte("\n")) > 0 && set.Len() > len(text) {
			t.Fatal("more series than bytes")
		}
	})
}
