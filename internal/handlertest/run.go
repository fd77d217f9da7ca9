// Package handlertest is the conformance test of handlers that serve metrics:
// whatever they are built on, the answers on the wire are those of package
// fennelhttp.
//
//	func TestConformance(t *testing.T) {
//		handlertest.Run(t, func(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) string {
//			srv := httptest.NewServer(fennelhttp.Handler(g, opts...))
//			t.Cleanup(srv.Close)
//			return srv.Listener.Addr().String()
//		})
//	}
//
// [Run] tests a server, and [Compare] that two of them can't be told apart.
package handlertest

import (
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// Start starts a server until the test ends, and returns its address, such as
// "127.0.0.1:8080". It serves what g gathers at all paths, to all methods.
type Start func(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) (addr string)

// Run tests the servers that start makes.
func Run(t *testing.T, start Start) {
	t.Run("answers", func(t *testing.T) { testAnswers(t, start) })
	RunScrapes(t, start)
}

// RunScrapes is [Run] for servers behind routers that have a say themselves in
// which paths and methods there are. GET, HEAD, OPTIONS and POST have to get
// through.
func RunScrapes(t *testing.T, start Start) {
	for _, part := range []struct {
		name string
		test func(*testing.T, Start)
	}{
		{"connections are kept", testKeepAlive},
		{"codings", testCodings},
		{"bodies of any size are whole", testSizes},
		{"bodies are streamed", testStreaming},
		{"errors before the first piece", testEarlyErrors},
		{"errors after the first piece", testLateErrors},
		{"a collector that fails", testPartialErrors},
		{"a client that goes away", testClientGoes},
		{"the timeout of the scraper", testTimeout},
		{"scrapes in flight", testInFlight},
		{"metrics of the handler", testSelfMetrics},
		{"many at once", testManyAtOnce},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, start) })
	}
}

// Compare sends the same requests to the servers of both, and reports answers
// that differ in anything but the date and the server's name.
func Compare(t *testing.T, first, second Start) {
	for _, s := range subjects {
		g := s.gatherer()
		a, b := dial(t, first(t, g, s.opts...)), dial(t, second(t, g, s.opts...))
		for _, request := range s.requests() {
			if x, y := a.exchange(t, request), b.exchange(t, request); !x.equal(y) {
				t.Errorf("%s: %q is answered with\n%v\nand with\n%v", s.name, request, x, y)
			}
		}
	}
}
