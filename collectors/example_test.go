package collectors_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/collectors"
)

func Example() {
	reg := fennel.NewRegistry() // or fennel.Default
	reg.MustRegister(collectors.Process(), collectors.Go(), collectors.BuildInfo())

	for _, d := range reg.Descs() {
		if strings.HasPrefix(d.Name, "go_gc_") {
			fmt.Println(d.Type, d.Name)
		}
	}
	// Output:
	// summary go_gc_duration_seconds
	// gauge go_gc_gogc_percent
	// gauge go_gc_gomemlimit_bytes
}

// Another process than this one, wherever it was started last.
func ExamplePID() {
	fennel.Default.MustRegister(
		collectors.Process(),
		collectors.Process(
			collectors.Namespace("db"),
			collectors.PID(collectors.PIDFile("/run/db.pid"))),
	)
}

func ExampleRuntimeMetrics() {
	reg := fennel.NewRegistry()
	reg.MustRegister(collectors.Go(
		collectors.RuntimeMetrics("/sched/latencies:seconds")))

	families, _ := fennel.Gather(context.Background(), fennel.Only(reg, "go_sched_latencies_seconds"))
	for _, b := range families[0].Samples[0].Buckets[:3] {
		fmt.Println(b.UpperBound)
	}
	// Output:
	// 6.4e-08
	// 2.56e-07
	// 1.024e-06
}

func ExampleVersion() {
	reg := fennel.NewRegistry()
	reg.MustRegister(collectors.Version("gizmo", fennel.Label{Name: "version", Value: "1.2.3"}))

	families, _ := reg.Gather(context.Background())
	fmt.Println(families[0].Name, families[0].Samples[0].Label("version"))
	// Output: gizmo_build_info 1.2.3
}
