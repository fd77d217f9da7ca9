package demo

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/fennelmetrics/fennel"
)

// Config is how a [Shop] is set up. The zero value is a shop for 20 requests
// per second.
type Config struct {
	Rate      float64      // requests per second that it is built for; 0 means 20
	Workers   int          // that ship orders; 0 means 4
	QueueSize int          // of orders that wait; 0 means 100
	Seed      uint64       // of all that is left to chance
	Logger    *slog.Logger // nil logs nothing
}

// setup is a Config that went live, in labels. Numbers that one wants to
// compute with are better gauges; an info is for what one wants to read or to
// join with.
type setup struct {
	Workers   int `label:"workers"`
	QueueSize int `label:"queue_size"`
}

// Shop is a web shop: an [http.Handler], and the work behind it, which Run
// does. It is safe for concurrent use.
type Shop struct {
	handler   http.Handler
	queue     *Queue
	pool      *Pool
	inventory *Inventory
}

// NewShop returns a shop whose metrics are in reg, which must have no other
// shop's.
func NewShop(reg *fennel.Registry, conf Config) *Shop {
	conf = conf.withDefaults()
	fennel.NewInfo("shop_config_info", "How the shop is set up.",
		setup{conf.Workers, conf.QueueSize}, fennel.In(reg))

	inventory := newInventory(reg, conf.stock(), newDice(conf.Seed, 1))
	queue := newQueue(reg, conf.QueueSize)
	shop := &Shop{queue: queue, inventory: inventory}
	shop.pool = newPool(reg, poolConfig{
		Workers:   conf.Workers,
		JobTime:   conf.jobTime(),
		Queue:     queue,
		Inventory: inventory,
		Logger:    conf.Logger,
		dice:      newDice(conf.Seed, 2),
	})
	api := newAPI(queue, conf.Logger, newDice(conf.Seed, 3))
	shop.handler = measure(reg, api.routes())
	return shop
}

// ServeHTTP serves the shop's API.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Run ships orders and fills the warehouses until ctx is done. It returns when
// all its goroutines have ended.
func (s *Shop) Run(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { s.pool.Run(ctx) })
	parts.Go(func() { s.inventory.Run(ctx) })
	parts.Wait()
}

func (c Config) withDefaults() Config {
	if c.Rate <= 0 {
		c.Rate = 20
	}
	if c.Workers <= 0 {
		c.Workers = 4
	}
	if c.QueueSize <= 0 {
		c.QueueSize = 100
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// utilization is how busy the workers are on average. Below 1 they keep up with
// the day, above 1/(1+swell) not with its busiest hours: then the queue grows.
const utilization = 0.65

// jobTime is the median time to ship an order.
func (c Config) jobTime() time.Duration {
	seconds := float64(c.Workers) * utilization / (c.Rate * orderShare)
	return time.Duration(min(seconds, 2) * float64(time.Second))
}

// stock is how many units of a product a warehouse has room for.
func (c Config) stock() int { return max(60, int(3*c.Rate)) }
