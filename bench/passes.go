package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// pass is a part of the benchmarks, which runs in a process of its own: several
// times, because what differs from process to process, such as where memory
// lies, is most of the noise.
type pass struct {
	bench string // for go test -bench
	full  plan
	quick plan
}

// plan says how often to run a pass, and for how long each benchmark: as for go
// test -benchtime.
type plan struct {
	runs int
	time string
}

// passes are all benchmarks. Where a peer takes many seconds for a million
// series, it runs once, and not at all in a quick run.
var passes = []pass{
	{"^Benchmark(Counter|Lookup|Histogram|Summary|Native|Both|Quantile)", plan{7, "200ms"}, plan{3, "30ms"}},
	{"^BenchmarkCreate$", plan{5, "300ms"}, plan{3, "50ms"}},
	{"^BenchmarkScrape$/^(100|10000)$", plan{5, "300ms"}, plan{2, "50ms"}},
	{"^BenchmarkScrape$/^100000$", plan{5, "300ms"}, plan{1, "50ms"}},
	{"^BenchmarkScrapeHistograms$", plan{5, "300ms"}, plan{1, "50ms"}},
	{"^BenchmarkScrape$/^1000000$/^(fennel|vm|limit)$", plan{5, "5x"}, plan{1, "2x"}},
	{"^BenchmarkScrape$/^1000000$/^(client_golang|otel)$/^(text|gzip)$", plan{1, "1x"}, plan{}},
	{"^BenchmarkHeap$/counters/^100000$", plan{3, "1x"}, plan{1, "1x"}},
	{"^BenchmarkHeap$/histograms", plan{3, "1x"}, plan{1, "1x"}},
	{"^BenchmarkHeapRich$", plan{3, "1x"}, plan{1, "1x"}},
	{"^BenchmarkHeap$/counters/^1000000$/^(fennel|vm)$", plan{3, "1x"}, plan{1, "1x"}},
	{"^BenchmarkHeap$/counters/^1000000$/^(client_golang|otel)$", plan{1, "1x"}, plan{}},
}

// runner runs passes.
type runner struct {
	dir     string // for what is built
	quick   bool
	only    *regexp.Regexp // of the passes, by their pattern
	raw     io.Writer      // gets all that the benchmarks print
	log     io.Writer
	results results
	others  load
	retries int // of a run that others disturbed
	noisy   int // runs that were disturbed and count all the same
}

// quiet is how much of a core others may use during a run that counts, unless
// it is out of retries. The system's accounting is not good for less.
const quiet = 0.08

// all runs all passes, in rounds, so that what disturbs one run of a pass
// leaves the others alone.
func (r *runner) all(ctx context.Context) error {
	bin := filepath.Join(r.dir, "bench.test")
	if out, err := exec.Command("go", "test", "-c", "-o", bin, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("building the benchmarks: %w\n%s", err, out)
	}
	for round, more := 0, true; more; round++ {
		more = false
		for _, p := range passes {
			plan := p.full
			if r.quick {
				plan = p.quick
			}
			if round >= plan.runs || !r.only.MatchString(p.bench) {
				continue
			}
			more = true
			if err := r.run(ctx, bin, p.bench, plan.time); err != nil {
				return err
			}
		}
	}
	if r.only.MatchString("size") {
		return measureSizes(r.dir, r.results)
	}
	return nil
}

// run runs a pass once, or again if others disturbed it: with one of two cores
// taken, all that is measured in parallel looks as if it had no contention.
func (r *runner) run(ctx context.Context, bin, bench, benchtime string) error {
	for retry := 0; ; retry++ {
		start := time.Now()
		out, others, err := r.execute(ctx, bin, bench, benchtime)
		if err != nil {
			return err
		}
		again := others > quiet && retry < r.retries
		verdict := ""
		if again {
			verdict = ", repeated"
		}
		fmt.Fprintf(r.log, "%6.1fs  %s  (others: %s of a core%s)\n", time.Since(start).Seconds(), bench, percent(others), verdict)
		if again {
			continue
		}
		r.others.add(others)
		if others > quiet {
			r.noisy++
		}
		r.results.parse(string(out))
		_, err = r.raw.Write(out)
		return err
	}
}

// execute returns what the benchmarks print and how much of a core others used
// meanwhile.
func (r *runner) execute(ctx context.Context, bin, bench, benchtime string) ([]byte, float64, error) {
	cmd := exec.CommandContext(ctx, bin, "-test.run=^$", "-test.bench="+bench, "-test.benchtime="+benchtime, "-test.timeout=0")
	cmd.Stderr = os.Stderr
	start, busy := time.Now(), busyTime()
	out, err := cmd.Output()
	if err != nil {
		return nil, 0, fmt.Errorf("running %s: %w\n%s", bench, err, out)
	}
	p := cmd.ProcessState
	others := busyTime() - busy - p.UserTime() - p.SystemTime()
	return out, max(0, others.Seconds()/time.Since(start).Seconds()), nil
}

func percent(f float64) string { return strconv.Itoa(int(100*f+0.5)) + " %" }
