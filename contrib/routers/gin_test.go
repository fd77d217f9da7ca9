package routers_test

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fennelmetrics/fennel/fennelhttp"
)

// github.com/gin-gonic/gin.
func Example_gin() {
	reg, requests := newMetrics()

	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(gin.Recovery())
	router.Any("/metrics", gin.WrapH(fennelhttp.Handler(reg, fennelhttp.WithoutSelfMetrics())))
	users := router.Group("", func(c *gin.Context) { requests.With(route{c.FullPath()}).Inc() })
	users.GET("/users/:id", func(c *gin.Context) { c.Status(http.StatusOK) })

	visit(router)
	// Output:
	// # HELP http_requests_total HTTP requests by route.
	// # TYPE http_requests_total counter
	// http_requests_total{route="/users/:id"} 2
}
