package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unpack returns the body of a request.
func unpack(r *http.Request) (string, error) {
	in := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return "", err
		}
		in = z
	}
	body, err := io.ReadAll(in)
	return string(body), err
}

// sent is what one call of the command has sent.
type sent struct {
	requests       []string // METHOD path
	bodies         []string
	authorizations []string
	status         int
	stdout, stderr string
}

// send runs the command with the URL of a gateway, whose answer this is, in place
// of GATEWAY, and in an environment with more variables.
func send(t *testing.T, answer int, stdin string, env []string, args ...string) sent {
	t.Helper()
	var s sent
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := unpack(r)
		if err != nil {
			t.Error(err)
		}
		s.requests = append(s.requests, r.Method+" "+r.URL.EscapedPath())
		s.bodies = append(s.bodies, body)
		s.authorizations = append(s.authorizations, r.Header.Get("Authorization"))
		w.WriteHeader(answer)
		_, _ = io.WriteString(w, "its own words")
	}))
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "GATEWAY", gateway.URL)
	}
	cmd := command(t, args...)
	cmd.Env = append(cmd.Env, env...)
	for i := range cmd.Env {
		cmd.Env[i] = strings.ReplaceAll(cmd.Env[i], "GATEWAY=GATEWAY", "GATEWAY="+gateway.URL)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	_ = cmd.Run() // the status says it
	gateway.Close()
	s.status, s.stdout, s.stderr = cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
	return s
}

func TestPushAndDelete(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.prom"), filepath.Join(dir, "b.prom")
	secret := filepath.Join(dir, "secret")
	for path, text := range map[string]string{
		a: "# TYPE from_a counter\nfrom_a 1\n", b: "from_b{x=\"y\"} 2\n", secret: "geheim\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const basic = "Basic Y2k6Z2VoZWlt" // ci:geheim
	for name, test := range map[string]struct {
		args, env []string
		stdin     string
		request   string
		bodies    []string // parts of it
		auth      string
	}{
		"stdin":      {[]string{"push", "--gateway=GATEWAY", "--job=j"}, nil, "a 1\n", "PUT /metrics/job/j", []string{"a"}, ""},
		"dash":       {[]string{"push", "--gateway=GATEWAY", "--job=j", a, "-"}, nil, "from_stdin 1\n", "PUT /metrics/job/j", []string{"from_a", "from_stdin"}, ""},
		"two files":  {[]string{"push", a, b, "--gateway=GATEWAY", "--job=j"}, nil, "", "PUT /metrics/job/j", []string{"from_a", "from_b"}, ""},
		"add":        {[]string{"push", "--add", "--gateway=GATEWAY", "--job=j", a}, nil, "", "POST /metrics/job/j", []string{"from_a"}, ""},
		"labels":     {[]string{"push", "--gateway=GATEWAY/p", "--job=a/b", "--label=z=1", "--label=c=x=y", a}, nil, "", "PUT /p/metrics/job@base64/YS9i/c@base64/eD15/z/1", nil, ""},
		"delete":     {[]string{"delete", "--gateway=GATEWAY", "--job=j", "--label=c=d"}, nil, "", "DELETE /metrics/job/j/c/d", nil, ""},
		"variable":   {[]string{"delete", "--job=j"}, []string{"FENNEL_GATEWAY=GATEWAY"}, "", "DELETE /metrics/job/j", nil, ""},
		"basic auth": {[]string{"delete", "--gateway=GATEWAY", "--job=j", "--gateway.username=ci", "--gateway.password-file=" + secret}, nil, "", "DELETE /metrics/job/j", nil, basic},
		"password in a variable": {
			[]string{"delete", "--gateway=GATEWAY", "--job=j", "--gateway.username=ci"}, []string{passwordVariable + "=geheim"}, "",
			"DELETE /metrics/job/j", nil, basic,
		},
		"token":  {[]string{"delete", "--gateway=GATEWAY", "--job=j", "--gateway.bearer-token-file=" + secret}, nil, "", "DELETE /metrics/job/j", nil, "Bearer geheim"},
		"header": {[]string{"delete", "--gateway=GATEWAY", "--job=j", "--gateway.header=Authorization=Other x=y"}, nil, "", "DELETE /metrics/job/j", nil, "Other x=y"},
	} {
		t.Run(name, func(t *testing.T) {
			s := send(t, http.StatusAccepted, test.stdin, test.env, test.args...)
			if s.status != 0 || s.stdout != "" || s.stderr != "" {
				t.Errorf("status %d, stdout %q, stderr %q", s.status, s.stdout, s.stderr)
			}
			if !slices.Equal(s.requests, []string{test.request}) {
				t.Fatalf("it sent %q, want %q", s.requests, test.request)
			}
			for _, want := range test.bodies {
				if !strings.Contains(s.bodies[0], want) {
					t.Errorf("the body is %q, want %q", s.bodies[0], want)
				}
			}
			if s.authorizations[0] != test.auth {
				t.Errorf("authorization %q, want %q", s.authorizations[0], test.auth)
			}
		})
	}
}

func TestPushSendsNothingWrong(t *testing.T) {
	good := filepath.Join(t.TempDir(), "a.prom")
	if err := os.WriteFile(good, []byte("a 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	push := func(args ...string) []string {
		return append([]string{"push", "--gateway=GATEWAY", "--job=j"}, args...)
	}
	for name, test := range map[string]struct {
		args  []string
		stdin string
		want  string
	}{
		"half a line":      {push(), "a 1\nb 2", "<stdin>:2: the last line has no line feed"},
		"no number":        {push(good, "-"), "b x\n", `<stdin>:1: "x" is no number`},
		"a series twice":   {push(good, "-"), "a 1\n", "the series {} is in " + good},
		"nothing":          {push(), "# nothing\n", "there are no metrics"},
		"no file":          {push(good + "x"), "", good + "x"},
		"a timestamp":      {push(), "a 1 1000\n", "timestamp"},
		"a grouping label": {push("--label=b=c"), "a{b=\"d\"} 1\n", `label "b"`},
		"the job":          {push(), "a{job=\"d\"} 1\n", `label "job"`},
		"no password":      {push("--gateway.username=x"), "a 1\n", passwordVariable},
		"no job":           {[]string{"push", "--gateway=GATEWAY"}, "a 1\n", "--job"},
		"no gateway":       {[]string{"push", "--job=j"}, "a 1\n", "--gateway"},
		"delete a file":    {[]string{"delete", "--job=j", "--gateway=GATEWAY", good}, "", "unexpected"},
	} {
		t.Run(name, func(t *testing.T) {
			s := send(t, http.StatusOK, test.stdin, nil, test.args...)
			if s.status != 1 || s.stdout != "" || !strings.Contains(s.stderr, test.want) {
				t.Errorf("status %d, stdout %q, stderr %q; want %q", s.status, s.stdout, s.stderr, test.want)
			}
			if len(s.requests) != 0 {
				t.Errorf("it sent %q", s.requests)
			}
		})
	}
}

func TestPushTellsWhatTheGatewaySays(t *testing.T) {
	s := send(t, http.StatusBadRequest, "a 1\n", nil, "push", "--gateway=GATEWAY", "--job=j")
	if s.status != 1 || !strings.Contains(s.stderr, "400") || !strings.Contains(s.stderr, "its own words") {
		t.Errorf("status %d, stderr %q", s.status, s.stderr)
	}
	s = send(t, http.StatusServiceUnavailable, "a 1\n", nil, "push", "--gateway=GATEWAY", "--job=j", "--gateway.retries=1")
	if s.status != 1 || len(s.requests) != 2 {
		t.Errorf("status %d after %q", s.status, s.requests)
	}
}

// Input that doesn't come holds nobody up who sends a signal.
func TestASignalEndsTheWaitForInput(t *testing.T) {
	cmd := command(t, "push", "--gateway=127.0.0.1:1", "--job=j")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// More than a pipe holds: it is being read when this returns.
	if _, err := io.WriteString(stdin, strings.Repeat("# comment\n", 1e5)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Skipf("there are no signals to end it with: %v", err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it has succeeded")
	}
}
