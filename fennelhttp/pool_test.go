package fennelhttp

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
)

// late is a ResponseWriter as that of HTTP/2 is when the client resets the stream:
// a Write fails, while what it was given may still be on its way.
type late struct {
	header http.Header
	good   int // how many times Write does not fail
	given  []byte
	was    []byte
}

func (l *late) Header() http.Header { return l.header }
func (l *late) WriteHeader(int)     {}

func (l *late) Write(p []byte) (int, error) {
	if l.good--; l.good >= 0 {
		return len(p), nil
	}
	if l.given == nil {
		l.given, l.was = p, bytes.Clone(p)
	}
	return 0, errors.New("the stream is closed")
}

func TestWhatAFailedWriteWasGivenIsNotUsedAgain(t *testing.T) {
	for _, test := range [][2]string{{"text/plain", "identity"}, {"text/plain", "gzip"}, {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", "identity"}} {
		reg, gauges := manySeries()
		h := bare(reg, WithCompressionCache(0))
		r := request("GET", "/", "Accept", test[0], "Accept-Encoding", test[1])
		for i, g := range gauges { // so that there are several pieces, compressed or not
			g.Set(1 / float64(i+3))
		}
		for good := range 2 {
			w := &late{header: make(http.Header), good: good}
			func() {
				defer func() { recover() }() // the abort
				h.ServeHTTP(w, r)
			}()
			for _, g := range gauges {
				g.Add(0.1)
			}
			serve(h, r)
			if len(w.given) == 0 || !bytes.Equal(w.given, w.was) {
				t.Fatalf("%q, after %d pieces: of the %d bytes that could not be written, some have changed", test, good, len(w.given))
			}
		}
	}
}
