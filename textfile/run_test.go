package textfile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

// counting returns a registry whose only metric says how often it was gathered.
func counting() *fennel.Registry {
	reg := fennel.NewRegistry()
	n := 0.0
	register(reg, func(_ context.Context, w *fennel.Writer) error {
		n++
		w.Gauge("n", "").Write(n)
		return nil
	})
	return reg
}

func TestRunWritesAtAnIntervalAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.prom")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- Run(ctx, path, counting(), Every(time.Minute)) }()
		for _, want := range []string{"1", "2", "3"} {
			synctest.Wait()
			wantFile(t, path, "# TYPE n gauge\nn "+want+"\n")
			time.Sleep(time.Minute)
		}
		synctest.Wait() // the fourth
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantFile(t, path, "# TYPE n gauge\nn 5\n")
		wantNames(t, dir, "a.prom")
	})
}

func TestRunEnds(t *testing.T) {
	for name, test := range map[string]struct {
		opts []RunOption
		want string // the file, "" for none
	}{
		"as a write":   {nil, "# TYPE n gauge\nn 2\n"},
		"without one":  {[]RunOption{Grace(0)}, "# TYPE n gauge\nn 1\n"},
		"with removal": {[]RunOption{nil, RemoveOnExit()}, ""},
		"no grace but removal": {
			[]RunOption{RemoveOnExit(), Grace(0), Mode(0o600)}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "a.prom")
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := Run(ctx, path, counting(), test.opts...); err != nil {
					t.Error(err)
				}
				if test.want == "" {
					wantNames(t, dir)
					return
				}
				wantFile(t, path, test.want)
			})
		})
	}
}

func TestRunWritesOnceEvenIfItsContextHasEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.prom")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, path, counting()); err != nil {
		t.Error(err)
	}
	wantFile(t, path, "# TYPE n gauge\nn 1\n")
}

// A slow write takes the place of those whose time comes meanwhile.
func TestRunNeverOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := fennel.NewRegistry()
		var starts []time.Duration
		inside, begin := 0, time.Now()
		register(reg, func(ctx context.Context, w *fennel.Writer) error {
			inside++
			defer func() { inside-- }()
			if inside > 1 {
				t.Error("two at once")
			}
			starts = append(starts, time.Since(begin))
			if len(starts) == 2 {
				time.Sleep(8 * time.Second) // nearly as long as it may
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		if err := Run(ctx, filepath.Join(t.TempDir(), "a.prom"), reg, Every(10*time.Second)); err != nil {
			t.Error(err)
		}
		want := []time.Duration{0, 10 * time.Second, 20 * time.Second, 30 * time.Second, 35 * time.Second}
		if len(starts) != len(want) {
			t.Fatalf("written at %v", starts)
		}
		for i := range want {
			if starts[i] != want[i] {
				t.Errorf("written at %v, want %v", starts, want)
			}
		}
	})
}

// A collector that hangs costs its own part, in the last write too, and doesn't
// keep Run from ending.
func TestRunLeavesOutWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.prom")
		reg := registry(7)
		register(reg, func(ctx context.Context, w *fennel.Writer) error {
			<-ctx.Done()
			return ctx.Err()
		})
		var log bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		err := Run(ctx, path, reg, Every(time.Hour), Grace(5*time.Second), Logger(slog.New(slog.NewTextHandler(&log, nil))))
		if !fennel.Partial(err) {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(begin); took > 65*time.Second {
			t.Errorf("it ended %v after its start", took)
		}
		if got, _ := os.ReadFile(path); !strings.Contains(string(got), text+"7\n") {
			t.Errorf("written: %q", got)
		}
		if !strings.Contains(log.String(), "level=WARN") || strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("logged: %s", log.String())
		}
	})
}

func TestRunGoesOnAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "later")
		path := filepath.Join(dir, "a.prom")
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error)
		go func() {
			done <- Run(ctx, path, registry(1), Logger(slog.New(slog.NewTextHandler(&log, nil))))
		}()
		time.Sleep(16 * time.Second) // two writes
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		synctest.Wait()
		wantFile(t, path, text+"1\n")
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-done; !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the error is %v", err)
		}
		for _, want := range []string{"failed=1", "failed=2", "written again", "path=" + path} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q is not in the log:\n%s", want, log.String())
			}
		}
		if n := strings.Count(log.String(), "\n"); n != 4 {
			t.Errorf("%d lines logged, want 4:\n%s", n, log.String())
		}
	})
}

func TestRunRefusesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.prom")
	for name, test := range map[string]struct {
		path string
		opt  RunOption
		want string
	}{
		"name":     {"a.txt", nil, "a.txt"},
		"interval": {path, Every(0), "Every"},
		"grace":    {path, Grace(-1), "Grace"},
		"mode":     {path, Mode(fs.ModeDir), "Mode"},
	} {
		t.Run(name, func(t *testing.T) {
			wantText(t, Run(t.Context(), test.path, registry(1), test.opt), test.want)
		})
	}
}

func TestRunRemovesNothingThatItWouldNotReplace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a.prom")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantText(t, Run(ctx, dir, registry(1), RemoveOnExit(), Logger(nil)), "is a directory")
	wantNames(t, dir)
}
