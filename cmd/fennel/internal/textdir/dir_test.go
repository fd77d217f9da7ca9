package textdir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/cmd/fennel/internal/promtext"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/textfile"
)

var written = time.Unix(1_700_000_000, 0)

// put writes files into a new directory.
func put(t *testing.T, texts map[string]string) Dir {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	return Dir(dir)
}

// lines returns the samples of a directory, and what is wrong with its files.
func lines(t *testing.T, g fennel.Gatherer) ([]string, []error) {
	t.Helper()
	body, err := exposition.Bytes(t.Context(), g, exposition.Format{})
	var partial *fennel.GatherError
	if err != nil && !errors.As(err, &partial) {
		t.Fatal(err)
	}
	if _, err := promtext.Parse("body", body); err != nil {
		t.Errorf("%v in\n%s", err, body)
	}
	var samples []string
	for line := range strings.Lines(string(body)) {
		if !strings.HasPrefix(line, "#") {
			samples = append(samples, strings.TrimSuffix(line, "\n"))
		}
	}
	if partial == nil {
		return samples, nil
	}
	return samples, partial.Errors
}

func TestDir(t *testing.T) {
	tests := map[string]struct {
		texts map[string]string
		want  []string
		errs  []string
	}{
		"nothing":     {nil, nil, nil},
		"other names": {map[string]string{"a.txt": "a 1\n", ".a.prom.1.tmp": "b 1\n", "prom": "c 1\n"}, nil, nil},
		"an empty file": {map[string]string{"a.prom": ""}, []string{
			`fennel_serve_file_error{file="a.prom"} 0`, `fennel_serve_file_mtime_seconds{file="a.prom"} 1700000000`,
		}, nil},
		"a bad file": {map[string]string{"a.prom": "a 1\n", "b.prom": "b 1\nb 1\n"}, []string{
			"a 1",
			`fennel_serve_file_error{file="a.prom"} 0`, `fennel_serve_file_error{file="b.prom"} 1`,
			`fennel_serve_file_mtime_seconds{file="a.prom"} 1700000000`, `fennel_serve_file_mtime_seconds{file="b.prom"} 1700000000`,
		}, []string{"b.prom:2: "}},
		"files that don't fit": {map[string]string{"a.prom": "x{n=\"1\"} 1\n", "b.prom": "only_b 1\nx{n=\"1\"} 2\n", "c.prom": "x{n=\"2\"} 3\n"}, []string{
			`fennel_serve_file_error{file="a.prom"} 0`, `fennel_serve_file_error{file="b.prom"} 1`, `fennel_serve_file_error{file="c.prom"} 0`,
			`fennel_serve_file_mtime_seconds{file="a.prom"} 1700000000`, `fennel_serve_file_mtime_seconds{file="b.prom"} 1700000000`,
			`fennel_serve_file_mtime_seconds{file="c.prom"} 1700000000`,
			"only_b 1", `x{n="1"} 1`, `x{n="2"} 3`,
		}, []string{"b.prom:2: "}},
		"one that says it was served": {map[string]string{"a.prom": "# TYPE fennel_serve_file_error gauge\nfennel_serve_file_error{file=\"a.prom\"} 0\n"}, []string{
			`fennel_serve_file_error{file="a.prom"} 1`, `fennel_serve_file_mtime_seconds{file="a.prom"} 1700000000`,
		}, []string{"a.prom:2: "}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, errs := lines(t, put(t, test.texts))
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			if len(errs) != len(test.errs) {
				t.Fatalf("errors %q, want %q", errs, test.errs)
			}
			for i, want := range test.errs {
				if !strings.Contains(errs[i].Error(), want) {
					t.Errorf("error %q, want %q", errs[i], want)
				}
			}
		})
	}
}

func TestDirReadsWhatTextfileWrites(t *testing.T) {
	dir := t.TempDir()
	for _, job := range []string{"a", "b"} {
		reg := fennel.NewRegistry()
		c := fennel.NewCounterVec[string]("jobs_total", "Jobs.", fennel.LabelNames("name"), fennel.In(reg)).With(job)
		c.Add(-1) // which the registry says in a metric of its own
		fennel.NewHistogramVec[string]("took_seconds", "Time.", fennel.LabelNames("name"), fennel.In(reg)).With(job).Observe(1)
		if err := textfile.Write(t.Context(), filepath.Join(dir, job+".prom"), reg); err != nil {
			t.Fatal(err)
		}
	}
	got, errs := lines(t, Dir(dir))
	for _, want := range []string{`jobs_total{name="a"} 0`, `jobs_total{name="b"} 0`, `took_seconds_count{name="a"} 1`, `took_seconds_count{name="b"} 1`} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, strings.Join(got, "\n"))
		}
	}
	// Both have dropped an update of one metric, and that is one series.
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), `fennel_dropped_updates_total`) {
		t.Errorf("errors: %q", errs)
	}
}

func TestDirFails(t *testing.T) {
	missing := Dir(filepath.Join(t.TempDir(), "missing"))
	if _, err := fennel.Gather(t.Context(), missing); !errors.Is(err, fs.ErrNotExist) || fennel.Partial(err) {
		t.Errorf("a directory that is missing: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fennel.Gather(ctx, put(t, map[string]string{"a.prom": "a 1\n"})); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
}

func TestDirIsGatheredInPart(t *testing.T) {
	got, _ := lines(t, fennel.Only(put(t, map[string]string{"a.prom": "a 1\nb 2\n"}), "b"))
	if !slices.Equal(got, []string{"b 2"}) {
		t.Errorf("got %q", got)
	}
}

// Files come and go, and are rewritten, while they are read.
func TestDirWhileFilesChange(t *testing.T) {
	dir := put(t, map[string]string{"a.prom": "a 1\n"})
	var writer sync.WaitGroup
	stop := make(chan struct{})
	writer.Go(func() {
		reg := fennel.NewRegistry()
		fennel.NewGauge("b", "", fennel.In(reg)).Set(1)
		path := filepath.Join(string(dir), "b.prom")
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := textfile.Write(t.Context(), path, reg); err != nil {
				t.Error(err)
			}
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		}
	})
	for range 200 {
		if got, errs := lines(t, dir); got[0] != "a 1" || len(errs) != 0 {
			t.Fatalf("got %q, %v", got, errs)
		}
	}
	close(stop)
	writer.Wait()
}
