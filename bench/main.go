// Bench measures Fennel side by side with its peers, prometheus/client_golang,
// VictoriaMetrics/metrics and the OpenTelemetry SDK with its Prometheus
// exporter, and prints one table: see README.md.
//
// Usage, in this directory:
//
//	go run . [-quick] [-only regexp] [-o file] [-raw file]   measure
//	go run . -record [-into page=table]...                   measure all, and keep it
//	go run . -compare [file]                                 measure, and say what changed
//	go run . -from file [-compare] [-into page=table]...     the same without measuring
package main

import (
	"bytes"
	"cmp"
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

// options are what the flags say.
type options struct {
	quick    bool
	only     string
	patience time.Duration
	out, raw string

	from   string // a record to read instead of measuring
	record bool
	diff   bool   // from what is recorded
	file   string // what is recorded
	pages  []page
}

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "few and short runs, two minutes; no client_golang and OpenTelemetry at a million series")
	flag.StringVar(&o.only, "only", "", "run only the passes that match this regular expression, such as Lookup, Create, Scrape, Heap, size")
	flag.DurationVar(&o.patience, "patience", time.Minute, "how long to repeat, in all, runs during which other processes were busy; a quick run repeats none")
	flag.StringVar(&o.out, "o", "", "also write the table to this file")
	flag.StringVar(&o.raw, "raw", "", "write all that the benchmarks print to this file, for benchstat")
	flag.StringVar(&o.from, "from", "", "measure nothing, but take the figures from this file, which -record wrote")
	flag.BoolVar(&o.record, "record", false, "write all figures to "+recorded+", or to the file that is the argument")
	flag.BoolVar(&o.diff, "compare", false, "say which rows are worse and better than in "+recorded+", or in the file that is the argument; exit with 1 if any is worse")
	flag.Func("into", "put a table into a `page`, between the lines that mark it: page=short or page=full; may be given more than once", func(s string) error {
		p, err := parsePage(s)
		o.pages = append(o.pages, p)
		return err
	})
	flag.Parse()
	o.file = cmp.Or(flag.Arg(0), recorded)
	if err := run(&o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o *options, stdout io.Writer) error {
	if o.record && (o.quick || o.only != "" || o.from != "") {
		return errors.New("a record is of everything: -record can't be with -quick, -only or -from")
	}
	var old *record
	if o.diff { // read before -record replaces it
		var err error
		if old, err = readRecordFile(o.file); err != nil {
			return err
		}
	}
	var now *record
	var failed error
	if o.from != "" {
		now, failed = readRecordFile(o.from)
	} else {
		now, failed = measureAll(o, old)
	}
	if now == nil {
		return failed
	}
	var report bytes.Buffer // what was measured before it failed is worth a table
	writeTable(&report, now.results)
	now.caption(&report)
	worse := 0
	if old != nil {
		worse = writeChanges(&report, old, now, !o.quick && o.only == "")
	}
	stdout.Write(report.Bytes())
	if o.out != "" {
		failed = errors.Join(failed, os.WriteFile(o.out, report.Bytes(), 0o644))
	}
	if failed != nil {
		return failed
	}
	if err := o.keep(now); err != nil {
		return err
	}
	if worse > 0 {
		return fmt.Errorf("rows worse than in %s: %d", o.file, worse)
	}
	return nil
}

// keep writes what was measured to the files that are to have it.
func (o *options) keep(r *record) error {
	if o.record {
		if err := r.writeFile(o.file); err != nil {
			return err
		}
	}
	for _, p := range o.pages {
		if err := p.update(r); err != nil {
			return err
		}
	}
	return nil
}

// measureAll runs the passes, and those again in which something looks worse than
// in old, if there is that. If one fails, it returns what the others measured as
// well.
func measureAll(o *options, old *record) (*record, error) {
	pattern, err := regexp.Compile(o.only)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := &runner{dir: dir, quick: o.quick, only: pattern, raw: io.Discard, log: os.Stderr, results: make(results)}
	if !o.quick {
		r.patience = o.patience
	}
	if o.raw != "" {
		f, err := os.Create(o.raw)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r.raw = f
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	start := time.Now()
	err = r.all(ctx)
	if err == nil && old != nil {
		err = r.recheck(ctx, old)
	}
	return r.record(start), err
}
