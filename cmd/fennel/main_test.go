package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the command: see [command].
func TestMain(m *testing.M) {
	if os.Getenv("FENNEL_TEST_COMMAND") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command returns the fennel command, to be run as a process of its own, with
// its exit status and its signals.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), "FENNEL_TEST_COMMAND=1")
	return cmd
}

func TestCommandLine(t *testing.T) {
	tests := map[string]struct {
		args           []string
		exit           int
		stdout, stderr string // parts of them
	}{
		"version":        {[]string{"--version"}, 0, "fennel, version ", ""},
		"help":           {[]string{"--help"}, 0, "\nExamples:\n  fennel demo ", ""},
		"help of demo":   {[]string{"demo", "-h"}, 0, "\nExamples:\n  fennel demo\n  fennel demo --rate=500", ""},
		"help of run":    {[]string{"run", "--help"}, 0, "\nExamples:\n  fennel run ", ""},
		"help of push":   {[]string{"push", "--help"}, 0, "\nExamples:\n  fennel push ", ""},
		"help of delete": {[]string{"delete", "--help"}, 0, "\nExamples:\n  fennel delete ", ""},
		"help of serve":  {[]string{"serve", "--help"}, 0, "\nExamples:\n  fennel serve ", ""},
		"bash":           {[]string{"--completion-script-bash"}, 0, "complete -F", ""},
		"zsh":            {[]string{"--completion-script-zsh"}, 0, "compdef", ""},
		"completion":     {[]string{"--completion-bash", "run", "--text"}, 0, "--textfile", ""},
		"no command":     {nil, 0, "Commands:", ""},
		"bad command":    {[]string{"dmeo"}, 1, "", `expected command but got "dmeo", try --help`},
		"negative rate":  {[]string{"demo", "--rate=-1"}, 1, "", "--rate is -1, but must be 0 or more"},
		"rate not known": {[]string{"demo", "--rate=NaN"}, 1, "", "--rate is NaN"},
		"bad duration":   {[]string{"demo", "--duration=-1s"}, 1, "", "--duration is -1s"},
		"bad address":    {[]string{"demo", "--web.listen-address=here"}, 1, "", "here"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			cmd := command(t, test.args...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			cmd.Run()
			if got := cmd.ProcessState.ExitCode(); got != test.exit {
				t.Errorf("exit status %d, want %d", got, test.exit)
			}
			if !strings.Contains(stdout.String(), test.stdout) || (test.exit != 0) != (stdout.Len() == 0) {
				t.Errorf("stdout is %q, want %q", stdout.String(), test.stdout)
			}
			if !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("stderr is %q, want %q", stderr.String(), test.stderr)
			}
		})
	}
}

// demonstration is a running "fennel demo".
type demonstration struct {
	cmd    *exec.Cmd
	url    string
	stderr bytes.Buffer
}

// demonstrate starts one and reads its address.
func demonstrate(t *testing.T, args ...string) *demonstration {
	t.Helper()
	d := &demonstration{cmd: command(t, append([]string{"demo"}, args...)...)}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = &d.stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if _, scan := fmt.Sscanf(line, "metrics: %s", &d.url); scan != nil {
		t.Fatalf("it says %q, %v", line, err)
	}
	d.url = strings.TrimSuffix(d.url, "/metrics")
	return d
}

// end waits for the command to end and checks that it did so in peace.
func (d *demonstration) end(t *testing.T) {
	t.Helper()
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, d.stderr.String())
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestDemoServesMetricsAndTheShop(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals to end it with")
	}
	d := demonstrate(t, "--web.listen-address=127.0.0.1:0", "--rate=0")
	for path, want := range map[string]string{
		"/":            d.url + "/orders",
		"/products/1":  "fennel seeds",
		"/products/99": "no such product",
	} {
		if _, body := get(t, d.url+path); !strings.Contains(body, want) {
			t.Errorf("%s: %q is not in\n%s", path, want, body)
		}
	}
	_, metrics := get(t, d.url+"/metrics")
	for _, want := range []string{
		"http_requests_total{method=\"GET\",route=\"/products/{id}\",status=\"200\"} 1\n",
		"http_requests_total{method=\"GET\",route=\"/products/{id}\",status=\"404\"} 1\n",
		"http_requests_in_flight 0\n",
		"\ngo_goroutines ",
		"\nprocess_start_time_seconds ",
		"\ngo_build_info{",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics has no %q:\n%s", want, metrics)
		}
	}
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			d := demonstrate(t, "--web.listen-address=127.0.0.1:0")
			d.cmd.Process.Signal(sig)
			d.end(t)
		})
	}
	d.cmd.Process.Signal(os.Interrupt)
	d.end(t)
}

func TestDemoEndsByItself(t *testing.T) {
	d := demonstrate(t, "--web.listen-address=127.0.0.1:0", "--duration=10ms")
	d.end(t)
}

func TestDemoFindsAFreePort(t *testing.T) {
	// Whether the port was free before doesn't matter: now it isn't.
	if l, err := net.Listen("tcp", demoAddress); err == nil {
		defer l.Close()
	}
	d := demonstrate(t, "--duration=10ms")
	if strings.HasSuffix(d.url, demoAddress) {
		t.Errorf("it serves on %s, which is taken", d.url)
	}
	d.end(t)

	cmd := command(t, "demo", "--web.listen-address="+demoAddress)
	cmd.WaitDelay = time.Minute
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), demoAddress) {
		t.Errorf("a port that was asked for and is taken: %v, %s", err, out)
	}
}
