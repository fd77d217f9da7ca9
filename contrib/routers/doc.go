// Package routers shows how metrics are served through the routers that programs
// use: its examples are all that there is to it. It has no code of its own, as
// none is needed: [fennelhttp.Handler] is an [http.Handler], and package
// contrib/fasthttp has a handler for fasthttp and fiber.
//
// The examples count requests, too, by the pattern of their route: with patterns
// the number of series has a bound, with paths it has none.
//
// The tests here run the conformance test of the handlers through each router,
// with its middleware that recovers from panics in between.
//
// [fennelhttp.Handler]: https://pkg.go.dev/github.com/fennelmetrics/fennel/fennelhttp#Handler
// [http.Handler]: https://pkg.go.dev/net/http#Handler
package routers
