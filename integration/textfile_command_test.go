package integration

import (
	"bufio"
	"bytes"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/textfile"
)

// fennelCommand builds the command and returns its path.
func fennelCommand(t *testing.T) string {
	t.Helper()
	ctx, cancel := beforeDeadline(t, t.Context())
	defer cancel()
	file := filepath.Join(t.TempDir(), "fennel")
	if _, err := runGo(ctx, "..", "build", "-o", file, "./cmd/fennel"); err != nil {
		unavailable(t, "could not build fennel: %v", err)
	}
	return file
}

// runFennel runs the command and returns its exit status.
func runFennel(t *testing.T, command, stdin string, args ...string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if len(out) > 0 {
		t.Errorf("fennel %q says: %s", args, out)
	}
	return cmd.ProcessState.ExitCode()
}

func TestRunIsReadByNodeExporter(t *testing.T) {
	fennelPath, dir := fennelCommand(t), t.TempDir()
	exporter := startNodeExporter(t, dir)
	args := []string{"run", "--job=nightly", "--textfile=" + filepath.Join(dir, "nightly.prom"), "--label=host=a", "--", "sh", "-c"}
	if status := runFennel(t, fennelPath, "", append(args, "true")...); status != 0 {
		t.Errorf("status %d", status)
	}
	const labels = `{host="a", job_name="nightly"}`
	success := exporter.scrapeFiles(t)["fennel_run_last_success_timestamp_seconds"+labels]
	if status := runFennel(t, fennelPath, "", append(args, "exit 3")...); status != 3 {
		t.Errorf("status %d", status)
	}
	got := exporter.scrapeFiles(t)
	if got[textfileError] != 0 || got["fennel_run_exit_code"+labels] != 3 || got["fennel_run_success"+labels] != 0 {
		t.Errorf("after the failure: %v", got)
	}
	if last := got["fennel_run_last_success_timestamp_seconds"+labels]; last != success || time.Since(seconds(last)) > time.Hour {
		t.Errorf("the last success was at %v and then at %v", success, last)
	}
	if len(got) != 10 { // the eight, one of them twice, and textfileError
		t.Errorf("%d samples: %v", len(got), got)
	}
}

func TestCommandPushes(t *testing.T) {
	fennelPath, gateway := fennelCommand(t), startPushgateway(t)
	to := "--gateway=http://" + gateway.Addr
	for _, test := range []struct {
		stdin  string
		args   []string
		status int
		group  map[string]string
		want   map[string]float64 // of some metrics; 0 where there must be none
	}{
		{"a 1\nb 2\n", []string{"push", "--label=host=a/b"}, 0, map[string]string{"host": "a/b"}, map[string]float64{"a": 1, "b": 2}},
		{"b 3\n", []string{"push", "--label=host=a/b", "--add"}, 0, map[string]string{"host": "a/b"}, map[string]float64{"a": 1, "b": 3}},
		{"b 4\n", []string{"push", "--label=host=a/b"}, 0, map[string]string{"host": "a/b"}, map[string]float64{"a": 0, "b": 4}},
		{"", []string{"run", "--", "true"}, 0, nil, map[string]float64{"fennel_run_success": 1, "fennel_run_last_success_timestamp_seconds": 1}},
		{"", []string{"run", "--", "sh", "-c", "exit 3"}, 3, nil, map[string]float64{"fennel_run_exit_code": 3, "fennel_run_last_success_timestamp_seconds": 1}},
		{"", []string{"delete"}, 0, nil, map[string]float64{"fennel_run_exit_code": 0}},
	} {
		args := append([]string{test.args[0], "--job=j", to}, test.args[1:]...)
		if status := runFennel(t, fennelPath, test.stdin, args...); status != test.status {
			t.Errorf("%q: status %d", args, status)
		}
		if test.args[0] == "delete" {
			gateway.awaitGroups(t, 1) // which it does in its own time
		}
		got := gateway.metrics(t, "").values()
		for name, want := range test.want {
			labels := map[string]string{"__name__": name, "job": "j", "instance": ""}
			for k, v := range test.group {
				labels[k] = v
			}
			v, there := got[seriesName(labels)]
			if strings.HasSuffix(name, "timestamp_seconds") && there {
				v = 1
			}
			if v != want || there == (want == 0) {
				t.Errorf("%q: %s is %v, want %v, in %v", args, name, v, want, got)
			}
		}
	}
}

func TestCommandPushesWithTLS(t *testing.T) {
	fennelPath := fennelCommand(t)
	gateway, dir := startSecurePushgateway(t)
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(pushgatewayPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"push", "--job=j", "--gateway=" + gateway.URL,
		"--gateway.tls-ca-file=" + filepath.Join(dir, "ca.pem"),
		"--gateway.tls-cert-file=" + filepath.Join(dir, "client.pem"),
		"--gateway.tls-key-file=" + filepath.Join(dir, "client.key"),
		"--gateway.username=" + pushgatewayUser, "--gateway.password-file=" + password,
	}
	if status := runFennel(t, fennelPath, "a 1\n", args...); status != 0 {
		t.Errorf("status %d", status)
	}
	if got := gateway.metrics(t, "").values()[`a{job="j"}`]; got != 1 {
		t.Errorf("a is %v", got)
	}
}

// TestServeIsScraped lets Prometheus scrape the files of two programs in each
// format.
func TestServeIsScraped(t *testing.T) {
	fennelPath, dir := fennelCommand(t), t.TempDir()
	for i, job := range []string{"a", "b"} {
		reg := fennel.NewRegistry()
		in, name := fennel.In(reg), fennel.LabelNames("name")
		fennel.NewCounterVec[string]("files_total", "Files.", name, in).With(job).AddUint(uint64(i + 1))
		fennel.NewHistogramVec[string]("size_bytes", "Sizes.", name, in, fennel.Buckets(1, 10)).With(job).Observe(5)
		fennel.NewSummaryVec[string]("wait_seconds", "Waits.", name, in).With(job).Observe(2)
		if err := textfile.Write(t.Context(), filepath.Join(dir, job+".prom"), reg); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "c.prom"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	addr := startServeCommand(t, fennelPath, dir)
	var targets []target
	for _, protocol := range []string{text004, om100, protobuf} {
		targets = append(targets, target{Name: protocol, Addr: addr, Protocol: protocol})
	}
	p := startPrometheus(t, targets...)
	for _, job := range targets {
		got := p.scraped(t, job.Name)
		for series, want := range map[string]float64{
			`files_total{name="a"}`:                  1,
			`files_total{name="b"}`:                  2,
			`size_bytes_bucket{le="1.0", name="b"}`:  0,
			`size_bytes_bucket{le="10.0", name="b"}`: 1,
			`size_bytes_count{name="a"}`:             1,
			`wait_seconds_sum{name="b"}`:             2,
			`fennel_serve_file_error{file="a.prom"}`: 0,
			`fennel_serve_file_error{file="c.prom"}`: 1,
		} {
			if v, ok := got[series]; !ok || v != want {
				t.Errorf("%s: %s is %v, want %v", job.Name, series, v, want)
			}
		}
	}
}

// startServeCommand starts "fennel serve" and returns its address.
func startServeCommand(t *testing.T, command, dir string) string {
	t.Helper()
	cmd := exec.Command(command, "serve", "--dir="+dir, "--web.listen-address=127.0.0.1:0")
	var log bytes.Buffer
	cmd.Stderr = &log
	cmd.SysProcAttr = dieWithParent()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("log of fennel serve:\n%s", log.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	u, parseErr := url.Parse(strings.TrimSpace(strings.TrimPrefix(line, "metrics:")))
	if err != nil || parseErr != nil {
		t.Fatalf("fennel serve says %q, %v", line, err)
	}
	return u.Host
}
