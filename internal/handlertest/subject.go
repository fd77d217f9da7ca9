package handlertest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// subject is something to serve, and what to ask for.
type subject struct {
	name     string
	gatherer func() fennel.Gatherer
	opts     []fennelhttp.HandlerOption
	requests func() []string
}

var bare = fennelhttp.WithoutSelfMetrics()

// subjects are compared.
var subjects = []subject{
	{"a registry", some, []fennelhttp.HandlerOption{bare}, everyRequest},
	{"uncompressed", some, []fennelhttp.HandlerOption{bare, fennelhttp.WithoutCompression()}, everyRequest},
	{"OpenMetrics 2.0", some, []fennelhttp.HandlerOption{bare, fennelhttp.WithOpenMetrics200()}, everyRequest},
	{"nothing", nothing, []fennelhttp.HandlerOption{bare}, everyRequest},
	{"2 kB", sized(20), []fennelhttp.HandlerOption{bare}, everyFormat},
	{"50 kB", sized(500), []fennelhttp.HandlerOption{bare}, everyFormat},
	{"400 kB", sized(4000), []fennelhttp.HandlerOption{bare}, everyFormat},
	{"an error", broken(0, fail), []fennelhttp.HandlerOption{bare}, everyFormat},
	{"a long error", broken(0, failAtLength), []fennelhttp.HandlerOption{bare}, everyFormat},
	{"a panic", broken(0, crash), []fennelhttp.HandlerOption{bare}, everyFormat},
	{"an abort", broken(0, abort), []fennelhttp.HandlerOption{bare}, everyFormat},
	{"an error in the first piece", broken(500, fail), []fennelhttp.HandlerOption{bare}, everyFormat},
	{"with credentials", some, []fennelhttp.HandlerOption{bare, protected, fennelhttp.WithBearerToken("token-of-some-length")}, everyCredential},
	{"the handler itself", nothing, nil, func() []string {
		return []string{request("GET", "/?name[]=fennel_scrapes_total"), request("GET", "/?name[]=fennel_scrapes_total")}
	}},
}

// protected asks for a password, which is "secret".
var protected = fennelhttp.WithBasicAuth(map[string]string{"alice": "$2a$04$baH77dbm9kr8RM4MEXyC3uy9AZxD.TuXZqrCc8035d1TWmaH3V3Si"})

func everyCredential() (list []string) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
		for _, authorization := range []string{
			"", "Basic", "Basic " + encoded("alice:secret"), "basic " + encoded("alice:guess"), "Basic " + encoded("bob:secret"),
			"Bearer token-of-some-length", "Bearer another-token", "Digest x",
		} {
			list = append(list, request(method, "/metrics", "Authorization", authorization))
		}
		list = append(list, request(method, "/metrics"))
	}
	return list
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// everyRequest has all that can be asked for.
func everyRequest() (list []string) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "get", "BREW"} {
		for _, path := range []string{"/metrics", "/", "/a//b/../c", "/favicon.ico", "/metrics/favicon.ico?x", "/favicon.icon"} {
			list = append(list, request(method, path))
		}
	}
	for _, query := range []string{
		"name[]=jobs_total", "name%5B%5D=jobs_total&name[]=nope", "name[]=", "name[]=nope", "name[]=%zz", "name[]=queue.length",
		"debug=text", "debug=text&format=PrometheusProto", "debug=text&format=OpenMetricsText2.0.0", "debug=text&format=nope", "format=nope",
	} {
		list = append(list, request("GET", "/metrics?"+query), request("HEAD", "/metrics?"+query))
	}
	for _, timeout := range []string{"10", "0", "-1", "x", ""} {
		list = append(list, request("GET", "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", timeout))
	}
	list = append(list,
		"POST /metrics HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello",
		"GET http://elsewhere/metrics?name[]=jobs_total HTTP/1.1\r\nHost: test\r\n\r\n",
		request("GET", "/metrics", "accept-ENCODING", "gzip", "ACCEPT", "application/openmetrics-text"),
		request("GET", "/metrics", "Accept", "text/plain;q=0.1", "Accept", "application/openmetrics-text"),
	)
	return append(list, everyFormat()...)
}

// everyFormat asks for each format in each coding.
func everyFormat() (list []string) {
	for _, accept := range []string{
		"*/*",
		"text/plain;version=1.0.0;escaping=allow-utf-8",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		"application/openmetrics-text;version=2.0.0",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
	} {
		for _, coding := range []string{"identity", "gzip", "gzip;q=0", "br, x-gzip"} {
			for _, method := range []string{"GET", "HEAD"} {
				list = append(list, request(method, "/metrics", "Accept", accept, "Accept-Encoding", coding))
			}
		}
	}
	return list
}

// some returns a registry with a metric or two.
func some() fennel.Gatherer {
	reg := fennel.NewRegistry()
	fennel.NewCounter("jobs_total", "Jobs done.", fennel.In(reg)).Add(2)
	fennel.NewGauge("queue.length", "Jobs waiting.", fennel.In(reg)).Set(7)
	return reg
}

const someText = `# HELP jobs_total Jobs done.
# TYPE jobs_total counter
jobs_total 2
# HELP queue_length Jobs waiting.
# TYPE queue_length gauge
queue_length 7
`

func nothing() fennel.Gatherer { return fennel.NewRegistry() }

// sized returns a maker of registries with this many series of 100 bytes, of
// which gzip can't make much.
func sized(series int) func() fennel.Gatherer {
	return func() fennel.Gatherer {
		reg := fennel.NewRegistry()
		vec := fennel.NewGaugeVec[string]("bulk", "", fennel.LabelNames("x"), fennel.In(reg))
		random := rand.New(rand.NewPCG(1, 2))
		for range series {
			vec.With(fmt.Sprintf("%022x%022x%022x%022x", random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64())).Set(1)
		}
		return reg
	}
}

// broken returns a maker of gatherers that fail after this many series, and a
// few of other families: protobuf sends a family when it is whole.
func broken(series int, fail func() error) func() fennel.Gatherer {
	return func() fennel.Gatherer {
		begin, more := sized(series)(), some()
		return gathererFunc(func(ctx context.Context, r *sample.Request, v sample.Visitor) error {
			err := begin.Visit(ctx, r, v)
			if err == nil {
				err = more.Visit(ctx, r, v)
			}
			if err == nil {
				err = fail()
			}
			return err
		})
	}
}

var errFire = errors.New("disk on fire")

// Ways to fail.
func fail() error         { return errFire }
func failAtLength() error { return fmt.Errorf("%4000d", 1) }
func crash() error        { panic(errFire) }
func abort() error        { panic(http.ErrAbortHandler) }

// gathererFunc is a function that is a fennel.Gatherer.
type gathererFunc func(ctx context.Context, r *sample.Request, v sample.Visitor) error

// Visit implements [fennel.Gatherer].
func (f gathererFunc) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	return f(ctx, r, v)
}

// textOf returns what a gatherer has in a format.
func textOf(t *testing.T, g fennel.Gatherer, f exposition.Format) string {
	t.Helper()
	text, err := exposition.Bytes(t.Context(), g, f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
