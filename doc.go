// Package fennel measures a program for Prometheus.
//
// A program declares metrics, updates them, and Fennel carries them to
// Prometheus. This page is a tutorial: read from top to bottom, it is all that
// one needs to know to use the library.
//
// # Quick start
//
// Declare metrics as package variables, update them where things happen, and
// serve them:
//
//	type request struct { // the label set is a type: its fields are the labels
//		Method string `label:"method"`
//		Status int    `label:"status"`
//	}
//
//	var (
//		requests = fennel.NewCounterVec[request]("http_requests_total", "HTTP requests served.")
//		inFlight = fennel.NewGauge("http_requests_in_flight", "HTTP requests being served.")
//		latency  = fennel.NewHistogram("http_request_duration_seconds", "Time to serve a request.")
//	)
//
//	func serve(w http.ResponseWriter, r *http.Request) {
//		defer inFlight.Track()()
//		defer latency.Timer().Stop()
//		…
//		requests.With(request{r.Method, 200}).Inc()
//	}
//
//	func main() {
//		http.Handle("/metrics", fennelhttp.Handler(fennel.Default))
//		…
//	}
//
// The packages beside this one carry what is declared here: fennelhttp over HTTP,
// push to a Pushgateway, textfile into a file for node_exporter, exposition as bytes
// in any of Prometheus' formats, the protobuf one included. Which format a scraper
// gets is agreed upon with each request, and never a matter of the code that
// measures. Package collectors has metrics of the process and of the Go runtime.
//
// # Types
//
// Which type a metric has is a question of what one wants to ask later.
//
//   - A [Counter] counts what happens: requests, bytes, errors. Ask for its rate.
//   - A [Gauge] is a state that goes up and down: a temperature, a queue's length.
//   - A [Histogram] counts observations in buckets: durations, sizes. Ask for
//     quantiles, and for the share that is below a bound.
//   - A [Summary] counts observations and sums them up: enough for an average,
//     and much smaller. With the option [Quantiles] it estimates quantiles itself,
//     which can't be added up over several processes.
//   - An [Info] says in labels what doesn't change: a version.
//   - A [StateSet] says in which of a known set of states something is.
//   - An [Unknown] is a number from elsewhere of which one doesn't know more.
//
// Each has a constructor, such as [NewCounter], and one for metrics with
// labels, such as [NewCounterVec]. Infos and statesets say things in words:
//
//	fennel.NewInfo("app_info", "What runs.", struct {
//		Version string `label:"version"`
//	}{version})
//	state := fennel.NewStateSet("app_phase", "What it does.", []phase{starting, serving})
//	state.Set(serving)
//
// # Names and units
//
// A name says what is measured, in which unit, and for counters that it is a
// total: http_requests_total, http_request_duration_seconds,
// process_resident_memory_bytes. Use base units, seconds and bytes. The option
// [Unit] states the unit for tools that look for it; the name must end in it.
//
// A metric has the name that it was given in every format and is never renamed.
// The suffixes _bucket, _sum and _count of a histogram's series, and _sum and
// _count of a summary's, are added by the formats that need them.
//
// Names may be any UTF-8. A scraper that takes only the old charset of letters,
// digits, underscores and colons gets them escaped. A registry made with
// [WithLegacyNames] refuses them.
//
// # Labels
//
// A [Vec] is a family of metrics that labels tell apart. Its label set is a Go
// type, so that a label can't be forgotten, misspelled or swapped: a struct
// whose fields have label tags and are strings, bools, integers or types over
// them. Where the number of labels is only known at run time, or a struct would
// be too much, an array or a single value does it, with names from the option
// [LabelNames]:
//
//	var errors = fennel.NewCounterVec[string]("errors_total", "Errors.", fennel.LabelNames("kind"))
//
// [Vec.With] returns the metric of a label set, and creates it the first time.
// It costs one hash and one comparison, and allocates nothing (with labels that
// are not strings among them: for up to eight labels of 64 digits in all). Where the labels
// of a call site don't change, keep what it returns: an update through it is a
// single atomic operation.
//
// Every label set that ever occurs is a series in memory and in Prometheus.
// Don't put into labels what has no bound, such as user IDs or raw paths. The
// method of a request is such a label, too, unless the router lets only known
// ones through: a client may send any word.
// [Vec.Delete], [Vec.DeleteFunc], [Vec.DeletePartial] and [Vec.Clear] remove
// series; [Vec.Replace] puts others in the place of all, in one step;
// [Vec.Create] creates them before anything has happened, so that they start
// from 0; [Vec.All] iterates over them.
//
// # Histograms
//
// The buckets of a histogram are a choice at its declaration: [DefaultBuckets]
// suit network requests in seconds. [LinearBuckets], [ExponentialBuckets] and
// [ExponentialBucketsRange] make others:
//
//	var sizes = fennel.NewHistogram("response_size_bytes", "Size of a response.",
//		fennel.Unit("bytes"), fennel.Buckets(fennel.ExponentialBuckets(256, 4, 8)...))
//
// A histogram's count is always the sum of its buckets, however many goroutines
// observe while it is read. Its sum holds every observation that is counted,
// and may already hold those that are just being made.
//
// With the option [Native] there is nothing to choose: a native histogram has
// buckets of the same relative width wherever there are observations, as many as
// it needs.
//
//	var latency = fennel.NewHistogram("http_request_duration_seconds", "Time to serve a request.",
//		fennel.Native{})
//
// A Prometheus server takes the native buckets if it is told to by
// scrape_native_histograms; the classic ones are there beside them for all
// others, so that dashboards go on working. Once none of those is left,
// Native{Only: true} spares them.
//
// # Exemplars
//
// An exemplar is an example of what a counter or a bucket counts: one event,
// with labels that lead to its trace.
//
//	latency.ObserveWithExemplar(seconds, fennel.Label{Name: "trace_id", Value: id})
//
// The last one of each counter and each bucket is kept, with its time, and
// exposed where the format has room for it: in OpenMetrics and protobuf. A server
// stores them if it runs with exemplar-storage. Without labels it is a plain
// update, so that a function that finds no trace can return none.
//
// # Time
//
// Timers measure in seconds. A timer may be started before it is known to which
// series the time belongs:
//
//	timer := fennel.StartTimer()
//	status := handle(w, r)
//	timer.StopTo(latency.With(request{r.Method, status}))
//
// # Callbacks
//
// What something else counts already need not be counted again: a callback is
// asked at each scrape.
//
//	fennel.NewGaugeFunc("queue_depth", "Items in the queue.", func() float64 {
//		return float64(queue.Len())
//	})
//
// There is one for each type, such as [NewCounterFunc], and one with labels, such
// as [NewGaugeFuncVec], which takes an iterator over label sets and values: a method
// that yields them, or maps.All of a map.
//
// # Registries
//
// Metrics are declared in [Default] or, with the option [In], in a registry of
// one's own. Nothing is in [Default] but what the program declares.
//
// Declaring the same metric twice, with the same name, type, help, unit and
// labels, gives the same metric. So a library can declare its metrics as often
// as it is instantiated. Whatever would give two metrics a sample of one name,
// in any format, is refused at once: another type or help under the same name,
// a gauge foo_count beside a histogram foo, names that differ but are escaped
// alike.
//
// A library should take a *Registry and let its user choose. Who hands it nil
// gets no metrics: under In(nil) constructors return nil, and the methods of nil
// metrics do nothing. The code of the library is the same.
//
//	func New(reg *fennel.Registry) *Queue {
//		in := fennel.In(reg)
//		return &Queue{
//			depth: fennel.NewGauge("queue_depth", "Items in the queue.", in),
//			added: fennel.NewCounter("queue_added_total", "Items ever added.", in),
//		}
//	}
//
// A view of a registry declares under a prefix, and with labels that all its
// metrics get. It is a *Registry like others, and gathers only what was declared
// through it:
//
//	db := fennel.Default.View("db_", fennel.Label{Name: "shard", Value: "3"})
//	queries := fennel.NewCounter("queries_total", "Queries.", fennel.In(db)) // db_queries_total{shard="3"}
//
// [Only] leaves some families of a registry, and does no work for others. [Merge]
// gathers several registries as if they were one. [SampleValue] looks up one
// sample. [Registry.SetTargetInfo] says in labels what is measured.
//
// # Collectors
//
// What is better read at the moment of a scrape, the state of another system
// say, is written by a [Collector]:
//
//	type disks struct{}
//
//	func (disks) Collect(ctx context.Context, w *fennel.Writer) error {
//		free := w.Gauge("disk_free_bytes", "Free space.", fennel.LabelNames("device"))
//		for _, d := range list(ctx) {
//			free.Write(float64(d.free), d.name)
//		}
//		return nil
//	}
//
//	fennel.Default.MustRegister(disks{})
//
// It gets the scrape's context and may ask which families are wanted. If it
// fails or panics, that costs only what it hasn't written; if it goes on when its
// context is done, what it has written, too.
//
// Unlike metrics, collectors are not merged: register one for each registry, not
// one for each instance of a library.
//
// # Errors
//
// There are three classes of errors, and only three:
//
//   - A wrong declaration is a programmer's mistake. The plain constructors
//     panic with a *[DeclarationError] that says how to mend it; under [Try] it
//     comes back as an error.
//   - An update that can't be, such as adding -1 to a counter, never panics and
//     never returns an error. It is dropped, or mended in the case of label
//     values that are not UTF-8, and counted in the registry's own metrics:
//     fennel_dropped_updates_total, fennel_mended_labels_total. They appear
//     with the first such event.
//   - What goes wrong while metrics are gathered costs the part where it went
//     wrong. The rest is served; who gathers gets a *[GatherError] besides; and
//     the error is counted in fennel_collector_errors_total and
//     fennel_duplicate_samples_total, and logged if the registry was made
//     [WithLogger].
//
// # Restarts
//
// Counters, histograms and summaries know since when they count. Formats that can
// say so do: a server then tells a restart from a small step, even where the new
// value is larger than the old one. Their Reset methods, for a logical restart,
// move that time.
//
// # Reading values
//
// Every metric can be read back, by methods such as [Counter.Value] and
// [Histogram.Buckets]; [Registry.Gather] returns all at once; [Registry.Descs]
// lists what is declared.
//
// # Concurrency and ownership
//
// Everything here is safe for concurrent use unless it says otherwise. Strings
// are cloned when a series is created, so they may lie in buffers that are used
// again; slices are copied and never changed. No lock is held while user code
// runs or while a scrape is written. No update ever waits for a scrape, but for
// the few microseconds that it takes to copy a histogram with native buckets.
package fennel
