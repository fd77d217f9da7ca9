package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// point is one element of the answer to an instant query.
type point struct {
	Labels    map[string]string // with __name__, job and instance
	Value     float64
	Time      time.Time
	Histogram *histogram // if it is a native histogram; Value is 0 then
}

// histogram is a native histogram as Prometheus's API shows it.
type histogram struct {
	Count   float64
	Sum     float64
	Buckets []bucket
}

// bucket is a populated bucket of a native histogram.
type bucket struct {
	Boundaries   int // 0: open left, 1: open right, 2: open both, 3: closed both
	Lower, Upper float64
	Count        float64
}

// targetState is what Prometheus knows of a target.
type targetState struct {
	Labels     map[string]string
	ScrapeURL  string
	Health     string // "up", "down" or "unknown"
	LastError  string
	LastScrape time.Time // when it began
}

// metadata is what Prometheus knows of a metric family.
type metadata struct {
	Type string
	Help string
	Unit string
}

// exemplar is an exemplar that Prometheus stored.
type exemplar struct {
	Series map[string]string // the labels of its series
	Labels map[string]string
	Value  float64
	Time   time.Time
}

// job returns the name of the target's scrape job.
func (s targetState) job() string {
	return s.Labels["job"]
}

// failed reports whether the last scrape failed for a reason other than time:
// scrapes have little of that, and the machine may be busy.
func (s targetState) failed() bool {
	return s.Health == "down" && !strings.Contains(s.LastError, context.DeadlineExceeded.Error())
}

// query runs an instant query whose result is a vector or a scalar.
func (p *prometheus) query(t *testing.T, expr string) []point {
	t.Helper()
	var data struct {
		ResultType string
		Result     json.RawMessage
	}
	p.get(t, "query", url.Values{"query": {expr}}, &data)
	switch data.ResultType {
	case "scalar":
		var v value
		decode(t, data.Result, &v)
		return []point{v.point(nil)}
	case "vector":
		return vector(t, data.Result)
	}
	t.Fatalf("query %s: result is a %s, want a vector or a scalar", expr, data.ResultType)
	return nil
}

// vector decodes the result of a query.
func vector(t *testing.T, result json.RawMessage) []point {
	t.Helper()
	var elems []struct {
		Metric    map[string]string
		Value     value
		Histogram histogramValue
	}
	decode(t, result, &elems)
	var points []point
	for _, e := range elems {
		pt := e.Value.point(e.Metric)
		if e.Histogram.histogram != nil {
			pt.Time, pt.Histogram = e.Histogram.time, e.Histogram.histogram
		}
		points = append(points, pt)
	}
	return points
}

// scraped returns the current float samples of a job, by [seriesName] without
// the job and instance labels: what its target served, as Prometheus understood
// it. What Prometheus adds of its own (up, scrape_duration_seconds, …) and native
// histograms are left out.
func (p *prometheus) scraped(t *testing.T, job string) map[string]float64 {
	t.Helper()
	values := make(map[string]float64)
	for _, pt := range p.query(t, fmt.Sprintf("{job=%q}", job)) {
		if pt.Histogram == nil && !addedByScrape[pt.Labels["__name__"]] {
			values[pt.series()] = pt.Value
		}
	}
	return values
}

// addedByScrape are the samples that Prometheus adds to each scrape.
var addedByScrape = map[string]bool{
	"up":                                    true,
	"scrape_duration_seconds":               true,
	"scrape_samples_scraped":                true,
	"scrape_samples_post_metric_relabeling": true,
	"scrape_series_added":                   true,
}

// series returns the point's name and labels without those that the scrape
// added.
func (pt point) series() string {
	return seriesName(pt.Labels, "job", "instance")
}

// series returns the label sets of the series that match the selector.
func (p *prometheus) series(t *testing.T, selector string) []map[string]string {
	t.Helper()
	var data []map[string]string
	p.get(t, "series", url.Values{"match[]": {selector}}, &data)
	return data
}

// metadata returns the metadata of all targets by metric family. It has more than
// one element where targets disagree.
func (p *prometheus) metadata(t *testing.T) map[string][]metadata {
	t.Helper()
	var data map[string][]metadata
	p.get(t, "metadata", nil, &data)
	return data
}

// targetMetadata returns the metadata that one job's target served, by metric
// family.
func (p *prometheus) targetMetadata(t *testing.T, job string) map[string]metadata {
	t.Helper()
	var data []struct {
		Metric string
		metadata
	}
	p.get(t, "targets/metadata", url.Values{"match_target": {fmt.Sprintf("{job=%q}", job)}}, &data)
	families := make(map[string]metadata)
	for _, family := range data {
		families[family.Metric] = family.metadata
	}
	return families
}

// targets returns the state of all targets.
func (p *prometheus) targets(t *testing.T) []targetState {
	t.Helper()
	var data struct{ ActiveTargets []targetState }
	p.get(t, "targets", url.Values{"state": {"active"}}, &data)
	return data.ActiveTargets
}

// exemplars returns the stored exemplars of the series in an expression.
func (p *prometheus) exemplars(t *testing.T, expr string) []exemplar {
	t.Helper()
	var data []struct {
		SeriesLabels map[string]string
		Exemplars    []struct {
			Labels    map[string]string
			Value     string
			Timestamp float64
		}
	}
	// Exemplars with a time of their own may be old: ask for all times.
	p.get(t, "query_exemplars", url.Values{"query": {expr}, "start": {"0"}, "end": {"9999999999"}}, &data)
	var found []exemplar
	for _, series := range data {
		for _, e := range series.Exemplars {
			v, err := strconv.ParseFloat(e.Value, 64)
			if err != nil {
				t.Fatalf("exemplars of %s: %v", expr, err)
			}
			found = append(found, exemplar{series.SeriesLabels, e.Labels, v, seconds(e.Timestamp)})
		}
	}
	return found
}

// get asks the API and decodes the data of its answer. An error fails the test.
func (p *prometheus) get(t *testing.T, endpoint string, params url.Values, data any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	address := "http://" + p.Addr + "/api/v1/" + endpoint + "?" + params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Status string
		Error  string
		Data   json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: %s: %v", address, resp.Status, err)
	}
	if answer.Status != "success" {
		t.Fatalf("%s: %s: %s", address, resp.Status, answer.Error)
	}
	decode(t, answer.Data, data)
}

// decode decodes JSON; an error fails the test.
func decode(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
}

// value is a sample's value in the API: [1700000000.123, "42"].
type value struct {
	time  time.Time
	value float64
}

// UnmarshalJSON implements [json.Unmarshaler].
func (v *value) UnmarshalJSON(data []byte) error {
	var at float64
	var text number
	err := json.Unmarshal(data, &[]any{&at, &text})
	v.time, v.value = seconds(at), float64(text)
	return err
}

// point returns the point with these labels.
func (v value) point(labels map[string]string) point {
	return point{Labels: labels, Value: v.value, Time: v.time}
}

// histogramValue is a native histogram in the API: [1700000000.123, {…}].
type histogramValue struct {
	time      time.Time
	histogram *histogram
}

// UnmarshalJSON implements [json.Unmarshaler].
func (v *histogramValue) UnmarshalJSON(data []byte) error {
	var at float64
	var h struct {
		Count, Sum number
		Buckets    []bucket
	}
	err := json.Unmarshal(data, &[]any{&at, &h})
	v.time = seconds(at)
	v.histogram = &histogram{float64(h.Count), float64(h.Sum), h.Buckets}
	return err
}

// UnmarshalJSON implements [json.Unmarshaler].
func (b *bucket) UnmarshalJSON(data []byte) error {
	var lower, upper, count number
	err := json.Unmarshal(data, &[]any{&b.Boundaries, &lower, &upper, &count})
	b.Lower, b.Upper, b.Count = float64(lower), float64(upper), float64(count)
	return err
}

// number is a number in quotes, because JSON has no NaN and no infinity.
type number float64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (n *number) UnmarshalText(text []byte) error {
	v, err := strconv.ParseFloat(string(text), 64)
	*n = number(v)
	return err
}

// seconds converts a Unix time; the API gives milliseconds as a fraction.
func seconds(s float64) time.Time {
	return time.UnixMilli(int64(math.Round(s * 1000)))
}
