package handlertest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// A client gets the first pieces while the last ones are still to be gathered.
func testStreaming(t *testing.T, start Start) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/1.0"} {
		bulk, seen := sized(2000)(), make(chan struct{})
		g := gathererFunc(func(ctx context.Context, r *sample.Request, v sample.Visitor) error {
			if err := bulk.Visit(ctx, r, v); err != nil {
				return err
			}
			select {
			case <-seen:
			case <-time.After(patience):
				t.Error("nothing was sent before all was gathered")
			}
			return bulk.Visit(ctx, r, v)
		})
		c := dial(t, start(t, g, bare))
		resp, err := c.send(t, "GET / "+protocol+"\r\nHost: test\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, resp.Body, 100_000); err != nil {
			t.Fatal(err)
		}
		close(seen)
		rest, err := io.ReadAll(resp.Body)
		if err != nil || len(rest) < 200_000 {
			t.Errorf("%s: then %d bytes, %v", protocol, len(rest), err)
		}
	}
}

// Nobody takes a body that was cut off for a whole one.
func testLateErrors(t *testing.T, start Start) {
	for name, cause := range map[string]func() error{"error": fail, "panic": crash, "abort": abort} {
		addr := start(t, broken(4000, cause)(), bare)
		for _, accept := range []string{"text/plain", "application/openmetrics-text", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"} {
			for _, coding := range []string{"identity", "gzip"} {
				c := dial(t, addr)
				got := c.exchange(t, request("GET", "/", "Accept", accept, "Accept-Encoding", coding))
				if got.status != 200 || !errors.Is(got.err, io.ErrUnexpectedEOF) && !strings.Contains(fmt.Sprint(got.err), "connection reset") {
					t.Errorf("%s, %s, %s: %v, want a body that is cut off", name, accept, coding, got)
				}
				if bytes.Contains(got.body, []byte("# EOF")) || coding == "gzip" && endsGzip(got.body) {
					t.Errorf("%s, %s, %s: the body has its end", name, accept, coding)
				}
			}
		}
		c := dial(t, addr)
		got := c.exchange(t, "GET / HTTP/1.0\r\nAccept: application/openmetrics-text\r\n\r\n")
		if got.status != 200 || bytes.Contains(got.body, []byte("# EOF")) {
			t.Errorf("%s, HTTP/1.0: %v", name, got)
		}
	}
}

func endsGzip(p []byte) bool {
	z, err := gzip.NewReader(bytes.NewReader(p))
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, z)
	return err == nil
}

// A collector that fails costs only its own part.
func testPartialErrors(t *testing.T, start Start) {
	reg := some().(*fennel.Registry)
	reg.MustRegister(fennel.CollectorFunc(func(context.Context, *fennel.Writer) error { return errFire }))
	got := dial(t, start(t, reg, bare)).exchange(t, request("GET", "/", "Accept", "application/openmetrics-text"))
	body := string(got.body)
	if got.status != 200 || !strings.Contains(body, "jobs_total 2\n") || !strings.HasSuffix(body, "# EOF\n") {
		t.Errorf("%v", got)
	}
}

// A body without end is gathered for as long as somebody reads it.
func testClientGoes(t *testing.T, start Start) {
	bulk, ended := sized(2000)(), make(chan error, 1)
	g := gathererFunc(func(ctx context.Context, r *sample.Request, v sample.Visitor) (err error) {
		for err == nil {
			err = bulk.Visit(ctx, r, v)
		}
		ended <- err
		return err
	})
	addr := start(t, g, bare)
	for _, coding := range []string{"identity", "gzip"} {
		c := dial(t, addr)
		resp, err := c.send(t, request("GET", "/", "Accept-Encoding", coding))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, resp.Body, 10<<20); err != nil {
			t.Fatal(err)
		}
		c.conn.Close()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatalf("%s: the gatherer was not told that the client has gone", coding)
		}
	}
}

// The deadline of collectors is a bit before that of the scraper.
func testTimeout(t *testing.T, start Start) {
	deadlines := make(chan time.Duration, 1)
	g := gathererFunc(func(ctx context.Context, _ *sample.Request, _ sample.Visitor) error {
		d := time.Duration(0)
		if deadline, ok := ctx.Deadline(); ok {
			d = time.Until(deadline)
		}
		deadlines <- d
		if 0 < d && d < time.Second {
			<-ctx.Done()
		}
		return ctx.Err()
	})
	c := dial(t, start(t, g, bare))
	for _, test := range []struct {
		value    string
		min, max time.Duration
		status   int
	}{
		{"3600", time.Hour - time.Minute, time.Hour, 200},
		{"0.05", time.Nanosecond, 50 * time.Millisecond, 503},
		{"x", 0, 0, 200},
	} {
		got := c.exchange(t, request("GET", "/", "X-Prometheus-Scrape-Timeout-Seconds", test.value))
		if d := <-deadlines; got.status != test.status || d < test.min || d > test.max {
			t.Errorf("timeout %s: status %d, %v until the deadline, want %d, %v to %v", test.value, got.status, d, test.status, test.min, test.max)
		}
	}
}

// As many scrapes as there are slots are served at a time, to their last byte.
func testInFlight(t *testing.T, start Start) {
	begun, release := make(chan struct{}), make(chan struct{})
	bulk := sized(2000)()
	g := gathererFunc(func(ctx context.Context, r *sample.Request, v sample.Visitor) error {
		begun <- struct{}{}
		<-release
		return bulk.Visit(ctx, r, v)
	})
	addr := start(t, g, fennelhttp.WithMaxInFlight(2))
	var scrapes sync.WaitGroup
	for range 2 {
		c := dial(t, addr)
		scrapes.Go(func() {
			if got := c.exchange(t, request("GET", "/")); got.status != 200 || got.err != nil {
				t.Errorf("one that has a slot: %v", got)
			}
		})
		<-begun
	}
	c := dial(t, addr)
	want := whole(503, "too many scrapes at once: 2 are being served; try again in a second\n",
		"Content-Type", plain, "X-Content-Type-Options", "nosniff", "Retry-After", "1")
	if got := c.exchange(t, request("GET", "/", "Accept-Encoding", "gzip")); !got.equal(want) {
		t.Errorf("one too many: %v, want %v", got, want)
	}
	if got := c.exchange(t, request("HEAD", "/")); got.status != 200 {
		t.Errorf("HEAD: %v", got)
	}
	close(release)
	scrapes.Wait()
	go func() { <-begun }()
	if got := c.exchange(t, request("GET", "/?name[]=fennel_scrapes_in_flight")); got.status != 200 || !strings.HasSuffix(string(got.body), "fennel_scrapes_in_flight 1\n") {
		t.Errorf("when all is over: %v", got)
	}
}

// A scrape shows the numbers of those before it.
func testSelfMetrics(t *testing.T, start Start) {
	fails := false
	bulk := sized(2000)()
	g := gathererFunc(func(ctx context.Context, r *sample.Request, v sample.Visitor) error {
		if !r.Wants("bulk") {
			return nil
		}
		if err := bulk.Visit(ctx, r, v); err != nil {
			return err
		}
		if fails {
			return errFire
		}
		return nil
	})
	c := dial(t, start(t, g))
	sent := 0
	for range 3 {
		sent += len(c.exchange(t, request("GET", "/?name[]=bulk", "Accept-Encoding", "gzip")).body)
	}
	fails = true
	c.exchange(t, request("GET", "/?name[]=bulk"))
	for _, r := range []string{request("HEAD", "/"), request("OPTIONS", "/"), request("POST", "/")} {
		c.exchange(t, r)
	}
	const format = `{format="PrometheusText0.0.4"`
	want := []string{
		`fennel_scrapes_total` + format + `,code="200"} 3`,
		`fennel_scrapes_total` + format + `,code="aborted"} 1`,
		`fennel_scrape_duration_seconds_count` + format + `} 4`,
		`fennel_scrapes_in_flight 1`,
	}
	got := string(c.exchange(t, request("GET", "/?name[]=fennel_scrapes_total&name[]=fennel_scrapes_in_flight&name[]=fennel_scrape_duration_seconds&name[]=fennel_scrape_size_bytes")).body)
	for _, line := range want {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("%s is not in\n%s", line, got)
		}
	}
	_, rest, _ := strings.Cut(got, "fennel_scrape_size_bytes_sum"+format+"} ")
	size := 0
	// What was cut off counts by what was sent of it: two or three pieces.
	if fmt.Sscan(rest, &size); size < sent+64<<10 || size > sent+256<<10 {
		t.Errorf("fennel_scrape_size_bytes_sum is %d, the client got %d bytes in whole bodies", size, sent)
	}
}

func testManyAtOnce(t *testing.T, start Start) {
	bulk := sized(3000)()
	small, large := start(t, some(), bare), start(t, bulk, bare)
	want := textOf(t, bulk, exposition.Format{})
	var clients sync.WaitGroup
	for i := range 8 {
		c, d := dial(t, small), dial(t, large)
		clients.Go(func() {
			coding := []string{"identity", "gzip"}[i%2]
			for range 5 {
				if got := c.exchange(t, request("GET", "/", "Accept-Encoding", coding)); got.err != nil || got.text(t) != someText {
					t.Errorf("%v", got)
				}
				if got := d.exchange(t, request("GET", "/", "Accept-Encoding", coding)); got.err != nil || got.text(t) != want {
					t.Errorf("%v", got)
				}
			}
		})
	}
	clients.Wait()
}
