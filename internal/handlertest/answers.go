package handlertest

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/fennelmetrics/fennel/exposition"
)

const (
	allow    = "GET, HEAD, OPTIONS"
	vary     = "Accept, Accept-Encoding"
	plain    = "text/plain; charset=utf-8"
	text004  = "text/plain; version=0.0.4; charset=utf-8"
	openText = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
)

const protoText = `name: "queue.length"
help: "Jobs waiting."
type: GAUGE
metric {
  gauge {
    value: 7
  }
}

`

// headerOnly is an answer without a body, and without a length. Headers are
// given as name and value by turns.
func headerOnly(status int, headers ...string) answer {
	h := make(http.Header)
	for i := 0; i < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return answer{status: status, header: h, length: -1, body: []byte{}}
}

// whole is an answer of known length.
func whole(status int, body string, headers ...string) answer {
	a := headerOnly(status, headers...)
	a.body, a.length = []byte(body), int64(len(body))
	a.header.Set("Content-Length", strconv.Itoa(len(body)))
	return a
}

// refused is the answer to a method that there is not.
func refused(method string) answer {
	return whole(405, "# HTTP 405 Method Not Allowed: "+method+"; use GET, HEAD or OPTIONS\n",
		"Allow", allow, "Content-Type", plain, "X-Content-Type-Options", "nosniff")
}

func testAnswers(t *testing.T, start Start) {
	c := dial(t, start(t, some(), bare))
	for _, test := range []struct {
		request string
		want    answer
	}{
		{request("GET", "/metrics"), whole(200, someText, "Content-Type", text004, "Vary", vary)},
		{request("GET", "/a//b/../c?x=y"), whole(200, someText, "Content-Type", text004, "Vary", vary)},
		{request("HEAD", "/metrics"), headerOnly(200, "Content-Type", text004, "Vary", vary)},
		{
			request("HEAD", "/metrics", "Accept", "application/openmetrics-text", "Accept-Encoding", "gzip"),
			headerOnly(200, "Content-Type", openText, "Vary", vary, "Content-Encoding", "gzip"),
		},
		{request("GET", "/favicon.ico"), whole(200, "")},
		{request("HEAD", "/metrics/favicon.ico"), whole(200, "")},
		{request("OPTIONS", "/metrics"), whole(200, "", "Allow", allow)},
		{request("POST", "/metrics"), refused("POST")},
		{"PUT /metrics HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello", refused("PUT")},
		{request("get", "/metrics"), refused("get")},
		{request("BREW", "/favicon.ico"), refused("BREW")},
		{
			request("GET", "/metrics?name%5B%5D=jobs_total&name[]=nope", "accept", "application/openmetrics-text"),
			whole(200, "# TYPE jobs counter\n# HELP jobs Jobs done.\njobs_total 2\n# EOF\n", "Content-Type", openText, "Vary", vary),
		},
		{request("GET", "/metrics?name[]=nope"), whole(200, "", "Content-Type", text004, "Vary", vary)},
		{
			request("GET", "/metrics?debug=text&format=PrometheusProto&name[]=queue.length"),
			whole(200, protoText, "Content-Type", plain, "Vary", vary, "X-Content-Type-Options", "nosniff"),
		},
		{
			request("GET", "/metrics?debug=text&format=nope"),
			whole(400, "there is no format \"nope\"; use one of PrometheusText0.0.4, PrometheusText1.0.0, OpenMetricsText1.0.0, PrometheusProto, OpenMetricsText2.0.0\n",
				"Content-Type", plain, "X-Content-Type-Options", "nosniff"),
		},
	} {
		if got := c.exchange(t, test.request); !got.equal(test.want) {
			t.Errorf("%q is answered with\n%v\nwant\n%v", test.request, got, test.want)
		}
	}
}

// What one answer leaves behind must not spoil the next one.
func testKeepAlive(t *testing.T, start Start) {
	g := sized(2000)()
	c := dial(t, start(t, g, bare))
	want := textOf(t, g, exposition.Format{})
	conn := c.conn
	for _, r := range []string{
		request("GET", "/"), request("HEAD", "/"), request("GET", "/", "Accept-Encoding", "gzip"), request("OPTIONS", "/"),
		request("GET", "/?debug=text&format=nope"), request("HEAD", "/?debug=text&format=nope"), request("POST", "/"),
		request("GET", "/favicon.ico"), request("HEAD", "/favicon.ico"),
	} {
		c.exchange(t, r)
		if got := c.exchange(t, request("GET", "/")); got.status != 200 || string(got.body) != want {
			t.Errorf("after %q: %v", r, got)
		}
	}
	if c.conn != conn {
		t.Error("the connection was closed")
	}
}

func testCodings(t *testing.T, start Start) {
	for _, series := range []int{1, 10, 2000} {
		g := sized(series)()
		c := dial(t, start(t, g, bare))
		want := textOf(t, g, exposition.Format{})
		for accept, coded := range map[string]bool{
			"gzip": true, "GZIP;q=0.5": true, "x-gzip": true, "*": true,
			"": false, "gzip;q=0": false, "br": false, "identity, gzip;q=0.9": false,
		} {
			got := c.exchange(t, request("GET", "/", "Accept-Encoding", accept))
			if is := got.header.Get("Content-Encoding") == "gzip"; is != coded || got.text(t) != want {
				t.Errorf("%d series, Accept-Encoding: %s: %v", series, accept, got)
			}
		}
	}
}

// The length is known of what fits into a piece.
func testSizes(t *testing.T, start Start) {
	for _, series := range []int{0, 1, 20, 21, 22, 600, 700, 2000, 10_000} {
		g := sized(series)()
		want := textOf(t, g, exposition.Format{})
		c := dial(t, start(t, g, bare))
		for range 2 {
			got := c.exchange(t, request("GET", "/"))
			if got.err != nil || string(got.body) != want {
				t.Errorf("%d bytes: %v", len(want), got)
			}
			if small := len(want) <= 64<<10; small != (got.length == int64(len(want))) || small == got.chunked {
				t.Errorf("%d bytes: length %d, chunked %v", len(want), got.length, got.chunked)
			}
		}
		// A client of HTTP/1.0 can't take chunks.
		for _, kept := range []string{"", "Connection: keep-alive\r\n"} {
			got := c.exchange(t, "GET / HTTP/1.0\r\n"+kept+"\r\n")
			if got.err != nil || got.status != 200 || got.chunked || string(got.body) != want {
				t.Errorf("%d bytes to HTTP/1.0 %q: %v", len(want), kept, got)
			}
			c.reconnect(t)
		}
	}
}

// An answer of a panic or an error before the first piece is sent has a status.
func testEarlyErrors(t *testing.T, start Start) {
	for _, series := range []int{0, 10, 500} {
		for name, cause := range map[string]func() error{"error": fail, "panic": crash} {
			c := dial(t, start(t, broken(series, cause)()))
			text := "the metrics could not be gathered: disk on fire\n"
			if name == "panic" {
				text = "the metrics could not be gathered: the gatherer panicked: disk on fire\n"
			}
			want := whole(500, text, "Content-Type", plain, "X-Content-Type-Options", "nosniff", "Vary", vary)
			for _, coding := range []string{"identity", "gzip"} {
				if got := c.exchange(t, request("GET", "/", "Accept-Encoding", coding)); !got.equal(want) {
					t.Errorf("%s after %d series: %v, want %v", name, series, got, want)
				}
			}
			if name == "error" {
				if got := c.exchange(t, "GET / HTTP/1.0\r\n\r\n"); got.status != 500 || string(got.body) != text {
					t.Errorf("%s after %d series to HTTP/1.0: %v", name, series, got)
				}
			}
		}
		c := dial(t, start(t, broken(series, abort)()))
		if got := c.exchange(t, request("GET", "/")); got.err == nil || got.status != 0 {
			t.Errorf("an abort after %d series: %v, want a connection that is cut", series, got)
		}
	}
	c := dial(t, start(t, broken(0, failAtLength)()))
	if got := c.exchange(t, request("GET", "/")); got.status != 500 || len(got.body) < 4000 {
		t.Errorf("a long error: %v", got)
	}
}
