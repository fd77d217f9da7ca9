package integration

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/textfile"
)

var nodeExporterProgram = program{"github.com/prometheus/node_exporter", "v1.12.1", ".", ""}

// startNodeExporter starts a node_exporter that reads the files of a directory
// and does nothing else. Unlike other servers it ends by the signal that asks for
// it, so it is not for startServer.
func startNodeExporter(t *testing.T, dir string) *server {
	t.Helper()
	p := nodeExporterProgram
	s := &server{program: p, done: make(chan struct{}), cmd: exec.Command(p.path(t),
		"--collector.disable-defaults", "--collector.textfile", "--collector.textfile.directory="+dir,
		"--web.disable-exporter-metrics", "--web.listen-address=127.0.0.1:0")}
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.SysProcAttr = dieWithParent()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.done
		if t.Failed() {
			t.Logf("log of %s:\n%s", p.name(), s.log.String())
		}
	})
	s.await(t, startTimeout, "listening", func(context.Context) bool {
		s.Addr = s.log.address()
		return s.Addr != ""
	})
	return s
}

// scrapeFiles returns what node_exporter makes of the files, without what it says
// about itself.
func (s *server) scrapeFiles(t *testing.T) map[string]float64 {
	t.Helper()
	parsed, err := parseText(fetch(t, "http://"+s.Addr+"/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	values := parsed.values()
	maps.DeleteFunc(values, func(name string, _ float64) bool {
		return strings.HasPrefix(name, "node_") && name != textfileError
	})
	return values
}

const textfileError = "node_textfile_scrape_error"

// TestTextfileIsNeverReadTorn rewrites a file a thousand times while
// node_exporter reads it, as fast as both can.
func TestTextfileIsNeverReadTorn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "job.prom")
	reg, step := rewritten(2000)
	if err := textfile.Write(t.Context(), path, reg); err != nil {
		t.Fatal(err)
	}
	exporter := startNodeExporter(t, dir)
	before := len(exporter.scrapeFiles(t))
	if before < 2000 {
		t.Fatalf("%d samples", before)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		defer stop()
		for range 1000 {
			step()
			if err := textfile.Write(t.Context(), path, reg); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	scrapes, last := 0, 0.0
	for ctx.Err() == nil {
		last = checkUntorn(t, exporter.scrapeFiles(t), before, last)
		scrapes++
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if last = checkUntorn(t, exporter.scrapeFiles(t), before, last); last != 1000 {
		t.Errorf("the last value is %v, want 1000", last)
	}
	t.Logf("%d scrapes", scrapes)
	if entries, err := os.ReadDir(dir); len(entries) != 1 || err != nil {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

// rewritten returns metrics that all have the same value, and what adds one to it.
func rewritten(series int) (reg *fennel.Registry, step func()) {
	reg = fennel.NewRegistry()
	in := fennel.In(reg)
	gauges := fennel.NewGaugeVec[int]("torn_gauge", "A gauge.", fennel.LabelNames("n"), in)
	counter := fennel.NewCounter("torn_total", "A counter.", in)
	histogram := fennel.NewHistogram("torn_seconds", "A histogram.", in, fennel.Buckets(1, 2))
	for n := range series {
		gauges.With(n).Set(0)
	}
	return reg, func() {
		counter.Inc()
		histogram.Observe(1)
		for n := range series {
			gauges.With(n).Add(1)
		}
	}
}

// checkUntorn checks that all is there and has one value, which is not less than
// the last, and returns it.
func checkUntorn(t *testing.T, values map[string]float64, samples int, last float64) float64 {
	t.Helper()
	if len(values) != samples || values[textfileError] != 0 {
		t.Fatalf("%d samples, want %d; %s is %v", len(values), samples, textfileError, values[textfileError])
	}
	first := values["torn_total"]
	if first < last {
		t.Fatalf("%v after %v", first, last)
	}
	for name, v := range values {
		if strings.HasPrefix(name, "torn_") && v != first {
			t.Fatalf("%s is %v and torn_total is %v", name, v, first)
		}
	}
	return first
}

// TestTextfileArrives compares what node_exporter serves with what was written.
func TestTextfileArrives(t *testing.T) {
	dir := t.TempDir()
	reg := fennel.NewRegistry()
	in := fennel.In(reg)
	fennel.NewGaugeVec[string]("disk.free", "In bytes:\n\\ and \"quotes\".", fennel.LabelNames("mount.point"), in).With("C:\\\n\"x\"").Set(1.5)
	fennel.NewCounter("files_total", "Files.", in).AddUint(1 << 40)
	fennel.NewHistogram("size_bytes", "Sizes.", in, fennel.Buckets(1, 1e6)).Observe(5)
	fennel.NewSummary("wait_seconds", "Waits.", in).Observe(2)
	fennel.NewInfo("backup_info", "What runs.", struct {
		Version string `label:"version"`
	}{"1"}, in)
	if err := textfile.Write(t.Context(), filepath.Join(dir, "a.prom"), reg); err != nil {
		t.Fatal(err)
	}
	exporter := startNodeExporter(t, dir)
	got := exporter.scrapeFiles(t)
	body, err := exposition.Bytes(t.Context(), reg, exposition.Format{})
	if err != nil {
		t.Fatal(err)
	}
	written, err := parseText(body)
	if err != nil {
		t.Fatal(err)
	}
	want := written.values()
	want[textfileError] = 0
	if d := diff(got, want); d != "" {
		t.Error(d)
	}
}

// TestWhatNodeExporterRefuses shows why textfile does as it does by default.
func TestWhatNodeExporterRefuses(t *testing.T) {
	dir := t.TempDir()
	exporter := startNodeExporter(t, dir)
	names := fennel.NewRegistry()
	fennel.NewGauge("disk.free", "", fennel.In(names)).Set(1)
	path := filepath.Join(dir, "a.prom")
	for name, test := range map[string]struct {
		write func() error
		want  float64
	}{
		"nothing":       {func() error { return nil }, 0},
		"an empty file": {func() error { return textfile.Write(t.Context(), path, fennel.NewRegistry()) }, 0},
		"escaped names": {func() error { return textfile.Write(t.Context(), path, names) }, 0},
		"names as they are": {
			func() error { return textfile.Write(t.Context(), path, names, textfile.Escaping(exposition.AllowUTF8)) }, 1,
		},
		"a timestamp":      {func() error { return os.WriteFile(path, []byte("a 1 1000\n"), 0o644) }, 1},
		"a temporary file": {func() error { return os.WriteFile(filepath.Join(dir, ".a.prom.1.tmp"), []byte("{"), 0o644) }, 0},
		"half a line":      {func() error { return os.WriteFile(path, []byte("a"), 0o644) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if err := test.write(); err != nil {
				t.Fatal(err)
			}
			if got := exporter.scrapeFiles(t)[textfileError]; got != test.want {
				t.Errorf("%s is %v, want %v", textfileError, got, test.want)
			}
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestTextfileRunIsRead lets a program write at an interval, and remove its file
// at the end.
func TestTextfileRunIsRead(t *testing.T) {
	dir := t.TempDir()
	exporter := startNodeExporter(t, dir)
	reg, step := rewritten(1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- textfile.Run(ctx, filepath.Join(dir, "a.prom"), reg, textfile.Every(10*time.Millisecond), textfile.RemoveOnExit())
	}()
	step()
	exporter.await(t, time.Minute, "seeing the step", func(context.Context) bool {
		return exporter.scrapeFiles(t)["torn_total"] == 1
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(maps.Keys(exporter.scrapeFiles(t))); !slices.Equal(got, []string{textfileError}) {
		t.Errorf("after the end there is %q", got)
	}
}
