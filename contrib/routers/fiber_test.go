package routers_test

import (
	"log"
	"net"
	"net/http"

	fiberv2 "github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	fennelfasthttp "github.com/fennelmetrics/fennel/contrib/fasthttp"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// github.com/gofiber/fiber. It stands on fasthttp, and so does the handler.
func Example_fiber() {
	reg, requests := newMetrics()

	app := fiber.New()
	app.Use(recover.New())
	app.All("/metrics", fennelfasthttp.Handler(reg, fennelhttp.WithoutSelfMetrics()))
	app.Get("/users/:id", func(c fiber.Ctx) error {
		requests.With(route{c.Route().Path}).Inc()
		return c.SendStatus(fiber.StatusOK)
	})

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
	defer app.Shutdown()
	show(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://"+l.Addr().String())
	// Output:
	// # HELP http_requests_total HTTP requests by route.
	// # TYPE http_requests_total counter
	// http_requests_total{route="/users/:id"} 2
}

// Version 2 of fiber doesn't take handlers of fasthttp as they are.
func Example_fiberVersion2() {
	reg, requests := newMetrics()
	metrics := fennelfasthttp.Handler(reg, fennelhttp.WithoutSelfMetrics())

	app := fiberv2.New(fiberv2.Config{DisableStartupMessage: true})
	app.All("/metrics", func(c *fiberv2.Ctx) error {
		metrics(c.Context())
		return nil
	})
	app.Get("/users/:id", func(c *fiberv2.Ctx) error {
		requests.With(route{c.Route().Path}).Inc()
		return c.SendStatus(fiberv2.StatusOK)
	})

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go app.Listener(l)
	defer app.Shutdown()
	show(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://"+l.Addr().String())
	// Output:
	// # HELP http_requests_total HTTP requests by route.
	// # TYPE http_requests_total counter
	// http_requests_total{route="/users/:id"} 2
}
