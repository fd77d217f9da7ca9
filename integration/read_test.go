package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	promvalue "github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
)

// history is all that Prometheus holds of a series, oldest first.
type history struct {
	Floats  []stored[float64]
	Natives []stored[native]
}

// stored is a sample as it is stored.
type stored[V any] struct {
	Time  int64 // milliseconds
	Value V
}

// histories returns what is stored of a job's series, by [seriesName] without the
// job and instance labels. Unlike the query API, remote read gives timestamps,
// schemas and buckets just as they are.
func (p *prometheus) histories(t *testing.T, job string) map[string]history {
	t.Helper()
	found := make(map[string]history)
	for _, series := range p.read(t, job) {
		set := make(map[string]string)
		for _, l := range series.Labels {
			set[l.Name] = l.Value
		}
		if addedByScrape[set["__name__"]] {
			continue
		}
		var h history
		for _, s := range series.Samples {
			if !promvalue.IsStaleNaN(s.Value) {
				h.Floats = append(h.Floats, stored[float64]{s.Timestamp, s.Value})
			}
		}
		for _, s := range series.Histograms {
			if promvalue.IsStaleNaN(s.Sum) {
				continue
			}
			if s.IsFloatHistogram() {
				t.Fatalf("float histogram in %v", set)
			}
			n, err := nativeOf(s.ToIntHistogram())
			if err != nil {
				t.Fatalf("native histogram in %v: %v", set, err)
			}
			h.Natives = append(h.Natives, stored[native]{s.Timestamp, n})
		}
		found[seriesName(set, "job", "instance")] = h
	}
	return found
}

// natives returns the current native histograms of a job, by series.
func (p *prometheus) natives(t *testing.T, job string) map[string]native {
	t.Helper()
	current := make(map[string]native)
	for series, h := range p.histories(t, job) {
		if n := len(h.Natives); n > 0 {
			current[series] = h.Natives[n-1].Value
		}
	}
	return current
}

// read reads all that is stored of a job's series.
func (p *prometheus) read(t *testing.T, job string) []*prompb.TimeSeries {
	t.Helper()
	request := prompb.ReadRequest{Queries: []*prompb.Query{{
		StartTimestampMs: 0,
		EndTimestampMs:   math.MaxInt32 * 1000,
		Matchers:         []*prompb.LabelMatcher{{Type: prompb.LabelMatcher_EQ, Name: "job", Value: job}},
	}}}
	body, err := request.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	body, err = p.post(t, "/api/v1/read", snappy.Encode(nil, body))
	if err != nil {
		t.Fatalf("remote read of %s: %v", job, err)
	}
	var response prompb.ReadResponse
	if body, err = snappy.Decode(nil, body); err == nil {
		err = response.Unmarshal(body)
	}
	if err != nil || len(response.Results) != 1 {
		t.Fatalf("remote read of %s: %d results, %v", job, len(response.Results), err)
	}
	return response.Results[0].Timeseries
}

// post sends a body as remote read has it, and returns that of the answer.
func (p *prometheus) post(t *testing.T, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.Addr+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Read-Version", "0.1.0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.500s", resp.Status, answer)
	}
	return answer, err
}
