package fennelhttp

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestMain(m *testing.M) { // net/http waits half a second before it closes a connection that it refused.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// gathererFunc is a function that is a fennel.Gatherer.
type gathererFunc func(ctx context.Context, r *sample.Request, v sample.Visitor) error

func (f gathererFunc) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	return f(ctx, r, v)
}

// untouched fails the test if it is asked to gather.
func untouched(t *testing.T) fennel.Gatherer {
	return gathererFunc(func(context.Context, *sample.Request, sample.Visitor) error {
		t.Error("gathered for a request that needs no metrics")
		return nil
	})
}

// bulk visits v with about size bytes of samples, of which gzip can't make much.
func bulk(v sample.Visitor, size int) error {
	batches := bulkBatches()
	for done, i := 0, 0; done < size; i++ {
		b := batches[i%len(batches)]
		if err := v.Visit(bulkFamily, b); err != nil {
			return err
		}
		done += len(b.Text)
	}
	return nil
}

var bulkFamily = &sample.Family{Name: "bulk", Kind: sample.Gauge, Labels: []string{"x"}, Legal: true}

// bulkBatches are much more than what gzip looks back on.
var bulkBatches = sync.OnceValue(func() []*sample.Batch {
	random := rand.New(rand.NewPCG(1, 2))
	batches := make([]*sample.Batch, 40)
	for i := range batches {
		b := new(sample.Batch)
		for range 100 {
			b.Text = fmt.Appendf(b.Text, `x="%016x%016x%016x%016x"`, random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64())
			b.Ends = append(b.Ends, uint32(len(b.Text)))
			b.Values = append(b.Values, 1)
		}
		batches[i] = b
	}
	return batches
})

// big is a gatherer of about this many bytes.
func big(size int) fennel.Gatherer {
	return gathererFunc(func(_ context.Context, _ *sample.Request, v sample.Visitor) error {
		return bulk(v, size)
	})
}

// someRegistry returns a registry with a metric or two.
func someRegistry() *fennel.Registry {
	reg := fennel.NewRegistry()
	fennel.NewCounter("jobs_total", "Jobs done.", fennel.In(reg)).Add(2)
	fennel.NewGauge("queue_length", "Jobs waiting.", fennel.In(reg)).Set(7)
	return reg
}

const someText = `# HELP jobs_total Jobs done.
# TYPE jobs_total counter
jobs_total 2
# HELP queue_length Jobs waiting.
# TYPE queue_length gauge
queue_length 7
`

// bare is a handler that serves only what g has.
func bare(g fennel.Gatherer, opts ...HandlerOption) http.Handler {
	return Handler(g, append(opts, WithoutSelfMetrics())...)
}

// request returns a request with headers, given as name and value by turns.
func request(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// serve returns the answer of a handler.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// gunzip decodes all of a gzip stream, with the standard library's reader.
func gunzip(t *testing.T, p []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// testServer serves h on a real connection until the test ends, and returns its
// URL and a client.
func testServer(t *testing.T, h http.Handler) (url string, client *http.Client) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	// Without it the client asks for gzip and decodes it by itself.
	srv.Client().Transport.(*http.Transport).DisableCompression = true
	return srv.URL, srv.Client()
}

// get returns an answer whose body is still to be read.
func get(t *testing.T, client *http.Client, url string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}
