package integration

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// scrape is a way in which Prometheus can be set up to ask for metrics, and the
// format that it must be answered in.
type scrape struct {
	job       string
	protocols []string // that it asks for, the best first
	reading   reading
	format    exposition.Format
}

// Formats in which names stay as they are.
var (
	inText100     = exposition.Format{Syntax: exposition.Text100, Escaping: exposition.AllowUTF8}
	inOpenMetrics = exposition.Format{Syntax: exposition.OpenMetrics100, Escaping: exposition.AllowUTF8}
	inProtobuf    = exposition.Format{Syntax: exposition.Protobuf, Escaping: exposition.AllowUTF8}
	in200         = exposition.Format{Syntax: exposition.OpenMetrics200, Escaping: exposition.AllowUTF8}
)

// protobufFirst is what Prometheus asks for by default once it takes native
// histograms.
var protobufFirst = []string{protobuf, om100, om001, text100, text004}

// scrapes are the protocols that Prometheus can ask for, and all that it can make
// of histograms. It says that it takes UTF-8 names only where it asks for a
// version 1.0.0 or later: of these protobuf has it from the others, or not at all.
var scrapes = []scrape{
	{text004, []string{text004}, reading{}, exposition.Format{}},
	{text100, []string{text100}, reading{}, inText100},
	{om001, []string{om001}, reading{}, exposition.Format{Syntax: exposition.OpenMetrics100}},
	{om100, []string{om100}, reading{natives: true}, inOpenMetrics},
	{"default", []string{om100, om001, text100, text004}, reading{}, inOpenMetrics},
	{protobuf, []string{protobuf}, readAll, exposition.Format{Syntax: exposition.Protobuf}},
	{"protobuf-first", protobufFirst, reading{natives: true}, inProtobuf},
	{"protobuf-classic", protobufFirst, reading{}, inProtobuf},
	{"protobuf-both", protobufFirst, readAll, inProtobuf},
	{om200, []string{om200, om100}, reading{natives: true}, in200},
	{"openmetrics2-classic", []string{om200}, reading{}, in200},
	{"openmetrics2-both", []string{om200}, readAll, in200},
}

// customScrapes are those in which the server makes native histograms of classic
// ones.
var customScrapes = []scrape{
	{"text-custom", []string{text100}, reading{custom: true}, inText100},
	{"openmetrics-custom", []string{om100}, reading{natives: true, custom: true}, inOpenMetrics},
	{"protobuf-custom", protobufFirst, reading{natives: true, custom: true}, inProtobuf},
	{"protobuf-custom-classic", protobufFirst, reading{custom: true, classic: true}, inProtobuf},
	{"openmetrics2-custom", []string{om200}, reading{natives: true, custom: true}, in200},
}

// target returns the job that scrapes an exhibit like that.
func (s scrape) target(x *exhibit) target {
	t := x.target(s.job, "")
	t.Extra = plus(s.reading.extra(), map[string]any{"scrape_protocols": s.protocols})
	return t
}

// TestEverything compares what Prometheus has scraped of a registry with
// everything in it with what the registry holds, once for each protocol.
func TestEverything(t *testing.T) {
	r := everything(t)
	checkScrapes(t, r, scrapes)
}

// TestEverythingParsed compares what the server's parsers read in each format with
// what the registry holds: that is more than the server shows of it.
func TestEverythingParsed(t *testing.T) {
	r := everything(t)
	for _, format := range formats() {
		t.Run(fmt.Sprintf("%v created=%v", format, format.Created), func(t *testing.T) {
			body, err := exposition.Bytes(t.Context(), r, format)
			if err != nil {
				t.Fatal(err)
			}
			got, err := parseFormat(body, format)
			if err != nil {
				t.Fatalf("%v\n%.2000s", err, body)
			}
			got.ignore(isOwn)
			want := expect(t, r, format)
			want.ignore(isOwn)
			if want.text() {
				want = want.withHelps(helpInText)
			}
			if d := want.diff(got); d != "" {
				t.Errorf("%.2000s", d)
			}
		})
	}
}

// TestCustomBuckets lets Prometheus make native histograms with custom buckets
// of the classic ones in each format.
func TestCustomBuckets(t *testing.T) {
	r := fennel.NewRegistry()
	in := fennel.In(r)
	addGauges(r)
	fennel.NewHistogram("empty", "Nothing observed.", in)
	h := fennel.NewHistogramVec[string]("custom.size", "With labels.", fennel.LabelNames("花"), fennel.Buckets(1, 2.5, 1e6), in)
	for i, v := range observations {
		h.With(string(rune('a' + i%3))).Observe(v)
	}
	fennel.NewHistogram("traced_bytes", "With exemplars.", in, fennel.Buckets(0.5, 5)).ObserveWithExemplar(3, trace("a")...)
	fennel.NewHistogram("native_bytes", "Native and classic.", in, fennel.Buckets(0.5, 5), fennel.Native{}).ObserveWithExemplar(3, trace("a")...)
	checkScrapes(t, r, customScrapes)
}

// checkScrapes lets Prometheus scrape what g gathers, and checks that it holds
// the same.
func checkScrapes(t *testing.T, g fennel.Gatherer, scrapes []scrape) *prometheus {
	t.Helper()
	x := show(t, g, fennelhttp.WithOpenMetrics200())
	var targets []target
	for _, s := range scrapes {
		targets = append(targets, s.target(x))
	}
	p := setup{Features: []string{featureOpenMetrics2}, Interval: time.Second}.start(t, targets...)
	for _, s := range scrapes {
		t.Run(s.job, func(t *testing.T) {
			if got := x.exchanged(s.job); got.content != s.format.ContentType() {
				t.Errorf("Accept %q is answered with %q, want %q", got.accept, got.content, s.format.ContentType())
			}
			checkHeld(t, p, s.job, s.reading.expect(t, g, s.format))
		})
	}
	return p
}

// checkHeld checks that what Prometheus holds of a job is what is expected.
func checkHeld(t *testing.T, p *prometheus, job string, want expected) {
	t.Helper()
	if len(want.values) < 10 {
		t.Fatalf("only %d series are expected", len(want.values))
	}
	if d := diff(p.scraped(t, job), want.values); d != "" {
		t.Errorf("series:\n%s", d)
	}
	if d := diffNatives(p.natives(t, job), want.natives); d != "" {
		t.Errorf("native histograms:\n%s", d)
	}
	checkExemplarsHeld(t, p, job, want)
	if d := diffMetadata(p.targetMetadata(t, job), want); d != "" {
		t.Errorf("metadata:\n%s", d)
	}
	checkTimes(t, p, job, want)
	t.Logf("%d series, %d native histograms, exemplars of %d series and %d families compared",
		len(want.values), len(want.natives), len(want.exemplars), len(want.families))
}

// checkExemplarsHeld checks the exemplars that Prometheus stored of a job.
func checkExemplarsHeld(t *testing.T, p *prometheus, job string, want expected) {
	t.Helper()
	held := make(map[string][]Exemplar)
	for _, e := range p.exemplars(t, fmt.Sprintf("{job=%q}", job)) {
		series := seriesName(e.Series, "job", "instance")
		held[series] = append(held[series], Exemplar{seriesName(e.Labels), e.Value, new(e.Time.UnixMilli())})
	}
	for series := range want.exemplars {
		if _, ok := held[series]; !ok {
			held[series] = nil
		}
	}
	for series, exemplars := range held {
		if d := want.diffExemplars(series, exemplars); d != "" {
			t.Errorf("%.300s: %s", series, d)
		}
	}
}

// diffMetadata says how metadata differs from what is expected.
func diffMetadata(got map[string]metadata, want expected) string {
	if !want.openMetrics() {
		want = want.withHelps(helpInText)
	}
	return want.diffFamilies(unquote(got))
}

// checkTimes checks the timestamps of the samples that have one.
func checkTimes(t *testing.T, p *prometheus, job string, want expected) {
	t.Helper()
	stored := p.lastTimes(t, job)
	for series, times := range want.times {
		at, ok := stored[series]
		if n := len(times); n > 1 {
			want.times[series] = []int64{slices.Max(times)} // of those that are stored it is the last
		}
		if !ok {
			t.Errorf("no sample of %.300s is stored", series)
			continue
		}
		if d := want.diffTime(Sample{Name: series, Timestamp: &at}); d != "" {
			t.Errorf("%.300s: %s", series, d)
		}
	}
}

// lastTimes returns the timestamp of the last sample of each series of a job, in
// milliseconds, as it is stored.
func (p *prometheus) lastTimes(t *testing.T, job string) map[string]int64 {
	t.Helper()
	times := make(map[string]int64)
	for series, h := range p.histories(t, job) {
		if n := len(h.Floats); n > 0 {
			times[series] = h.Floats[n-1].Time
		}
		if n := len(h.Natives); n > 0 {
			times[series] = h.Natives[n-1].Time
		}
	}
	return times
}

// TestCanonicalNumbers checks the spelling of bounds and quantiles in
// OpenMetrics itself: the server mends it, but those before 3.0 took it as it is.
func TestCanonicalNumbers(t *testing.T) {
	body, err := exposition.Bytes(t.Context(), everything(t), exposition.Format{Syntax: exposition.OpenMetrics100})
	if err != nil {
		t.Fatal(err)
	}
	found := numberLabel.FindAllSubmatch(body, -1)
	if len(found) < 50 {
		t.Fatalf("only %d bounds and quantiles", len(found))
	}
	for _, match := range found {
		v, err := strconv.ParseFloat(string(match[1]), 64)
		if err != nil || string(match[1]) != canonical(v) {
			t.Errorf("%s: %v, want %q", match[0], err, canonical(v))
		}
	}
}

// numberLabel is the last label of a bucket or a quantile.
var numberLabel = regexp.MustCompile(`[{,](?:le|quantile)="([^"]*)"} \S+`)
