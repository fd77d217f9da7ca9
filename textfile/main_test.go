package textfile

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fennelmetrics/fennel"
)

func TestMain(m *testing.M) {
	if role := os.Getenv("FENNEL_TEXTFILE_TEST"); role != "" {
		child(role, os.Getenv("FENNEL_TEXTFILE_PATH"))
		return
	}
	goleak.VerifyTestMain(m)
}

// registry returns one gauge with this value.
func registry(value float64) *fennel.Registry {
	reg := fennel.NewRegistry()
	fennel.NewGauge("backup_size_bytes", "Size of the backup.", fennel.In(reg)).Set(value)
	return reg
}

const text = "# HELP backup_size_bytes Size of the backup.\n# TYPE backup_size_bytes gauge\nbackup_size_bytes "

// wantFile checks what is in a file.
func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", filepath.Base(path), got, err, want)
	}
}

// wantNames checks that a directory holds nothing else.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the directory holds %q, want %q", got, want)
	}
}

// wantText checks that err has all of these texts.
func wantText(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q has no %q", err, text)
		}
	}
}

// write puts an old file at path.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// register lets a function be a collector.
func register(reg *fennel.Registry, collect func(context.Context, *fennel.Writer) error) {
	reg.MustRegister(fennel.CollectorFunc(collect))
}

// age makes a file older.
func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}
