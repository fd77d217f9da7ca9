package integration

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// specimen is a metric family with one series, and what is written into it.
type specimen struct {
	kind       fennel.Type
	name, help string
	unit       string
	names      []string // of labels
	values     []string // of labels
	value      float64
	bounds     []float64
	states     []string
	time       time.Time

	// What may come with it.
	exemplar *fennel.Exemplar
	start    time.Time
	native   *fennel.NativeHistogram
	only     bool // there are no classic buckets beside the native ones
}

var (
	allSyntaxes  = []exposition.Syntax{exposition.Text004, exposition.Text100, exposition.OpenMetrics100, exposition.Protobuf, exposition.OpenMetrics200}
	allEscapings = []exposition.Escaping{exposition.EscapeUnderscores, exposition.AllowUTF8, exposition.EscapeDots, exposition.EscapeValues}
)

// formats are all formats that there are.
func formats() []exposition.Format {
	var all []exposition.Format
	for _, syntax := range allSyntaxes {
		for _, escaping := range allEscapings {
			all = append(all, exposition.Format{Syntax: syntax, Escaping: escaping})
			if syntax == exposition.OpenMetrics100 {
				all = append(all, exposition.Format{Syntax: syntax, Escaping: escaping, Created: true})
			}
		}
	}
	return all
}

// kinds is the number of types, and how many of them can be declared.
const (
	kinds    = uint8(fennel.TypeGaugeHistogram) + 1
	declared = uint8(fennel.TypeStateSet) + 1
)

// FuzzExposition declares a metric with any name, help, unit and labels, and
// lets a collector write the same with any timestamp; both may have exemplars, a
// start time and native buckets. What the registry takes must come out of each
// format just like that when Prometheus' parsers read it.
func FuzzExposition(f *testing.F) {
	for i, s := range nasty {
		for kind := range kinds {
			f.Add(kind, s.name, s.help, s.unit, s.nameA, s.valueA, s.nameB, s.valueB, s.value, s.seconds, s.nanos, uint32(i)*7919|1)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, name, help, unit, nameA, valueA, nameB, valueB string, value float64, seconds, nanos int64, extras uint32) {
		s := newSpecimen(kind, name, help, unit, value)
		s.label(nameA, valueA)
		s.label(nameB, valueB)
		s.time = time.Unix(seconds, nanos)
		s.extend(extras, nameB, valueB)
		if uint8(s.kind) < declared {
			declared, err := s.declared()
			if err != nil {
				s.checkRefused(t)
				return
			}
			s.checkGathered(t, declared)
			checkFormats(t, declared, s)
		}
		collected := s.collected()
		s.checkGathered(t, collected)
		checkFormats(t, collected, s)
	})
}

// newSpecimen returns a specimen without labels. What its type needs beside a
// value is made from the value and the help.
func newSpecimen(kind uint8, name, help, unit string, value float64) *specimen {
	s := &specimen{kind: fennel.Type(kind % kinds), name: name, help: help, unit: unit, value: value}
	for _, b := range []float64{-math.Abs(value), value / 2, value, 0, 1} {
		if !math.IsNaN(b) && !math.IsInf(b, 0) && !slices.Contains(s.bounds, b) {
			s.bounds = append(s.bounds, b)
		}
	}
	slices.Sort(s.bounds)
	if math.Mod(value, 2) > 0 && len(s.bounds) > 0 {
		s.bounds = s.bounds[1:] // not always a negative one
	}
	s.states = []string{"on", strings.ToValidUTF8(help, "?")}
	return s
}

// extend adds what the bits of extras say, with an exemplar of this label.
func (s *specimen) extend(extras uint32, name, value string) {
	random := rand.New(rand.NewPCG(uint64(extras), 0))
	if extras&1 > 0 {
		s.exemplar = &fennel.Exemplar{Labels: []fennel.Label{{Name: cmp.Or(name, "trace_id"), Value: value}}, Value: s.value, Time: s.time}
	}
	if extras&2 > 0 {
		s.start = s.time
	}
	if extras&4 > 0 {
		s.native = randomNative(random)
		s.only = extras&8 > 0
	}
	if s.only {
		s.bounds = nil
	}
}

// randomNative returns a native histogram of any form.
func randomNative(random *rand.Rand) *fennel.NativeHistogram {
	side := func() (buckets []fennel.NativeBucket) {
		index := random.IntN(100) - 66
		for range random.IntN(8) {
			if index <= 65 { // more there is not in the coarsest
				buckets = append(buckets, fennel.NativeBucket{Index: index, Count: random.Uint64N(1 << random.IntN(40))})
			}
			index += 1 + random.IntN(1+random.IntN(10))
		}
		return buckets
	}
	return &fennel.NativeHistogram{
		Schema:        random.IntN(13) - 4,
		ZeroThreshold: []float64{0, 0x1p-128, 0.5}[random.IntN(3)],
		ZeroCount:     random.Uint64N(3),
		Positive:      side(),
		Negative:      side(),
	}
}

// label adds a label, unless it has no name.
func (s *specimen) label(name, value string) {
	if name != "" {
		s.names = append(s.names, name)
		s.values = append(s.values, value)
	}
}

// neighbours are declared beside the specimen, to see that it leaves them alone.
func neighbours(r *fennel.Registry) {
	fennel.Try(func() int { // they may clash with it
		fennel.NewGauge("!first neighbour", "The first.", fennel.In(r)).Set(1)
		fennel.NewCounter("~last neighbour_total", "The last.", fennel.In(r)).Inc()
		return 0
	})
}

// declared declares the specimen in a registry and updates it.
func (s *specimen) declared() (*fennel.Registry, error) {
	r := fennel.NewRegistry()
	_, err := fennel.Try(func() int { s.declare(r); return 0 })
	neighbours(r)
	return r, err
}

func (s *specimen) declare(r *fennel.Registry) {
	switch len(s.names) {
	case 0:
		s.declareSingle(r)
	case 1:
		declareVec(s, r, [1]string(s.values))
	default:
		declareVec(s, r, [2]string(s.values))
	}
}

// numberOptions returns the options of types that have a unit.
func (s *specimen) numberOptions(r *fennel.Registry) []fennel.NumberOption {
	opts := []fennel.NumberOption{fennel.In(r)}
	if s.names != nil {
		opts = append(opts, fennel.LabelNames(s.names...))
	}
	if s.unit != "" {
		opts = append(opts, fennel.Unit(s.unit))
	}
	return opts
}

// each converts options to those of one type.
func each[To, From any](opts []From) []To {
	var out []To
	for _, o := range opts {
		out = append(out, any(o).(To))
	}
	return out
}

type noLabels struct{}

// histogramOptions returns the options of a histogram.
func (s *specimen) histogramOptions(opts []fennel.NumberOption) []fennel.HistogramOption {
	all := each[fennel.HistogramOption](opts)
	if s.native != nil {
		all = append(all, fennel.Native{Schema: s.native.Schema, ZeroThreshold: s.native.ZeroThreshold, Only: s.only})
	}
	if !s.only {
		all = append(all, fennel.Buckets(s.bounds...))
	}
	return all
}

// add adds the value to a counter, perhaps with an exemplar.
func (s *specimen) add(c *fennel.Counter) {
	if s.exemplar != nil {
		c.AddWithExemplar(s.value, s.exemplar.Labels...)
		return
	}
	c.Add(s.value)
}

// observe observes the value, perhaps with an exemplar.
func (s *specimen) observe(h *fennel.Histogram) {
	if s.exemplar != nil {
		h.ObserveWithExemplar(s.value, s.exemplar.Labels...)
		return
	}
	h.Observe(s.value)
}

func (s *specimen) declareSingle(r *fennel.Registry) {
	opts := s.numberOptions(r)
	switch s.kind {
	case fennel.TypeUnknown:
		fennel.NewUnknown(s.name, s.help, each[fennel.UnknownOption](opts)...).Set(s.value)
	case fennel.TypeCounter:
		s.add(fennel.NewCounter(s.name, s.help, each[fennel.CounterOption](opts)...))
	case fennel.TypeGauge:
		fennel.NewGauge(s.name, s.help, each[fennel.GaugeOption](opts)...).Set(s.value)
	case fennel.TypeHistogram:
		s.observe(fennel.NewHistogram(s.name, s.help, s.histogramOptions(opts)...))
	case fennel.TypeSummary:
		fennel.NewSummary(s.name, s.help, each[fennel.SummaryOption](opts)...).Observe(s.value)
	case fennel.TypeInfo:
		fennel.NewInfo(s.name, s.help, noLabels{}, fennel.In(r))
	case fennel.TypeStateSet:
		fennel.NewStateSet(s.name, s.help, s.states, fennel.In(r))
	}
}

func declareVec[L any](s *specimen, r *fennel.Registry, labels L) {
	opts := s.numberOptions(r)
	in, names := fennel.In(r), fennel.LabelNames(s.names...)
	switch s.kind {
	case fennel.TypeUnknown:
		fennel.NewUnknownVec[L](s.name, s.help, each[fennel.UnknownOption](opts)...).With(labels).Set(s.value)
	case fennel.TypeCounter:
		s.add(fennel.NewCounterVec[L](s.name, s.help, each[fennel.CounterOption](opts)...).With(labels))
	case fennel.TypeGauge:
		fennel.NewGaugeVec[L](s.name, s.help, each[fennel.GaugeOption](opts)...).With(labels).Set(s.value)
	case fennel.TypeHistogram:
		s.observe(fennel.NewHistogramVec[L](s.name, s.help, s.histogramOptions(opts)...).With(labels))
	case fennel.TypeSummary:
		fennel.NewSummaryVec[L](s.name, s.help, each[fennel.SummaryOption](opts)...).With(labels).Observe(s.value)
	case fennel.TypeInfo:
		fennel.NewInfoVec[L, noLabels](s.name, s.help, in, names).With(labels).Set(noLabels{})
	case fennel.TypeStateSet:
		fennel.NewStateSetVec[L](s.name, s.help, s.states, in, names).With(labels).Set(s.states[0])
	}
}

// collected returns a registry with a collector that writes the specimen.
func (s *specimen) collected() *fennel.Registry {
	r := fennel.NewRegistry()
	neighbours(r)
	r.MustRegister(fennel.CollectorFunc(s.collect))
	return r
}

func (s *specimen) collect(_ context.Context, w *fennel.Writer) error {
	opts := []fennel.WriterOption{fennel.LabelNames(s.names...)}
	if s.unit != "" {
		opts = append(opts, fennel.Unit(s.unit))
	}
	switch s.kind {
	case fennel.TypeUnknown:
		w.Unknown(s.name, s.help, opts...).At(s.time).Write(s.value, s.values...)
	case fennel.TypeCounter:
		c := w.Counter(s.name, s.help, opts...).At(s.time).Since(s.start)
		if s.exemplar != nil {
			c = c.WithExemplar(*s.exemplar)
		}
		c.Write(s.value, s.values...)
	case fennel.TypeGauge:
		w.Gauge(s.name, s.help, opts...).At(s.time).Write(s.value, s.values...)
	case fennel.TypeHistogram:
		w.Histogram(s.name, s.help, s.bounds, opts...).At(s.time).Since(s.start).Write(s.histogram(), s.values...)
	case fennel.TypeGaugeHistogram:
		w.GaugeHistogram(s.name, s.help, s.bounds, opts...).At(s.time).Write(s.histogram(), s.values...)
	case fennel.TypeSummary:
		value := fennel.SummaryValue{Count: 1, Sum: s.value, Quantiles: []float64{s.value, math.NaN(), -1}}
		w.Summary(s.name, s.help, []float64{0, 0.5, 1}, opts...).At(s.time).Since(s.start).Write(value, s.values...)
	case fennel.TypeInfo:
		w.Info(s.name, s.help, opts[:1]...).At(s.time).Write(s.values...)
	case fennel.TypeStateSet:
		w.StateSet(s.name, s.help, s.states, opts[:1]...).At(s.time).Write(s.states[1:], s.values...)
	}
	return nil
}

// histogram returns the histogram that a collector writes.
func (s *specimen) histogram() fennel.HistogramValue {
	v := fennel.HistogramValue{Counts: make([]uint64, len(s.bounds)+1), Sum: s.value, Native: s.native}
	v.Counts[0] = 1 << 60
	if s.native != nil {
		v.Counts[0] = total(s.native)
	}
	if s.exemplar != nil {
		v.Exemplars = []fennel.Exemplar{*s.exemplar}
	}
	return v
}

// checkRefused checks that a collector can't write what can't be declared.
func (s *specimen) checkRefused(t *testing.T) {
	_, err := s.collected().Gather(t.Context())
	var partial *fennel.GatherError
	if !errors.As(err, &partial) {
		t.Errorf("a declaration is refused, but what a collector writes is not: %+v", s)
	}
}

// checkGathered checks that the registry has what the specimen was given, but
// for values that its type can't take.
func (s *specimen) checkGathered(t *testing.T, r *fennel.Registry) {
	t.Helper()
	families, err := r.Gather(t.Context())
	i := slices.IndexFunc(families, func(f fennel.Family) bool { return f.Name == s.name })
	if i < 0 || len(families[i].Samples) != 1 {
		if !fennel.Partial(err) {
			t.Errorf("no sample of %+v", *s)
		}
		return
	}
	f, sample := families[i], families[i].Samples[0]
	if f.Help != s.help || f.Type != s.kind || !slices.Equal(f.Labels, s.names) {
		t.Errorf("gathered %+v of %+v", f, *s)
	}
	for j, l := range sample.Labels {
		if want := strings.ToValidUTF8(s.values[j], "\uFFFD"); l.Value != want {
			t.Errorf("label %q is %q, want %q", l.Name, l.Value, want)
		}
	}
	number := s.kind == fennel.TypeGauge || s.kind == fennel.TypeUnknown
	if number && !same(sample.Value, s.value) {
		t.Errorf("value is %v, want %v", sample.Value, s.value)
	}
	if !sample.Time.IsZero() && !sample.Time.Equal(s.time) {
		t.Errorf("time is %v, want %v", sample.Time, s.time)
	}
}

// checkFormats checks that parsers read from each format what the registry has.
func checkFormats(t *testing.T, r *fennel.Registry, s *specimen) {
	for _, format := range formats() {
		want := expect(t, r, format)
		want.ignore(isOwn)
		body, err := exposition.Bytes(t.Context(), r, format)
		if err != nil && !fennel.Partial(err) {
			t.Fatal(err)
		}
		got, err := parseFormat(body, format)
		if s.beyond(format, want) {
			continue
		}
		if !want.text() {
			report(t, want, got, err, s, body, "textparse")
			continue
		}
		report(t, want.withHelps(helpInText), got, err, s, body, "textparse")
		if !s.beyondExpfmt(format) {
			got, err = parseText(body)
			report(t, want.withHelps(helpInExpfmt), got, err, s, body, "expfmt")
		}
	}
}

// parseFormat parses a body in a format, with all that there is in it.
func parseFormat(body []byte, format exposition.Format) (Parsed, error) {
	parse := parse
	if format.Created {
		parse = parseStarts
	}
	got, err := parse(body, format.ContentType())
	if format.Syntax != exposition.Protobuf {
		got.unquote()
	}
	return got, err
}

// report reports what a parser has read if that is not what was wanted.
func report(t *testing.T, want expected, got Parsed, err error, s *specimen, body []byte, parser string) {
	t.Helper()
	got.ignore(isOwn)
	problem := ""
	if err != nil {
		problem = err.Error()
	} else {
		problem = want.diff(got)
	}
	if problem != "" {
		t.Errorf("%v, read by %s: %.1000s\nof %+v\nwritten as\n%.2000q", want.format, parser, problem, *s, body)
	}
}

// helpInText returns what Prometheus' parser of the text format makes of a help
// text: nothing, if there is nothing to see in it.
func helpInText(help string) string {
	if strings.Trim(help, " \t\x00") == "" {
		return ""
	}
	return help
}

// helpInExpfmt returns what expfmt's parser makes of a help text.
func helpInExpfmt(help string) string { return strings.TrimLeft(help, " \t") }

// beyond reports whether Prometheus' parser of a format is known not to
// understand the specimen: to that of OpenMetrics 1.0 the quantiles of a summary
// whose name ends like that are the times at which another one was created, once
// it is asked for such times.
func (s *specimen) beyond(format exposition.Format, want expected) bool {
	return format.Created && s.kind == fennel.TypeSummary && strings.HasSuffix(want.metric(s.name), "_created")
}

// isOwn reports whether a name is one of the metrics that a registry has of
// itself: they count the gatherings of a test.
func isOwn(name string) bool { return strings.HasPrefix(name, "fennel_") }

// beyondExpfmt reports whether expfmt's text parser, which is not Prometheus',
// is known not to understand the specimen.
func (s *specimen) beyondExpfmt(f exposition.Format) bool {
	// It takes _bucket, _sum and _count for parts of a family only if they stand
	// bare behind its escaped name. These schemes escape the name with the
	// suffix, so that it can be read back.
	if s.kind == fennel.TypeGaugeHistogram {
		return true // it misses the parts that are families of their own
	}
	suffixes := s.kind == fennel.TypeHistogram || s.kind == fennel.TypeSummary
	escapes := f.Escaping == exposition.EscapeDots || f.Escaping == exposition.EscapeValues
	return suffixes && escapes && !isLegacy(s.name)
}

// FuzzAccept asks for metrics with any Accept header and reads the answer as
// what it says it is.
func FuzzAccept(f *testing.F) {
	for _, accept := range acceptHeaders {
		f.Add(accept)
	}
	r := fennel.NewRegistry()
	fennel.NewCounterVec[string]("http.requests_total", "Requests.", fennel.LabelNames("花火"), fennel.In(r)).With("a\"b").Inc()
	fennel.NewHistogram("size_bytes", "Size.", fennel.Unit("bytes"), fennel.In(r)).Observe(0.5)
	handler := fennelhttp.Handler(r, fennelhttp.WithOpenMetrics200(), fennelhttp.WithoutSelfMetrics())
	f.Fuzz(func(t *testing.T, accept string) {
		req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		req.Header["Accept"] = strings.Split(accept, "\n")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		contentType := w.Header().Get("Content-Type")
		format, ok := formatOf(contentType)
		if w.Code != http.StatusOK || !ok {
			t.Fatalf("Accept %q: status %d, Content-Type %q", accept, w.Code, contentType)
		}
		got, err := parseFormat(w.Body.Bytes(), format)
		if err != nil {
			t.Fatalf("Accept %q: %s: %v\n%s", accept, contentType, err, w.Body)
		}
		want := expect(t, r, format)
		if d := want.diff(got); d != "" {
			t.Errorf("Accept %q: %s:\n%s%s", accept, contentType, d, w.Body)
		}
	})
}

// formatOf returns the format that a Content-Type announces.
func formatOf(contentType string) (f exposition.Format, ok bool) {
	for _, f := range formats() {
		if f.ContentType() == contentType {
			return f, true
		}
	}
	return f, false
}

// acceptHeaders are what scrapers send, and what nobody should.
var acceptHeaders = []string{
	"",
	"*/*",
	"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
	"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.1",
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
	"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	"application/openmetrics-text;version=2.0.0",
	"text/plain;version=1.0.0;escaping=dots",
	"text/plain;version=0.0.4;escaping=values",
	"text/plain;version=0.0.4;escaping=allow-utf-8;escaping=allow-utf-8",
	"application/openmetrics-text;q=0,text/*",
	"text/plain;version=\"1.0.0\";escaping=\"dots\"\ntext/plain;q=0.1",
	"text/plain;version=\"1.0",
	";;;,,,=;q=2,*/*;q=NaN",
}
