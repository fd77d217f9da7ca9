package integration

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"testing"

	"github.com/fennelmetrics/fennel/exposition"
)

// scrapes are the protocols that Prometheus can ask for and that are built, each
// with the format that it must be answered in. Prometheus says that it takes
// UTF-8 names only where it asks for a version 1.0.0.
var scrapes = []struct {
	protocol string
	format   exposition.Format
}{
	{text004, exposition.Format{Syntax: exposition.Text004, Escaping: exposition.EscapeUnderscores}},
	{text100, exposition.Format{Syntax: exposition.Text100, Escaping: exposition.AllowUTF8}},
	{om001, exposition.Format{Syntax: exposition.OpenMetrics100, Escaping: exposition.EscapeUnderscores}},
	{om100, exposition.Format{Syntax: exposition.OpenMetrics100, Escaping: exposition.AllowUTF8}},
}

// TestEverything compares what Prometheus has scraped of a registry with
// everything in it with what the registry holds, once for each protocol.
func TestEverything(t *testing.T) {
	r := everything(t)
	x := show(t, r)
	var targets []target
	for _, s := range scrapes {
		targets = append(targets, x.target(s.protocol, s.protocol))
	}
	p := startPrometheus(t, targets...)
	for _, s := range scrapes {
		t.Run(s.protocol, func(t *testing.T) {
			if got := x.exchanged(s.protocol); got.content != s.format.ContentType() {
				t.Errorf("Accept %q is answered with %q, want %q", got.accept, got.content, s.format.ContentType())
			}
			checkHeld(t, p, s.protocol, expect(t, r, s.format))
		})
	}
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
	if d := diffMetadata(p.targetMetadata(t, job), want); d != "" {
		t.Errorf("metadata:\n%s", d)
	}
	checkTimes(t, p, job, want)
	t.Logf("%d series and %d families compared", len(want.values), len(want.families))
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
	stored := p.lastTimes(t, fmt.Sprintf("{job=%q}", job))
	for series := range want.times {
		at, ok := stored[series]
		if !ok {
			t.Errorf("no sample of %.300s is stored", series)
			continue
		}
		if d := want.diffTime(Sample{Name: series, Timestamp: &at}); d != "" {
			t.Errorf("%.300s: %s", series, d)
		}
	}
}

// lastTimes returns the timestamp of the last sample of each series in the last
// hour, in milliseconds, as it is stored.
func (p *prometheus) lastTimes(t *testing.T, selector string) map[string]int64 {
	t.Helper()
	var data struct {
		Result []struct {
			Metric map[string]string
			Values []value
		}
	}
	p.get(t, "query", url.Values{"query": {selector + "[1h]"}}, &data)
	times := make(map[string]int64)
	for _, series := range data.Result {
		last := series.Values[len(series.Values)-1]
		times[point{Labels: series.Metric}.series()] = last.time.UnixMilli()
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
