// States shows the two types whose values are words: an info says what doesn't
// change, such as a version; a stateset says in which of a few known states
// something is. In Prometheus both are series with the value 1 or 0.
//
//	go run ./examples/states
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// build is what an info says. It is written like a label set, since labels is
// what it becomes.
type build struct {
	Version  string `label:"version"`
	Revision string `label:"revision"`
	Race     bool   `label:"race"`
}

// phase is a state. Being of a type of its own, it can't be confused with other
// strings.
type phase string

const (
	closed   phase = "closed"
	open     phase = "open"
	halfOpen phase = "half_open"
)

// feature is a state, too, of which several may be on at once.
type feature string

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(out io.Writer) error {
	reg := fennel.NewRegistry()
	in := fennel.In(reg)

	fennel.NewInfo("app_build_info", "What was built.", build{"1.4.0", "6d9f684", false}, in)

	// One of many: Set switches the others off. The first is the state at the
	// start.
	breaker := fennel.NewStateSetVec[string]("circuit_breaker_state", "State of the breaker to a backend.",
		[]phase{closed, open, halfOpen}, fennel.LabelNames("backend"), in)
	breaker.Create("search")
	payments := breaker.With("payments")
	payments.Set(open)
	if payments.Enabled(open) {
		fmt.Fprintln(out, "payments are switched off")
	}

	// Any of many: Enable switches one and leaves the others.
	features := fennel.NewStateSet("app_features", "Features that are on.",
		[]feature{"search", "export", "dark_mode"}, in)
	features.Set("search")
	features.Enable("dark_mode", true)
	fmt.Fprintln(out, "features:", features.States())

	// Text 0.0.4 knows neither type and calls them gauges. OpenMetrics knows
	// them.
	return exposition.Write(context.Background(), out, reg, exposition.Format{Syntax: exposition.OpenMetrics100})
}
