package promtext

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// parsed parses texts that are good, and names them a, b, c.
func parsed(t *testing.T, texts ...string) []*File {
	t.Helper()
	var files []*File
	for i, text := range texts {
		f, err := Parse(string(rune('a'+i)), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func TestJoin(t *testing.T) {
	const one = "# TYPE g gauge\ng{n=\"1\"} 1\n"
	tests := map[string]struct {
		texts []string
		want  string
		err   string
	}{
		"nothing": {nil, "", ""},
		"one family of two files": {
			[]string{"# HELP g First.\n# TYPE g gauge\ng{n=\"2\"} 2\n", "# HELP g Second.\n" + one},
			"# HELP g First.\n# TYPE g gauge\ng{n=\"1\"} 1\ng{n=\"2\"} 2\n", "",
		},
		"a help of the second": {
			[]string{one, "# HELP g Second.\n# TYPE g gauge\ng 2\n"},
			"# HELP g Second.\n# TYPE g gauge\ng 2\ng{n=\"1\"} 1\n", "",
		},
		"another type": {
			[]string{one, "# TYPE g counter\ng 2\nx 3\n", "y 4\n"},
			"# TYPE g gauge\ng{n=\"1\"} 1\n# TYPE x untyped\nx 3\n# TYPE y untyped\ny 4\n",
			`b:1: metric "g": it is of type counter here, and of type gauge in a`,
		},
		"a series twice": {
			[]string{one, "x 1\n" + one + "g{n=\"2\"} 2\n"}, "# TYPE g gauge\ng{n=\"1\"} 1\ng{n=\"2\"} 2\n# TYPE x untyped\nx 1\n",
			`b:3: metric "g": the series {n="1"} is in a:2, too`,
		},
		"other buckets": {
			[]string{
				"# TYPE h histogram\nh_bucket{n=\"1\",le=\"+Inf\"} 1\nh_sum{n=\"1\"} 1\nh_count{n=\"1\"} 1\n",
				"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
			},
			"# TYPE h histogram\nh_bucket{n=\"1\",le=\"+Inf\"} 1\nh_sum{n=\"1\"} 1\nh_count{n=\"1\"} 1\n",
			`it has the buckets [1] here, and [] in a`,
		},
		"other quantiles": {
			[]string{"# TYPE s summary\ns_sum 1\ns_count 1\n", "# TYPE s summary\ns{n=\"1\",quantile=\"1\"} 1\ns_sum{n=\"1\"} 1\ns_count{n=\"1\"} 1\n"},
			"# TYPE s summary\ns_sum 1\ns_count 1\n",
			`it has the quantiles [1] here, and [] in a`,
		},
		"a name of a part": {
			[]string{"s_sum 3\n", "# TYPE s summary\ns_sum 1\ns_count 1\n"},
			"# TYPE s_sum untyped\ns_sum 3\n", `b:1: metric "s": metric "s_sum" in a has samples of the same name, "s_sum"`,
		},
		"two that don't fit": {
			[]string{one, one, one}, one, "b:2: metric \"g\": the series {n=\"1\"} is in a:2, too\nc:2: ",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set, err := Join(parsed(t, test.texts...)...)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("%v is no *Error", err)
			}
			body, err := exposition.Bytes(t.Context(), set, asIs)
			if string(body) != test.want || err != nil {
				t.Errorf("got\n%s%v\nwant\n%s", body, err, test.want)
			}
		})
	}
}

func TestJoinDoesNotChangeFiles(t *testing.T) {
	files := parsed(t, "# TYPE g gauge\ng{n=\"2\"} 2\n", "# TYPE g gauge\ng{n=\"1\"} 1\n")
	both := render(t, files...)
	if got, want := render(t, files[0]), "# TYPE g gauge\ng{n=\"2\"} 2\n"; got != want {
		t.Errorf("the first file is now\n%s", got)
	}
	if got := render(t, files[1], files[0]); got != both {
		t.Errorf("in another order they are\n%s", got)
	}
}

// In OpenMetrics a counter a_total is called a, unless something else is.
func TestCountersBesideOthersInOpenMetrics(t *testing.T) {
	for text, want := range map[string]string{
		"# TYPE a_total counter\na_total 1\n":                                                        "# TYPE a counter\na_total 1\n# EOF\n",
		"# TYPE a_total counter\na_total 1\n# TYPE a gauge\na 2\n":                                   "# TYPE a gauge\na 2\n# TYPE a_total unknown\na_total 1\n# EOF\n",
		"# TYPE \"a.b_total\" counter\n{\"a.b_total\"} 1\n# TYPE a_b gauge\na_b 2\n":                 "# TYPE a_b_total unknown\na_b_total 1\n# TYPE a_b gauge\na_b 2\n# EOF\n",
		"# TYPE a_total counter\na_total 1\n# TYPE a_total_total counter\na_total_total{b=\"\"} 2\n": "# TYPE a counter\na_total 1\n# TYPE a_total_total unknown\na_total_total 2\n# EOF\n",
	} {
		set, err := Join(parsed(t, text)...)
		if err != nil {
			t.Fatal(err)
		}
		body, err := exposition.Bytes(t.Context(), set, exposition.Format{Syntax: exposition.OpenMetrics100})
		if string(body) != want || err != nil {
			t.Errorf("%s became\n%s%v, want\n%s", text, body, err, want)
		}
	}
}

func TestSetIsAGatherer(t *testing.T) {
	set, err := Join(parsed(t, "a 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# TYPE c_total counter\nc_total{n=\"1\"} 1\nc_total{n=\"2\"} 1\n")...)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 4 {
		t.Errorf("%d series, want 4", set.Len())
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for _, name := range []string{"h", "h_bucket", "h_count"} {
				families, err := fennel.Gather(t.Context(), fennel.Only(set, name))
				if err != nil || len(families) != 1 || families[0].Name != "h" {
					t.Errorf("%s gives %v, %v", name, families, err)
				}
			}
		})
	}
	readers.Wait()
	if families, _ := fennel.Gather(t.Context(), fennel.Only(set, "c")); len(families) != 1 {
		t.Errorf("c gives %v, want c_total", families)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fennel.Gather(ctx, set); !errors.Is(err, context.Canceled) {
		t.Errorf("without a context: %v", err)
	}
}

// Samples of one family may have other labels each, and other names to escape.
func TestMixedLabelsAreEscaped(t *testing.T) {
	set, err := Join(parsed(t, "a{c=\"1\"} 1\na{\"b.c\"=\"2\",d=\"3\"} 2\n")...)
	if err != nil {
		t.Fatal(err)
	}
	body, err := exposition.Bytes(t.Context(), set, exposition.Format{})
	if want := "# TYPE a untyped\na{b_c=\"2\",d=\"3\"} 2\na{c=\"1\"} 1\n"; string(body) != want || err != nil {
		t.Errorf("got\n%s%v, want\n%s", body, err, want)
	}
}
