package integration

import (
	"errors"
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
