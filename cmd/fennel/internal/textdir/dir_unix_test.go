//go:build unix

package textdir

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A pipe must not hold up the scrape until somebody writes into it.
func TestDirReadsNoPipes(t *testing.T) {
	dir := put(t, map[string]string{"a.prom": "a 1\n"})
	if err := syscall.Mkfifo(filepath.Join(string(dir), "b.prom"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(string(dir), "c.prom"), 0o700); err != nil {
		t.Fatal(err)
	}
	got, errs := lines(t, dir)
	want := []string{
		"a 1",
		`fennel_serve_file_error{file="a.prom"} 0`, `fennel_serve_file_error{file="b.prom"} 1`, `fennel_serve_file_error{file="c.prom"} 1`,
		`fennel_serve_file_mtime_seconds{file="a.prom"} 1700000000`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(errs) != 2 || !strings.Contains(errs[0].Error(), "b.prom is no regular file") {
		t.Errorf("errors: %q", errs)
	}
}

func TestDirFollowsLinks(t *testing.T) {
	other := put(t, map[string]string{"x.prom": "a 1\n"})
	dir := put(t, nil)
	if err := os.Symlink(filepath.Join(string(other), "x.prom"), filepath.Join(string(dir), "a.prom")); err != nil {
		t.Fatal(err)
	}
	got, errs := lines(t, dir)
	if len(errs) != 0 || !slices.Contains(got, "a 1") || !slices.Contains(got, `fennel_serve_file_error{file="a.prom"} 0`) {
		t.Errorf("got %q, %v", got, errs)
	}
}
