package routers_test

import (
	"net/http"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/fennelmetrics/fennel/fennelhttp"
)

// github.com/labstack/echo.
func Example_echo() {
	reg, requests := newMetrics()

	router := echo.New()
	router.Use(middleware.Recover())
	router.Any("/metrics", echo.WrapHandler(fennelhttp.Handler(reg, fennelhttp.WithoutSelfMetrics())))
	users := router.Group("", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			requests.With(route{c.Path()}).Inc()
			return next(c)
		}
	})
	users.GET("/users/:id", func(c *echo.Context) error { return c.NoContent(http.StatusOK) })

	visit(router)
	// Output:
	// # HELP http_requests_total HTTP requests by route.
	// # TYPE http_requests_total counter
	// http_requests_total{route="/users/:id"} 2
}
