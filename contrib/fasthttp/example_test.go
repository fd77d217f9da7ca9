package fennelfasthttp_test

import (
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/fennelmetrics/fennel"
	fennelfasthttp "github.com/fennelmetrics/fennel/contrib/fasthttp"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

func ExampleHandler() {
	reg := fennel.NewRegistry()
	requests := fennel.NewCounter("requests_total", "Requests served.", fennel.In(reg))
	// Without the option, what the handler measures of itself would be there, too.
	metrics := fennelfasthttp.Handler(reg, fennelhttp.WithoutSelfMetrics())

	app := func(ctx *fasthttp.RequestCtx) { // the handler of a fasthttp.Server
		switch string(ctx.Path()) {
		case "/metrics":
			metrics(ctx)
		default:
			requests.Inc()
			ctx.WriteString("hello")
		}
	}

	for _, path := range []string{"/", "/", "/metrics"} {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI(path)
		app(&ctx)
		fmt.Printf("%s\n", ctx.Response.Body())
	}
	// Output:
	// hello
	// hello
	// # HELP requests_total Requests served.
	// # TYPE requests_total counter
	// requests_total 2
}
