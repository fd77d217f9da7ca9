package main

import (
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/cmd/fennel/internal/job"
)

const (
	jobLabel        = "job_name"
	lastSuccessName = "fennel_run_last_success_timestamp_seconds"
)

// report is what is told about a run.
type report struct {
	*job.Result
	lastSuccess float64 // of a run before this one, in seconds since 1970; 0 if it isn't known
}

// registry returns the metrics of a run. All of them have these labels, and the job
// if there is one.
func (r *report) registry(job string, labels []pair) *fennel.Registry {
	reg := fennel.NewRegistry()
	g := gauges{fennel.In(reg), fennel.ConstLabels(constLabels(job, labels)...)}
	g.set("fennel_run_start_timestamp_seconds", "Unix time when the last run began.", unix(r.Start))
	g.set("fennel_run_end_timestamp_seconds", "Unix time when the last run ended.", unix(r.End))
	g.set("fennel_run_duration_seconds", "How long the last run took.", r.Duration().Seconds())
	g.set("fennel_run_exit_code", "Exit status of the last run, 128+n if signal n ended it.", float64(r.Status))
	last, success := r.lastSuccess, 0.0
	if r.Succeeded() {
		last, success = unix(r.End), 1
	}
	g.set("fennel_run_success", "1 if the last run succeeded, 0 if not.", success)
	if last > 0 {
		g.set(lastSuccessName, "Unix time when the last run that succeeded ended.", last)
	}
	// What did not run has used nothing. It says so: a gateway would keep what the run
	// before has used.
	cpu := fennel.NewGaugeVec[string]("fennel_run_cpu_seconds", "CPU time of the last run and of its children.",
		g.in, g.labels, fennel.LabelNames("mode"))
	cpu.With("user").Set(r.User.Seconds())
	cpu.With("system").Set(r.System.Seconds())
	if r.MaxResident > 0 || r.Err != nil {
		g.set("fennel_run_max_resident_memory_bytes",
			"Memory of the largest process of the last run at its largest, and no less than fennel itself needs.", float64(r.MaxResident))
	}
	return reg
}

// checkReport says which label can't be.
func checkReport(name string, labels []pair) error {
	_, err := fennel.Try(func() *fennel.Registry {
		return (&report{Result: new(job.Result)}).registry(name, labels)
	})
	return err
}

// gauges declares gauges that have the same labels.
type gauges struct {
	in     fennel.MetricOption
	labels fennel.Option
}

func (g gauges) set(name, help string, value float64) {
	fennel.NewGauge(name, help, g.in, g.labels).Set(value)
}

func constLabels(job string, labels []pair) []fennel.Label {
	var out []fennel.Label
	if job != "" {
		out = append(out, fennel.Label{Name: jobLabel, Value: job})
	}
	for _, l := range labels {
		out = append(out, fennel.Label{Name: l.name, Value: l.value})
	}
	return out
}

// unix returns a time in seconds since 1970.
func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
