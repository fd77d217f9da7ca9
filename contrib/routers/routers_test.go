package routers_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/fennelmetrics/fennel"
)

// route is the label of the examples: the pattern of a route, such as
// "/users/{id}".
type route struct {
	Pattern string `label:"route"`
}

// newMetrics returns what the examples declare. A program would declare it in
// package variables, and in fennel.Default.
func newMetrics() (*fennel.Registry, *fennel.CounterVec[route]) {
	reg := fennel.NewRegistry()
	return reg, fennel.NewCounterVec[route]("http_requests_total", "HTTP requests by route.", fennel.In(reg))
}

// visit asks a router for two users, and prints the metrics that it serves then.
func visit(router http.Handler) {
	srv := httptest.NewServer(router)
	defer srv.Close()
	show(srv.Client(), srv.URL)
}

// show does the same with any client.
func show(client *http.Client, url string) {
	for _, path := range []string{"/users/1", "/users/2", "/metrics"} {
		resp, err := client.Get(url + path)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		if path == "/metrics" {
			fmt.Print(string(body))
		}
	}
}
