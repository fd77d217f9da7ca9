package routers_test

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/fennelmetrics/fennel/fennelhttp"
)

// github.com/go-chi/chi. The pattern of the route is known once the handler has
// returned.
func Example_chi() {
	reg, requests := newMetrics()

	router := chi.NewRouter()
	router.Use(middleware.Recoverer)
	router.Handle("/metrics", fennelhttp.Handler(reg, fennelhttp.WithoutSelfMetrics()))
	router.Group(func(router chi.Router) {
		router.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r)
				requests.With(route{chi.RouteContext(r.Context()).RoutePattern()}).Inc()
			})
		})
		router.Get("/users/{id}", func(http.ResponseWriter, *http.Request) {})
	})

	visit(router)
	// Output:
	// # HELP http_requests_total HTTP requests by route.
	// # TYPE http_requests_total counter
	// http_requests_total{route="/users/{id}"} 2
}
