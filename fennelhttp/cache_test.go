package fennelhttp

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// manySeries is a registry whose body has several segments, with its gauges.
func manySeries() (*fennel.Registry, []*fennel.Gauge) {
	reg := fennel.NewRegistry()
	vec := fennel.NewGaugeVec[[1]string]("queue_length", "Jobs waiting.", fennel.In(reg), fennel.LabelNames("queue"))
	gauges := make([]*fennel.Gauge, 10_000)
	for i := range gauges {
		gauges[i] = vec.With([1]string{"name of the queue " + strconv.Itoa(i)})
	}
	return reg, gauges
}

func TestBodiesFromTheCacheAreThoseOfTheMoment(t *testing.T) {
	for name, opts := range map[string][]HandlerOption{
		"by default": nil,
		"tiny":       {WithCompressionCache(20_000)},
		"none":       {WithCompressionCache(0)},
	} {
		t.Run(name, func(t *testing.T) {
			reg, gauges := manySeries()
			h := bare(reg, opts...)
			for round := range 8 {
				gauges[round*1000].Set(float64(round * round * 1000))
				for _, accept := range []string{"text/plain", "application/openmetrics-text"} {
					plain := serve(h, request("GET", "/", "Accept", accept)).Body.String()
					packed := serve(h, request("GET", "/", "Accept", accept, "Accept-Encoding", "gzip"))
					if packed.Header().Get("Content-Encoding") != "gzip" || gunzip(t, packed.Body.Bytes()) != plain {
						t.Fatalf("round %d, %s: the compressed body differs from the plain one", round, accept)
					}
				}
			}
		})
	}
}

func TestScrapesAllocateAsLittleWithTheCache(t *testing.T) {
	if raceEnabled() {
		t.Skip("the race detector's pools forget")
	}
	reg, _ := manySeries()
	h := bare(reg)
	r := request("GET", "/", "Accept-Encoding", "gzip")
	w := &sink{header: make(http.Header)}
	scrape := func() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
	for range 3 {
		scrape()
	}
	if n := testing.AllocsPerRun(20, scrape); n > 7 {
		t.Errorf("%v allocations for a body of %d series that stays the same", n, 10_000)
	}
}

func TestNegativeCompressionCachePanics(t *testing.T) {
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "use 0") {
			t.Errorf("panicked with %q", p)
		}
	}()
	WithCompressionCache(-1)
}
