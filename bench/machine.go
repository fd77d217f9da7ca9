package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine describes what the benchmarks run on.
func machine() string {
	parts := []string{cpuModel(), fmt.Sprintf("%d cores", runtime.NumCPU())}
	if out, err := exec.Command("uname", "-sr").Output(); err == nil {
		parts = append(parts, strings.TrimSpace(string(out)))
	}
	parts = append(parts, runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH)
	for _, v := range []string{"GOGC", "GOMAXPROCS", "GOAMD64"} {
		if s := os.Getenv(v); s != "" {
			parts = append(parts, v+"="+s)
		}
	}
	return strings.Join(parts, ", ")
}

// cpuModel returns what the system calls its processor.
func cpuModel() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return "unknown processor"
}

// versions names the modules that take part.
func versions() string {
	want := map[string]bool{
		"github.com/VictoriaMetrics/metrics":            true,
		"github.com/klauspost/compress":                 true,
		"github.com/prometheus/client_golang":           true,
		"github.com/prometheus/common":                  true,
		"go.opentelemetry.io/otel/sdk/metric":           true,
		"go.opentelemetry.io/otel/exporters/prometheus": true,
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "all").Output()
	if err != nil {
		return "unknown versions"
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		if want[path] {
			found = append(found, strings.TrimPrefix(path, "github.com/")+" "+version)
		}
	}
	return strings.Join(found, ", ")
}

// load is how much of the machine other processes had during the runs that
// count, in cores.
type load struct{ sum, max, n float64 }

func (l *load) add(f float64) { l.sum, l.max, l.n = l.sum+f, max(l.max, f), l.n+1 }

// tick is the unit of /proc/stat.
const tick = 10 * time.Millisecond

// busyTime returns the processor time that all processes have had, or 0 where
// the system doesn't say.
func busyTime() time.Duration {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(strings.SplitN(string(data), "\n", 2)[0])
	var busy time.Duration
	for i, f := range fields {
		n, _ := strconv.ParseInt(f, 10, 64)
		if i != 0 && i != 4 && i != 5 && i < 9 { // neither idle nor waiting
			busy += time.Duration(n) * tick
		}
	}
	return busy
}
