package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// prometheusVersion is the version of the Prometheus module: v0.316.0 is the
// server 3.16.0. It must be the one in go.mod, so that the parser that is
// imported and the server that is run are the same; a test makes sure.
const prometheusVersion = "v0.316.0"

// The programs that tests run. To add one is to add a line.
var (
	prometheusProgram = program{"github.com/prometheus/prometheus", prometheusVersion, "cmd/prometheus", "remove_all_sd"}
	promtoolProgram   = program{"github.com/prometheus/prometheus", prometheusVersion, "cmd/promtool", "remove_all_sd"}
)

// program is a main package in a Go module.
type program struct {
	module  string // module path
	version string // module version
	pkg     string // main package relative to the module, "." if it is the root
	tags    string // build tags, comma-separated, that leave out what tests don't need
}

// name returns the program's name.
func (p program) name() string {
	return path.Base(path.Join(p.module, p.pkg))
}

// file returns where the built program is kept, relative to this package.
func (p program) file() string {
	dir := fmt.Sprintf("%s@%s-%s-%s", path.Base(p.module), p.version, runtime.GOOS, runtime.GOARCH)
	name := p.name()
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(".bin", dir, name)
}

// built holds for each program a function that builds it, once in a process,
// and returns its path.
var built sync.Map // program → func() (string, error)

// path returns the absolute path of the program's binary, and builds it if it
// is not there yet. If it can't be built, the test ends: see [unavailable].
func (p program) path(t *testing.T) string {
	t.Helper()
	// The first test that comes builds for all, so its end must not cancel
	// the build: only the deadline, which all tests share, does.
	build := sync.OnceValues(func() (string, error) {
		ctx, cancel := beforeDeadline(t, context.Background())
		defer cancel()
		return p.build(ctx, t.Logf)
	})
	once, _ := built.LoadOrStore(p, build)
	file, err := once.(func() (string, error))()
	if err != nil {
		unavailable(t, "could not build %s %s: %v", p.name(), p.version, err)
	}
	return file
}

// build builds the program unless its binary exists, and returns its path.
//
// The build runs inside the module cache: unlike go install pkg@version that
// works for a go.mod with replace directives too, and the program gets exactly
// the dependencies that its authors released it with.
func (p program) build(ctx context.Context, logf func(string, ...any)) (string, error) {
	file, err := filepath.Abs(p.file())
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	start := time.Now()
	source, err := p.download(ctx)
	if err != nil {
		return "", err
	}
	if err := p.compile(ctx, source, file); err != nil {
		return "", err
	}
	logf("built %s %s in %s", p.name(), p.version, time.Since(start).Round(time.Second))
	return file, nil
}

// download brings the program's module into the module cache and returns its
// directory there.
func (p program) download(ctx context.Context) (string, error) {
	// Outside of this module, so that its go.sum is left alone.
	out, err := runGo(ctx, os.TempDir(), "mod", "download", "-json", p.module+"@"+p.version)
	var module struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &module); jsonErr == nil && module.Error != "" {
		return "", errors.New(module.Error)
	}
	return module.Dir, err
}

// compile builds the program from its module's directory into file. The file
// appears whole or not at all, whatever other processes do at the same time.
func (p program) compile(ctx context.Context, source, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	stage, err := os.MkdirTemp(filepath.Dir(file), "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	staged := filepath.Join(stage, filepath.Base(file))
	_, err = runGo(ctx, source, "build", "-mod=readonly", "-buildvcs=false", "-tags="+p.tags,
		"-ldflags="+linkFlags(source), "-o", staged, "./"+p.pkg)
	if err != nil {
		return err
	}
	return os.Rename(staged, file)
}

// linkFlags leaves out debug information, half of the linker's work, and sets
// the version that Prometheus programs send in User-Agent and show in
// build_info, which otherwise only their own makefiles set.
func linkFlags(source string) string {
	flags := "-s -w"
	if version, err := os.ReadFile(filepath.Join(source, "VERSION")); err == nil {
		flags += " -X github.com/prometheus/common/version.Version=" + strings.TrimSpace(string(version))
	}
	return flags
}

// runGo runs the go command in dir and returns its standard output. Its error
// holds the end of what the command wrote to standard error.
func runGo(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// No cgo: no C compiler needed. No workspace: Prometheus has a go.work that
	// names directories which its module zip lacks.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		err = fmt.Errorf("go %s: %w\n%s", args[0], err, tail(stderr.String(), 20))
	}
	return out, err
}

// unavailable ends a test that lacks a server: it is skipped, or fails where
// the environment says that integration tests must run.
func unavailable(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("FENNEL_INTEGRATION") == "require" {
		t.Fatalf(format, args...)
	}
	t.Skipf("skipping: "+format, args...)
}

// beforeDeadline returns a context that ends a little before the test's
// deadline, to leave time for saying what was waited for and for cleaning up.
func beforeDeadline(t *testing.T, parent context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := t.Deadline()
	if !ok {
		return context.WithCancel(parent)
	}
	return context.WithDeadline(parent, deadline.Add(-15*time.Second))
}

// tail returns the last n lines of s.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
