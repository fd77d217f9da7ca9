package routers_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// HTTP/3, by github.com/quic-go/quic-go: its server takes the routers of
// net/http.
func Example_http3() {
	reg, requests := newMetrics()

	mux := http.NewServeMux()
	mux.Handle("/metrics", fennelhttp.Handler(reg, fennelhttp.WithoutSelfMetrics()))
	mux.HandleFunc("GET /users/{id}", func(_ http.ResponseWriter, r *http.Request) {
		requests.With(route{r.Pattern}).Inc()
	})

	url, client, stop := serveHTTP3(mux)
	defer stop()
	show(client, url)
	// Output:
	// # HELP http_requests_total HTTP requests by route.
	// # TYPE http_requests_total counter
	// http_requests_total{route="GET /users/{id}"} 2
}

// serveHTTP3 serves h with the certificate of a test server, and returns the URL
// and a client.
func serveHTTP3(h http.Handler) (url string, client *http.Client, stop func()) {
	other := httptest.NewTLSServer(nil)
	defer other.Close()
	srv := &http3.Server{Handler: h, TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: other.TLS.Certificates})}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		srv.Serve(conn)
	}()
	trusted := other.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	transport := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableCompression: true}
	return "https://" + conn.LocalAddr().String(), &http.Client{Transport: transport}, func() {
		transport.Close()
		srv.Close()
		<-served
		conn.Close()
	}
}

func TestHTTP3(t *testing.T) {
	reg := fennel.NewRegistry()
	vec := fennel.NewGaugeVec[string]("bulk", "", fennel.LabelNames("x"), fennel.In(reg))
	for i := range 1000 {
		vec.With(strings.Repeat("x", i)).Set(1)
	}
	for name, test := range map[string]struct {
		gatherer fennel.Gatherer
		whole    bool
	}{"whole": {reg, true}, "cut off": {breaking{reg}, false}} {
		t.Run(name, func(t *testing.T) {
			url, client, stop := serveHTTP3(fennelhttp.Handler(test.gatherer))
			defer stop()
			resp, err := client.Get(url + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			n, err := io.Copy(io.Discard, resp.Body)
			if resp.Proto != "HTTP/3.0" || resp.StatusCode != 200 || (err == nil) != test.whole || test.whole && n < 500_000 {
				t.Errorf("%s, status %d, %d bytes, %v", resp.Proto, resp.StatusCode, n, err)
			}
		})
	}
}

// The deadline that bounds a slow client needs a method of http3's.
func TestHTTP3HasWriteDeadlines(t *testing.T) {
	url, client, stop := serveHTTP3(deadlines{t})
	defer stop()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

var errFire = errors.New("disk on fire")
