package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The scrape protocols of Prometheus, as its configuration spells them.
const (
	text004  = "PrometheusText0.0.4"
	text100  = "PrometheusText1.0.0"
	om001    = "OpenMetricsText0.0.1"
	om100    = "OpenMetricsText1.0.0"
	om200    = "OpenMetricsText2.0.0"
	protobuf = "PrometheusProto"
)

// Features of the server.
const (
	featureOpenMetrics2 = "openmetrics2"
	featureZstd         = "zstd-scrape"

	featureZeroes   = "created-timestamp-zero-ingestion" // a zero is stored where a series starts
	featureStarts   = "st-storage"                       // the start time is stored with each sample
	featureUse      = "use-start-timestamps"             // and queries use it
	featureFunction = "promql-experimental-functions"    // and can show it
)

const scrapeTimeout = time.Minute

// target is something to scrape: one scrape job with one address.
type target struct {
	Name     string // job name, by which the samples are found
	Addr     string // host:port
	Path     string // /metrics if empty
	Protocol string // the only scrape protocol that is asked for

	// Fallback is the protocol to assume if the answer's Content-Type is
	// missing or unknown. If empty such an answer is an error, as it is with
	// Prometheus's own defaults.
	Fallback string

	// Extra has more settings of the scrape job, such as
	// {"scrape_native_histograms": true}.
	Extra map[string]any
}

// setup says how to run a Prometheus; the zero value is good.
type setup struct {
	Interval time.Duration // between scrapes; 500ms if zero
	Features []string      // for --enable-feature, beside exemplar-storage
	Flags    []string      // more command-line flags
}

// prometheus is a running Prometheus server.
type prometheus struct {
	*server
	jobs []string
}

// startPrometheus starts a Prometheus that scrapes the targets, and returns
// when it has done so for each of them. A scrape that fails, fails the test.
func startPrometheus(t *testing.T, targets ...target) *prometheus {
	t.Helper()
	return setup{}.start(t, targets...)
}

// start is [startPrometheus] with settings.
func (s setup) start(t *testing.T, targets ...target) *prometheus {
	t.Helper()
	p := s.launch(t, targets...)
	p.rescrape(t)
	return p
}

// launch starts a Prometheus and returns when it is ready, without waiting for
// scrapes: for tests in which scrapes are to fail.
func (s setup) launch(t *testing.T, targets ...target) *prometheus {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, s.config(t, targets), 0o666); err != nil {
		t.Fatal(err)
	}
	args := append([]string{
		"--config.file=" + config,
		"--storage.tsdb.path=" + filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0",
		"--enable-feature=" + strings.Join(append([]string{"exemplar-storage"}, s.Features...), ","),
		// The default of 5s is how long a new server waits for its targets.
		"--scrape.discovery-reload-interval=10ms",
	}, s.Flags...)
	p := &prometheus{server: startServer(t, prometheusProgram, args...)}
	for _, target := range targets {
		p.jobs = append(p.jobs, target.Name)
	}
	p.await(t, startTimeout, "ready", p.ready)
	return p
}

// config returns the configuration file. It is JSON, of which YAML is a superset.
func (s setup) config(t *testing.T, targets []target) []byte {
	t.Helper()
	interval := s.Interval
	if interval == 0 {
		interval = 500 * time.Millisecond
	}
	every := fmt.Sprintf("%dms", interval.Milliseconds())
	var jobs []map[string]any
	for _, target := range targets {
		jobs = append(jobs, target.config())
	}
	config, err := json.Marshal(map[string]any{
		"global": map[string]any{
			"scrape_interval":               every,
			"scrape_timeout":                every,
			"metric_name_validation_scheme": "utf8",
		},
		"scrape_configs": jobs,
	})
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// config returns the target's scrape job.
func (t target) config() map[string]any {
	job := map[string]any{
		"job_name":         t.Name,
		"scrape_protocols": []string{t.Protocol},
		"static_configs":   []any{map[string]any{"targets": []string{t.Addr}}},
	}
	if t.Path != "" {
		job["metrics_path"] = t.Path
	}
	if t.Fallback != "" {
		job["fallback_scrape_protocol"] = t.Fallback
	}
	maps.Copy(job, t.Extra)
	return job
}

// ready reports whether the server says that it is ready.
func (p *prometheus) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr+"/-/ready", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// rescrape waits until each target has been scraped twice by scrapes that
// began after the call: after it returns, queries show what the targets served
// when it was called, or newer. A scrape that fails, fails the test.
func (p *prometheus) rescrape(t *testing.T) {
	t.Helper()
	// Twice, because a scrape is reported a moment before it is committed.
	seen := make(map[string][]time.Time)
	since := time.Now()
	p.await(t, scrapeTimeout, "done with scraping", func(context.Context) bool {
		for _, state := range p.targets(t) {
			if !state.LastScrape.After(since) {
				continue
			}
			if state.failed() {
				t.Fatalf("scrape of job %q failed: %s", state.job(), state.LastError)
			}
			seen[state.job()] = appendNew(seen[state.job()], state)
		}
		return p.allSeen(seen, 2)
	})
}

// allSeen reports whether each job has been scraped at least n times.
func (p *prometheus) allSeen(seen map[string][]time.Time, n int) bool {
	for _, job := range p.jobs {
		if len(seen[job]) < n {
			return false
		}
	}
	return true
}

// appendNew appends the time of the state's scrape unless it failed or is there.
func appendNew(times []time.Time, state targetState) []time.Time {
	if state.Health != "up" {
		return times
	}
	if n := len(times); n > 0 && times[n-1].Equal(state.LastScrape) {
		return times
	}
	return append(times, state.LastScrape)
}

// awaitError waits for a failed scrape of the job and returns its error: for
// tests of what Prometheus refuses.
func (p *prometheus) awaitError(t *testing.T, job string) string {
	t.Helper()
	var lastError string
	p.await(t, scrapeTimeout, "refusing "+job, func(context.Context) bool {
		for _, state := range p.targets(t) {
			if state.job() == job && state.failed() {
				lastError = state.LastError
			}
		}
		return lastError != ""
	})
	return lastError
}
