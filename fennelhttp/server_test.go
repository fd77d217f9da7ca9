package fennelhttp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// start starts a server that the test's end closes.
func start(t *testing.T, addr string, g fennel.Gatherer, opts ...ServerOption) *Server {
	t.Helper()
	s, err := Start(addr, g, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// impatient is an option for tests of limits.
func impatient(l limits) ServerOption { return option(func(c *config) { c.limits = l }) }

// fetch returns an answer, from a connection of its own.
func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp := get(t, client, url)
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestServerOnEveryKindOfAddress(t *testing.T) {
	for _, test := range []struct{ addr, url string }{
		{":0", "http://127.0.0.1:"},
		{"127.0.0.1:0", "http://127.0.0.1:"},
		{"0.0.0.0:0", "http://127.0.0.1:"},
		{"[::]:0", "http://127.0.0.1:"},
		{"[::1]:0", "http://[::1]:"},
		{"localhost:0", "http://127.0.0.1:"},
	} {
		t.Run(test.addr, func(t *testing.T) {
			if strings.HasPrefix(test.addr, "[") {
				needIPv6(t)
			}
			s := start(t, test.addr, someRegistry(), WithoutSelfMetrics())
			port := s.Addr().(*net.TCPAddr).Port
			if got, want := s.URL(), fmt.Sprint(test.url, port); got != want || port == 0 {
				t.Errorf("URL is %s, want %s", got, want)
			}
			if status, body := fetch(t, s.URL()+"/metrics"); status != 200 || body != someText {
				t.Errorf("%d %q", status, body)
			}
		})
	}
}

func needIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6: ", err)
	}
	l.Close()
}

func TestURLOfAZone(t *testing.T) {
	s := &Server{listener: zoned{}}
	if got, want := s.URL(), "http://[fe80::1%25eth0]:9100"; got != want {
		t.Errorf("URL is %s, want %s", got, want)
	}
}

type zoned struct{ net.Listener }

func (zoned) Addr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 9100, Zone: "eth0"}
}

func TestStartReturnsWhatIsWrongWithTheAddress(t *testing.T) {
	s := start(t, "127.0.0.1:0", nil)
	for addr, want := range map[string]string{
		"":                 "the address is empty",
		"9100":             "missing port",
		"127.0.0.1:999999": "invalid port",
		s.Addr().String():  "already in use",
	} {
		_, err := Start(addr, nil)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"`+addr+`"`) {
			t.Errorf("Start(%q): %v, want an error with %q and the address", addr, err, want)
		}
		var op *net.OpError
		if addr != "" && !errors.As(err, &op) {
			t.Errorf("Start(%q): %v does not wrap the error of net.Listen", addr, err)
		}
	}
	if _, err := Start(s.Addr().String(), nil); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v is not EADDRINUSE", err)
	}
}

func TestServerRoutes(t *testing.T) {
	says := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
	}
	own := start(t, "127.0.0.1:0", someRegistry(), WithoutSelfMetrics(), WithHandler("GET /healthz", says("ok")))
	taken := start(t, "127.0.0.1:0", someRegistry(), WithHandler("/", says("mine")), WithHandler("/metrics", says("guarded")))
	for _, test := range []struct {
		server *Server
		method string
		path   string
		status int
		body   string
	}{
		{own, "GET", "/", 200, newIndex("/metrics", limits{}).page},
		{own, "HEAD", "/", 200, ""},
		{own, "POST", "/", 405, "# HTTP 405 Method Not Allowed: POST; use GET, HEAD or OPTIONS\n"},
		{own, "OPTIONS", "/", 200, ""},
		{own, "GET", "/favicon.ico", 200, ""},
		{own, "GET", "/nope", 404, "404 page not found\n"},
		{own, "GET", "/metrics/x", 404, "404 page not found\n"},
		{own, "GET", "/metrics?name[]=nope", 200, ""},
		{own, "GET", "/metrics", 200, someText},
		{own, "GET", "/healthz", 200, "ok"},
		{taken, "GET", "/", 200, "mine"},
		{taken, "GET", "/nope", 200, "mine"},
		{taken, "GET", "/metrics", 200, "guarded"},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), test.method, test.server.URL()+test.path, nil)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != test.status || string(body) != test.body {
			t.Errorf("%s %s: %d %q %v, want %d %q", test.method, test.path, resp.StatusCode, body, err, test.status, test.body)
		}
	}
}

func TestStartPanicsOnPatternsThatClash(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Start("127.0.0.1:0", nil, WithHandler("/x", http.NotFoundHandler()), WithHandler("/x", http.NotFoundHandler()))
}

func TestShutdownFreesThePort(t *testing.T) {
	s := start(t, "127.0.0.1:0", someRegistry())
	addr := s.Addr().String()
	for range 5 {
		fetch(t, s.URL()+"/metrics")
		select {
		case <-s.Done():
			t.Fatal("done before Shutdown")
		default:
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-s.Done()
		if err := s.Err(); err != nil {
			t.Error(err)
		}
		s = start(t, addr, someRegistry())
	}
}

func TestShutdownOfAServerThatNobodyUsed(t *testing.T) {
	s := start(t, "127.0.0.1:0", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("%v, though there was nothing to wait for", err)
	}
}

// stalled is a gatherer that waits between two parts of a body.
type stalled struct {
	begun, resume chan struct{}
	ctxErr        chan error // of the scrape, if it ended early
}

func newStalled() *stalled {
	return &stalled{make(chan struct{}), make(chan struct{}), make(chan error, 1)}
}

func (g *stalled) Visit(ctx context.Context, _ *sample.Request, v sample.Visitor) error {
	if err := bulk(v, 300_000); err != nil {
		return err
	}
	close(g.begun)
	select {
	case <-g.resume:
		return bulk(v, 300_000)
	case <-ctx.Done():
		g.ctxErr <- ctx.Err()
		return ctx.Err()
	}
}

// scrapeOf starts a scrape, which sends the error of its body.
func scrapeOf(t *testing.T, s *Server) <-chan error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	result := make(chan error, 1)
	go func() {
		resp, err := client.Get(s.URL() + "/metrics")
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		result <- err
	}()
	return result
}

func TestShutdownLetsScrapesFinish(t *testing.T) {
	g := newStalled()
	s := start(t, "127.0.0.1:0", g)
	result := scrapeOf(t, s)
	<-g.begun
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() {
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	// The port is free while the scrape goes on.
	for {
		l, err := net.Listen("tcp", s.Addr().String())
		if err == nil {
			l.Close()
			break
		}
	}
	select {
	case <-s.Done():
		t.Error("done while a scrape goes on")
	default:
	}
	close(g.resume)
	if err := <-result; err != nil {
		t.Errorf("the scrape got %v", err)
	}
	running.Wait()
	<-s.Done()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("once more: %v", err)
	}
}

func TestShutdownCutsOffWhatTakesTooLong(t *testing.T) {
	for name, end := range map[string]func(*Server) error{
		"Shutdown": func(s *Server) error {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			defer cancel()
			err := s.Shutdown(ctx)
			if !errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("Shutdown returned %v", err)
			}
			return nil
		},
		"Close": (*Server).Close,
		"Close during Shutdown": func(s *Server) error {
			result := make(chan error)
			go func() { result <- s.Shutdown(context.Background()) }()
			return errors.Join(s.Close(), <-result)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newStalled()
			s := start(t, "127.0.0.1:0", g)
			result := scrapeOf(t, s)
			<-g.begun
			if err := end(s); err != nil {
				t.Error(err)
			}
			if err := <-result; !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the scrape got %v", err)
			}
			if err := <-g.ctxErr; err == nil {
				t.Error("the gatherer was not told")
			}
			<-s.Done()
			if err := s.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// While the body of a request is to be sent, net/http doesn't notice that the
// connection is gone.
func TestCloseTellsTheGathererInAnyCase(t *testing.T) {
	begun, told := make(chan struct{}), make(chan struct{})
	s := start(t, "127.0.0.1:0", gathererFunc(func(ctx context.Context, _ *sample.Request, _ sample.Visitor) error {
		close(begun)
		<-ctx.Done()
		close(told)
		return ctx.Err()
	}))
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
	<-begun
	s.Close()
	<-told
}

func TestShutdownCutsOffWhatDoesNotListen(t *testing.T) {
	begun, resume := make(chan struct{}), make(chan struct{})
	s := start(t, "127.0.0.1:0", gathererFunc(func(_ context.Context, _ *sample.Request, v sample.Visitor) error {
		err := bulk(v, 300_000)
		close(begun)
		<-resume
		return err
	}))
	result := scrapeOf(t, s)
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown returned %v", err)
	}
	if err := <-result; err == nil {
		t.Error("the scrape was whole")
	}
	close(resume)
}

func TestServerThatFailsSaysSo(t *testing.T) {
	var log journal
	s := start(t, "127.0.0.1:0", nil, WithLogger(log.logger()))
	s.listener.Close()
	<-s.Done()
	if err := s.Err(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Err is %v", err)
	}
	if got := log.String(); !strings.Contains(got, "level=ERROR") {
		t.Errorf("logged %q", got)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClientThatSendsNoRequestIsDropped(t *testing.T) {
	const header = "GET /metrics HTTP/1.1\r\nHost: x\r\n"
	for name, test := range map[string]struct {
		limits limits
		send   string
		answer string
	}{
		"nothing at all":       {limits{header: 20 * time.Millisecond}, "", ""},
		"half a header":        {limits{header: 20 * time.Millisecond}, header, ""},
		"no next request":      {limits{idle: 20 * time.Millisecond}, header + "\r\n", "HTTP/1.1 200 OK"},
		"half a body":          {limits{request: 20 * time.Millisecond}, header + "Content-Length: 10\r\n\r\n", "HTTP/1.1 200 OK"},
		"a header without end": {limits{headerBytes: 1000}, header + "X: " + strings.Repeat("x", 10_000), "HTTP/1.1 431 "},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "127.0.0.1:0", someRegistry(), impatient(test.limits))
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, test.send)
			line, _ := bufio.NewReader(conn).ReadString('\n')
			if !strings.HasPrefix(line, test.answer) {
				t.Errorf("answered %q, want %q", line, test.answer)
			}
			io.Copy(io.Discard, conn) // returns when the server hangs up
		})
	}
}

// The limit for a request must not end a scrape that takes longer.
func TestScrapeMayTakeLongerThanARequest(t *testing.T) {
	g := newStalled()
	s := start(t, "127.0.0.1:0", g, impatient(limits{request: 10 * time.Millisecond, piece: time.Minute}))
	result := scrapeOf(t, s)
	<-g.begun
	time.AfterFunc(50*time.Millisecond, func() { close(g.resume) })
	if err := <-result; err != nil {
		t.Errorf("the scrape got %v", err)
	}
}

func TestSlowReaderDoesNotHoldTheServer(t *testing.T) {
	ended := make(chan error, 1)
	s := start(t, "127.0.0.1:0", gathererFunc(func(_ context.Context, _ *sample.Request, v sample.Visitor) (err error) {
		for err == nil {
			err = bulk(v, 100_000)
		}
		ended <- err
		return err
	}), impatient(limits{piece: 20 * time.Millisecond}))
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") // and reads nothing
	<-ended
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// Small answers wait for nobody, but many of them would, for a client that reads
// none.
func TestEveryAnswerHasATimeLimit(t *testing.T) {
	c := defaultConfig()
	for _, line := range []string{"GET /metrics", "BREW /metrics", "OPTIONS /metrics", "GET /favicon.ico", "GET /", "PUT /", "GET /nope"} {
		method, path, _ := strings.Cut(line, " ")
		w := &deadlines{ResponseWriter: httptest.NewRecorder()}
		newMux(failing(0, failures["error"]), &c, nil).ServeHTTP(w, request(method, path))
		if w.set == 0 {
			t.Errorf("%s: no deadline was set", line)
		}
	}
}
