package fennelhttp

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
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

// The encoder of a body that was cut off, and what the cache has of it, are used for
// the next one.
func TestABodyThatWasCutOffDoesNotSpoilTheNext(t *testing.T) {
	reg, gauges := manySeries()
	for i, g := range gauges { // so that something is sent before the end
		g.Set(1 / float64(i+3))
	}
	for name, fail := range failures {
		broken := false
		h := bare(gathererFunc(func(ctx context.Context, r *sample.Request, v sample.Visitor) error {
			if err := reg.Visit(ctx, r, v); err != nil || !broken {
				return err
			}
			return fail()
		}))
		want := serve(h, request("GET", "/")).Body.String()
		for round := range 5 {
			broken = true
			w := httptest.NewRecorder()
			func() {
				defer func() {
					if p := recover(); p != http.ErrAbortHandler {
						t.Errorf("%s, round %d: panicked with %v, want http.ErrAbortHandler", name, round, p)
					}
				}()
				h.ServeHTTP(w, request("GET", "/", "Accept-Encoding", "gzip"))
			}()
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			part, err := io.ReadAll(z)
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(part) == 0 || !strings.HasPrefix(want, string(part)) {
				t.Errorf("%s, round %d: what was sent has %d bytes and ends with %v", name, round, len(part), err)
			}
			broken = false
			w = serve(h, request("GET", "/", "Accept-Encoding", "gzip"))
			if gunzip(t, w.Body.Bytes()) != want {
				t.Errorf("%s, round %d: the next body is another one", name, round)
			}
		}
	}
}

// mallocs returns how many allocations f makes.
func mallocs(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// What is kept is allocated, and what is found then is not.
func TestSelectionsLeaveRoomForWholeBodies(t *testing.T) {
	if raceEnabled() {
		t.Skip("the race detector's pools forget")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // pools are of processors
	reg, gauges := manySeries()
	const families = 142 // of which there are 10,011 pairs
	for i := range families {
		fennel.NewGauge("selected_"+strconv.Itoa(i), "A gauge that a query selects.", fennel.In(reg)).Set(float64(i))
	}
	h := bare(reg, WithCompressionCache(1<<20))
	w := &sink{header: make(http.Header)}
	scrape := func(r *http.Request) func() {
		return func() {
			clear(w.header)
			h.ServeHTTP(w, r)
		}
	}
	whole := scrape(request("GET", "/", "Accept-Encoding", "gzip"))
	five := func() {
		for range 5 {
			whole()
		}
	}
	pairs := 0
	selectPairs := func(i int) {
		for j := range i {
			target := fmt.Sprintf("/?name[]=selected_%d&name[]=selected_%d", i, j)
			selection := scrape(request("GET", target, "Accept-Encoding", "gzip"))
			for range 3 {
				selection()
			}
			pairs++
		}
	}
	for i := range families {
		selectPairs(i)
		if i%20 > 1 {
			continue
		}
		for _, g := range gauges { // so that nothing is as it was
			g.Set(float64(i))
		}
		whole()
		first := mallocs(five)
		for range 30 { // segments that share a place among those seen need luck
			whole()
		}
		if later := mallocs(five); first < later+4 {
			t.Errorf("after %d selections, a whole body costs %d allocations while it is new, and then %d: so little of it is kept", pairs, first, later)
		}
	}
}

func TestWhatAQuerySelectsHasACacheOfItsOwn(t *testing.T) {
	h := newHandler(fennel.NewRegistry(), new(defaultConfig()))
	for query, want := range map[string]bool{
		"": false, "?x=y": false, "?name[]=": false, "?format=PrometheusProto": false,
		"?name[]=a": true, "?debug=text": true, "?debug=text&format=PrometheusProto": true,
	} {
		for _, accept := range []string{"gzip", "identity"} {
			d, err := h.demand(serve(h, request("OPTIONS", "/")), request("GET", "/"+query, "Accept-Encoding", accept))
			own := d.coding != nil && d.coding == h.codings[0].selections
			if err != nil || own != (want && accept == "gzip") {
				t.Errorf("%q, %s: a cache of its own: %v, error %v", query, accept, own, err)
			}
		}
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
