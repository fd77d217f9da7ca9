package fennelhttp

import (
	"context"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// selfMetrics are what a handler measures of itself. They live in a registry of
// its own, so that several handlers can serve one registry, and one that is
// served by none has none of them.
type selfMetrics struct {
	registry *fennel.Registry // nil for none: the metrics are nil then, too
	scrapes  *fennel.CounterVec[outcome]
	duration *fennel.SummaryVec[string]
	size     *fennel.SummaryVec[string]
	inFlight *fennel.Gauge
	usable   *fennel.GaugeVec[string]
}

// outcome is what becomes of a scrape.
type outcome struct {
	Format string `label:"format"`
	Code   string `label:"code"`
}

const (
	whole   = "200"
	aborted = "aborted" // of which the client has not seen the end
)

func newSelfMetrics(on bool) (s selfMetrics) {
	if on {
		s.registry = fennel.NewRegistry(fennel.WithoutSelfMetrics())
	}
	in, byFormat := fennel.In(s.registry), fennel.LabelNames("format")
	s.scrapes = fennel.NewCounterVec[outcome]("fennel_scrapes_total",
		"Scrapes by format and by status code, or aborted if the body was cut off.", in)
	s.duration = fennel.NewSummaryVec[string]("fennel_scrape_duration_seconds",
		"Time that scrapes took, to the last byte sent.", fennel.Unit("seconds"), in, byFormat)
	s.size = fennel.NewSummaryVec[string]("fennel_scrape_size_bytes",
		"Size of the bodies as they were sent, compressed or not.", fennel.Unit("bytes"), in, byFormat)
	s.inFlight = fennel.NewGauge("fennel_scrapes_in_flight",
		"Scrapes being served, this one included.", in)
	s.usable = fennel.NewGaugeVec[string]("fennel_watched_files_usable",
		"Whether files can be used as they are, 1, or what they held before is kept, 0.", in, fennel.LabelNames("files"))
	return s
}

// selfNames are the names of these metrics, in order.
var selfNames = []string{
	"fennel_scrape_duration_seconds", "fennel_scrape_size_bytes", "fennel_scrapes_in_flight", "fennel_scrapes_total",
	"fennel_watched_files_usable",
}

// tally is the measurement of one scrape.
type tally struct {
	metrics  *selfMetrics
	format   string
	start    time.Time
	whole    *fennel.Counter
	duration *fennel.Summary
	size     *fennel.Summary
}

// begin begins to measure. The series that this scrape is likely to add to are
// there from then on, so that they start from 0.
func (s *selfMetrics) begin(format string) tally {
	s.inFlight.Inc()
	return tally{
		metrics:  s,
		format:   format,
		start:    time.Now(),
		whole:    s.scrapes.With(outcome{format, whole}),
		duration: s.duration.With(format),
		size:     s.size.With(format),
	}
}

// end notes what became of the scrape. Its size is that of metrics: the text of
// an error has none.
func (t *tally) end(code string, b *body) {
	t.metrics.inFlight.Dec()
	// Not by a Timer, which may be stopped to any type of metric: all of these, and
	// with them native histograms, would be linked into every program.
	t.duration.ObserveDuration(time.Since(t.start))
	if b.sent {
		t.size.Observe(float64(b.bytes))
	}
	if code == whole {
		t.whole.Inc()
	} else {
		t.metrics.count(t.format, code)
	}
}

// count counts a scrape.
func (s *selfMetrics) count(format, code string) {
	s.scrapes.With(outcome{format, code}).Inc()
}

// view is what a handler serves: all that the gatherer has, the numbers that it
// gives about itself, and, where their names belong, the handler's own families.
// Of two families with one name the gatherer's is served.
//
// It puts them in while they stream past, and so costs less than a merge of any
// two gatherers.
type view struct {
	gatherer fennel.Gatherer
	own      *fennel.Registry

	// Of the visit that is under way:
	ctx     context.Context
	request *sample.Request
	visitor sample.Visitor
	pending []string // own families that are still to come
	from    string   // own families are handed on from this name
	until   string   // to before this one; to the last if it is empty
}

// everything asks for all that there is. It is shared, as a collector that is
// late may look at its request when the scrape has ended.
var everything = &sample.Request{Self: true}

// Visit implements [fennel.Gatherer].
func (v *view) Visit(ctx context.Context, req *sample.Request, visitor sample.Visitor) error {
	v.ctx, v.request, v.visitor, v.pending = ctx, req, visitor, selfNames
	all := everything
	if req != nil {
		all = &sample.Request{Sets: req.Sets, Self: true}
	}
	err := v.gatherer.Visit(ctx, all, (*foreign)(v))
	if err != nil && !fennel.Partial(err) {
		return err
	}
	if ownErr := v.visitOwn(""); ownErr != nil {
		return ownErr
	}
	return err
}

// visitOwn hands on the own families before the one of this name. That is all
// of them at once, unless the gatherer has one with a name in between.
func (v *view) visitOwn(until string) error {
	if len(v.pending) == 0 {
		return nil
	}
	v.from, v.until = v.pending[0], until
	for len(v.pending) > 0 && (until == "" || sample.CompareNames(v.pending[0], until) <= 0) {
		v.pending = v.pending[1:]
	}
	return v.own.Visit(v.ctx, v.request, (*native)(v))
}

// foreign is the side of a view that visits the gatherer.
type foreign view

// Visit hands on a family, after the own ones that come before it.
func (v *foreign) Visit(f *sample.Family, b *sample.Batch) error {
	if len(v.pending) > 0 && sample.CompareNames(v.pending[0], f.Name) <= 0 {
		if err := (*view)(v).visitOwn(f.Name); err != nil {
			return err
		}
	}
	return v.visitor.Visit(f, b)
}

// native is the side of a view that visits the handler's own metrics.
type native view

// Visit hands on a family if it is its turn.
func (v *native) Visit(f *sample.Family, b *sample.Batch) error {
	if sample.CompareNames(f.Name, v.from) < 0 || v.until != "" && sample.CompareNames(f.Name, v.until) >= 0 {
		return nil
	}
	return v.visitor.Visit(f, b)
}
