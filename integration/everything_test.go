package integration

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

// endpoint is a label set of all kinds of fields.
type endpoint struct {
	Method string `label:"method"`
	Status uint16 `label:"status"`
	Shift  int8   `label:"shift"`
	Cached bool   `label:"cached"`
}

// place is a label set whose names need quotes.
type place struct {
	Sensor string `label:"sensor.id"`
	Fire   string `label:"花火"`
	Scope  string `label:"a:b"`
	Mood   string `label:"mood 😱"`
}

type build struct {
	Version string `label:"version"`
	Dirty   bool   `label:"dirty"`
}

type phase string

// specialFloats are the numbers that are easily got wrong, by name.
var specialFloats = map[string]float64{
	"not a number":          math.NaN(),
	"infinity":              math.Inf(1),
	"minus infinity":        math.Inf(-1),
	"zero":                  0,
	"minus zero":            math.Copysign(0, -1),
	"tiny":                  math.SmallestNonzeroFloat64,
	"huge":                  math.MaxFloat64,
	"third":                 1.0 / 3,
	"last without exponent": 999999999999999,
	"first with exponent":   1e15,
	"not whole":             1e15 + 0.5,
	"minus":                 -42,
	"more than an int64":    1e19,
}

// hostile are label values that need an escape, or look as if they did.
var hostile = []string{
	"", " ", "line\nfeed", "carriage\rreturn", `quote"`, `back\slash`, `not a line\nfeed`, `\`, `"`, `\"`, "\n", `a="b",c="d"`,
	"} 1 # EOF\n# EOF\n", "{}", "花火", "😱", "\u2028", "\ufeff", "nul\x00", "\x7f", "le", "+Inf",
	"not UTF-8: \xff\xfe", "cut: \xe8\x8a", strings.Repeat("long", 25<<10),
}

const hostileHelp = "Line\nfeed, \"quotes\", back\\slash, not a line\\nfeed, 花火 😱, trailing \\"

// everything returns a registry with metrics of every type and with all that is
// hard about them. What it holds does not change any more.
func everything(t *testing.T) *fennel.Registry {
	t.Helper()
	r := fennel.NewRegistry()
	addCounters(r)
	addGauges(r)
	addHistograms(r)
	addSummaries(r)
	addStates(r)
	addNames(r)
	addCollector(r)
	addGaugeHistograms(r)
	addExemplars(r)
	addNatives(r)
	addNativeGauges(r)
	addCallbacks(r)
	if err := r.SetTargetInfo(fennel.Label{Name: "service.name", Value: "everything"}); err != nil {
		t.Fatal(err)
	}
	// Each scrape must find the same: nothing of it may fail.
	if _, err := r.Gather(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func addCounters(r *fennel.Registry) {
	in := fennel.In(r)
	fennel.NewCounter("untouched_total", "Still 0.", in)
	fennel.NewCounter("whole_total", "A number.", in).Add(3)
	fennel.NewCounter("fraction_total", "Not 0.3.", in).Add(0.1)
	fennel.NewCounter("fraction_total", "Not 0.3.", in).Add(0.2)
	fennel.NewCounter("large_total", "More than a float64 can hold.", in).AddUint(1<<60 + 1)
	fennel.NewCounter("largest_total", "All that a counter can hold.", in).AddUint(math.MaxUint64)
	fennel.NewCounter("no_suffix", "OpenMetrics has no such counter.", in).Inc()
	fennel.NewCounter("cpu_seconds_total", "With a unit.", fennel.Unit("seconds"), in).Add(0.25)
	fennel.NewCounter("shadowed_total", "Stands beside the gauge shadowed.", in).Add(7)
	fennel.NewGauge("shadowed", "Stands beside the counter shadowed_total.", in).Set(8)

	labelled := fennel.NewCounterVec[endpoint]("requests_total", "With labels of all kinds.", in)
	labelled.With(endpoint{"GET", 200, -1, true}).Add(5)
	labelled.With(endpoint{"GET", math.MaxUint16, math.MinInt8, false}).Add(6)
	array := fennel.NewCounterVec[[2]string]("array_total", "With an array.", fennel.LabelNames("second", "first"), in)
	array.With([2]string{"a", "b"}).Inc()
	array.With([2]string{"b", "a"}).Add(2)
	values := fennel.NewCounterVec[string]("hostile_total", hostileHelp, fennel.LabelNames("value"), in)
	for i, v := range hostile {
		values.With(v).Add(float64(i))
	}
	for _, zone := range []string{"east", "quote\"back\\slash\nline"} {
		consts := fennel.ConstLabels(fennel.Label{Name: "zone", Value: zone}, fennel.Label{Name: "a.first", Value: "x"})
		fennel.NewCounterVec[string]("consts_total", "", consts, fennel.LabelNames("kind"), in).With(zone).Inc()
	}
}

func addGauges(r *fennel.Registry) {
	in := fennel.In(r)
	fennel.NewGauge("gauge", "A gauge.", in).Set(-1.5)
	fennel.NewGauge("no_help_bytes", "", fennel.Unit("bytes"), in).Set(1 << 40)
	special := fennel.NewGaugeVec[string]("special", "Special numbers.", fennel.LabelNames("name"), in)
	unknown := fennel.NewUnknownVec[string]("unknown", "Special numbers of unknown type.", fennel.LabelNames("name"), in)
	for name, v := range specialFloats {
		special.With(name).Set(v)
		unknown.With(name).Set(v)
	}
}

func addHistograms(r *fennel.Registry) {
	in := fennel.In(r)
	observe := func(h *fennel.Histogram, values ...float64) {
		for _, v := range values {
			h.Observe(v)
		}
	}
	fennel.NewHistogram("empty", "Nothing observed.", in)
	observe(fennel.NewHistogram("latency_seconds", "The default buckets.", fennel.Unit("seconds"), in), 0.004, 0.005, 0.2, 3, 100)
	observe(fennel.NewHistogram("deviation", "Negative bounds.", fennel.Buckets(-10, -0.5, 0, 0.5, 10), in), -11, -10, 0, 1, 20)
	observe(fennel.NewHistogram("from_zero", "From 0.", fennel.Buckets(0, 1), in), -1, 0, 0.5, 2)
	observe(fennel.NewHistogram("no_bounds", "The +Inf bucket alone.", fennel.Buckets(), in), 1, 2)
	observe(fennel.NewHistogram("spelling", "Bounds that can be spelled in many ways.",
		fennel.Buckets(math.SmallestNonzeroFloat64, 1e-5, 0.1+0.2, 1, 1e5, 1e6, 1234567, 1e15, 1e21, math.MaxFloat64), in), 1, 1e6, math.Inf(1))
	labelled := fennel.NewHistogramVec[endpoint]("size_bytes", "With labels.",
		fennel.Unit("bytes"), fennel.Buckets(fennel.ExponentialBuckets(1, 10, 8)...), in)
	observe(labelled.With(endpoint{Method: "GET", Status: 200}), 1, 2, 3e9)
	labelled.With(endpoint{Method: "PUT", Cached: true}).ObserveN(5, 1<<40)
}

func addSummaries(r *fennel.Registry) {
	in := fennel.In(r)
	fennel.NewSummary("empty_pauses", "Nothing observed.", in)
	fennel.NewSummary("pause_seconds", "A summary.", fennel.Unit("seconds"), in).Observe(0.25)
	fennel.NewSummary("no_quantiles", "Nothing observed.", fennel.Quantiles(0.5, 0.9), in)
	quantiles := fennel.NewSummaryVec[string]("quantile.seconds", "With quantiles.", fennel.LabelNames("path"), fennel.Quantiles(0, 0.25, 0.5, 0.99, 1), in)
	for i := range 1000 {
		quantiles.With("/").Observe(float64(i) / 7)
		quantiles.With("/a\nb").Observe(-math.Exp(float64(i) / 10))
	}
	labelled := fennel.NewSummaryVec[[1]string]("answer_bytes", "With labels.", fennel.LabelNames("path"), fennel.Unit("bytes"), in)
	labelled.With([1]string{"/"}).Observe(1e6)
	labelled.With([1]string{"/a\nb"}).Observe(-3)
}

func addStates(r *fennel.Registry) {
	in := fennel.In(r)
	fennel.NewInfo("build_info", "What runs.", build{"v1.2.3-\"rc\"", true}, in)
	instances := fennel.NewInfoVec[string, build]("instance_info", "With labels.", fennel.LabelNames("instance_name"), in)
	instances.With("a").Set(build{"v1", false})
	instances.With("b").Set(build{})
	phases := []phase{"starting", "running", "line\nfeed", `quote"`, "花火"}
	fennel.NewStateSet("phase", "A state.", phases, in).Set("running")
	labelled := fennel.NewStateSetVec[string]("job_phase", "With labels.", phases, fennel.LabelNames("name"), in)
	labelled.With("none").Enable("starting", false)
	labelled.With("two").Enable("花火", true)
}

// addNames adds metrics whose names need quotes, or nearly.
func addNames(r *fennel.Registry) {
	in := fennel.In(r)
	where := place{"kitchen", "花", "x:y", "😱"}
	fennel.NewCounterVec[place]("http.requests served_total", "Dots and blanks.", in).With(where).Inc()
	fennel.NewGauge("花火", "Fireworks.", in).Set(2)
	fennel.NewGauge("😱 100% \\ \"sure\"\n", "Whatever.", in).Set(3)
	fennel.NewGauge("0_starts_with_a_digit", "A digit.", in).Set(4)
	fennel.NewGauge("job:requests:rate5m", "Colons, as rules have them.", in).Set(5)
	fennel.NewGauge("温度_摄氏", "A unit that needs quotes.", fennel.Unit("摄氏"), in).Set(21.5)
	fennel.NewInfo("target.platform_info", "An info.", where, in)
	fennel.NewStateSet("circuit.breaker", "A stateset.", []string{"open", "closed"}, in).Set("closed")
	fennel.NewSummary("answer.size_bytes", "A summary.", fennel.Unit("bytes"), in).Observe(1)
	fennel.NewHistogramVec[place]("wait.length", "A histogram.", fennel.Buckets(-1, 1), in).With(where).Observe(0.5)
	fennel.NewUnknown("un.known", "An unknown.", in).Set(6)
}

// addCollector adds a collector that writes every type, with and without
// timestamps.
func addCollector(r *fennel.Registry) {
	now := time.Now().Truncate(time.Second)
	r.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		collect(w, "now", time.Time{})
		collect(w, "then", now.Add(-10*time.Second+123456789))
		collect(w, "in halves", now.Add(-10*time.Second+500*time.Millisecond))
		twice := w.Gauge("stamped.twice", "Two samples of one series.", fennel.LabelNames("a"))
		twice.At(now.Add(-5*time.Second)).Write(2, "x")
		twice.At(now.Add(-15*time.Second)).Write(1, "x")
		return nil
	}))
}

// collect writes a sample of every type with a timestamp.
func collect(w *fennel.Writer, when string, at time.Time) {
	names := fennel.LabelNames("when")
	w.Counter("collected_total", "A counter.", names).At(at).Write(1e15+0.5, when)
	w.Gauge("collected_level", "A gauge.", names).At(at).Write(math.Inf(-1), when)
	w.Unknown("collected.unknown", "An unknown.", names).At(at).Write(math.NaN(), when)
	w.Histogram("collected_bytes", "A histogram.", []float64{-1, 0, math.Inf(1)}, names, fennel.Unit("bytes")).At(at).
		Write(fennel.HistogramValue{Counts: []uint64{1, 1 << 60, 3}, Sum: math.NaN()}, when)
	w.Histogram("collected_from_zero", "A histogram.", []float64{0, 10}, names).At(at).
		Write(fennel.HistogramValue{Counts: []uint64{1, 2, 3}, Sum: 25}, when)
	w.Summary("collected_seconds", "A summary with quantiles.", []float64{0, 0.5, 0.99, 1}, names, fennel.Unit("seconds")).At(at).
		Write(fennel.SummaryValue{Count: 4, Sum: 10, Quantiles: []float64{1, 2.5, math.NaN(), 4}}, when)
	w.Info("collected_info", "An info.", names).At(at).Write(when)
	w.StateSet("collected_state", "A stateset.", []string{"a", "b", "c"}, names).At(at).Write([]string{"a", "c"}, when)
}
