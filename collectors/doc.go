// Package collectors has what nearly every program wants to say of itself
// beside its own metrics: how much of the machine its process takes, how the Go
// runtime fares, and what was built.
//
// Nothing is registered by importing the package. One line does it:
//
//	fennel.Default.MustRegister(collectors.Process(), collectors.Go(), collectors.BuildInfo())
//
// Names, units and meaning are those that dashboards for other Prometheus
// clients expect, process_* and go_*. All collectors are safe for concurrent
// use, announce their families, so that a scrape that wants none of them does
// no work, and need nothing but the standard library.
package collectors
