package push

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

func TestRefused(t *testing.T) {
	tests := map[string]struct {
		code int
		text string
		want string // behind the URL
	}{
		"words":      {400, "text format parsing error in line 1: invalid metric name\n", "400 Bad Request: text format parsing error in line 1: invalid metric name"},
		"no words":   {403, "", "403 Forbidden"},
		"no name":    {599, "odd", "599: odd"},
		"lines":      {500, " a\r\n\tb\x00c ", "500 Internal Server Error: a b c"},
		"no UTF-8":   {500, "a\xff", "500 Internal Server Error: a\uFFFD"},
		"304":        {304, "", "304 Not Modified"},
		"no success": {302, "", "302 Found (redirects are not followed: give the final URL, or use TrustRedirects)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv := startGateway(t, status(tt.code, tt.text))
			err := must(t, srv.URL, "j").Push(t.Context(), someRegistry())
			e := asError(t, err)
			want := "push: PUT " + srv.URL + "/metrics/job/j: " + tt.want
			if err.Error() != want || e.StatusCode != tt.code || e.Method != "PUT" || e.Attempts != 1 || e.Err != nil {
				t.Errorf("error %q, want %q\n%+v", err, want, e)
			}
		})
	}
}

func TestHugeErrorBody(t *testing.T) {
	srv := startGateway(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(502)
		_, _ = io.CopyN(w, repeating{}, 10<<20)
	})
	err := must(t, srv.URL, "j").Push(t.Context(), someRegistry())
	if e := asError(t, err); len(e.Body) != 1024 || e.StatusCode != 502 {
		t.Errorf("%d bytes of the answer were kept, status %d", len(e.Body), e.StatusCode)
	}
}

func TestAccepted(t *testing.T) {
	for _, code := range []int{200, 201, 202, 204, 299} {
		srv := startGateway(t, status(code, ""))
		if err := must(t, srv.URL, "j").Push(t.Context(), someRegistry()); err != nil {
			t.Errorf("status %d: %v", code, err)
		}
	}
}

// The names are the reason, perhaps, and so the error says.
func TestExoticNames(t *testing.T) {
	const flag = "--push.enable-utf8-names"
	exotic := someRegistry()
	fennel.NewGauge("disk.free", "Free.", fennel.In(exotic))
	srv := startGateway(t, status(400, "no"))
	for _, tt := range []struct {
		metrics fennel.Gatherer
		opts    []Option
		want    bool
	}{
		{exotic, nil, true},
		{someRegistry(), []Option{Grouping("http.host", "h")}, true},
		{someRegistry(), []Option{Grouping("host", "ü")}, false},
		{exotic, []Option{Format(inUnderscores)}, false},
	} {
		err := must(t, srv.URL, "j", tt.opts...).Push(t.Context(), tt.metrics)
		if got := strings.Contains(fmt.Sprint(err), flag); got != tt.want {
			t.Errorf("error %v, want the flag named: %t", err, tt.want)
		}
	}
}

func TestGatewayDown(t *testing.T) {
	srv := startGateway(t, nil)
	srv.Close()
	err := must(t, srv.URL, "j").Push(t.Context(), someRegistry())
	if e := asError(t, err); e.StatusCode != 0 || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error %v (%+v)", err, e)
	}
	wantText(t, err, "push: PUT "+srv.URL+"/metrics/job/j: dial tcp")
}

func TestSlowGateway(t *testing.T) {
	release := make(chan struct{})
	srv := startGateway(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	err := must(t, srv.URL, "j", Timeout(50*time.Millisecond)).Push(t.Context(), someRegistry())
	wantText(t, err, "no answer within 50ms")
	if !errors.Is(err, context.DeadlineExceeded) || !asError(t, err).temporary() {
		t.Errorf("error %v", err)
	}
}

func TestCancelled(t *testing.T) {
	release := make(chan struct{})
	arrived := make(chan struct{}, 1)
	srv := startGateway(t, func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	})
	defer close(release)
	cause := errors.New("the lights went out")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(cause)
	}()
	err := must(t, srv.URL, "j", Retry(5)).Push(ctx, someRegistry())
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || asError(t, err).Attempts != 1 {
		t.Errorf("error %v", err)
	}

	done, cancel2 := context.WithCancel(t.Context())
	cancel2()
	if err := must(t, srv.URL, "j").Push(done, someRegistry()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := must(t, srv.URL, "j").Delete(done); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// raw starts a server that answers every request with these bytes and then waits
// until the test ends, or cuts the connection.
func raw(t *testing.T, answer string, hang bool) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			_, _ = io.WriteString(conn, answer)
			if hang {
				<-ended
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		close(ended)
		listener.Close()
		<-served
	})
	return "http://" + listener.Addr().String()
}

// brokenTime is long enough for an answer that hangs to begin on a busy machine.
const brokenTime = time.Second

func TestBrokenAnswers(t *testing.T) {
	const head = "HTTP/1.1 500 X\r\nContent-Length: 100\r\n\r\n"
	tests := map[string]struct {
		answer string
		hang   bool
		status int
		want   string
	}{
		"nothing":         {"", false, 0, "EOF"},
		"half a header":   {"HTTP/1.1 500 X\r\nConte", false, 0, "malformed"},
		"no HTTP":         {"SSH-2.0-x\r\n", false, 0, "malformed"},
		"lying length":    {head + "too short", false, 500, "too short"},
		"hangs mid-body":  {head + "this far", true, 500, "this far"},
		"hangs in header": {"HTTP/1.1 500 X\r\n", true, 0, "no answer within"},
		"hangs at once":   {"", true, 0, "no answer within"},
		"interim only":    {"HTTP/1.1 103 Early Hints\r\n\r\n", true, 0, "no answer within"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := must(t, raw(t, tt.answer, tt.hang), "j", Timeout(brokenTime))
			err := g.Push(t.Context(), someRegistry())
			wantText(t, err, tt.want)
			if e := asError(t, err); e.StatusCode != tt.status || !e.temporary() {
				t.Errorf("status %d, temporary: %t", e.StatusCode, e.temporary())
			}
		})
	}
	t.Run("success without an end", func(t *testing.T) {
		t.Parallel()
		g := must(t, raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx", true), "j", Timeout(brokenTime))
		if err := g.Push(t.Context(), someRegistry()); err != nil {
			t.Errorf("the gateway has said yes: %v", err)
		}
	})
}

// hanging is a body that begins, and never goes on while ctx lasts.
type hanging struct {
	ctx  context.Context
	text io.Reader
}

func (h hanging) Read(p []byte) (int, error) {
	if n, err := h.text.Read(p); err == nil {
		return n, nil
	}
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

// Once the status is known, the rest has five seconds.
func TestAnswersThatHang(t *testing.T) {
	for _, code := range []int{200, 500} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			do := doerFunc(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: code, Body: io.NopCloser(hanging{r.Context(), strings.NewReader("this far")})}, nil
			})
			err := must(t, "pg", "j", Client(do)).Push(t.Context(), someRegistry())
			if took := time.Since(start); took != 5*time.Second || (err == nil) != (code == 200) {
				t.Errorf("status %d: error %v after %s", code, err, took)
			}
			if err != nil && asError(t, err).Body != "this far" {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A client that answers neither.
func TestNoAnswer(t *testing.T) {
	g := must(t, "pg", "j", Client(doerFunc(func(*http.Request) (*http.Response, error) { return nil, nil })))
	wantText(t, g.Push(t.Context(), someRegistry()), "neither an answer nor an error")
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"":                                 0,
		"0":                                0,
		"7":                                7 * time.Second,
		"299":                              299 * time.Second,
		"301":                              5 * time.Minute,
		"18446744073709551615":             5 * time.Minute,
		"99999999999999999999999":          0,
		"-5":                               0,
		"1.5":                              0,
		"soon":                             0,
		"Sat, 01 Aug 2026 12:00:30 GMT":    30 * time.Second,
		"Sat, 01 Aug 2026 11:00:00 GMT":    0,
		"Sun, 02 Aug 2026 12:00:00 GMT":    5 * time.Minute,
		"Saturday, 01-Aug-26 12:00:05 GMT": 5 * time.Second,
	}
	for value, want := range tests {
		if got := parseRetryAfter(value, now); got != want {
			t.Errorf("Retry-After: %s is %s, want %s", value, got, want)
		}
	}
}
