package textfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// large returns a registry whose text is much larger than a piece.
func large() *fennel.Registry {
	reg := fennel.NewRegistry()
	vec := fennel.NewGaugeVec[int]("large", "", fennel.LabelNames("n"), fennel.In(reg))
	for n := range 20_000 {
		vec.With(n).Set(1)
	}
	return reg
}

// child is what the test's own binary does as another process.
func child(role, path string) {
	switch role {
	case "killed": // with all but the last piece in the temporary file
		fmt.Println(Write(context.Background(), path, waiting{large()}))
	case "limited":
		// Beyond the limit a write fails as it does on a disk that is full, once
		// the signal is out of the way.
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 100_000, Max: 100_000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fmt.Println("no limit:", err)
			return
		}
		err := Write(context.Background(), path, large())
		fmt.Println(errors.Is(err, syscall.EFBIG), err)
	}
}

// waiting says when everything is gathered, and then never ends.
type waiting struct{ fennel.Gatherer }

func (w waiting) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	err := w.Gatherer.Visit(ctx, r, v)
	fmt.Println("ready", err)
	_, _ = os.Stdin.Read(make([]byte, 1)) // until it is killed
	return err
}

// command returns the child in a role.
func command(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "FENNEL_TEXTFILE_TEST="+role, "FENNEL_TEXTFILE_PATH="+path)
	return cmd
}

func TestKilledWriteLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	write(t, path, "old")
	cmd := command(t, "killed", path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready <nil>\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	wantFile(t, path, "old")
	left, err := filepath.Glob(filepath.Join(dir, ".a.prom.*.tmp"))
	if len(left) != 1 || err != nil {
		t.Fatalf("the child has left %q, %v", left, err)
	}
	if info, err := os.Stat(left[0]); err != nil || info.Size() < 64<<10 {
		t.Errorf("the temporary file: %v, %v", info, err)
	}
	if err := Write(t.Context(), path, registry(1)); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, text+"1\n")
	wantNames(t, dir, filepath.Base(left[0]), "a.prom") // it may be somebody's still
	age(t, left[0], abandoned+1e9)
	if err := Write(t.Context(), path, registry(2)); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir, "a.prom")
}

func TestWriteBeyondALimit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	write(t, path, "old")
	out, err := command(t, "limited", path).Output()
	if want := "true textfile: write " + path + ": file too large\n"; string(out) != want || err != nil {
		t.Errorf("the child says %q, %v; want %q", out, err, want)
	}
	wantFile(t, path, "old")
	wantNames(t, dir, "a.prom")
}

// mount mounts a small file system, if that is allowed.
func mount(t *testing.T, dir, options string) {
	t.Helper()
	if err := syscall.Mount("fennel", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

func TestWriteToAFullDisk(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	mount(t, dir, "size=128k")
	write(t, path, "old")
	err := Write(t.Context(), path, large())
	wantText(t, err, path, "no space left on device")
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v is not ENOSPC", err)
	}
	wantFile(t, path, "old")
	wantNames(t, dir, "a.prom")
	if err := Write(t.Context(), path, registry(1)); err != nil {
		t.Errorf("the next write: %v", err)
	}
}

func TestWriteToAReadOnlyFileSystem(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	mount(t, dir, "ro")
	err := Write(t.Context(), path, registry(1))
	wantText(t, err, path, "read-only file system")
	if !errors.Is(err, syscall.EROFS) {
		t.Errorf("%v is not EROFS", err)
	}
}

func TestWriteFromAnotherFileSystem(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.prom")
	write(t, path, "old")
	other := t.TempDir()
	mount(t, other, "")
	err := Write(t.Context(), path, registry(1), TempDir(other))
	wantText(t, err, path, "TempDir "+other+" is on another file system")
	if !errors.Is(err, syscall.EXDEV) {
		t.Errorf("%v is not EXDEV", err)
	}
	wantFile(t, path, "old")
	wantNames(t, dir, "a.prom")
	wantNames(t, other)
}

// asNobody calls do with no rights of root in the file system.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	done := make(chan bool)
	go func() {
		defer close(done)
		// The rights are those of the thread, which is not unlocked and so ends
		// with the goroutine.
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0)
		}
		do()
	}()
	<-done
}

func TestWriteWithoutPermission(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a.prom")
	asNobody(t, func() {
		err := Write(t.Context(), path, registry(1))
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%v is not fs.ErrPermission", err)
			return
		}
		for _, want := range []string{path, "permission denied", "new files in the directory " + dir} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		}
	})
	wantNames(t, dir)
}

// Where one may write, but not list what is there, the directory can't be synced.
func TestWriteIntoADirectoryThatCanNotBeRead(t *testing.T) {
	root := t.TempDir()
	// Nobody must get there at all.
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(root, "box")
	if err := os.Mkdir(dir, 0o333); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o333); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a.prom")
	asNobody(t, func() {
		if err := Write(t.Context(), path, registry(1)); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, text+"1\n")
}

// A device that takes no file's place must not lose its own.
func TestWriteReplacesNoPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.prom")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	wantText(t, Write(t.Context(), path, registry(1)), path, "no regular file")
}
