package fennelfasthttp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, // what fasthttp keeps for good, or for some seconds after a shutdown:
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp/stackless.funcWorker"),
	)
}

// registry returns a registry with this many series of a kilobyte.
func registry(series int) *fennel.Registry {
	reg := fennel.NewRegistry()
	vec := fennel.NewGaugeVec[string]("bulk", "", fennel.LabelNames("x"), fennel.In(reg))
	for i := range series {
		vec.With(fmt.Sprintf("%01000d", i)).Set(1)
	}
	return reg
}

const large = 1000 // series, of a megabyte

// gathererFunc is a function that is a fennel.Gatherer.
type gathererFunc func(ctx context.Context, r *sample.Request, v sample.Visitor) error

func (f gathererFunc) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	return f(ctx, r, v)
}

// failing returns a gatherer that fails after a megabyte.
func failing() fennel.Gatherer {
	reg := registry(large)
	return gathererFunc(func(ctx context.Context, r *sample.Request, v sample.Visitor) error {
		return errors.Join(reg.Visit(ctx, r, v), errors.New("disk on fire"))
	})
}

// peer is a connection to a server.
type peer struct {
	net.Conn
	r *bufio.Reader
}

// serve serves h, and connects to it, until the test ends.
func serve(t *testing.T, h fasthttp.RequestHandler) *peer {
	t.Helper()
	return serveWith(t, &fasthttp.Server{Handler: h, Logger: new(journal)})
}

func serveWith(t *testing.T, srv *fasthttp.Server) *peer {
	t.Helper()
	l := listenLocally(t)
	served := make(chan struct{})
	go func() {
		defer close(served)
		srv.Serve(l)
	}()
	p := connect(t, l.Addr())
	t.Cleanup(func() {
		p.Close()
		srv.Shutdown()
		<-served
	})
	return p
}

func listenLocally(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func connect(t *testing.T, addr net.Addr) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return &peer{conn, bufio.NewReader(conn)}
}

// ask sends a request with headers, as lines.
func (p *peer) ask(t *testing.T, headers ...string) *http.Response {
	t.Helper()
	text := "GET /metrics HTTP/1.1\r\nHost: test\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
	if _, err := io.WriteString(p, text); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Printf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(&j.text, format, args...)
}

func (j *journal) Write(p []byte) (int, error) {
	j.Printf("%s", p)
	return len(p), nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// handlerOf serves by any handler of net/http.
func handlerOf(h http.HandlerFunc) fasthttp.RequestHandler {
	return (&handler{h, claimTime}).serve
}

func TestDeadlineOfAPieceReachesTheHandler(t *testing.T) {
	ended := make(chan error, 1)
	p := serve(t, handlerOf(func(w http.ResponseWriter, _ *http.Request) {
		control, piece := http.NewResponseController(w), make([]byte, 100_000)
		var err error
		for err == nil {
			if err := control.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
				t.Error(err)
			}
			_, err = w.Write(piece)
		}
		ended <- err
		if err := control.SetWriteDeadline(time.Now()); err == nil {
			t.Error("the deadline of a connection that is over was set")
		}
		if _, again := w.Write(piece); again != err {
			t.Errorf("then %v, want the same error", again)
		}
	}))
	io.WriteString(p, "GET / HTTP/1.1\r\nHost: test\r\n\r\n") // and read nothing
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the handler ended by %v, want a timeout", err)
	}
}

func TestWrongOptions(t *testing.T) {
	wrong := fennelhttp.WithBasicAuth(map[string]string{"alice": "no hash"})
	if h, err := NewHandler(nil, wrong); h != nil || err == nil {
		t.Errorf("NewHandler returns %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("Handler doesn't panic")
		}
	}()
	Handler(nil, wrong)
}

// Slow clients are known as such, and what one has been given doesn't hold for
// the next request of the connection.
func TestDeadlineIsTakenBack(t *testing.T) {
	first := true
	p := serve(t, handlerOf(func(w http.ResponseWriter, _ *http.Request) {
		if first {
			http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour))
		}
		first = false
		w.Write([]byte("hello"))
	}))
	for range 2 {
		resp := p.ask(t)
		if body, err := io.ReadAll(resp.Body); string(body) != "hello" || err != nil {
			t.Errorf("%q, %v", body, err)
		}
	}
}

func TestPanicOfTheHandlerCutsTheConnection(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{
		"before the body": func(http.ResponseWriter, *http.Request) { panic("fire") },
		"while it is held": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "hello")
			panic("fire")
		},
		"in the body": func(w http.ResponseWriter, _ *http.Request) {
			w.Write(make([]byte, 100_000))
			panic("fire")
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log journal
			p := serveWith(t, &fasthttp.Server{Handler: handlerOf(fail), Logger: &log})
			io.WriteString(p, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
			resp, err := http.ReadResponse(p.r, nil)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("the answer ends by %v", err)
			}
			if got := log.String(); !strings.Contains(got, "panic serving metrics: fire") || !strings.Contains(got, "handler_test.go") {
				t.Errorf("logged %q", got)
			}
		})
	}
}

// What fasthttp's TimeoutHandler has answered for is given up, some time after.
func TestBodyThatNobodySendsIsGivenUp(t *testing.T) {
	ended, wait := make(chan error, 1), make(chan struct{})
	h := handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			return
		}
		<-wait
		_, err := w.Write(make([]byte, 100_000))
		ended <- err
	}), 10 * time.Millisecond}
	p := serve(t, fasthttp.TimeoutHandler(h.serve, time.Millisecond, "too late"))
	resp := p.ask(t)
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusRequestTimeout || string(body) != "too late" {
		t.Errorf("status %d, %q", resp.StatusCode, body)
	}
	close(wait)
	if err := <-ended; err == nil {
		t.Error("nobody told the handler")
	}
}

func TestBodyThatIsSentInTimeIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAnswer(new(fasthttp.RequestCtx))
		s := newStream(a, func() {
			for range 3 {
				a.Write(make([]byte, 5000))
			}
		})
		s.expire(time.Second)
		p := make([]byte, 100_000)
		for range 3 {
			if n, err := s.Read(p); n != 5000 || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			time.Sleep(time.Hour)
		}
		if n, err := s.Read(p); n != 0 || err != io.EOF {
			t.Errorf("then %d bytes, %v", n, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestStreamIsReadInPartsOfAnySize(t *testing.T) {
	a := newAnswer(new(fasthttp.RequestCtx))
	want := strings.Repeat("0123456789", 1000)
	s := newStream(a, func() {
		io.WriteString(a, want[:4000])
		io.WriteString(a, want[4000:4001])
		a.Write(nil)
		io.WriteString(a, want[4001:])
	})
	s.expire(time.Hour)
	var got []byte
	for p := make([]byte, 7); ; {
		n, err := s.Read(p)
		got = append(got, p[:n]...)
		if err == io.EOF {
			break
		}
	}
	if string(got) != want || s.Close() != nil {
		t.Errorf("%d bytes: %.20q", len(got), got)
	}
}

// fasthttp uses the memory of a request again for the next one.
func TestNothingOfARequestIsKept(t *testing.T) {
	var kept []*http.Request
	p := serve(t, handlerOf(func(_ http.ResponseWriter, r *http.Request) { kept = append(kept, r) }))
	for _, letter := range []string{"a", "b"} {
		s := strings.Repeat(letter, 100)
		fmt.Fprintf(p, "GET /%s?%s HTTP/1.1\r\nHost: %s\r\nX-%s: %s\r\n\r\n", s, s, s, s, s)
		if _, err := http.ReadResponse(p.r, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, letter := range []string{"a", "b"} {
		r := kept[i]
		s := strings.Repeat(letter, 100)
		if r.URL.Path != "/"+s || r.URL.RawQuery != s || r.Host != s || r.Header.Get("X-"+s) != s || r.RequestURI != "/"+s+"?"+s || r.Method != "GET" {
			t.Errorf("the request became %v", r)
		}
		if r.Context().Err() == nil {
			t.Error("the context outlives the request")
		}
	}
}

// Labels are copied when a series is created, so that they may be strings over
// the memory of a request.
func TestLabelsMayBeOfARequest(t *testing.T) {
	reg := fennel.NewRegistry()
	requests := fennel.NewCounterVec[string]("requests_total", "", fennel.LabelNames("path"), fennel.In(reg))
	metrics := Handler(reg, fennelhttp.WithoutSelfMetrics())
	p := serve(t, func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Path()) == "/metrics" {
			metrics(ctx)
			return
		}
		requests.With(unsafe.String(unsafe.SliceData(ctx.Path()), len(ctx.Path()))).Inc()
	})
	for _, letter := range []string{"a", "b", "c", "a"} {
		fmt.Fprintf(p, "GET /%s HTTP/1.1\r\nHost: test\r\n\r\n", strings.Repeat(letter, 20))
		if _, err := http.ReadResponse(p.r, nil); err != nil {
			t.Fatal(err)
		}
	}
	body, _ := io.ReadAll(p.ask(t).Body)
	const want = `# TYPE requests_total counter
requests_total{path="/aaaaaaaaaaaaaaaaaaaa"} 2
requests_total{path="/bbbbbbbbbbbbbbbbbbbb"} 1
requests_total{path="/cccccccccccccccccccc"} 1
`
	if string(body) != want {
		t.Errorf("got\n%s", body)
	}
}

func TestScrapeUnderWayOutlivesTheServer(t *testing.T) {
	reg, begun, release := registry(large), make(chan struct{}), make(chan struct{})
	h := Handler(gathererFunc(func(ctx context.Context, r *sample.Request, v sample.Visitor) error {
		close(begun)
		<-release
		return reg.Visit(ctx, r, v)
	}), fennelhttp.WithoutSelfMetrics())
	l := listenLocally(t)
	srv := &fasthttp.Server{Handler: h, CloseOnShutdown: true}
	go srv.Serve(l)
	p := connect(t, l.Addr())
	defer p.Close()
	io.WriteString(p, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	<-begun
	down := make(chan error)
	go func() { down <- srv.Shutdown() }()
	for dialed := true; dialed; { // until nobody is let in any more
		conn, err := net.Dial("tcp", l.Addr().String())
		if dialed = err == nil; dialed {
			conn.Close()
		}
	}
	close(release)
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n < 1_000_000 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}

// Frameworks have tests without connections.
func TestRequestWithoutAConnection(t *testing.T) {
	var request fasthttp.Request
	request.SetRequestURI("/metrics")
	var ctx fasthttp.RequestCtx
	ctx.Init(&request, nil, nil)
	Handler(registry(large))(&ctx)
	if body := ctx.Response.Body(); ctx.Response.StatusCode() != 200 || len(body) < 1_000_000 {
		t.Errorf("status %d, %d bytes", ctx.Response.StatusCode(), len(body))
	}
}

func TestClientIsNamedInTheLog(t *testing.T) {
	var log journal
	p := serve(t, Handler(gathererFunc(func(context.Context, *sample.Request, sample.Visitor) error {
		return errors.New("disk on fire")
	}), fennelhttp.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))))
	p.ask(t)
	if got := log.String(); !strings.Contains(got, "disk on fire") || !strings.Contains(got, "client=") {
		t.Errorf("logged %q", got)
	}
}

func TestMemoryOfAScrapeDoesNotGrowWithItsBody(t *testing.T) {
	srv := &fasthttp.Server{Handler: Handler(registry(5 * large))}
	const request = "GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n"
	srv.ServeConn(&sink{request: request, left: 1}) // the first one puts the series in order
	conn := &sink{request: request, left: 20}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	srv.ServeConn(conn)
	runtime.ReadMemStats(&after)
	if n := int(after.TotalAlloc - before.TotalAlloc); conn.bytes < 100_000_000 || n > conn.bytes/20 {
		t.Errorf("%d bytes were allocated for answers of %d", n, conn.bytes)
	}
}
