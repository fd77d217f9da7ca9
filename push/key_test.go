package push

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestGroupPath(t *testing.T) {
	tests := []struct {
		job  string
		key  []label
		want string
	}{
		{"backup", nil, "/metrics/job/backup"},
		{"a/b", nil, "/metrics/job@base64/YS9i"},
		{"..", nil, "/metrics/job@base64/Li4="},
		{".", nil, "/metrics/job@base64/Lg=="},
		{"...", nil, "/metrics/job/..."},
		{" ", nil, "/metrics/job@base64/IA=="},
		{"j", []label{{"a", ""}, {"b", "x/y"}, {"c", "p+q"}}, "/metrics/job/j/a@base64/=/b@base64/eC95/c@base64/cCtx"},
		{"j", []label{{"a", "%2F"}, {"b", "ÿ>?~"}}, "/metrics/job/j/a@base64/JTJG/b@base64/w78-P34="},
		{"j", []label{{"http.host", "h"}, {"花火", "x y"}, {"@base64", ""}},
			"/metrics/job/j/U__http_2e_host/h/U___82b1__706b_@base64/eCB5/U___40_base64@base64/="},
	}
	for _, tt := range tests {
		if got, err := groupPath(tt.job, tt.key); err != nil || got != tt.want {
			t.Errorf("groupPath(%q, %v) = %q, %v, want %q", tt.job, tt.key, got, err, tt.want)
		}
	}
}

func TestGroupingOrder(t *testing.T) {
	a := must(t, "pg", "j", Grouping("zone", "z"), Grouping("app", "a"), Grouping("Inst", "i"))
	b := must(t, "pg", "j", Grouping("Inst", "i"), Grouping("zone", "z"), Grouping("app", "a"))
	want := "http://pg/metrics/job/j/Inst/i/app/a/zone/z"
	if a.String() != want || b.String() != want {
		t.Errorf("groups are %s and %s, want %s", a, b, want)
	}
}

func TestGroupingRefused(t *testing.T) {
	tests := map[string]struct {
		opts []Option
		job  string
		want string
	}{
		"no name":       {[]Option{Grouping("", "x")}, "j", "has no name"},
		"job":           {[]Option{Grouping("job", "x")}, "j", "an argument of New"},
		"reserved":      {[]Option{Grouping("__name__", "x")}, "j", "reserved"},
		"escaped":       {[]Option{Grouping("U__a_2e_b", "x")}, "j", "looks like an escaped name"},
		"name no UTF-8": {[]Option{Grouping("a\xff", "x")}, "j", "name that is not UTF-8"},
		"value":         {[]Option{Grouping("a", "\xff")}, "j", "value that is not UTF-8"},
		"twice":         {[]Option{Grouping("a", "x"), Grouping("b", "x"), Grouping("a", "y")}, "j", `"a" is given twice`},
		"no job":        {nil, "", "job is empty"},
		"job no UTF-8":  {nil, "\xff", "not UTF-8"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New("pg", tt.job, tt.opts...)
			wantText(t, err, "push: ", tt.want)
		})
	}
}

// A real request, with all that net/http does to a URL.
func TestKeyArrives(t *testing.T) {
	values := []string{"", " ", "/", "//", ".", "..", "a/../b", "+", "%2F", "%", "?", "#", "&=;", `\`, `"`, "\x00\n\t",
		"@base64", "=", "==", "ü", "日本", "🚀", "-_.~", "a b", strings.Repeat("long/", 400)}
	srv := startGateway(t, nil)
	for _, v := range values {
		job := v
		if job == "" {
			job = "j"
		}
		g := must(t, srv.URL+"/pre%2Ffix/", job, Grouping("a", v), Grouping("b", "x"))
		if err := g.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := srv.requests(t)
		last := got[len(got)-1]
		key, err := keyOf(last.Path)
		if want := []label{{"job", job}, {"a", v}, {"b", "x"}}; err != nil || !slices.Equal(key, want) {
			t.Errorf("%s: a gateway reads %q, %v, want %q", last.Path, key, err, want)
		}
		if !strings.HasPrefix(last.Path, "/pre%2Ffix/metrics/job") || last.Method != http.MethodDelete {
			t.Errorf("%s %s: the prefix is lost", last.Method, last.Path)
		}
	}
}

func FuzzKey(f *testing.F) {
	f.Add("j", "instance", "10.0.0.1:80")
	f.Add("a/b", "http.host", "..")
	f.Fuzz(func(t *testing.T, job, name, value string) {
		g, err := New("pg/x?y=z", job, Grouping(name, value))
		if err != nil {
			ok := utf8.ValidString(job) && utf8.ValidString(name) && utf8.ValidString(value) && job != "" && name != "" && name != "job"
			if ok && !strings.HasPrefix(name, "__") && !strings.HasPrefix(name, "U__") {
				t.Errorf("refused: %v", err)
			}
			return
		}
		key, err := keyOf(g.url.EscapedPath())
		if err != nil {
			t.Fatal(err)
		}
		if len(key) != 2 || key[0] != (label{"job", job}) || key[1].value != value {
			t.Errorf("job %q, %s=%q arrives as %q", job, name, value, key)
		}
	})
}

func TestCallersKeyIsNotKept(t *testing.T) {
	opts := []Option{Grouping("b", "1"), Grouping("a", "2")}
	for range 2 { // options can be used again
		if g := must(t, "pg", "j", opts...); g.String() != "http://pg/metrics/job/j/a/2/b/1" {
			t.Error(g)
		}
	}
}
