package integration

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = time.Minute
	stopTimeout  = 15 * time.Second
)

// server is a running program that serves HTTP.
type server struct {
	Addr string // host:port that it listens on

	program program
	cmd     *exec.Cmd
	log     log
	done    chan struct{} // closed when the process has ended
	err     error         // how it ended; read after done
}

// startServer starts a program and waits until it listens. It is stopped at
// the end of the test; what it logged is shown if the test failed.
//
// The arguments must make it listen on 127.0.0.1:0, and must not silence its log:
// the port that it got is read from there, where all programs made with
// Prometheus's exporter-toolkit write it. So no other process can grab the port in
// between.
func startServer(t *testing.T, p program, args ...string) *server {
	t.Helper()
	s := &server{program: p, cmd: exec.Command(p.path(t), args...), done: make(chan struct{})}
	s.cmd.Stdout = &s.log
	s.cmd.Stderr = &s.log
	s.cmd.SysProcAttr = dieWithParent()
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name(), err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() { s.stop(t) })
	s.await(t, startTimeout, "listening", func(context.Context) bool {
		s.Addr = s.log.address()
		return s.Addr != ""
	})
	return s
}

// await polls until ready returns true, and fails the test when the timeout or
// the test's deadline passes or when the server ends.
func (s *server) await(t *testing.T, timeout time.Duration, what string, ready func(context.Context) bool) {
	t.Helper()
	ctx, cancel := beforeDeadline(t, t.Context())
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ready(ctx) {
		select {
		case <-tick.C:
		case <-s.done:
			t.Fatalf("%s ended while the test waited for it to be %s: %v", s.program.name(), what, s.err)
		case <-ctx.Done():
			t.Fatalf("%s is not %s: %v", s.program.name(), what, ctx.Err())
		}
	}
}

// stop ends the process, politely at first, and shows its log if the test
// failed.
func (s *server) stop(t *testing.T) {
	select {
	case <-s.done:
		t.Errorf("%s ended before the test: %v", s.program.name(), s.err)
	default:
		s.terminate(t)
	}
	if t.Failed() {
		t.Logf("log of %s:\n%s", s.program.name(), s.log.String())
	}
}

// terminate sends SIGTERM and waits for a clean end; it kills when that takes
// too long.
func (s *server) terminate(t *testing.T) {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop %s: %v", s.program.name(), err)
	}
	select {
	case <-s.done:
		if s.err != nil {
			t.Errorf("%s did not end well: %v", s.program.name(), s.err)
		}
	case <-time.After(stopTimeout):
		t.Errorf("%s still ran %s after SIGTERM", s.program.name(), stopTimeout)
		_ = s.cmd.Process.Signal(os.Kill)
		<-s.done
	}
}

// log collects what a server writes.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends p.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns all that was written.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// listening is the log line with the address that a server really got.
var listening = regexp.MustCompile(`msg="Listening on" .*\baddress=(127\.0\.0\.1:[1-9]\d*)\b`)

// address returns the address that the server logged, or "".
func (l *log) address() string {
	match := listening.FindStringSubmatch(l.String())
	if match == nil {
		return ""
	}
	return match[1]
}
