package fennel_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"sync"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// show writes what a registry exposes.
func show(reg fennel.Gatherer) {
	if err := exposition.Write(context.Background(), os.Stdout, reg, exposition.Format{}); err != nil {
		fmt.Println(err)
	}
}

func ExampleNewCounterVec() {
	type request struct {
		Method string `label:"method"`
		Status int    `label:"status"`
	}
	reg := fennel.NewRegistry()
	requests := fennel.NewCounterVec[request]("http_requests_total", "HTTP requests served.", fennel.In(reg))

	requests.With(request{"GET", 200}).Inc()
	requests.With(request{"GET", 200}).Inc()
	requests.With(request{"GET", 404}).Inc()

	show(reg)
	// Output:
	// # HELP http_requests_total HTTP requests served.
	// # TYPE http_requests_total counter
	// http_requests_total{method="GET",status="200"} 2
	// http_requests_total{method="GET",status="404"} 1
}

func ExampleNewGauge() {
	reg := fennel.NewRegistry()
	inFlight := fennel.NewGauge("jobs_in_flight", "Jobs being worked on.", fennel.In(reg))

	func() {
		defer inFlight.Track()()
		fmt.Println("at work:", inFlight.Value())
	}()
	fmt.Println("after:", inFlight.Value())
	// Output:
	// at work: 1
	// after: 0
}

func ExampleNewHistogram() {
	reg := fennel.NewRegistry()
	latency := fennel.NewHistogram("job_duration_seconds", "Time that a job takes.",
		fennel.In(reg), fennel.Unit("seconds"), fennel.Buckets(0.1, 1, 10))

	latency.Observe(0.25)
	latency.Observe(3)

	show(reg)
	// Output:
	// # HELP job_duration_seconds Time that a job takes.
	// # TYPE job_duration_seconds histogram
	// job_duration_seconds_bucket{le="0.1"} 0
	// job_duration_seconds_bucket{le="1"} 1
	// job_duration_seconds_bucket{le="10"} 2
	// job_duration_seconds_bucket{le="+Inf"} 2
	// job_duration_seconds_sum 3.25
	// job_duration_seconds_count 2
}

func ExampleNewStateSet() {
	type phase string
	reg := fennel.NewRegistry()
	state := fennel.NewStateSet("replica_phase", "What the replica does.",
		[]phase{"starting", "serving", "draining"}, fennel.In(reg))

	state.Set("serving")

	show(reg)
	// Output:
	// # HELP replica_phase What the replica does.
	// # TYPE replica_phase gauge
	// replica_phase{replica_phase="starting"} 0
	// replica_phase{replica_phase="serving"} 1
	// replica_phase{replica_phase="draining"} 0
}

func ExampleNewInfo() {
	type build struct {
		Version  string `label:"version"`
		Revision string `label:"revision"`
	}
	reg := fennel.NewRegistry()
	fennel.NewInfo("app_build_info", "What is running.", build{"1.4.2", "9f3ac1e"}, fennel.In(reg))

	show(reg)
	// Output:
	// # HELP app_build_info What is running.
	// # TYPE app_build_info gauge
	// app_build_info{version="1.4.2",revision="9f3ac1e"} 1
}

func ExampleLabelNames() {
	reg := fennel.NewRegistry()
	errors := fennel.NewCounterVec[string]("errors_total", "Errors.", fennel.In(reg), fennel.LabelNames("kind"))
	moves := fennel.NewCounterVec[[2]string]("moves_total", "Moves.", fennel.In(reg), fennel.LabelNames("from", "to"))

	errors.With("timeout").Inc()
	moves.With([2]string{"queue", "worker"}).Inc()

	show(reg)
	// Output:
	// # HELP errors_total Errors.
	// # TYPE errors_total counter
	// errors_total{kind="timeout"} 1
	// # HELP moves_total Moves.
	// # TYPE moves_total counter
	// moves_total{from="queue",to="worker"} 1
}

func ExampleTry() {
	reg := fennel.NewRegistry()
	fennel.NewHistogram("payload", "Size of a payload.", fennel.In(reg), fennel.Buckets(1))

	_, err := fennel.Try(func() *fennel.Gauge {
		return fennel.NewGauge("payload_count", "Payloads.", fennel.In(reg))
	})
	fmt.Println(err)
	// Output:
	// fennel: metric "payload_count": gauge "payload_count" (help "Payloads.") conflicts with histogram "payload" (help "Size of a payload.", buckets [1]), which is already declared: both expose the name "payload_count"; rename one
}

// A disk is what the collector of the example reads.
type disk struct {
	name string
	free float64
}

func ExampleRegistry_Register() {
	disks := []disk{{"sda", 8e9}, {"sdb", 3e9}}

	reg := fennel.NewRegistry()
	err := reg.Register(fennel.CollectorFunc(func(ctx context.Context, w *fennel.Writer) error {
		free := w.Gauge("disk_free_bytes", "Free space.", fennel.Unit("bytes"), fennel.LabelNames("device"))
		for _, d := range disks {
			free.Write(d.free, d.name)
		}
		return ctx.Err()
	}))
	if err != nil {
		fmt.Println(err)
	}

	show(reg)
	// Output:
	// # HELP disk_free_bytes Free space.
	// # TYPE disk_free_bytes gauge
	// disk_free_bytes{device="sda"} 8000000000
	// disk_free_bytes{device="sdb"} 3000000000
}

func ExampleVec_DeleteFunc() {
	type session struct {
		User  string `label:"user"`
		Admin bool   `label:"admin"`
	}
	reg := fennel.NewRegistry()
	sessions := fennel.NewGaugeVec[session]("sessions", "Open sessions.", fennel.In(reg))
	sessions.Create(session{"ann", true}, session{"bob", false}, session{"cat", false})

	n := sessions.DeleteFunc(func(s session) bool { return !s.Admin })
	fmt.Println("deleted:", n)
	for s := range sessions.All() {
		fmt.Println("left:", s.User)
	}
	// Output:
	// deleted: 2
	// left: ann
}

func ExampleVec_Replace() {
	type queue struct {
		Name string `label:"queue"`
	}
	reg := fennel.NewRegistry()
	depth := fennel.NewGaugeVec[queue]("queue_depth", "Jobs that wait.", fennel.In(reg))

	// What another program says, at two times.
	for _, snapshot := range []map[string]float64{{"mail": 3, "video": 1}, {"mail": 2, "audio": 7}} {
		depth.Replace(func(next *fennel.GaugeVec[queue]) {
			for name, n := range snapshot {
				next.With(queue{name}).Set(n)
			}
		})
	}
	show(reg)
	// Output:
	// # HELP queue_depth Jobs that wait.
	// # TYPE queue_depth gauge
	// queue_depth{queue="audio"} 7
	// queue_depth{queue="mail"} 2
}

func ExampleGather() {
	reg := fennel.NewRegistry()
	fennel.NewSummary("batch_size", "Size of a batch.", fennel.In(reg)).Observe(12)

	families, err := fennel.Gather(context.Background(), reg)
	for _, f := range families {
		fmt.Println(f.Type, f.Name, f.Samples[0].Count, f.Samples[0].Sum, err)
	}
	// Output:
	// summary batch_size 1 12 <nil>
}

func ExampleCounter_AddWithExemplar() {
	reg := fennel.NewRegistry()
	sold := fennel.NewCounter("sold_items_total", "Items sold.", fennel.In(reg))

	sold.Add(3)
	sold.AddWithExemplar(2, fennel.Label{Name: "trace_id", Value: "4bf92f35"})
	sold.Inc() // the last exemplar stays

	families, err := reg.Gather(context.Background())
	for _, s := range families[0].Samples {
		for _, e := range s.Exemplars {
			fmt.Println(s.Value, "for example", e.Value, "by", e.Labels, err)
		}
	}
	// Output:
	// 6 for example 2 by [{trace_id 4bf92f35}] <nil>
}

func ExampleNewGaugeFunc() {
	reg := fennel.NewRegistry()
	jobs := make(chan string, 10) // a channel knows how full it is

	fennel.NewGaugeFunc("queue_length", "Jobs that wait.", func() float64 {
		return float64(len(jobs))
	}, fennel.In(reg))

	jobs <- "print"
	jobs <- "scan"
	show(reg)
	// Output:
	// # HELP queue_length Jobs that wait.
	// # TYPE queue_length gauge
	// queue_length 2
}

// A cache is what the functions of the example ask.
type cache struct {
	mu   sync.Mutex
	size map[string]float64
}

// bytes yields how much each section of the cache holds.
func (c *cache) bytes(yield func(section string, n float64) bool) {
	c.mu.Lock()
	sizes := maps.Clone(c.size) // no lock is held while a scrape takes its time
	c.mu.Unlock()
	maps.All(sizes)(yield)
}

func ExampleNewGaugeFuncVec() {
	reg := fennel.NewRegistry()
	limits := map[string]float64{"images": 4096, "pages": 1024} // which doesn't change
	c := &cache{size: map[string]float64{"images": 512, "pages": 64}}

	section := fennel.LabelNames("section")
	fennel.NewGaugeFuncVec("cache_limit_bytes", "How much there may be.", maps.All(limits), section, fennel.In(reg))
	fennel.NewGaugeFuncVec("cache_size_bytes", "How much there is.", c.bytes, section, fennel.In(reg))

	show(reg)
	// Output:
	// # HELP cache_limit_bytes How much there may be.
	// # TYPE cache_limit_bytes gauge
	// cache_limit_bytes{section="images"} 4096
	// cache_limit_bytes{section="pages"} 1024
	// # HELP cache_size_bytes How much there is.
	// # TYPE cache_size_bytes gauge
	// cache_size_bytes{section="images"} 512
	// cache_size_bytes{section="pages"} 64
}

func ExampleRegistry_View() {
	reg := fennel.NewRegistry()
	db := reg.View("db_", fennel.Label{Name: "shard", Value: "3"})

	// A library gets the view and knows nothing of the prefix and the label.
	fennel.NewCounter("queries_total", "Queries.", fennel.In(db)).Inc()
	fennel.NewGauge("temperature_celsius", "Not of the database.", fennel.In(reg))

	show(db)
	// Output:
	// # HELP db_queries_total Queries.
	// # TYPE db_queries_total counter
	// db_queries_total{shard="3"} 1
}

func ExampleMerge() {
	worker := func(id string) *fennel.Registry {
		reg := fennel.NewRegistry()
		jobs := fennel.NewCounterVec[string]("jobs_total", "Jobs done.", fennel.In(reg), fennel.LabelNames("worker"))
		jobs.With(id).Add(5)
		return reg
	}

	show(fennel.Merge(worker("a"), worker("b")))
	// Output:
	// # HELP jobs_total Jobs done.
	// # TYPE jobs_total counter
	// jobs_total{worker="a"} 5
	// jobs_total{worker="b"} 5
}

func ExampleSampleValue() {
	reg := fennel.NewRegistry()
	h := fennel.NewHistogramVec[string]("job_seconds", "Time of a job.", fennel.In(reg),
		fennel.LabelNames("queue"), fennel.Buckets(1, 5))
	h.With("mail").Observe(3)

	queue := fennel.Label{Name: "queue", Value: "mail"}
	fmt.Println(fennel.SampleValue(context.Background(), reg, "job_seconds_sum", queue))
	fmt.Println(fennel.SampleValue(context.Background(), reg, "job_seconds_bucket", queue, fennel.Label{Name: "le", Value: "5.0"}))
	fmt.Println(fennel.SampleValue(context.Background(), reg, "job_seconds_sum"))
	// Output:
	// 3 true
	// 1 true
	// 0 false
}

func ExampleRegistry_SetTargetInfo() {
	reg := fennel.NewRegistry()
	err := reg.SetTargetInfo(fennel.Label{Name: "service_name", Value: "shop"}, fennel.Label{Name: "service_version", Value: "1.2"})
	if err != nil {
		fmt.Println(err)
	}

	show(reg)
	// Output:
	// # HELP target_info Target metadata
	// # TYPE target_info gauge
	// target_info{service_name="shop",service_version="1.2"} 1
}
