package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun runs what needs no measuring: figures from a file, compared with those
// of another one, put into a page.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	quick := file("quick.txt", "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80\n")
	slow := file("slow.txt", "Lookup/serial/fennel ns/op 40\nLookup/serial/vm ns/op 80\n")
	bad := file("bad.txt", "Lookup/serial/fennel ns/op\n")
	for _, test := range []struct {
		name    string
		options options
		want    string // in the output
		wantErr string
	}{
		{"table", options{from: quick}, "| look up 3 labels and Inc, 1 goroutine | 20.0 ns |", ""},
		{"worse", options{from: slow, diff: true, file: quick}, "Rows: 1 worse", "rows worse than in "},
		{"better", options{from: quick, diff: true, file: slow}, "Rows: 0 worse, 1 better", ""},
		{"no figures", options{from: filepath.Join(dir, "none")}, "", "none"},
		{"nothing to compare with", options{from: quick, diff: true, file: filepath.Join(dir, "none")}, "", "none"},
		{"bad figures", options{from: bad}, "", "line 1"},
		{"record without measuring", options{from: quick, record: true, file: slow}, "", "-record can't be"},
		{"record of a quick run", options{quick: true, record: true, file: slow}, "", "-record can't be"},
		{"record of a part", options{only: "size", record: true, file: slow}, "", "-record can't be"},
		{"bad pattern", options{only: "("}, "", "missing closing )"},
	} {
		var b strings.Builder
		err := run(&test.options, &b)
		if test.wantErr == "" && err != nil || test.wantErr != "" && (err == nil || !strings.Contains(err.Error(), test.wantErr)) {
			t.Errorf("%s: the error is %v, want %q", test.name, err, test.wantErr)
		}
		if !strings.Contains(b.String(), test.want) {
			t.Errorf("%s: the output is\n%swithout %q", test.name, b.String(), test.want)
		}
	}

	p := page{file("page.md", begin+end), "full"}
	out := filepath.Join(dir, "table.md")
	if err := run(&options{from: quick, out: out, pages: []page{p}}, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{p.file, out} {
		if text, err := os.ReadFile(name); err != nil || !strings.Contains(string(text), "| 20.0 ns |") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}
