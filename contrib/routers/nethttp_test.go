package routers_test

import (
	"net/http"

	"github.com/fennelmetrics/fennel/fennelhttp"
)

// The router of the standard library.
func Example_netHTTP() {
	reg, requests := newMetrics()

	mux := http.NewServeMux()
	mux.Handle("/metrics", fennelhttp.Handler(reg, fennelhttp.WithoutSelfMetrics()))
	mux.HandleFunc("GET /users/{id}", func(_ http.ResponseWriter, r *http.Request) {
		requests.With(route{r.Pattern}).Inc()
	})

	visit(mux)
	// Output:
	// # HELP http_requests_total HTTP requests by route.
	// # TYPE http_requests_total counter
	// http_requests_total{route="GET /users/{id}"} 2
}
