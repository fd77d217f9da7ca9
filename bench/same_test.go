package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"strconv"
	"strings"
	"testing"
)

// TestSame makes sure that no peer is measured doing less than the others: all
// expose the same series with the same values, in each format that they have.
func TestSame(t *testing.T) {
	const counters, histograms = 10_000, 1_000
	lines := counters + histograms*(len(buckets)+3)
	for _, format := range []string{text, openMetrics, gzipped} {
		var first map[string]float64
		for _, p := range peers {
			if !speaks(p.name, format) {
				continue
			}
			s := p.new()
			fill(s, counters)
			fillHistograms(s, histograms)
			got := samples(t, body(t, s, format))
			if len(got) != lines {
				t.Errorf("%s, %s: %d samples, want %d", p.name, format, len(got), lines)
			}
			if first == nil {
				first = got
			}
			compare(t, p.name+", "+format, got, first)
		}
	}
}

// body returns what a scrape gets, uncompressed.
func body(t *testing.T, s system, format string) string {
	t.Helper()
	var b bytes.Buffer
	c := newClient()
	c.body = &b
	c.scrape(s.handler(), request(format))
	isOpenMetrics := strings.HasPrefix(c.header.Get("Content-Type"), "application/openmetrics-text")
	if isOpenMetrics != (format == openMetrics) {
		t.Errorf("%s: Content-Type is %q", format, c.header.Get("Content-Type"))
	}
	if format != gzipped {
		return b.String()
	}
	if got := c.header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding is %q, want gzip", got)
	}
	z, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// samples parses a body: series to value. The peers write labels in the same
// order, so that a series is told by its text.
func samples(t *testing.T, body string) map[string]float64 {
	t.Helper()
	all := make(map[string]float64)
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(strings.TrimSpace(line[i+1:]), 64)
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if _, twice := all[line[:i]]; twice {
			t.Fatalf("series %q is there twice", line[:i])
		}
		all[line[:i]] = v
	}
	return all
}

func compare(t *testing.T, who string, got, want map[string]float64) {
	t.Helper()
	if maps.EqualFunc(got, want, near) {
		return
	}
	n := 0
	for series, v := range want {
		if w, ok := got[series]; !ok || !near(v, w) {
			if n++; n <= 3 {
				t.Errorf("%s: %s is %v (there: %v), want %v", who, series, w, ok, v)
			}
		}
	}
	t.Errorf("%s: %d series differ from those of %s", who, n, peers[0].name)
}

// near allows for sums that were added up in another order.
func near(a, b float64) bool { return a == b || a-b < 1e-9*a && b-a < 1e-9*a }
