package fennelhttp

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestBodiesAreWholeInEveryCoding(t *testing.T) {
	for _, size := range []int{0, 10, 50_000, 100_000, 200_000, 1_000_000} {
		want, err := exposition.Bytes(t.Context(), big(size), exposition.Format{})
		if err != nil {
			t.Fatal(err)
		}
		url, client := testServer(t, bare(big(size)))
		for _, coding := range []string{"identity", "gzip"} {
			resp := get(t, client, url, "Accept-Encoding", coding)
			got, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			sent := int64(len(got))
			if coding == "gzip" {
				got = []byte(gunzip(t, got))
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s of %d bytes: got %d bytes that differ", coding, len(want), len(got))
			}
			// The length is known of what fits into a piece, as it is sent.
			if known := resp.ContentLength >= 0; known != (sent <= holdSize) || known && resp.ContentLength != sent {
				t.Errorf("%s: Content-Length is %d for %d bytes", coding, resp.ContentLength, sent)
			}
		}
	}
}

func TestCompression(t *testing.T) {
	gzips := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		bare(someRegistry()).ServeHTTP(w, r)
	})
	for _, test := range []struct {
		name    string
		handler http.Handler
		accept  string
		coded   bool
	}{
		{"by default", bare(someRegistry()), "gzip", true},
		{"at level 9", bare(someRegistry(), WithCompressionLevel(9)), "gzip", true},
		{"not asked for", bare(someRegistry()), "br", false},
		{"switched off", bare(someRegistry(), WithoutCompression()), "gzip", false},
		{"switched off first", bare(someRegistry(), WithoutCompression(), WithCompressionLevel(1)), "gzip", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 2 { // the second time with what is pooled
				w := serve(test.handler, request("GET", "/", "Accept-Encoding", test.accept))
				if got := w.Header().Get("Content-Encoding") == "gzip"; got != test.coded {
					t.Fatalf("Content-Encoding: %q", w.Header()["Content-Encoding"])
				}
				if got := w.Header().Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
					t.Errorf("Content-Length: %s of %d bytes", got, w.Body.Len())
				}
				text := w.Body.String()
				if test.coded {
					text = gunzip(t, w.Body.Bytes())
				}
				if text != someText {
					t.Errorf("got %q", text)
				}
			}
		})
	}
	t.Run("by middleware", func(t *testing.T) {
		w := serve(gzips, request("GET", "/", "Accept-Encoding", "gzip"))
		if got := w.Header()["Content-Encoding"]; len(got) != 1 || w.Body.String() != someText {
			t.Errorf("Content-Encoding: %q, body %q", got, w.Body)
		}
		if got := w.Header()["Content-Length"]; got != nil {
			t.Errorf("Content-Length: %q of what middleware will change", got)
		}
	})
}

func TestErrorAfterTheFirstPieceCutsTheBodyOff(t *testing.T) {
	const size = 400_000
	for name, fail := range failures {
		for _, accept := range []string{"text/plain", "application/openmetrics-text"} {
			for _, coding := range []string{"identity", "gzip"} {
				t.Run(name+" "+accept+" "+coding, func(t *testing.T) {
					var log journal
					url, client := testServer(t, Handler(failing(size, fail), WithLogger(log.logger())))
					resp := get(t, client, url, "Accept", accept, "Accept-Encoding", coding)
					got, err := io.ReadAll(resp.Body)
					if resp.StatusCode != 200 || !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("status %d, error %v after %d bytes, want 200, unexpected EOF", resp.StatusCode, err, len(got))
					}
					if coding == "gzip" {
						z, err := gzip.NewReader(bytes.NewReader(got))
						if err != nil {
							t.Fatal(err)
						}
						if got, err = io.ReadAll(z); !errors.Is(err, io.ErrUnexpectedEOF) {
							t.Errorf("the gzip stream ends with %v, want unexpected EOF", err)
						}
					}
					if len(got) == 0 || bytes.Contains(got, []byte("# EOF")) {
						t.Errorf("%d bytes, ending in %q", len(got), got[max(0, len(got)-20):])
					}
					if log := log.String(); !strings.Contains(log, "level=ERROR") {
						t.Errorf("logged %q", log)
					}
				})
			}
		}
	}
}

// Recovering from panics is what middleware is known for.
func TestMiddlewareThatSwallowsTheAbortDoesNotMakeTheBodyWhole(t *testing.T) {
	for name, fail := range failures {
		for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
			t.Run(name+" "+version, func(t *testing.T) {
				h := bare(failing(400_000, fail))
				srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer func() { recover() }()
					h.ServeHTTP(w, r)
				}))
				srv.EnableHTTP2 = version == "HTTP/2.0"
				srv.StartTLS()
				t.Cleanup(srv.Close)
				resp := get(t, srv.Client(), srv.URL, "Accept-Encoding", "identity")
				got, err := io.ReadAll(resp.Body)
				if resp.Proto != version || resp.StatusCode != 200 || err == nil {
					t.Errorf("%s, status %d, error %v after %d bytes, want %s, 200, an error", resp.Proto, resp.StatusCode, err, len(got), version)
				}
			})
		}
	}
}

// A writer whose stream was left unfinished must not spoil the next body.
func TestGzipWriterIsReusedAfterAnAbort(t *testing.T) {
	url, client := testServer(t, Handler(failing(1_000_000, failures["error"])))
	io.Copy(io.Discard, get(t, client, url, "Accept-Encoding", "gzip").Body)
	w := serve(bare(someRegistry()), request("GET", "/", "Accept-Encoding", "gzip"))
	if got := gunzip(t, w.Body.Bytes()); got != someText {
		t.Errorf("got %q", got)
	}
}

func TestClientThatGoesAwayEndsTheGathering(t *testing.T) {
	for name, gather := range map[string]func(context.Context, sample.Visitor) error{
		"while it waits": func(ctx context.Context, _ sample.Visitor) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"while it writes": func(ctx context.Context, v sample.Visitor) error {
			for {
				if err := bulk(v, 100_000); err != nil {
					return err
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log journal
			begun, ended := make(chan struct{}), make(chan error, 1)
			h := Handler(gathererFunc(func(ctx context.Context, _ *sample.Request, v sample.Visitor) error {
				close(begun)
				err := gather(ctx, v)
				ended <- err
				return err
			}), WithLogger(log.logger()))
			returned := make(chan struct{})
			url, client := testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(returned)
				h.ServeHTTP(w, r)
			}))
			ctx, cancel := context.WithCancel(t.Context())
			r, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			go func() {
				<-begun
				cancel()
			}()
			if resp, err := client.Do(r); err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			if err := <-ended; err == nil {
				t.Error("the gatherer was not told")
			}
			<-returned
			if got := log.String(); !strings.Contains(got, "level=DEBUG") || strings.Count(got, "\n") != 1 {
				t.Errorf("logged %q", got)
			}
		})
	}
}

// A registry with more than a page of series stops at the next page.
func TestClientThatGoesAwayEndsTheScrapeOfARegistry(t *testing.T) {
	reg := fennel.NewRegistry()
	vec := fennel.NewGaugeVec[int]("g", "", fennel.LabelNames("i"), fennel.In(reg))
	for i := range 20_000 {
		vec.With(i).Set(1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := &cancelling{ResponseWriter: httptest.NewRecorder(), cancel: cancel}
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("panicked with %v, want http.ErrAbortHandler", p)
		}
		if w.writes > 2 {
			t.Errorf("%d pieces were written after the client had gone", w.writes-1)
		}
	}()
	Handler(reg).ServeHTTP(w, request("GET", "/").WithContext(ctx))
}

// cancelling is a client that goes away at the first piece.
type cancelling struct {
	http.ResponseWriter
	cancel context.CancelFunc
	writes int
}

func (c *cancelling) Write(p []byte) (int, error) {
	c.writes++
	c.cancel()
	return len(p), nil
}

func TestSlowReaderIsCutOff(t *testing.T) {
	var log journal
	ended, returned := make(chan error, 1), make(chan struct{})
	h := newHandler(gathererFunc(func(_ context.Context, _ *sample.Request, v sample.Visitor) error {
		var err error
		for err == nil {
			err = bulk(v, 100_000)
		}
		ended <- err
		return err
	}), &config{log: log.logger().Log, limits: limits{piece: 20 * time.Millisecond}})
	url, _ := testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(returned)
		h.ServeHTTP(w, r)
	}))
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") // and reads nothing
	if err := <-ended; err == nil {
		t.Error("no error")
	}
	<-returned
	if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "too slow") {
		t.Errorf("logged %q", got)
	}
}

func TestPatientReaderGetsAll(t *testing.T) {
	// Much slower in all than a piece may be, but never for one.
	const size = 15_000_000
	h := newHandler(big(size), &config{log: new(journal).logger().Log, limits: limits{piece: time.Second}})
	url, client := testServer(t, h)
	r := bufio.NewReaderSize(get(t, client, url).Body, 1<<20)
	read := 0
	for deadline := time.Now().Add(1200 * time.Millisecond); ; {
		n, err := r.Discard(1 << 20)
		read += n
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v after %d bytes", err, read)
		}
		if time.Now().Before(deadline) {
			time.Sleep(50 * time.Millisecond)
		}
	}
	if read < size {
		t.Errorf("%d bytes of %d", read, size)
	}
}

func TestWriteTimeoutOfTheServerIsLeftAlone(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Minute} {
		srv := &http.Server{WriteTimeout: timeout}
		ctx := context.WithValue(t.Context(), http.ServerContextKey, srv)
		w := &deadlines{ResponseWriter: httptest.NewRecorder()}
		Handler(big(200_000)).ServeHTTP(w, request("GET", "/").WithContext(ctx))
		if (w.set == 0) != (timeout > 0) {
			t.Errorf("WriteTimeout %v: the deadline was set %d times", timeout, w.set)
		}
	}
}

type deadlines struct {
	http.ResponseWriter
	set int
}

func (d *deadlines) SetWriteDeadline(time.Time) error {
	d.set++
	return nil
}

func TestSizeOfABodyThatIsLargerThan32BitsHave(t *testing.T) {
	b := &body{w: &sink{header: make(http.Header)}, bytes: 1<<31 - 1}
	if b.send([]byte("x")); b.bytes != 1<<31 {
		t.Errorf("%d bytes", b.bytes)
	}
}
