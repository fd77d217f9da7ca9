// Collector shows a collector: metrics that are read from elsewhere at the
// moment of a scrape, and not kept up to date in between. Here it is the state
// of batch jobs, which a scheduler knows. One of its sites doesn't answer, and
// that costs the metrics of this site alone.
//
//	go run ./examples/collector
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// scheduler is where the metrics come from: an API on the network, say.
type scheduler interface {
	jobs(ctx context.Context, site string) ([]job, error)
}

type job struct {
	name    string
	state   string
	runs    uint64
	lastRun time.Time
}

// jobCollector is a [fennel.Collector]. A scrape may run beside another one, so
// it keeps nothing that would have to be locked.
type jobCollector struct {
	scheduler scheduler
	sites     []string
}

// Names are constants because they are used twice: here and in Collect.
const (
	jobState   = "job_state"
	jobRuns    = "job_runs_total"
	jobLastRun = "job_last_run_timestamp_seconds"
)

var jobStates = []string{"waiting", "running", "failed"}

// Describe is optional. With it the registry refuses the collector at once if
// one of the names is taken, lists what it has, and doesn't call Collect for
// scrapes that want nothing of it.
func (c *jobCollector) Describe() []fennel.Desc {
	labels := []string{"site", "job"}
	return []fennel.Desc{
		{Name: jobState, Type: fennel.TypeStateSet, Labels: labels},
		{Name: jobRuns, Type: fennel.TypeCounter, Labels: labels},
		{Name: jobLastRun, Type: fennel.TypeGauge, Labels: labels, Unit: "seconds"},
	}
}

// Collect asks the scheduler and writes what it says.
func (c *jobCollector) Collect(ctx context.Context, w *fennel.Writer) error {
	// Each family is declared where it is written. The same options as
	// elsewhere fit; the values of the labels come with the samples.
	labels := fennel.LabelNames("site", "job")
	state := w.StateSet(jobState, "What the job is doing.", jobStates, labels)
	runs := w.Counter(jobRuns, "Times that the job has run.", labels)
	last := w.Gauge(jobLastRun, "When the job ran last.", labels, fennel.Unit("seconds"))

	var errs []error
	for _, site := range c.sites {
		// ctx is the scrape's: when Prometheus has given up, so does this.
		jobs, err := c.scheduler.jobs(ctx, site)
		if err != nil {
			// Go on: what the others say is worth having. The error is returned
			// in the end, and is then counted, logged, and seen by who gathers.
			errs = append(errs, fmt.Errorf("site %s: %w", site, err))
			continue
		}
		for _, j := range jobs {
			state.Write([]string{j.state}, site, j.name)
			runs.Write(float64(j.runs), site, j.name)
			last.Write(float64(j.lastRun.Unix()), site, j.name)
		}
	}
	return errors.Join(errs...)
}

// String names the collector in errors and in fennel_collector_errors_total. It
// is optional, too; without it that is the name of the type.
func (c *jobCollector) String() string { return "jobs" }

// fake is a scheduler that needs no network.
type fake struct{}

func (fake) jobs(ctx context.Context, site string) ([]job, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if site == "oslo" {
		return nil, errors.New("connection refused")
	}
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	return []job{
		{"backup", "running", 12, noon},
		{"report", "failed", 3, noon.Add(-time.Hour)},
	}, nil
}

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(out io.Writer) error {
	reg := fennel.NewRegistry()
	if err := reg.Register(&jobCollector{fake{}, []string{"lisbon", "oslo"}}); err != nil {
		return err
	}
	err := exposition.Write(context.Background(), out, reg, exposition.Format{})
	if !fennel.Partial(err) {
		return err
	}
	// All that could be gathered was written, and the error was counted among
	// it: an alert can tell. fennelhttp serves a scrape like this one, and logs
	// the error if it was given a logger.
	fmt.Fprintln(out, "missing:", err)
	return nil
}
