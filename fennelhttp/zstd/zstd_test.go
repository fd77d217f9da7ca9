package zstd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	kzstd "github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/fennelhttp/zstd"
	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestMain(m *testing.M) { // the encoders must not leave goroutines behind
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// decode decodes a body, to its end.
func decode(t *testing.T, p []byte) (string, error) {
	t.Helper()
	d, err := kzstd.NewReader(bytes.NewReader(p), kzstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	text, err := io.ReadAll(d)
	return string(text), err
}

// registry returns a registry with so many series, of which not much can be made.
func registry(series int) *fennel.Registry {
	random := rand.New(rand.NewPCG(1, 2))
	reg := fennel.NewRegistry()
	vec := fennel.NewGaugeVec[string]("g", "Gauges.", fennel.LabelNames("id"), fennel.In(reg))
	for range series {
		vec.With(fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())).Set(random.Float64())
	}
	return reg
}

func handler(g fennel.Gatherer, opts ...fennelhttp.HandlerOption) http.Handler {
	return fennelhttp.Handler(g, append(opts, zstd.Compression(), fennelhttp.WithoutSelfMetrics())...)
}

func serve(h http.Handler, encoding string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestBodiesAreWhole(t *testing.T) {
	for _, series := range []int{0, 1, 1000, 2000, 30_000} {
		reg := registry(series)
		want, err := exposition.Bytes(t.Context(), reg, exposition.Format{})
		if err != nil {
			t.Fatal(err)
		}
		h := handler(reg)
		for range 2 { // the second time with what is pooled
			w := serve(h, "gzip, zstd")
			if got := w.Header().Get("Content-Encoding"); got != "zstd" {
				t.Fatalf("Content-Encoding: %s", got)
			}
			got, err := decode(t, w.Body.Bytes())
			if err != nil || got != string(want) {
				t.Errorf("%d series: %d bytes, error %v, want %d", series, len(got), err, len(want))
			}
			if w.Body.Len() == 0 {
				t.Errorf("%d series: not even an empty frame", series)
			}
			if length := w.Header().Get("Content-Length"); length != "" && length != strconv.Itoa(w.Body.Len()) {
				t.Errorf("Content-Length: %s of %d bytes", length, w.Body.Len())
			}
		}
	}
}

func TestCodingIsNegotiated(t *testing.T) {
	for accept, want := range map[string]string{
		"":                   "",
		"identity":           "",
		"zstd":               "zstd",
		"gzip":               "gzip",
		"gzip, zstd":         "zstd",
		"gzip, zstd;q=0.9":   "gzip",
		"zstd;q=0":           "",
		"*":                  "zstd",
		"identity;q=0":       "gzip",
		"zstd, identity;q=0": "zstd",
	} {
		w := serve(handler(registry(1)), accept)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding: %s is answered with %q, want %q", accept, got, want)
		}
	}
	if got := serve(fennelhttp.Handler(registry(1)), "zstd").Header()["Content-Encoding"]; got != nil {
		t.Errorf("a handler without the option answers in %s", got)
	}
}

// breaking is a gatherer that fails after all samples.
type breaking struct{ *fennel.Registry }

func (b breaking) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	if err := b.Registry.Visit(ctx, r, v); err != nil {
		return err
	}
	return errors.New("disk on fire")
}

func TestCutOffBodyHasNoEnd(t *testing.T) {
	srv := httptest.NewServer(handler(breaking{registry(10_000)}))
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	for range 2 {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		r.Header.Set("Accept-Encoding", "zstd")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("status %d, error %v", resp.StatusCode, err)
		}
		text, err := decode(t, got)
		if !errors.Is(err, io.ErrUnexpectedEOF) || text == "" {
			t.Errorf("the frame ends with %v after %d bytes, want unexpected EOF", err, len(text))
		}
	}
}

// An encoder whose frame was left unfinished must not spoil the next body.
func TestEncoderIsReusedAfterAnAbort(t *testing.T) {
	option := zstd.Compression() // handlers with the same option share encoders
	broken := fennelhttp.Handler(breaking{registry(10_000)}, option)
	good := fennelhttp.Handler(registry(10), option, fennelhttp.WithoutSelfMetrics())
	want, _ := exposition.Bytes(t.Context(), registry(10), exposition.Format{})
	for range 5 {
		func() {
			defer func() {
				if p := recover(); p != http.ErrAbortHandler {
					t.Errorf("panicked with %v", p)
				}
			}()
			serve(broken, "zstd")
		}()
		if got, err := decode(t, serve(good, "zstd").Body.Bytes()); err != nil || got != string(want) {
			t.Errorf("then: %q, error %v", got, err)
		}
	}
}

func TestServerTakesTheOption(t *testing.T) {
	srv, err := fennelhttp.Start("127.0.0.1:0", registry(1), zstd.Compression())
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
}

// Who doesn't import this package doesn't pay for it.
func TestHandlersDoNotLinkTheEncoder(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "github.com/fennelmetrics/fennel/fennelhttp").Output()
	if err != nil {
		t.Skip("can't list packages: ", err)
	}
	if slices.Contains(strings.Fields(string(out)), "github.com/klauspost/compress/zstd") {
		t.Error("package fennelhttp imports github.com/klauspost/compress/zstd")
	}
}

func BenchmarkScrape(b *testing.B) {
	for _, series := range []int{100, 10_000} {
		reg := fennel.NewRegistry()
		vec := fennel.NewCounterVec[[3]string]("http_requests_total", "HTTP requests served.",
			fennel.LabelNames("method", "path", "status"), fennel.In(reg))
		for i := range series {
			vec.With([3]string{"GET", fmt.Sprintf("/api/v1/items/%d", i), "200"}).Add(float64(i * 7919))
		}
		h := handler(reg)
		for _, coding := range []string{"zstd", "gzip"} {
			b.Run(fmt.Sprintf("series=%d/%s", series, coding), func(b *testing.B) {
				r := httptest.NewRequest("GET", "/metrics", nil)
				r.Header.Set("Accept-Encoding", coding)
				w := &sink{header: make(http.Header)}
				b.ReportAllocs()
				for b.Loop() {
					clear(w.header)
					w.bytes = 0
					h.ServeHTTP(w, r)
				}
				b.ReportMetric(float64(w.bytes), "body-bytes")
			})
		}
	}
}

// sink is a ResponseWriter that does nothing, and so costs nothing.
type sink struct {
	header http.Header
	bytes  int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { s.bytes += len(p); return len(p), nil }
