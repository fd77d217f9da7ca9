package textfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestWriteMakesAndReplacesAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	for _, value := range []float64{1, 2} {
		if err := Write(t.Context(), path, registry(value)); err != nil {
			t.Fatal(err)
		}
		wantFile(t, path, text+fmt.Sprint(value)+"\n")
	}
	if err := Write(t.Context(), path, fennel.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "")
	wantNames(t, dir, "a.prom")
}

func TestWriteToARelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := Write(t.Context(), "a.prom", registry(1)); err != nil {
		t.Fatal(err)
	}
	wantFile(t, "a.prom", text+"1\n")
}

func TestWriteLetsEverybodyRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no permissions")
	}
	path := filepath.Join(t.TempDir(), "a.prom")
	write(t, path, "old") // with 0600
	for _, test := range []struct {
		opts []Option
		want fs.FileMode
	}{
		{nil, 0o644},
		{[]Option{Mode(0o666)}, 0o666}, // the umask would take 022 away
		{[]Option{Mode(0o640)}, 0o640},
		{[]Option{nil, Mode(0o600), Mode(0o644)}, 0o644},
	} {
		if err := Write(t.Context(), path, registry(1), test.opts...); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != test.want {
			t.Errorf("mode %v, %v; want %v", info.Mode(), err, test.want)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	tests := map[string]struct {
		path string
		g    fennel.Gatherer
		opts []Option
		want []string
	}{
		"no path":        {"", registry(1), nil, []string{"path is empty"}},
		"no gatherer":    {path, nil, nil, []string{"Gatherer is nil"}},
		"other name":     {filepath.Join(dir, "a.txt"), registry(1), nil, []string{"a.txt", ".prom", "node_exporter would not read it"}},
		"other case":     {filepath.Join(dir, "a.PROM"), registry(1), nil, []string{"a.PROM"}},
		"more than mode": {path, registry(1), []Option{Mode(fs.ModeSetuid | 0o644)}, []string{"Mode"}},
		"no TempDir":     {path, registry(1), []Option{TempDir("")}, []string{"TempDir"}},
		"a directory":    {dir, registry(1), []Option{AnyName()}, []string{dir, "is a directory"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantText(t, Write(t.Context(), test.path, test.g, test.opts...), append(test.want, "textfile: ")...)
		})
	}
	wantNames(t, dir)
}

func TestWriteWithAnyName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics")
	if err := Write(t.Context(), path, registry(1), AnyName()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, text+"1\n")
}

func TestWriteIntoAMissingDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	err := Write(t.Context(), filepath.Join(dir, "a.prom"), registry(1))
	wantText(t, err, filepath.Join(dir, "a.prom"), "the directory "+dir+" must exist")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	if strings.Contains(err.Error(), ".tmp") {
		t.Errorf("%v names the temporary file, which nobody knows", err)
	}
}

func TestWriteThroughATempDir(t *testing.T) {
	root := t.TempDir()
	dir, temp := filepath.Join(root, "metrics"), filepath.Join(root, "temp")
	for _, d := range []string{dir, temp} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "a.prom")
	reg := registry(1)
	register(reg, func(context.Context, *fennel.Writer) error {
		wantNames(t, dir) // while the temporary file is there
		return nil
	})
	if err := Write(t.Context(), path, reg, TempDir(temp)); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, text+"1\n")
	wantNames(t, temp)
	err := Write(t.Context(), path, reg, TempDir(filepath.Join(root, "missing")))
	wantText(t, err, path, "the directory "+filepath.Join(root, "missing")+" must exist")
	wantNames(t, dir, "a.prom")
}

// A link is replaced, so that it can't lead the write to another place.
func TestWriteReplacesALink(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "a.prom"), filepath.Join(dir, "other")
	write(t, other, "not to be touched")
	if err := os.Symlink(other, path); err != nil {
		t.Skipf("links need a privilege here, as on Windows: %v", err)
	}
	if err := Write(t.Context(), path, registry(1)); err != nil {
		t.Fatal(err)
	}
	wantFile(t, other, "not to be touched")
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the link is now %v, %v", info.Mode(), err)
	}
	wantFile(t, path, text+"1\n")
}

func TestWriteRefusesTimestamps(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	write(t, path, "old")
	reg := registry(1)
	register(reg, func(_ context.Context, w *fennel.Writer) error {
		g := w.Gauge("room_temperature_celsius", "Temperature.", fennel.LabelNames("room"))
		g.Write(20, "attic")
		g.At(time.Unix(1e9, 0)).Write(21, "cellar")
		return nil
	})
	wantText(t, Write(t.Context(), path, reg), path, `"room_temperature_celsius"`, "timestamp")
	wantFile(t, path, "old")
	wantNames(t, dir, "a.prom")
}

func TestWriteEscapesNames(t *testing.T) {
	reg := fennel.NewRegistry()
	fennel.NewGaugeVec[string]("backup.size", "", fennel.LabelNames("disk.name"), fennel.In(reg)).With("a").Set(1)
	path := filepath.Join(t.TempDir(), "a.prom")
	for escaping, want := range map[exposition.Escaping]string{
		exposition.EscapeUnderscores: "# TYPE backup_size gauge\nbackup_size{disk_name=\"a\"} 1\n",
		exposition.AllowUTF8:         "# TYPE \"backup.size\" gauge\n{\"backup.size\",\"disk.name\"=\"a\"} 1\n",
	} {
		if err := Write(t.Context(), path, reg, Escaping(escaping)); err != nil {
			t.Fatal(err)
		}
		wantFile(t, path, want)
	}
}

func TestWriteInPartIsWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	reg := registry(1)
	gone := errors.New("the disk is gone")
	register(reg, func(context.Context, *fennel.Writer) error { return gone })
	err := Write(t.Context(), path, reg)
	if !fennel.Partial(err) || !errors.Is(err, gone) {
		t.Errorf("the error is %v, want a partial one of the collector", err)
	}
	if got, _ := os.ReadFile(path); !strings.Contains(string(got), text+"1\n") {
		t.Errorf("written: %q", got)
	}
	wantNames(t, dir, "a.prom")
}

func TestWriteEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	write(t, path, "old")
	stop := errors.New("enough")
	before, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if err := Write(before, path, registry(1)); !errors.Is(err, stop) {
		t.Errorf("cancelled before: %v", err)
	}
	during, cancel := context.WithCancelCause(t.Context())
	reg := registry(1)
	register(reg, func(context.Context, *fennel.Writer) error { cancel(stop); return nil })
	err := Write(during, path, reg)
	if !errors.Is(err, context.Canceled) && !errors.Is(err, stop) {
		t.Errorf("cancelled meanwhile: %v", err)
	}
	wantText(t, err, path, "is as it was")
	late, cancelLate := context.WithCancelCause(t.Context())
	wantText(t, Write(late, path, ending{func() error { cancelLate(stop); return nil }}), "enough")
	wantFile(t, path, "old")
	wantNames(t, dir, "a.prom")
}

// ending is a Gatherer that has nothing and does something.
type ending struct{ do func() error }

func (e ending) Visit(context.Context, *sample.Request, sample.Visitor) error { return e.do() }

func TestWriteLeavesNothingBehindAfterAPanic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	write(t, path, "old")
	for name, do := range map[string]func() error{
		"panic":  func() error { panic("out of luck") },
		"goexit": func() error { runtime.Goexit(); return nil },
		"error":  func() error { return errors.New("no") },
	} {
		done := make(chan any)
		go func() {
			defer func() { done <- recover() }()
			_ = Write(t.Context(), path, ending{func() error {
				if names, err := filepath.Glob(filepath.Join(dir, ".a.prom.*.tmp")); len(names) != 1 || err != nil {
					t.Errorf("the temporary files are %q, %v", names, err)
				}
				return do()
			}})
		}()
		if got := <-done; (name == "panic") != (got == "out of luck") {
			t.Errorf("%s: recovered %v", name, got)
		}
		wantFile(t, path, "old")
		wantNames(t, dir, "a.prom")
	}
}

// Many write to one path, with texts of many pieces, and many read.
func TestManyWritersAreNeverTorn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	const series = 3000
	one := func(value float64) *fennel.Registry {
		reg := fennel.NewRegistry()
		vec := fennel.NewGaugeVec[int]("g", "", fennel.LabelNames("n"), fennel.In(reg))
		for n := range series {
			vec.With(n).Set(value)
		}
		return reg
	}
	if err := Write(t.Context(), path, one(0)); err != nil {
		t.Fatal(err)
	}
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for n := range 4 {
		reg := one(float64(n))
		writers.Go(func() {
			for range 25 {
				if err := Write(t.Context(), path, reg); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					checkWhole(t, path, series)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	wantNames(t, dir, "a.prom")
}

// checkWhole checks that all lines of a file are there, and have one value.
func checkWhole(t *testing.T, path string, series int) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	lines := strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")
	if len(lines) != series+1 || !strings.HasSuffix(string(got), "\n") {
		t.Errorf("%d lines, want %d", len(lines), series+1)
		return
	}
	_, first, _ := strings.Cut(lines[1], "} ")
	for _, line := range lines[1:] {
		if _, value, _ := strings.Cut(line, "} "); value != first {
			t.Errorf("the file begins with the value %s and has the line %q", first, line)
			return
		}
	}
}

func TestWriteRemovesWhatKilledProgramsLeft(t *testing.T) {
	dir := t.TempDir()
	old := []string{".a.prom.123.tmp", ".a.prom.9.tmp"}
	keep := []string{
		".a.prom..tmp", ".a.prom.12x.tmp", ".a.prom.x.prom.12.tmp", // of another path, if at all
		".a.prom.5.tmp",                           // still being written
		".b.prom.7.tmp", "a.prom.7.tmp", "b.prom", // not ours
	}
	for _, name := range append(old, keep...) {
		write(t, filepath.Join(dir, name), "x")
		if name != ".a.prom.5.tmp" {
			age(t, filepath.Join(dir, name), 2*time.Hour)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".a.prom.77.tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	age(t, filepath.Join(dir, ".a.prom.77.tmp"), 2*time.Hour)
	if err := Write(t.Context(), filepath.Join(dir, "a.prom"), registry(1)); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir, ".a.prom..tmp", ".a.prom.12x.tmp", ".a.prom.5.tmp", ".a.prom.77.tmp", ".a.prom.x.prom.12.tmp", ".b.prom.7.tmp",
		"a.prom", "a.prom.7.tmp", "b.prom")
}

func TestWriteToTheLongestName(t *testing.T) {
	dir := t.TempDir()
	for _, stem := range []string{strings.Repeat("x", 250), strings.Repeat("ü", 125), strings.Repeat("\xbf", 250)} {
		path := filepath.Join(dir, stem+".prom")
		if err := Write(t.Context(), path, registry(1)); err != nil {
			if f, osErr := os.Create(path); osErr == nil {
				f.Close()
				t.Errorf("the system could make the file, but %v", err)
			}
			continue
		}
		wantFile(t, path, text+"1\n")
	}
}
