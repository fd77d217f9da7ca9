package handlertest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what must come, on a busy machine.
const patience = time.Minute

// client is a connection to a server, over which requests are sent as they are.
type client struct {
	addr string
	conn net.Conn
	r    *bufio.Reader
}

// dial connects to a server until the test ends.
func dial(t *testing.T, addr string) *client {
	t.Helper()
	c := &client{addr: addr}
	c.connect(t)
	t.Cleanup(func() { c.conn.Close() })
	return c
}

func (c *client) connect(t *testing.T) {
	t.Helper()
	conn, err := net.Dial("tcp", c.addr)
	if err != nil {
		t.Fatal(err)
	}
	c.conn, c.r = conn, bufio.NewReader(conn)
}

// answer is an answer as it came.
type answer struct {
	status  int
	header  http.Header // without what is the server's
	chunked bool
	length  int64 // -1 if the header has none
	body    []byte
	err     error // that ended the body
	closed  bool  // the connection with it
}

// request writes a request, with headers as name and value by turns.
func request(method, target string, headers ...string) string {
	text := method + " " + target + " HTTP/1.1\r\nHost: test\r\n"
	for i := 0; i < len(headers); i += 2 {
		text += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	return text + "\r\n"
}

// send sends a request, and returns the answer with its body still to be read.
func (c *client) send(t *testing.T, request string) (*http.Response, error) {
	t.Helper()
	c.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c.conn, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	return http.ReadResponse(c.r, &http.Request{Method: method})
}

// exchange sends a request and reads the answer. A connection that was closed
// behind an answer is made anew for the next request.
func (c *client) exchange(t *testing.T, request string) answer {
	t.Helper()
	resp, err := c.send(t, request)
	if err != nil {
		c.reconnect(t)
		return answer{err: err, closed: true}
	}
	a := answer{
		status:  resp.StatusCode,
		header:  resp.Header,
		chunked: slices.Equal(resp.TransferEncoding, []string{"chunked"}),
		length:  resp.ContentLength,
		closed:  resp.Close,
	}
	for _, name := range []string{"Date", "Server", "Connection"} {
		a.header.Del(name)
	}
	a.body, a.err = io.ReadAll(resp.Body)
	if a.closed || a.err != nil {
		c.reconnect(t)
	}
	return a
}

func (c *client) reconnect(t *testing.T) {
	t.Helper()
	c.conn.Close()
	c.connect(t)
}

// text returns the body, decoded.
func (a *answer) text(t *testing.T) string {
	t.Helper()
	if a.header.Get("Content-Encoding") != "gzip" {
		return string(a.body)
	}
	z, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// equal reports whether nobody can tell the answers apart.
func (a answer) equal(b answer) bool {
	return a.status == b.status && maps.EqualFunc(a.header, b.header, slices.Equal[[]string]) &&
		a.chunked == b.chunked && a.length == b.length && a.closed == b.closed &&
		bytes.Equal(a.body, b.body) && fmt.Sprint(a.err) == fmt.Sprint(b.err)
}

// String shows an answer, and the beginning of its body.
func (a answer) String() string {
	return fmt.Sprintf("status %d, header %v, chunked %v, length %d, closed %v, error %v, body of %d bytes: %.300q",
		a.status, a.header, a.chunked, a.length, a.closed, a.err, len(a.body), a.body)
}
