package main

import (
	"io"
	"net/http"
	"net/http/httptest"
)

// peer is a library that takes part.
type peer struct {
	name string
	new  func() system
}

// peers are all of them, in the order of the table's columns.
var peers = []peer{
	{"fennel", newFennel},
	{"client_golang", newGolang},
	{"vm", newVM},
	{"otel", newOTel},
}

// system is one registry of a peer, as far as scrapes and memory are measured.
// What is timed by the nanosecond is written out for each peer instead: see
// update_test.go.
type system interface {
	// add adds n to the counter with these labels, which it creates if need be.
	add(l labels, n int)
	// observe does the same for a histogram.
	observe(l labels, v float64)
	// handler serves the registry, with OpenMetrics and gzip if the peer has them.
	handler() http.Handler
}

// fill creates n counters in random order, as traffic does.
func fill(s system, n int) {
	for _, i := range shuffled(n) {
		s.add(labelsOf(i), valueOf(i))
	}
}

// fillHistograms creates n histograms with 20 observations each.
func fillHistograms(s system, n int) {
	for _, i := range shuffled(n) {
		l := labelsOf(i)
		for j := range 20 {
			s.observe(l, observations[(i+j)%len(observations)])
		}
	}
}

// Formats of a scrape.
const (
	text        = "text"
	openMetrics = "openmetrics"
	protobuf    = "protobuf"
	gzipped     = "gzip"
)

// speaks reports whether a peer has a format.
func speaks(name, format string) bool { return format == text || name != "vm" }

// request returns a scrape's request. Those of one format are alike for all.
func request(format string) *http.Request {
	r := httptest.NewRequest("GET", "/metrics", nil)
	accept := "text/plain;version=0.0.4;q=0.9,*/*;q=0.1"
	switch format {
	case openMetrics:
		accept = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
	case protobuf:
		accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.9,*/*;q=0.1"
	}
	r.Header.Set("Accept", accept)
	if format == gzipped {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	return r
}

// client is a ResponseWriter that counts what it gets, and hands it on if there
// is a body to hand it to.
type client struct {
	header http.Header
	body   io.Writer
	size   int
}

func newClient() *client { return &client{header: make(http.Header)} }

func (c *client) Header() http.Header { return c.header }
func (c *client) WriteHeader(int)     {}

func (c *client) Write(p []byte) (int, error) {
	c.size += len(p)
	if c.body != nil {
		return c.body.Write(p)
	}
	return len(p), nil
}

// scrape has h serve one scrape and returns the size of the body.
func (c *client) scrape(h http.Handler, r *http.Request) int {
	clear(c.header)
	c.size = 0
	h.ServeHTTP(c, r)
	return c.size
}
