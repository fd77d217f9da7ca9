//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel/cmd/fennel/internal/promtext"
)

// alone returns the command without a terminal that could send it signals.
func alone(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// runJob runs "fennel run --job=nightly", with flags, and a shell script.
func runJob(t *testing.T, script string, flags ...string) (status int, stdout, stderr string) {
	t.Helper()
	args := append(append([]string{"run", "--job=nightly"}, flags...), "--", "sh", "-c", script)
	return end(alone(t, args...))
}

// end runs a command to its end.
func end(cmd *exec.Cmd) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the status says it
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// values returns the metrics in a text file, which must have these labels.
func values(t *testing.T, path, labels string) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := promtext.Parse(path, text); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, ok := strings.Cut(line, "{"+labels)
		mode, value, _ := strings.Cut(rest, "} ")
		var v float64
		if _, err := fmt.Sscan(value, &v); err != nil || !ok {
			t.Errorf("%q has not the labels %s: %v", line, labels, err)
		}
		got[strings.TrimPrefix(name, "fennel_run_")+strings.TrimPrefix(mode, ",mode=")] = v
	}
	return got
}

func TestRunWritesHowItWent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nightly.prom")
	before := time.Now()
	status, stdout, stderr := runJob(t, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo out; echo err >&2",
		"--textfile="+path, "--label=host=a", "--label=disk=x=y \"z\"")
	after := time.Now()
	if status != 0 || stdout != "out\n" || stderr != "err\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	got := values(t, path, `disk="x=y \"z\"",host="a",job_name="nightly"`)
	// Milliseconds are cut off, and clocks are set.
	begin, finish := got["start_timestamp_seconds"], got["end_timestamp_seconds"]
	if begin < unix(before)-1 || finish < begin || finish > unix(after)+1 {
		t.Errorf("it ran from %v to %v, and the test from %v to %v", begin, finish, unix(before), unix(after))
	}
	if d := got["duration_seconds"]; math.Abs(d-(finish-begin)) > 1 || d <= 0 {
		t.Errorf("it took %v s from %v to %v", d, begin, finish)
	}
	if got["success"] != 1 || got["exit_code"] != 0 || got["last_success_timestamp_seconds"] != finish {
		t.Errorf("it succeeded, but %v", got)
	}
	if user := got[`cpu_seconds"user"`]; !(user > 0 && user <= got["duration_seconds"]+0.1) {
		t.Errorf("%v s in mode user, of %v", user, got)
	}
	if _, there := got[`cpu_seconds"system"`]; !there {
		t.Errorf("no time in mode system: %v", got)
	}
	if m := got["max_resident_memory_bytes"]; m < 100e3 || m > 1e9 {
		t.Errorf("%v bytes of memory", m)
	}
}

func TestRunPassesTheExitStatusOn(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte("no program"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		command []string
		want    int
		ran     bool
		stderr  string
	}{
		"success":        {[]string{"true"}, 0, true, ""},
		"failure":        {[]string{"sh", "-c", "exit 3"}, 3, true, ""},
		"255":            {[]string{"sh", "-c", "exit 255"}, 255, true, ""},
		"kill":           {[]string{"sh", "-c", "kill -KILL $$"}, 128 + 9, true, ""},
		"term":           {[]string{"sh", "-c", "kill $$"}, 128 + 15, true, ""},
		"no command":     {[]string{"no-such-command"}, 127, false, "no-such-command"},
		"no file":        {[]string{dir + "/none"}, 127, false, dir + "/none"},
		"no program":     {[]string{dir + "/text"}, 126, false, "permission denied"},
		"a directory":    {[]string{dir}, 126, false, "permission denied"},
		"dashes, quotes": {[]string{"sh", "-c", `[ "$#" = 4 ] && [ "$1" = -- ] && [ "$2" = "" ] && [ "$3" = "--help" ] && [ "$4" = - ]`, "sh", "--", "", "--help", "-"}, 0, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.prom")
			status, _, stderr := end(alone(t, append([]string{"run", "--job=j", "--textfile=" + path, "--"}, test.command...)...))
			if status != test.want {
				t.Errorf("status %d, want %d", status, test.want)
			}
			if !strings.Contains(stderr, test.stderr) || (stderr == "") != (test.stderr == "") {
				t.Errorf("stderr is %q, want %q", stderr, test.stderr)
			}
			got := values(t, path, `job_name="j"`)
			if got["exit_code"] != float64(test.want) || (got["success"] == 1) != (test.want == 0) {
				t.Errorf("exported: %v", got)
			}
			// What did not run says so, since a gateway would keep what it said before.
			_, cpu := got[`cpu_seconds"user"`]
			memory, measured := got["max_resident_memory_bytes"]
			if !cpu || !measured || (memory > 0) != test.ran {
				t.Errorf("exported: %v", got)
			}
		})
	}
}

func TestRunKeepsTheLastSuccess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nightly.prom")
	run := func(script string) map[string]float64 {
		t.Helper()
		if _, _, stderr := runJob(t, script, "--textfile="+path); stderr != "" {
			t.Errorf("stderr: %s", stderr)
		}
		return values(t, path, `job_name="nightly"`)
	}
	if got, there := run("exit 1")["last_success_timestamp_seconds"]; there {
		t.Errorf("it never succeeded, but did so at %v", got)
	}
	first := run("true")["end_timestamp_seconds"]
	for range 2 {
		got := run("exit 1")
		if got["last_success_timestamp_seconds"] != first || got["end_timestamp_seconds"] < first {
			t.Errorf("it succeeded at %v, and then it says %v", first, got)
		}
	}
	if got := run("true"); got["last_success_timestamp_seconds"] != got["end_timestamp_seconds"] {
		t.Errorf("after another success: %v", got)
	}

	if err := os.WriteFile(path, []byte("{half"), 0o644); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := runJob(t, "exit 4", "--textfile="+path)
	if status != 4 || !strings.Contains(stderr, "the time of the last success is lost") || !strings.Contains(stderr, path+":1") {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	if got := values(t, path, `job_name="nightly"`); got["exit_code"] != 4 {
		t.Errorf("exported: %v", got)
	}
}

// A pipe in place of the text file, or behind a link there, holds nobody up.
func TestRunReadsNoPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.prom")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.prom")
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link} {
		if status, _, stderr := runJob(t, "exit 3", "--textfile="+path); status != 3 || !strings.Contains(stderr, "no regular file") {
			t.Errorf("status %d, stderr %q", status, stderr)
		}
	}
	if got := values(t, link, `job_name="nightly"`); got["exit_code"] != 3 {
		t.Errorf("exported: %v", got)
	}
}

func TestRunPassesInputOn(t *testing.T) {
	cmd := alone(t, "run", "--job=j", "--textfile="+filepath.Join(t.TempDir(), "a.prom"), "--", "cat")
	cmd.Stdin = strings.NewReader("line\nno end")
	if status, stdout, stderr := end(cmd); status != 0 || stdout != "line\nno end" || stderr != "" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestRunPassesSignalsOn(t *testing.T) {
	for sig, name := range map[syscall.Signal]string{
		syscall.SIGHUP: "HUP", syscall.SIGINT: "INT", syscall.SIGQUIT: "QUIT",
		syscall.SIGTERM: "TERM", syscall.SIGUSR1: "USR1", syscall.SIGUSR2: "USR2",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.prom")
			script := fmt.Sprintf("trap 'echo got %s; exit 7' %[1]s; echo ready; while :; do sleep 0.01; done", name)
			cmd := alone(t, "run", "--job=j", "--textfile="+path, "--", "sh", "-c", script)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(stdout)
			if line, err := lines.ReadString('\n'); line != "ready\n" {
				t.Fatalf("it says %q, %v", line, err)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(lines)
			_ = cmd.Wait()
			if string(rest) != "got "+name+"\n" || cmd.ProcessState.ExitCode() != 7 {
				t.Errorf("it says %q and ends with %v", rest, cmd.ProcessState)
			}
			if got := values(t, path, `job_name="j"`); got["exit_code"] != 7 {
				t.Errorf("exported: %v", got)
			}
		})
	}
}

// Under nohup both ignore SIGHUP.
func TestRunIgnoresWhatItWasToldToIgnore(t *testing.T) {
	cmd := alone(t, "run", "--job=j", "--textfile="+filepath.Join(t.TempDir(), "a.prom"), "--",
		"sh", "-c", "kill -HUP $PPID; kill -HUP $$; echo alive")
	cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = sh
	if status, stdout, stderr := end(cmd); status != 0 || stdout != "alive\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

// Messages that nobody can read any more, as behind "| head", change nothing. The job
// itself ends by SIGPIPE as it would alone.
func TestRunSurvivesAStandardErrorThatNobodyReads(t *testing.T) {
	for name, test := range map[string]struct {
		command []string
		want    int
	}{
		"not found": {[]string{"no-such-command"}, 127},
		"failure":   {[]string{"sh", "-c", "exit 5"}, 5},
		"SIGPIPE":   {[]string{"sh", "-c", "kill -PIPE $$; exit 5"}, 128 + 13},
	} {
		t.Run(name, func(t *testing.T) {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			read.Close()
			defer write.Close()
			path := filepath.Join(t.TempDir(), "a.prom")
			cmd := alone(t, append([]string{"run", "--job=j", "--textfile=" + path, "--gateway=127.0.0.1:1", "--"}, test.command...)...)
			cmd.Stderr = write
			_ = cmd.Run() // the status says it
			if got := cmd.ProcessState.ExitCode(); got != test.want {
				t.Errorf("%v, want exit status %d", cmd.ProcessState, test.want)
			}
			if got := values(t, path, `job_name="j"`); got["exit_code"] != float64(test.want) {
				t.Errorf("exported: %v", got)
			}
		})
	}
}

// What can't be exported must not change how a job ends, and is told.
func TestRunSurvivesExportErrors(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	missing := filepath.Join(t.TempDir(), "missing", "a.prom")
	written := filepath.Join(t.TempDir(), "a.prom")
	for name, test := range map[string]struct {
		script string
		flags  []string
		want   int
		stderr []string
	}{
		"no directory":         {"true", []string{"--textfile=" + missing}, 0, []string{"could not be written", missing}},
		"no gateway":           {"true", []string{"--gateway=" + gone.URL}, 0, []string{"could not be pushed", gone.URL}},
		"neither":              {"exit 5", []string{"--gateway=" + gone.URL, "--textfile=" + missing}, 5, []string{gone.URL, missing}},
		"one of two":           {"exit 5", []string{"--gateway=" + gone.URL, "--textfile=" + written}, 5, []string{gone.URL}},
		"strict":               {"true", []string{"--gateway=" + gone.URL, "--fail-on-export-error"}, 125, []string{gone.URL}},
		"strict after failure": {"exit 5", []string{"--textfile=" + missing, "--fail-on-export-error"}, 5, []string{missing}},
		"no token":             {"true", []string{"--gateway=" + gone.URL, "--gateway.bearer-token-file=" + missing}, 0, []string{missing}},
		"no authorities":       {"true", []string{"--gateway=https://127.0.0.1:1", "--gateway.tls-ca-file=" + missing}, 0, []string{missing}},
		"no password":          {"true", []string{"--gateway=" + gone.URL, "--gateway.username=u", "--gateway.password-file=" + missing}, 0, []string{missing}},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := runJob(t, "echo done; "+test.script, test.flags...)
			if status != test.want || stdout != "done\n" {
				t.Errorf("status %d, want %d; stdout %q", status, test.want, stdout)
			}
			for _, want := range append(test.stderr, "fennel: run: ") {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr is %q, want %q", stderr, want)
				}
			}
		})
	}
	if got := values(t, written, `job_name="nightly"`); got["exit_code"] != 5 {
		t.Errorf("the place that could be written has %v", got)
	}
}

// Without -- a part of the command could be taken for flags of fennel.
func TestRunWantsTheCommandAfterDashes(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	for name, command := range map[string][]string{
		"no dashes":        {"touch", ran},
		"dash":             {"touch", "-", ran},
		"flag of fennel":   {"touch", "--label=a=b", ran},
		"dashes of theirs": {"touch", "--", ran},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"run", "--job=j", "--textfile=" + filepath.Join(t.TempDir(), "a.prom")}, command...)
			status, _, stderr := end(alone(t, args...))
			if status != statusFailed || !strings.Contains(stderr, "after --") {
				t.Errorf("status %d, stderr %q", status, stderr)
			}
		})
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a command was run")
	}
}

func TestRunRefusesWrongFlags(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	for name, test := range map[string]struct {
		flags []string
		want  string
	}{
		"nowhere":         {nil, "--textfile or --gateway"},
		"name":            {[]string{"--textfile=a.txt"}, ".prom"},
		"gateway":         {[]string{"--gateway=ftp://x"}, "ftp"},
		"label":           {[]string{"--textfile=a.prom", "--label=x"}, `"x" is not name=value`},
		"label twice":     {[]string{"--textfile=a.prom", "--label=x=1", "--label=x=2"}, "there twice"},
		"label job_name":  {[]string{"--textfile=a.prom", "--label=job_name=1"}, "job_name"},
		"label mode":      {[]string{"--gateway=a", "--label=mode=1"}, "mode"},
		"label job":       {[]string{"--gateway=a", "--label=job=1"}, "job"},
		"reserved label":  {[]string{"--textfile=a.prom", "--label=__x=1"}, "__x"},
		"empty job":       {[]string{"--textfile=a.prom", "--job="}, "--job"},
		"half a key pair": {[]string{"--gateway=https://a", "--gateway.tls-cert-file=x"}, "tls-key-file"},
		"two credentials": {[]string{"--gateway=a", "--gateway.username=x", "--gateway.bearer-token-file=y"}, "exclude"},
		"password alone":  {[]string{"--gateway=a", "--gateway.password-file=x"}, "--gateway.username"},
		"header":          {[]string{"--gateway=a", "--gateway.header=secret"}, "NAME=VALUE"},
		"timeout":         {[]string{"--gateway=a", "--gateway.timeout=-1s"}, "Timeout"},
		"job is a dash":   {[]string{"--textfile=a.prom", "--job", "-"}, "--job"},
		"unknown":         {[]string{"--textfle=a.prom"}, "textfle"},
	} {
		t.Run(name, func(t *testing.T) {
			flags := test.flags
			if !slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, "--job") }) {
				flags = append([]string{"--job=j"}, flags...)
			}
			args := append(append([]string{"run"}, flags...), "--", "touch", ran)
			status, stdout, stderr := end(alone(t, args...))
			if status != statusFailed || stdout != "" || !strings.Contains(stderr, test.want) {
				t.Errorf("status %d, stdout %q, stderr %q; want %q", status, stdout, stderr, test.want)
			}
			if strings.Contains(stderr, "secret") {
				t.Errorf("stderr shows a secret: %q", stderr)
			}
		})
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the job was run")
	}
}

// sink is a gateway that keeps what it receives.
type sink struct {
	*httptest.Server
	mu   sync.Mutex
	got  []string // METHOD path
	body []string
	auth []string
}

func startSink(t *testing.T) *sink {
	t.Helper()
	s := new(sink)
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := unpack(r)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, r.Method+" "+r.URL.Path)
		s.body = append(s.body, body)
		s.auth = append(s.auth, r.Header.Get("Authorization"))
	}))
	t.Cleanup(s.Close)
	return s
}

func TestRunAddsToAGroup(t *testing.T) {
	s := startSink(t)
	path := filepath.Join(t.TempDir(), "a.prom")
	for _, script := range []string{"true", "exit 1"} {
		if _, _, stderr := runJob(t, script, "--gateway="+s.URL, "--label=host=a", "--textfile="+path); stderr != "" {
			t.Errorf("stderr: %s", stderr)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	const want = "POST /metrics/job/nightly/host/a"
	if len(s.got) != 2 || s.got[0] != want || s.got[1] != want {
		t.Fatalf("it sent %q", s.got)
	}
	for i, body := range s.body {
		if !strings.Contains(body, "fennel_run_success") || strings.Contains(body, jobLabel) {
			t.Errorf("body %d: %q", i, body)
		}
		// The gateway keeps what is not sent.
		if got := strings.Contains(body, lastSuccessName); got != (i == 0) {
			t.Errorf("body %d has a last success: %v", i, got)
		}
	}
	if got := values(t, path, `host="a",job_name="nightly"`); got["exit_code"] != 1 {
		t.Errorf("the text file says %v", got)
	}
}

// A gateway that hangs holds nobody up who sends a signal.
func TestSignalsEndTheExport(t *testing.T) {
	arrived := make(chan struct{}, 1)
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-hang
	}))
	defer s.Close()
	defer close(hang)
	var stderr bytes.Buffer
	cmd := alone(t, "run", "--job=j", "--gateway="+s.URL, "--gateway.timeout=1h", "--", "sh", "-c", "exit 6")
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 6 || !strings.Contains(stderr.String(), "canceled") {
		t.Errorf("status %d, stderr %q", got, stderr.String())
	}
}

// A signal that goes to the job and to fennel, as from a terminal or from systemd,
// may arrive here when the job is over. It must not cost the metrics.
func TestASignalThatComesLateEndsNoExport(t *testing.T) {
	sent, pid := make(chan struct{}), make(chan int, 1)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if err := syscall.Kill(<-pid, syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		close(sent)
		time.Sleep(100 * time.Millisecond) // in which it must not give up
	}))
	defer s.Close()
	var stderr bytes.Buffer
	cmd := alone(t, "run", "--job=j", "--gateway="+s.URL, "--", "sh", "-c", "exit 6")
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid <- cmd.Process.Pid
	_ = cmd.Wait()
	<-sent
	if got := cmd.ProcessState.ExitCode(); got != 6 || stderr.Len() > 0 {
		t.Errorf("status %d, stderr %q", got, stderr.String())
	}
}
