package routers_test

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/fennelmetrics/fennel/fennelhttp"
)

// github.com/gorilla/mux.
func Example_gorilla() {
	reg, requests := newMetrics()

	router := mux.NewRouter()
	router.Handle("/metrics", fennelhttp.Handler(reg, fennelhttp.WithoutSelfMetrics()))
	router.HandleFunc("/users/{id}", func(_ http.ResponseWriter, r *http.Request) {
		pattern, err := mux.CurrentRoute(r).GetPathTemplate()
		if err == nil {
			requests.With(route{pattern}).Inc()
		}
	}).Methods("GET")

	visit(router)
	// Output:
	// # HELP http_requests_total HTTP requests by route.
	// # TYPE http_requests_total counter
	// http_requests_total{route="/users/{id}"} 2
}
