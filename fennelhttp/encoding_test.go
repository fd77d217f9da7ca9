package fennelhttp

import (
	"strings"
	"testing"
)

// acceptsGzip reports whether a client gets gzip where there is nothing else.
func acceptsGzip(lines []string) bool { return choose([]*coding{{name: "gzip"}}, lines) != nil }

func TestAcceptsGzip(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		want  bool
	}{
		{"no header", nil, false},
		{"empty header", []string{""}, false},
		{"gzip", []string{"gzip"}, true},
		{"what Prometheus sends", []string{"gzip"}, true},
		{"what a browser sends", []string{"gzip, deflate, br, zstd"}, true},
		{"upper case", []string{"GZIP"}, true},
		{"the old name", []string{"x-gzip"}, true},
		{"a name that only contains it", []string{"gzipped, agzip"}, false},
		{"other codings only", []string{"br, deflate"}, false},
		{"refused", []string{"gzip;q=0"}, false},
		{"refused in full", []string{"gzip;q=0.000"}, false},
		{"refused with blanks", []string{"gzip ;\tQ = 0"}, false},
		{"refused, others welcome", []string{"gzip;q=0, *"}, false},
		{"refused by its old name, taken by the new", []string{"x-gzip;q=0, gzip"}, true},
		{"anything", []string{"*"}, true},
		{"nothing but identity", []string{"identity"}, false},
		{"everything refused", []string{"*;q=0"}, false},
		{"everything else refused", []string{"gzip, *;q=0"}, true},
		{"small q", []string{"gzip;q=0.001"}, true},
		{"tiny q", []string{"gzip;q=0.0001"}, true},
		{"identity preferred", []string{"identity, gzip;q=0.5"}, false},
		{"gzip preferred", []string{"identity;q=0.5, gzip"}, true},
		{"equal", []string{"identity;q=0.5, gzip;q=0.5"}, true},
		{"identity preferred to the rest", []string{"identity, *;q=0.5"}, false},
		{"the rest preferred to gzip", []string{"gzip;q=0.5, *"}, false},
		{"identity refused", []string{"identity;q=0"}, true},
		{"identity refused, gzip last", []string{"identity;q=0, gzip;q=0.001, br"}, true},
		{"identity and gzip refused", []string{"identity;q=0, gzip;q=0"}, false},
		{"identity and all else refused", []string{"identity;q=0, *;q=0"}, false},
		{"several lines", []string{"br", "identity;q=0.1, gzip;q=0.2"}, true},
		{"refusal on another line", []string{"*", "gzip;q=0"}, false},
		{"empty clauses", []string{",, gzip ,"}, true},
		{"malformed clause before", []string{`;;q=, a b, "gzip", =, gzip`}, true},
		{"malformed clause only", []string{`gzip gzip`}, false},
		{"malformed q is last", []string{"gzip;q=x, identity;q=0.001"}, false},
		{"malformed q is not none", []string{"gzip;q=x"}, true},
		{"q above 1 is last", []string{"gzip;q=2, identity;q=0.001"}, false},
		{"q just above 1", []string{"gzip;q=1.001, identity;q=0.001"}, false},
		{"q of 1 with noughts", []string{"gzip;q=1.000, identity;q=0.999"}, true},
		{"q without digit before the point", []string{"gzip;q=.2, identity;q=.1"}, true},
		{"negative q", []string{"gzip;q=-1"}, true},
		{"other parameters", []string{"gzip;level=9;q=0"}, false},
		{"parameter without a value", []string{"gzip;q"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := acceptsGzip(test.lines); got != test.want {
				t.Errorf("acceptsGzip(%q) = %v, want %v", test.lines, got, test.want)
			}
		})
	}
}

// offered are codings under these names.
func offered(names ...string) (list []*coding) {
	for _, name := range names {
		list = append(list, &coding{name: name})
	}
	return list
}

// nameOf returns the name of a choice.
func nameOf(c *coding) string {
	if c == nil {
		return "identity"
	}
	return c.name
}

func TestChooseCoding(t *testing.T) {
	const zstd, gzip, identity = "zstd", "gzip", "identity"
	for _, test := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"no header", nil, identity},
		{"empty header", []string{""}, identity},
		{"what Prometheus sends", []string{"gzip"}, gzip},
		{"what a browser sends", []string{"gzip, deflate, br, zstd"}, zstd},
		{"what a browser sends, by lines", []string{"gzip, deflate", "br", "zstd"}, zstd},
		{"zstd alone", []string{"zstd"}, zstd},
		{"upper case", []string{"ZSTD"}, zstd},
		{"anything", []string{"*"}, zstd},
		{"anything but zstd", []string{"zstd;q=0, *"}, gzip},
		{"anything but both", []string{"zstd;q=0, gzip;q=0, *"}, identity},
		{"gzip preferred", []string{"zstd;q=0.8, gzip"}, gzip},
		{"gzip preferred by a hair", []string{"zstd;q=0.8, gzip;q=0.801"}, gzip},
		{"zstd preferred", []string{"zstd, gzip;q=0.8"}, zstd},
		{"equal", []string{"gzip;q=0.5, zstd;q=0.5"}, zstd},
		{"equal to identity", []string{"gzip;q=0.5, zstd;q=0.5, identity;q=0.5"}, zstd},
		{"gzip equal to identity", []string{"gzip;q=0.5, zstd;q=0.4, identity;q=0.5"}, gzip},
		{"identity preferred", []string{"gzip;q=0.5, zstd;q=0.4, identity;q=0.6"}, identity},
		{"the rest preferred to zstd", []string{"zstd;q=0.5, *"}, gzip},
		{"the rest preferred to gzip", []string{"gzip;q=0.5, *"}, zstd},
		{"the rest preferred to both", []string{"gzip;q=0.5, zstd;q=0.5, *"}, identity},
		{"the old name of gzip", []string{"x-gzip, zstd;q=0.5"}, gzip},
		{"no old name of zstd", []string{"x-zstd, gzip;q=0.1"}, gzip},
		{"malformed q is last", []string{"zstd;q=x, gzip;q=0.001"}, gzip},
		{"zstd refused", []string{"zstd;q=0"}, identity},
		{"everything refused", []string{"*;q=0"}, identity},
		{"everything else refused", []string{"zstd, *;q=0"}, zstd},
		// Who wants no identity and names nothing else gets what is most common.
		{"identity refused", []string{"identity;q=0"}, gzip},
		{"identity and gzip refused", []string{"identity;q=0, gzip;q=0"}, zstd},
		{"identity refused, zstd named", []string{"identity;q=0, zstd;q=0.001"}, zstd},
		{"identity refused, gzip named", []string{"identity;q=0, gzip;q=0.001"}, gzip},
		{"identity refused, the rest named", []string{"identity;q=0, *;q=0.001"}, zstd},
		{"all three refused", []string{"identity;q=0, gzip;q=0, zstd;q=0"}, identity},
		{"all refused", []string{"identity;q=0, *;q=0"}, identity},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := nameOf(choose(offered(zstd, gzip), test.lines)); got != test.want {
				t.Errorf("%q is answered in %s, want %s", test.lines, got, test.want)
			}
		})
	}
	if got := nameOf(choose(nil, []string{"gzip, identity;q=0"})); got != identity {
		t.Errorf("without codings on offer the answer is in %s", got)
	}
	if got := nameOf(choose(offered("br"), []string{"gzip, br;q=0.1"})); got != "br" {
		t.Errorf("with br on offer alone the answer is in %s", got)
	}
}

func TestChooseDoesNotAllocate(t *testing.T) {
	codings, lines := offered("zstd", "gzip"), []string{"gzip;q=0.5, deflate", "*;q=0.1"}
	if n := testing.AllocsPerRun(100, func() { choose(codings, lines) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// FuzzAcceptsGzip checks what holds for all headers: that the split into lines
// doesn't matter, nor case, nor white space around clauses, and that a refusal
// in front of all is heeded where nothing else is said about gzip. And of two
// codings one is chosen that would be chosen alone, or none if neither would be.
func FuzzAcceptsGzip(f *testing.F) {
	for _, s := range []string{"", "gzip", "gzip;q=0", "*", "identity;q=0,*;q=.5", "x-gzip;q=1.000;x=y", ";,q=;;=", "gzip;q=0.0001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := acceptsGzip([]string{s})
		for what, lines := range map[string][]string{
			"a line for each clause":     strings.Split(s, ","),
			"blanks around clauses":      {" " + strings.ReplaceAll(s, ",", " ,\t") + "\t"},
			"an empty clause at the end": {s + ","},
			"an empty line":              {s, ""},
			"a coding that is unknown":   {s, "unheard-of;q=0.7"},
		} {
			if got := acceptsGzip(lines); got != want {
				t.Errorf("%q: %v, with %s %v", s, want, what, got)
			}
		}
		ascii := strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' {
				return r - 'a' + 'A'
			}
			return r
		}, s)
		if got := acceptsGzip([]string{ascii}); got != want && strings.ToValidUTF8(s, "") == s {
			t.Errorf("%q: %v, in upper case %v", s, want, got)
		}
		both := nameOf(choose(offered("zstd", "gzip"), []string{s}))
		zstd, gzip := nameOf(choose(offered("zstd"), []string{s})), nameOf(choose(offered("gzip"), []string{s}))
		if both != zstd && both != gzip || both == "identity" && zstd != gzip {
			t.Errorf("%q: %s of both, %s and %s of each alone", s, both, zstd, gzip)
		}
		if !strings.Contains(strings.ToLower(s), "gzip") && acceptsGzip([]string{"gzip;q=0," + s}) {
			t.Errorf("gzip;q=0,%s: gzip was refused", s)
		}
	})
}
