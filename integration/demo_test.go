package integration

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demonstration is a running "fennel demo".
type demonstration struct {
	Addr string
	cmd  *exec.Cmd
	log  log
}

// demonstrate builds the command and starts its demonstration, which is killed
// at the end of the test unless it has ended.
func demonstrate(t *testing.T, args ...string) *demonstration {
	t.Helper()
	ctx, cancel := beforeDeadline(t, t.Context())
	defer cancel()
	file := filepath.Join(t.TempDir(), "fennel")
	if _, err := runGo(ctx, "..", "build", "-o", file, "./cmd/fennel"); err != nil {
		unavailable(t, "could not build fennel: %v", err)
	}
	args = append([]string{"demo", "--web.listen-address=127.0.0.1:0"}, args...)
	d := &demonstration{cmd: exec.Command(file, args...)}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = &d.log
	d.cmd.SysProcAttr = dieWithParent()
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.cmd.Process.Kill() }) // an error: it has ended
	d.readAddress(t, stdout)
	return d
}

// readAddress reads where the demonstration listens from what it says first.
func (d *demonstration) readAddress(t *testing.T, stdout io.Reader) {
	t.Helper()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	_, address, _ := strings.Cut(line, "metrics:")
	u, parseErr := url.Parse(strings.TrimSpace(address))
	if err != nil || parseErr != nil || u.Host == "" || u.Path != "/metrics" {
		t.Fatalf("the demo says %q, %v, and not where its metrics are\n%s", line, err, d.log.String())
	}
	d.Addr = u.Host
}

// terminate asks the demonstration to end and checks that it does so well.
func (d *demonstration) terminate(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	killed := time.AfterFunc(stopTimeout, func() { _ = d.cmd.Process.Kill() })
	defer killed.Stop()
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("the demo did not end well: %v\n%s", err, d.log.String())
	}
}

// demoRate is how many requests the demonstration's customers make in a second.
const demoRate = 200

// demoFamilies are some of the metrics of the demonstration, and what is to be
// known of them.
var demoFamilies = map[string]metadata{
	"http_requests_total":           {"counter", "HTTP requests served.", ""},
	"http_requests_in_flight":       {"gauge", "HTTP requests being served.", ""},
	"http_request_duration_seconds": {"histogram", "Time to serve a request.", "seconds"},
	"http_response_size_bytes":      {"summary", "Size of the bodies of responses.", "bytes"},
	"shop_config_info":              {"info", "How the shop is set up.", ""},
	"process_cpu_seconds_total":     {"counter", "", "seconds"},
	"go_goroutines":                 {"gauge", "", ""},
}

// demoProtocols are those in which the demonstration is scraped.
var demoProtocols = []string{text004, text100, om001, om100, protobuf}

// TestDemo lets Prometheus watch the demonstration that the fennel command has.
func TestDemo(t *testing.T) {
	d := demonstrate(t, fmt.Sprintf("--rate=%d", demoRate))
	var targets []target
	for _, protocol := range demoProtocols {
		targets = append(targets, target{Name: protocol, Addr: d.Addr, Protocol: protocol})
	}
	p := startPrometheus(t, targets...)
	for _, protocol := range demoProtocols {
		t.Run(protocol, func(t *testing.T) {
			checkDemoFamilies(t, p, protocol)
			checkDemoNumbers(t, p, protocol)
		})
	}
	checkDemoLint(t, d)
	d.terminate(t)
	if strings.Contains(d.log.String(), "level=ERROR") {
		t.Errorf("the demo logged errors:\n%s", d.log.String())
	}
}

// checkDemoFamilies checks the metadata of some metrics.
func checkDemoFamilies(t *testing.T, p *prometheus, job string) {
	t.Helper()
	got := p.targetMetadata(t, job)
	openMetrics := job == om001 || job == om100
	for name, want := range demoFamilies {
		switch {
		case openMetrics && want.Type == "counter":
			name = strings.TrimSuffix(name, "_total")
		case openMetrics:
			name = strings.TrimSuffix(name, "_info")
		case want.Type == "info":
			want.Type = "gauge"
		}
		if !openMetrics && job != protobuf {
			want.Unit = ""
		}
		m := got[name]
		if want.Help == "" && m.Help != "" {
			m.Help = "" // somebody else's words
		}
		if m != want {
			t.Errorf("metadata of %s is %+v, want %+v", name, m, want)
		}
	}
}

// checkDemoNumbers checks that what can be asked of the metrics makes sense.
func checkDemoNumbers(t *testing.T, p *prometheus, job string) {
	t.Helper()
	job = fmt.Sprintf("job=%q", job)
	before := p.only(t, "sum(http_requests_total{"+job+"})")
	p.await(t, scrapeTimeout, "aware of more requests", func(context.Context) bool {
		return p.only(t, "sum(http_requests_total{"+job+"})") > before
	})
	ranges := []struct {
		expr      string
		low, high float64
	}{
		{"sum(rate(http_requests_total{" + job + "}[1m]))", 1, 10 * demoRate},
		{"histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket{" + job + "}[1m])))", 1e-6, 10},
		{"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{" + job + "}[1m])))", 1e-6, 10},
		{"sum(rate(http_response_size_bytes_sum{" + job + "}[1m])) / sum(rate(http_response_size_bytes_count{" + job + "}[1m]))", 1, 1e6},
		{"sum(http_request_duration_seconds_bucket{" + job + ",le=\"+Inf\"}) - sum(http_request_duration_seconds_count{" + job + "})", 0, 0},
		{"time() - process_start_time_seconds{" + job + "}", -1, 600},
		{"go_goroutines{" + job + "}", 1, 10000},
		{"process_resident_memory_bytes{" + job + "}", 1 << 20, 1 << 30},
	}
	for _, r := range ranges {
		if v := p.only(t, r.expr); !(v >= r.low && v <= r.high) {
			t.Errorf("%s is %v, want %v to %v", r.expr, v, r.low, r.high)
		}
	}
}

// only returns the only value that a query gives, or NaN.
func (p *prometheus) only(t *testing.T, expr string) float64 {
	t.Helper()
	got := p.query(t, expr)
	if len(got) != 1 {
		return math.NaN()
	}
	return got[0].Value
}

// checkDemoLint checks that promtool finds nothing wrong with what people are to
// take for an example.
func checkDemoLint(t *testing.T, d *demonstration) {
	t.Helper()
	if issues := checkMetrics(t, fetch(t, "http://"+d.Addr+"/metrics")); issues != "" {
		t.Errorf("promtool check metrics:\n%s", issues)
	}
}

// fetch returns the body of an URL.
func fetch(t *testing.T, address string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, resp.Status, err)
	}
	return body.Bytes()
}
