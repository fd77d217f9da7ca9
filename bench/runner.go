package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// runner runs passes.
type runner struct {
	dir     string // for what is built
	bin     string // the benchmarks
	quick   bool
	only    *regexp.Regexp // of the passes, by their pattern
	raw     io.Writer      // gets all that the benchmarks print
	log     io.Writer
	results results
	source  map[string]pass // which measured a benchmark last
	others  load
	noisy   int // runs that were disturbed and count all the same
	// patience is how much time is left for repeating runs that others disturbed.
	patience time.Duration
}

// quiet is how much of a core others may use during a run that counts, unless
// patience is at its end. The system's accounting is not good for less.
const quiet = 0.08

// repeats is how often a run is repeated at most.
const repeats = 3

// all runs all passes, in rounds, so that what disturbs one run of a pass
// leaves the others alone. A pass that fails doesn't keep the rest from running.
func (r *runner) all(ctx context.Context) error {
	r.bin, r.source = filepath.Join(r.dir, "bench.test"), make(map[string]pass)
	if out, err := exec.Command("go", "test", "-c", "-o", r.bin, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("building the benchmarks: %w\n%s", err, out)
	}
	var failed error
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
			failed = errors.Join(failed, r.run(ctx, p, plan.time))
			if ctx.Err() != nil {
				return failed
			}
		}
	}
	if r.only.MatchString("size") {
		failed = errors.Join(failed, measureSizes(r.dir, r.results))
	}
	return failed
}

// rechecks is how often a pass is run again because a row looks worse than it was.
const rechecks = 3

// recheck runs those passes again that measured rows that look worse than before,
// until none does: what was chance will not be it each time.
func (r *runner) recheck(ctx context.Context, before *record) error {
	for range rechecks {
		again := make(map[string]pass)
		for _, c := range changes(before, &record{machine: machine(), results: r.results}) {
			if p, ok := r.source[c.row.of(columns[0])]; ok && c.verdict == worse && !c.row.isExact() {
				again[p.bench] = p
			}
		}
		for _, p := range again {
			if err := r.run(ctx, p, cmp.Or(p.full.time, p.quick.time)); err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs a pass once, or again if others disturbed it: with one of two cores
// taken, all that is measured in parallel looks as if it had no contention.
func (r *runner) run(ctx context.Context, p pass, benchtime string) error {
	for repeat := 0; ; repeat++ {
		start := time.Now()
		out, others, err := r.execute(ctx, p.bench, benchtime)
		if err != nil {
			return err
		}
		took := time.Since(start)
		again := others > quiet && repeat < repeats && took < r.patience
		verdict := ""
		if again {
			verdict = ", repeated"
		}
		fmt.Fprintf(r.log, "%6.1fs  %s  (others: %s of a core%s)\n", took.Seconds(), p.bench, percent(others), verdict)
		if again {
			r.patience -= took
			continue
		}
		r.others.add(others)
		if others > quiet {
			r.noisy++
		}
		measured := make(results)
		measured.parse(string(out))
		for name := range measured {
			r.source[name] = p
		}
		r.results.parse(string(out))
		_, err = r.raw.Write(out)
		return err
	}
}

// execute returns what the benchmarks print and how much of a core others used
// meanwhile.
func (r *runner) execute(ctx context.Context, bench, benchtime string) ([]byte, float64, error) {
	cmd := exec.CommandContext(ctx, r.bin, "-test.run=^$", "-test.bench="+bench, "-test.benchtime="+benchtime, "-test.timeout=0")
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

// record returns what was measured since start.
func (r *runner) record(start time.Time) *record {
	command := "go run ."
	if r.quick {
		command += " -quick"
	}
	if only := r.only.String(); only != "" {
		command += " -only '" + only + "'"
	}
	return &record{
		date:     start.Format(time.DateOnly),
		command:  command,
		took:     time.Since(start).Round(time.Second).String(),
		machine:  machine(),
		versions: versions(),
		others:   r.disturbance(),
		results:  r.results,
	}
}

// disturbance says what else ran on the machine.
func (r *runner) disturbance() string {
	if r.others.n == 0 {
		return ""
	}
	return fmt.Sprintf("Other processes used %s of a core on average, %s at most; %d of %.0f runs were disturbed by more than %s.",
		percent(r.others.sum/r.others.n), percent(r.others.max), r.noisy, r.others.n, percent(quiet))
}
