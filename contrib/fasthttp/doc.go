// Package fennelfasthttp serves metrics in programs that are built on fasthttp,
// or on a framework over it such as fiber:
//
//	import (
//		"github.com/valyala/fasthttp"
//
//		"github.com/fennelmetrics/fennel"
//		fennelfasthttp "github.com/fennelmetrics/fennel/contrib/fasthttp"
//	)
//
//	metrics := fennelfasthttp.Handler(fennel.Default)
//	fasthttp.ListenAndServe(":8080", func(ctx *fasthttp.RequestCtx) {
//		switch string(ctx.Path()) {
//		case "/metrics":
//			metrics(ctx)
//		…
//	})
//
// Fiber takes it as it is from version 3 on, and wants a line more in version 2:
//
//	app.All("/metrics", fennelfasthttp.Handler(fennel.Default))
//	app.All("/metrics", func(c *fiber.Ctx) error { metrics(c.Context()); return nil })
//
// Both would also take the handler of net/http through an adaptor: that one holds
// whole bodies in memory.
//
// It is a module of its own, so that only programs that want it depend on
// fasthttp.
//
// # What is the same as with net/http
//
// The handler is that of package fennelhttp, with its options, and its answers are
// the same, byte for byte: formats, codings, name[], debug=text, limits, timeouts,
// the metrics about itself, and what happens when something goes wrong. Bodies
// are streamed in pieces of about 64 KiB. A body that can't be written to its end
// is cut off with the connection, so that nobody takes a part for the whole. (A
// client of HTTP/1.0 that asks for text without gzip has no means of telling.)
//
// Nothing of a request is kept: what fasthttp reuses is copied.
//
// # What is not
//
// What differs is due to fasthttp:
//
//   - A client that goes away is noticed when something is written to it, and not
//     while collectors are at work. The timeout that Prometheus sends bounds that.
//   - The context that collectors get has no values of the request, and lives on
//     when the server shuts down: scrapes under way are finished.
//   - A server's WriteTimeout isn't known to handlers. A client gets half a minute
//     for each piece, whatever it is.
//   - A request's header must fit into the server's ReadBufferSize, which is 4096
//     bytes by default: that is about a hundred names in a query with name[].
//   - To clients of HTTP/1.0, bodies of more than a piece are sent without a
//     length, and the connection is closed behind them, as net/http does. fasthttp
//     alone would send them chunked.
//
// Middleware that reads the body of a response, as loggers and caches do, puts all
// of it into memory first. What such middleware does with a body that is cut off
// reaches nobody, as the connection is of no use any more.
package fennelfasthttp
