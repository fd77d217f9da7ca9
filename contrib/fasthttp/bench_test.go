package fennelfasthttp

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// sink is a connection that is asked the same for ever, until it has got enough
// answers.
type sink struct {
	net.Conn
	request string
	left    int // answers
	bytes   int
}

func (s *sink) Read(p []byte) (int, error) {
	if s.left--; s.left < 0 {
		return 0, net.ErrClosed
	}
	return copy(p, s.request), nil
}

func (s *sink) Write(p []byte) (int, error)    { s.bytes += len(p); return len(p), nil }
func (*sink) SetReadDeadline(time.Time) error  { return nil }
func (*sink) SetWriteDeadline(time.Time) error { return nil }
func (*sink) SetDeadline(time.Time) error      { return nil }
func (*sink) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*sink) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*sink) Close() error                     { return nil }

func BenchmarkScrape(b *testing.B) {
	for _, series := range []int{100, 10_000} {
		reg := fennel.NewRegistry()
		vec := fennel.NewCounterVec[[3]string]("http_requests_total", "HTTP requests served.",
			fennel.LabelNames("method", "path", "status"), fennel.In(reg))
		for i := range series {
			vec.With([3]string{"GET", fmt.Sprintf("/api/v1/items/%d", i), "200"}).Add(float64(i * 7919))
		}
		for name, h := range map[string]fasthttp.RequestHandler{
			"here":            Handler(reg),
			"fasthttpadaptor": fasthttpadaptor.NewFastHTTPHandler(fennelhttp.Handler(reg)),
		} {
			for _, coding := range []string{"identity", "gzip"} {
				b.Run(fmt.Sprintf("series=%d/%s/%s", series, coding, name), func(b *testing.B) {
					conn := &sink{request: "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: " + coding + "\r\n\r\n", left: b.N}
					b.ReportAllocs()
					(&fasthttp.Server{Handler: h}).ServeConn(conn)
					b.ReportMetric(float64(conn.bytes)/float64(b.N), "bytes/answer")
				})
			}
		}
	}
}
