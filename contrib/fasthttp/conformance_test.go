package fennelfasthttp_test

import (
	"net"
	"net/http/httptest"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/fennelmetrics/fennel"
	fennelfasthttp "github.com/fennelmetrics/fennel/contrib/fasthttp"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/fennelhttp/zstd"
	"github.com/fennelmetrics/fennel/internal/handlertest"
)

func startFastHTTP(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) string {
	return listen(t, &fasthttp.Server{Handler: fennelfasthttp.Handler(g, opts...)})
}

// listen starts a server until the test ends, and returns its address.
func listen(t *testing.T, srv *fasthttp.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	srv.Logger = testLogger{t}
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		if err := srv.Shutdown(); err != nil {
			t.Error(err)
		}
		<-served
	})
	return l.Addr().String()
}

// testLogger logs what a server has to say into that of the test.
type testLogger struct{ t *testing.T }

func (l testLogger) Printf(format string, args ...any) { l.t.Logf(format, args...) }

func startNetHTTP(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) string {
	srv := httptest.NewServer(fennelhttp.Handler(g, opts...))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

func TestConformance(t *testing.T) {
	handlertest.Run(t, startFastHTTP)
}

func TestConformanceWithLittleMemory(t *testing.T) {
	handlertest.Run(t, func(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) string {
		return listen(t, &fasthttp.Server{Handler: fennelfasthttp.Handler(g, opts...), ReduceMemoryUsage: true})
	})
}

func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	handlertest.Compare(t, startNetHTTP, startFastHTTP)
}

func TestZstdIsThatOfNetHTTP(t *testing.T) {
	withZstd := func(start handlertest.Start) handlertest.Start {
		return func(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) string {
			return start(t, g, append(opts, zstd.Compression())...)
		}
	}
	handlertest.Compare(t, withZstd(startNetHTTP), withZstd(startFastHTTP))
}
