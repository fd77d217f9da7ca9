//go:build unix

package fennelhttp

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestPassedSocket(t *testing.T) {
	for _, test := range []struct {
		pid, fds, names string
		ask             string
		want            int // 0 for an error
	}{
		{"7", "1", "", "", 3},
		{"7", "1", "metrics", "", 3},
		{"7", "1", "metrics", "metrics", 3},
		{"7", "1", "metrics", "other", 0},
		{"7", "3", "web:metrics:debug", "metrics", 4},
		{"7", "3", "web:metrics:debug", "debug", 5},
		{"7", "3", "web:metrics:debug", "", 0},
		{"7", "2", "metrics:metrics", "metrics", 0},
		{"7", "2", "metrics", "metrics", 0}, // one name for two
		{"7", "0", "", "", 0},
		{"7", "-1", "", "", 0},
		{"7", "", "", "", 0},
		{"7", "x", "", "", 0},
		{"8", "1", "", "", 0},
		{"", "1", "", "", 0},
	} {
		env := map[string]string{"LISTEN_PID": test.pid, "LISTEN_FDS": test.fds, "LISTEN_FDNAMES": test.names}
		got, err := passedSocket(func(name string) string { return env[name] }, 7, test.ask)
		if got != test.want || (err == nil) != (test.want > 0) {
			t.Errorf("%v, asked for %q: %d, %v, want %d", env, test.ask, got, err, test.want)
		}
	}
}

func TestNoSocketIsPassed(t *testing.T) {
	_, err := Start("systemd:", nil)
	if err == nil || !strings.Contains(err.Error(), "LISTEN_PID") {
		t.Errorf("%v", err)
	}
}

// A child process would keep the port.
func TestNoChildInheritsASocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	duplicate, err := duplicateSocket(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	inherited := os.NewFile(uintptr(duplicate), "duplicate")
	defer inherited.Close()
	child := exec.Command("/bin/sh", "-c", fmt.Sprintf("test -e /proc/self || exit 3; ls -l /proc/self/fd/%d", duplicate))
	if out, err := child.CombinedOutput(); child.ProcessState.ExitCode() == 3 {
		t.Skip("no /proc")
	} else if err == nil && strings.Contains(string(out), "socket:") {
		t.Errorf("the child has %s", out)
	}
}

// The test runs itself as systemd would, with two sockets.
func TestSystemdActivation(t *testing.T) {
	if os.Getenv("FENNEL_TEST_ACTIVATED") != "" {
		serveActivated()
		return
	}
	var addresses []net.Addr
	var files []*os.File
	for _, network := range []string{"tcp", "unix"} {
		addr := "127.0.0.1:0"
		if network == "unix" {
			addr = socketPath(t)
		}
		l, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		addresses, files = append(addresses, l.Addr()), append(files, f)
	}
	child := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" -test.run='^TestSystemdActivation$'`, os.Args[0])
	child.Env = append(os.Environ(), "FENNEL_TEST_ACTIVATED=1", "LISTEN_FDS=2", "LISTEN_FDNAMES=metrics:local")
	child.ExtraFiles = files
	child.Stderr = os.Stderr
	stdin, _ := child.StdinPipe()
	stdout, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		t.Skip("no shell: ", err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "ready" {
		t.Log(lines.Text())
	}
	if body, err := try(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://"+addresses[0].String()+"/metrics"); err != nil || !strings.Contains(body, "jobs_total 2") {
		t.Errorf("%v %q", err, body)
	}
	local := &Server{listener: addressed{addr: addresses[1]}}
	if body, err := try(through(local, nil), "http://localhost/metrics"); err != nil || !strings.Contains(body, "jobs_total 2") {
		t.Errorf("%v %q", err, body)
	}
	stdin.Close()
	for lines.Scan() {
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(addresses[1].String()); err != nil {
		t.Errorf("the socket is systemd's, and it is gone: %v", err)
	}
}

// addressed is a listener that is only asked for its address.
type addressed struct {
	net.Listener
	addr net.Addr
}

func (a addressed) Addr() net.Addr { return a.addr }

// serveActivated serves on both sockets until its input ends. What it was passed
// can be used again.
func serveActivated() {
	for range 2 {
		s, err := Start("systemd:metrics", someRegistry())
		local, localErr := Start("systemd:local", someRegistry())
		if err := errors.Join(err, localErr); err != nil {
			panic(err)
		}
		defer s.Close()
		defer local.Close()
		if _, err := Start("systemd:", nil); err == nil {
			panic("which of them?")
		}
		if os.Getenv("FENNEL_TEST_ACTIVATED") == "1" {
			os.Setenv("FENNEL_TEST_ACTIVATED", "2")
			s.Close()
			local.Close()
		}
	}
	os.Stdout.WriteString("ready\n")
	bufio.NewReader(os.Stdin).ReadByte()
}

// A server that is too busy to take connections is not a stale one.
func TestBusySocketIsNotReplaced(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("others refuse connections that don't fit in the queue")
	}
	path := socketPath(t)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		conn, err := net.Dial("unix", path)
		if err != nil {
			break
		}
		defer conn.Close()
	}
	if s, err := Start("unix:"+path, nil); err == nil {
		s.Close()
		t.Error("it was replaced")
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
}
