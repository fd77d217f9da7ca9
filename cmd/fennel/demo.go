package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/cmd/fennel/internal/demo"
	"github.com/fennelmetrics/fennel/collectors"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// demoAddress is the default. The port is FENN on the keys of a telephone, and
// hardly anything else uses it.
const demoAddress = "127.0.0.1:3366"

const demoExamples = `  fennel demo
  fennel demo --rate=500 --seed=7
  fennel demo --web.listen-address=:9100 --duration=1m
`

// demoCommand is "fennel demo".
type demoCommand struct {
	*kingpin.CmdClause

	address  string
	explicit bool // the address was given
	rate     float64
	duration time.Duration
	seed     uint64
}

func newDemoCommand(app *kingpin.Application) *demoCommand {
	c := &demoCommand{CmdClause: app.Command("demo",
		"Serve a small web shop that measures itself, with customers who keep it busy, and its metrics on /metrics.").
		HelpLong(demoExamples)}
	c.Flag("web.listen-address", "Address to listen on. If the default is taken, any free port is.").
		Default(demoAddress).IsSetByUser(&c.explicit).StringVar(&c.address)
	c.Flag("rate", "Requests per second that the customers make, on average. They rise and fall in the course of a day, which takes five minutes.").
		Default("20").Float64Var(&c.rate)
	c.Flag("duration", "Stop after this time; 0s means never.").Default("0s").DurationVar(&c.duration)
	c.Flag("seed", "Seed of all that is left to chance: the same one gives the same customers.").Default("1").Uint64Var(&c.seed)
	c.Validate(func(*kingpin.CmdClause) error { return c.check() })
	return c
}

// check returns what is wrong with the flags.
func (c *demoCommand) check() error {
	switch {
	case !(c.rate >= 0) || math.IsInf(c.rate, 0):
		return fmt.Errorf("--rate is %v, but must be 0 or more", c.rate)
	case c.duration < 0:
		return fmt.Errorf("--duration is %v, but must be 0s or more", c.duration)
	}
	return nil
}

// run serves the demonstration until ctx is done, or for as long as was asked.
func (c *demoCommand) run(ctx context.Context, out, log io.Writer) error {
	ctx, cancel := c.limit(ctx)
	defer cancel()
	logger := slog.New(slog.NewTextHandler(log, nil))

	reg := fennel.NewRegistry(fennel.WithLogger(logger))
	reg.MustRegister(collectors.Process(), collectors.Go(), collectors.BuildInfo())
	shop := demo.NewShop(reg, demo.Config{Rate: c.rate, Seed: c.seed, Logger: logger})
	traffic := demo.Traffic{Handler: shop, Rate: c.rate, Seed: c.seed}

	server, err := c.serve(reg, shop, logger)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "metrics:  %s/metrics\nthe shop: %s/\n(Ctrl-C ends it.)\n", server.URL(), server.URL())

	var parts sync.WaitGroup
	parts.Go(func() { shop.Run(ctx) })
	parts.Go(func() { traffic.Run(ctx) })
	select {
	case <-ctx.Done():
	case <-server.Done(): // it has failed
		cancel()
	}
	parts.Wait()
	return errors.Join(server.Err(), shutdown(server))
}

// limit returns a context that ends after the duration that was asked for.
func (c *demoCommand) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.duration == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.duration)
}

// serve serves the metrics, the shop, and a page with links to both, on the
// address of the flag. Where the default can't be had, since another
// demonstration has it perhaps, it takes any port: who just wants to see
// something should not have to find a free one.
func (c *demoCommand) serve(g fennel.Gatherer, shop http.Handler, logger *slog.Logger) (*fennelhttp.Server, error) {
	opts := []fennelhttp.ServerOption{
		fennelhttp.WithLogger(logger),
		fennelhttp.WithHandler("GET /{$}", http.HandlerFunc(serveDemoPage)),
		fennelhttp.WithHandler("/", shop),
	}
	server, err := fennelhttp.Start(c.address, g, opts...)
	if err == nil || c.explicit {
		return server, err
	}
	return fennelhttp.Start("127.0.0.1:0", g, opts...)
}

//go:embed demo.html
var demoHTML string

var demoPage = template.Must(template.New("demo.html").Parse(demoHTML))

func serveDemoPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = demoPage.Execute(w, r) // an error: the client has gone
}

// shutdown gives the requests that are being served a few seconds.
func shutdown(server *fennelhttp.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}
