package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPages makes sure that the tables in the pages are those of what is recorded.
func TestPages(t *testing.T) {
	r, err := readRecordFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []page{{"../README.md", "short"}, {"../docs/performance.md", "full"}} {
		text, err := os.ReadFile(p.file)
		if err != nil {
			t.Fatal(err)
		}
		_, got, _, err := splitPage(string(text))
		if err != nil {
			t.Errorf("%s: %v", p.file, err)
		} else if got != p.content(r) {
			t.Errorf("the table in %s is not that of %s: go run . -from %s -into %s=%s", p.file, recorded, recorded, p.file, p.table)
		}
	}
}

func TestUpdatePage(t *testing.T) {
	r := &record{date: "2026-01-02", command: "go run .", results: parsed(printed)}
	for _, test := range []struct{ name, text, wantErr string }{
		{"first", "# A\n\n" + begin + end + "\nB\n", ""},
		{"once more", "# A\n\n" + begin + "| old |\n" + end + "\nB\n", ""},
		{"no lines", "# A\n", "there must be one line"},
		{"two tables", begin + end + begin + end, "there must be one line"},
		{"upside down", end + begin, "stands above"},
	} {
		p := page{filepath.Join(t.TempDir(), "page.md"), "short"}
		if err := os.WriteFile(p.file, []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := p.update(r)
		text, _ := os.ReadFile(p.file)
		if test.wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("%s: the error is %v, want one with %q", test.name, err, test.wantErr)
			}
			if string(text) != test.text {
				t.Errorf("%s: the page is now %q", test.name, text)
			}
			continue
		}
		want := "# A\n\n" + begin + p.content(r) + end + "\nB\n"
		if err != nil || string(text) != want {
			t.Errorf("%s: error %v, the page is\n%s\nwant\n%s", test.name, err, text, want)
		}
	}
}

func TestParsePage(t *testing.T) {
	for _, test := range []struct {
		flag string
		want page
		ok   bool
	}{
		{"../README.md=short", page{"../README.md", "short"}, true},
		{"x=full", page{"x", "full"}, true},
		{"x", page{}, false},
		{"x=long", page{}, false},
		{"=full", page{}, false},
		{"", page{}, false},
	} {
		if got, err := parsePage(test.flag); got != test.want || (err == nil) != test.ok {
			t.Errorf("parsePage(%q) = %v, %v, want %v", test.flag, got, err, test.want)
		}
	}
}
