// Bench measures Fennel side by side with its peers, prometheus/client_golang,
// VictoriaMetrics/metrics and the OpenTelemetry SDK with its Prometheus
// exporter, and prints one table: see README.md.
//
// Usage, in this directory:
//
//	go run . [-quick] [-only regexp] [-o file] [-raw file]
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	quick := flag.Bool("quick", false, "few and short runs, two to four minutes; no client_golang and OpenTelemetry at a million series")
	only := flag.String("only", "", "run only the passes that match this regular expression, such as Lookup, Create, Scrape, Heap, size")
	out := flag.String("o", "", "also write the table to this file")
	retries := flag.Int("retries", 3, "how often to repeat a run during which other processes were busy; none in a quick run")
	raw := flag.String("raw", "", "write all that the benchmarks print to this file, for benchstat")
	flag.Parse()
	if err := run(*quick, *retries, *only, *out, *raw); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(quick bool, retries int, only, out, raw string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &runner{dir: dir, quick: quick, only: pattern, raw: io.Discard, log: os.Stderr, results: make(results)}
	if !quick {
		r.retries = retries
	}
	if raw != "" {
		f, err := os.Create(raw)
		if err != nil {
			return err
		}
		defer f.Close()
		r.raw = f
	}
	start := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed := r.all(ctx) // what was measured before is worth a table in any case
	var report bytes.Buffer
	writeReport(&report, r, time.Since(start))
	os.Stdout.Write(report.Bytes())
	if out != "" {
		return errors.Join(failed, os.WriteFile(out, report.Bytes(), 0o644))
	}
	return failed
}

// writeReport writes the table and what it was measured with.
func writeReport(w io.Writer, r *runner, took time.Duration) {
	writeTable(w, r.results)
	command := "go run ."
	if r.quick {
		command += " -quick"
	}
	fmt.Fprintf(w, "\nMedians of `%s`, %s, %v. %s.\n", command, time.Now().Format(time.DateOnly), took.Round(time.Second), machine())
	fmt.Fprintf(w, "Peers: %s.\n", versions())
	if r.others.n > 0 {
		fmt.Fprintf(w, "Other processes used %s of a core on average, %s at most; %d of %.0f runs were disturbed by more than %s.\n",
			percent(r.others.sum/r.others.n), percent(r.others.max), r.noisy, r.others.n, percent(quiet))
	}
}
