package promtext

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// endless is a text without an end.
type endless struct{ line []byte }

func (e endless) Read(p []byte) (int, error) {
	n := copy(p, e.line)
	for n < len(p) {
		n += copy(p[n:], p[:n])
	}
	return n, nil
}

func TestReadEndsWhereNoMetricsWould(t *testing.T) {
	if _, err := Read("x", endless{[]byte("a 1\n")}); err == nil || !strings.Contains(err.Error(), "x: it is larger than 64 MiB") {
		t.Errorf("an endless text: %v", err)
	}
	comment := append(bytes.Repeat([]byte("#"), maxSize-1), '\n')
	if _, err := Read("x", bytes.NewReader(comment)); err != nil {
		t.Errorf("the largest text: %v", err)
	}
	if _, err := Read("x", io.MultiReader(strings.NewReader("#"), bytes.NewReader(comment))); err == nil {
		t.Error("a larger text is taken")
	}
}

func TestReadTellsWhatTheReaderSays(t *testing.T) {
	if _, err := Read("x", io.MultiReader(strings.NewReader("a 1\n"), broken{})); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.prom")
	if err := os.WriteFile(path, []byte("a 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, mtime, err := ReadFile(path)
	if err != nil || mtime.IsZero() {
		t.Fatalf("time %v, error %v", mtime, err)
	}
	if v, ok := f.Value("a"); v != 1 || !ok {
		t.Errorf("a is %v, %v", v, ok)
	}
	if _, _, err := ReadFile(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, _, err := ReadFile(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a directory: %v", err)
	}
}
