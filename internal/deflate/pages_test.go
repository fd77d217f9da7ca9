package deflate_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/collectors"
	"github.com/fennelmetrics/fennel/exposition"
)

// page is an exposition to be compressed.
type page struct {
	name string
	body func(testing.TB) []byte
}

// pages are what programs expose, small enough for tests. Each is made once.
var pages = []page{
	newPage("counters", counters(20_000), exposition.Format{}),
	newPage("histograms", histograms(1_000), exposition.Format{}),
	newPage("openmetrics", both(2_000), exposition.Format{Syntax: exposition.OpenMetrics100, Created: true}),
	newPage("runtime", runtimeMetrics, exposition.Format{}),
	newPage("mixed", mixed, exposition.Format{}),
}

// protobufPages are much the same, in messages.
var protobufPages = []page{
	newPage("protobuf counters", counters(20_000), exposition.Format{Syntax: exposition.Protobuf}),
	newPage("protobuf histograms", histograms(1_000), exposition.Format{Syntax: exposition.Protobuf}),
	newPage("protobuf native histograms", natives(1_000), exposition.Format{Syntax: exposition.Protobuf}),
	newPage("protobuf both", both(2_000), exposition.Format{Syntax: exposition.Protobuf, Created: true}),
	newPage("protobuf runtime", runtimeMetrics, exposition.Format{Syntax: exposition.Protobuf}),
	newPage("protobuf mixed", mixed, exposition.Format{Syntax: exposition.Protobuf}),
}

func newPage(name string, fill func(*fennel.Registry), f exposition.Format) page {
	body := sync.OnceValues(func() ([]byte, error) {
		r := fennel.NewRegistry()
		fill(r)
		return exposition.Bytes(context.Background(), r, f)
	})
	return page{name, func(t testing.TB) []byte {
		t.Helper()
		b, err := body()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}}
}

var (
	methods  = [...]string{"GET", "POST", "PUT", "DELETE"}
	statuses = [...]string{"200", "201", "404", "500", "503"}
)

type requestLabels struct {
	Method string `label:"method"`
	Path   string `label:"path"`
	Status string `label:"status"`
}

func labelsOf(i int) requestLabels {
	return requestLabels{methods[i%4], fmt.Sprintf("/api/v1/resource/%07d", i), statuses[i/4%5]}
}

// counters are n of them with three labels and random values, as in bench/.
func counters(n int) func(*fennel.Registry) {
	return func(r *fennel.Registry) {
		random := rand.New(rand.NewPCG(1, 2))
		v := fennel.NewCounterVec[requestLabels]("http_server_requests_total", "Requests served.", fennel.In(r))
		for i := range n {
			v.With(labelsOf(i)).AddUint(random.Uint64N(1_000_000))
		}
	}
}

// histograms are n of them with eleven buckets and some observations.
func histograms(n int) func(*fennel.Registry) {
	return func(r *fennel.Registry) {
		random := rand.New(rand.NewPCG(3, 4))
		v := fennel.NewHistogramVec[requestLabels]("http_server_request_duration_seconds", "Requests served.", fennel.In(r),
			fennel.Buckets(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
		for i := range n {
			for range i % 20 {
				v.With(labelsOf(i)).Observe(0.051 * math.Exp(random.NormFloat64()))
			}
		}
	}
}

// natives are histograms with native buckets alone.
func natives(n int) func(*fennel.Registry) {
	return func(r *fennel.Registry) {
		random := rand.New(rand.NewPCG(3, 4))
		v := fennel.NewHistogramVec[requestLabels]("http_server_request_duration_seconds", "Requests served.", fennel.In(r), fennel.Native{})
		for i := range n {
			for range i % 20 {
				v.With(labelsOf(i)).Observe(0.051 * math.Exp(random.NormFloat64()))
			}
		}
	}
}

func both(n int) func(*fennel.Registry) {
	return func(r *fennel.Registry) {
		counters(n)(r)
		histograms(n / 3)(r)
	}
}

func runtimeMetrics(r *fennel.Registry) { r.MustRegister(collectors.Go(), collectors.Process()) }

// mixed is a service with its middleware, its database, and a few machines and
// containers: short families, long ones, values of all kinds.
func mixed(r *fennel.Registry) {
	runtimeMetrics(r)
	random := rand.New(rand.NewPCG(5, 6))
	in := fennel.In(r)
	requests := fennel.NewCounterVec[requestLabels]("app_http_requests_total", "HTTP requests by method, route and status.", in)
	latency := fennel.NewHistogramVec[[2]string]("app_http_request_duration_seconds", "How long requests took.", in, fennel.LabelNames("method", "route"))
	for route := range 40 {
		for _, method := range methods {
			path := "/api/" + [...]string{"users", "orders", "products", "carts"}[route%4] + "/{id}/" + strconv.Itoa(route)
			for _, status := range statuses[:1+random.IntN(5)] {
				requests.With(requestLabels{method, path, status}).AddUint(uint64(math.Exp(14 * random.Float64())))
			}
			for range random.IntN(100) {
				latency.With([2]string{method, path}).Observe(0.01 * math.Exp(random.NormFloat64()))
			}
		}
	}
	cpu := fennel.NewCounterVec[[2]string]("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", in, fennel.LabelNames("cpu", "mode"))
	for i := range 64 {
		for _, mode := range [...]string{"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"} {
			cpu.With([2]string{strconv.Itoa(i), mode}).Add(math.Round(random.Float64()*1e8) / 100)
		}
	}
	pod := fennel.NewGaugeVec[[4]string]("kube_pod_info", "Information about pod.", in, fennel.LabelNames("namespace", "pod", "uid", "node"))
	memory := fennel.NewGaugeVec[[3]string]("container_memory_working_set_bytes", "Current working set.", in, fennel.LabelNames("namespace", "pod", "container"))
	start := fennel.NewGaugeVec[[2]string]("kube_pod_start_time", "Start time in unix timestamp for a pod.", in, fennel.LabelNames("namespace", "pod"))
	for i := range 600 {
		namespace := "team-" + strconv.Itoa(i%7)
		name := fmt.Sprintf("service-%c-%08x-%05x", 'a'+i%26, random.Uint32(), random.Uint32()>>12)
		uid := fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", random.Uint32(), random.Uint32()>>16, random.Uint32()>>20, random.Uint32()>>20, random.Uint64()>>16)
		pod.With([4]string{namespace, name, uid, fmt.Sprintf("ip-10-0-%d-%d.eu-central-1.compute.internal", i%4, i%30)}).Set(1)
		start.With([2]string{namespace, name}).Set(1.7e9 + float64(random.IntN(1e7)))
		for _, c := range [...]string{"app", "istio-proxy"} {
			memory.With([3]string{namespace, name, c}).Set(float64(random.IntN(1<<19) << 12))
		}
	}
	octets := fennel.NewCounterVec[[2]string]("interface_octets_total", "Octets.", in, fennel.LabelNames("interface", "direction"))
	for i := range 200 {
		for _, direction := range [...]string{"in", "out"} {
			octets.With([2]string{"Ethernet1/" + strconv.Itoa(i), direction}).AddUint(random.Uint64() >> (8 + random.IntN(40)))
		}
	}
}
