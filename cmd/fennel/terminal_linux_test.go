package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// openTerminal returns both ends of a new terminal: that of the keyboard and the
// screen, and that of the programs.
func openTerminal(t *testing.T) (user, programs *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this system gives no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { user.Close() })
	var locked, number int32
	for request, arg := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, user.Fd(), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
			t.Skipf("this system gives no pseudo-terminals: %v", errno)
		}
	}
	programs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this system gives no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { programs.Close() })
	return user, programs
}

// A job on a terminal gets SIGINT from the terminal, once, and SIGTERM from whoever
// sends it to fennel. It can read from the terminal.
func TestRunOnATerminal(t *testing.T) {
	user, programs := openTerminal(t)
	path := filepath.Join(t.TempDir(), "a.prom")
	script := `n=0; trap 'n=$((n+1)); echo interrupted $n' INT; trap 'echo terminated after $n; exit 9' TERM
		read line; echo "ready for $line"; while :; do sleep 0.01; done`
	cmd := command(t, "run", "--job=j", "--textfile="+path, "--", "sh", "-c", script)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = programs, programs, programs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	programs.Close()
	screen := bufio.NewReader(user)
	await := func(want string) {
		t.Helper()
		for {
			line, err := screen.ReadString('\n')
			if strings.Contains(line, want) {
				return
			}
			if err != nil {
				t.Fatalf("%q does not come: %v", want, err)
			}
		}
	}
	typed := func(keys string) {
		t.Helper()
		if _, err := io.WriteString(user, keys); err != nil {
			t.Fatal(err)
		}
	}
	typed("work\n")
	await("ready for work")
	typed("\x03") // Ctrl-C
	await("interrupted 1")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await("terminated after 1")
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 9 {
		t.Errorf("exit status %d", got)
	}
	if got := values(t, path, `job_name="j"`); got["exit_code"] != 9 {
		t.Errorf("exported: %v", got)
	}
}
