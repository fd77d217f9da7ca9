package main

func Example() {
	main()
	// Output:
	// # HELP fennel_collector_errors_total Errors of collectors: failures, panics, families with samples that can't be exposed.
	// # TYPE fennel_collector_errors_total counter
	// fennel_collector_errors_total{collector="jobs"} 1
	// # HELP job_last_run_timestamp_seconds When the job ran last.
	// # TYPE job_last_run_timestamp_seconds gauge
	// job_last_run_timestamp_seconds{site="lisbon",job="backup"} 1767355200
	// job_last_run_timestamp_seconds{site="lisbon",job="report"} 1767351600
	// # HELP job_runs_total Times that the job has run.
	// # TYPE job_runs_total counter
	// job_runs_total{site="lisbon",job="backup"} 12
	// job_runs_total{site="lisbon",job="report"} 3
	// # HELP job_state What the job is doing.
	// # TYPE job_state gauge
	// job_state{site="lisbon",job="backup",job_state="waiting"} 0
	// job_state{site="lisbon",job="backup",job_state="running"} 1
	// job_state{site="lisbon",job="backup",job_state="failed"} 0
	// job_state{site="lisbon",job="report",job_state="waiting"} 0
	// job_state{site="lisbon",job="report",job_state="running"} 0
	// job_state{site="lisbon",job="report",job_state="failed"} 1
	// missing: fennel: gathered in part: collector jobs: site oslo: connection refused
}
