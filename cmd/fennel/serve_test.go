package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// startServe starts "fennel serve" and returns the URL of its metrics.
func startServe(t *testing.T, dir string) (cmd *exec.Cmd, url string, stderr *bytes.Buffer) {
	t.Helper()
	cmd, stderr = command(t, "serve", "--dir="+dir, "--web.listen-address=127.0.0.1:0"), new(bytes.Buffer)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if _, scan := fmt.Sscanf(line, "metrics: %s", &url); scan != nil {
		t.Fatalf("it says %q, %v", line, err)
	}
	return cmd, url, stderr
}

func TestServe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals to end it with")
	}
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a.prom", "# TYPE x gauge\nx{from=\"a\"} 1\n")
	put("b.prom", "# TYPE x gauge\nx{from=\"b\"} 2\n")
	put("c.prom", "x{from=\"c\"")
	cmd, url, stderr := startServe(t, dir)
	_, body := get(t, url)
	for _, want := range []string{
		"# TYPE x gauge\nx{from=\"a\"} 1\nx{from=\"b\"} 2\n",
		`fennel_serve_file_error{file="b.prom"} 0`, `fennel_serve_file_error{file="c.prom"} 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in\n%s", want, body)
		}
	}
	put("c.prom", "# TYPE x gauge\nx{from=\"c\"} 3\n")
	if _, body = get(t, url); !strings.Contains(body, "x{from=\"b\"} 2\nx{from=\"c\"} 3\n") {
		t.Errorf("after the file was mended:\n%s", body)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, stderr)
	}
	if !strings.Contains(stderr.String(), filepath.Join(dir, "c.prom")+":1: ") {
		t.Errorf("logged: %s", stderr)
	}
}

func TestServeRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.prom")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"--dir":            {"serve"},
		"none":             {"serve", "--dir=" + filepath.Join(dir, "none")},
		"is no directory":  {"serve", "--dir=" + file},
		"missing port":     {"serve", "--dir=" + dir, "--web.listen-address=here"},
		"unexpected value": {"serve", "--dir=" + dir, "unexpected value"},
	} {
		cmd := command(t, args...)
		out, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v, %s; want %q", args, err, out, want)
		}
	}
}
