package push

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/snappy"
	"go.uber.org/goleak"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

func TestMain(m *testing.M) { // net/http waits half a second before it closes a connection that it refused.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// inText makes bodies that tests can read.
var inText = Format(exposition.Format{Syntax: exposition.Text004, Escaping: exposition.AllowUTF8})

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

// received is a request as it arrived.
type received struct {
	Method string
	Path   string // as it was sent, escaped, with the query
	Host   string
	Header http.Header
	Body   string // decompressed
	Length int64  // of the body as it was sent
}

// gateway is a server that keeps what it receives.
type gateway struct {
	*httptest.Server
	mu   sync.Mutex
	got  []received
	errs []error
}

// answering answers like this, and keeps what it receives.
func (g *gateway) answering(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		text, zipErr := unpack(r.Header.Get("Content-Encoding"), body)
		g.mu.Lock()
		g.got = append(g.got, received{r.Method, r.RequestURI, r.Host, r.Header.Clone(), text, r.ContentLength})
		g.errs = append(g.errs, errors.Join(err, zipErr))
		g.mu.Unlock()
		h.ServeHTTP(w, r)
	})
}

// startGateway starts a gateway that answers by h, or with 200 if h is nil.
func startGateway(t *testing.T, h http.HandlerFunc) *gateway {
	t.Helper()
	if h == nil {
		h = func(http.ResponseWriter, *http.Request) {}
	}
	g := new(gateway)
	g.Server = httptest.NewServer(g.answering(h))
	t.Cleanup(g.Close)
	return g
}

// requests returns what has arrived.
func (g *gateway) requests(t *testing.T) []received {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, err := range g.errs {
		if err != nil {
			t.Errorf("a request was not readable: %v", err)
		}
	}
	return slices.Clone(g.got)
}

// only returns the one request that has arrived.
func (g *gateway) only(t *testing.T) received {
	t.Helper()
	got := g.requests(t)
	if len(got) != 1 {
		t.Fatalf("%d requests arrived, want 1: %+v", len(got), got)
	}
	return got[0]
}

// unpack decompresses as a Pushgateway does.
func unpack(encoding string, body []byte) (string, error) {
	r := io.Reader(bytes.NewReader(body))
	switch encoding {
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return "", err
		}
		r = z
	case "snappy":
		r = snappy.NewReader(r)
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// status answers with a status and a text.
func status(code int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
	}
}

// must returns a group, or ends the test.
func must(t *testing.T, gateway, job string, opts ...Option) *Group {
	t.Helper()
	g, err := New(gateway, job, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// asError returns err as an *Error, or ends the test.
func asError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T) is no *Error", err, err)
	}
	return e
}

// wantText checks that err has all of these texts.
func wantText(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q has no %q", err, text)
		}
	}
}

// doerFunc is a function that is a Doer.
type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// reply is the answer of a Doer.
func reply(code int, text string, header ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(strings.NewReader(text))}
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

// keyOf reads the path of a group as a Pushgateway does, one that has
// --push.enable-utf8-names but for the unescaping of names. It returns the labels
// in their order, with the job first.
func keyOf(path string) ([]label, error) {
	path, _, _ = strings.Cut(path, "?")
	_, path, ok := strings.Cut(path, "/metrics/")
	parts := strings.Split(path, "/")
	if !ok || len(parts)%2 != 0 {
		return nil, errors.New("no path of a group: " + path)
	}
	var key []label
	for i := 0; i < len(parts); i += 2 {
		name, inBase64 := strings.CutSuffix(parts[i], "@base64")
		value := parts[i+1]
		if inBase64 {
			text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(value, "="))
			if err != nil {
				return nil, err
			}
			value = string(text)
		} else if value == "" || strings.ContainsAny(value, "%+") || value == "." || value == ".." {
			return nil, errors.New("may arrive as something else: " + parts[i+1])
		}
		key = append(key, label{name, value})
	}
	return key, nil
}

// failing is a collector that fails after it has written something.
type failing struct{}

func (failing) Collect(_ context.Context, w *fennel.Writer) error {
	w.Gauge("kept", "Kept.").Write(1)
	return errors.New("the disk is gone")
}

// inUnderscores is protobuf with escaped names.
var inUnderscores = exposition.Format{Syntax: exposition.Protobuf}
