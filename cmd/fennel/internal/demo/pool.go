package demo

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/fennelmetrics/fennel"
)

// workerState is what a worker is doing. The first state is the one that a
// worker has before it was started.
type workerState string

const (
	stopped workerState = "stopped"
	idle    workerState = "idle"
	busy    workerState = "busy"
)

// Pool is the workers that ship orders.
type Pool struct {
	poolConfig
	metrics poolMetrics
}

// poolConfig is how a [Pool] is set up.
type poolConfig struct {
	Workers   int
	JobTime   time.Duration // the median time to ship an order
	Queue     *Queue
	Inventory *Inventory
	Logger    *slog.Logger

	dice *dice
}

type poolMetrics struct {
	states    *fennel.StateSetVec[int, workerState]
	busy      *fennel.Gauge
	processed *fennel.CounterVec[outcome]
	duration  *fennel.Histogram
	sales     *fennel.Counter
}

// newPool returns a pool whose workers are measured in reg. Run lets them work.
func newPool(reg *fennel.Registry, conf poolConfig) *Pool {
	in := fennel.In(reg)
	p := &Pool{conf, poolMetrics{
		states: fennel.NewStateSetVec[int]("shop_worker_state", "What each worker is doing.",
			[]workerState{stopped, idle, busy}, fennel.LabelNames("worker"), in),
		busy: fennel.NewGauge("shop_workers_busy", "Workers that are shipping an order.", in),
		processed: fennel.NewCounterVec[outcome]("shop_orders_processed_total", "Orders that left the queue, by what became of them.",
			fennel.LabelNames("outcome"), in),
		duration: fennel.NewHistogram("shop_job_duration_seconds", "Time that a worker spent on an order.",
			fennel.Unit("seconds"), fennel.Buckets(.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10), in),
		sales: fennel.NewCounter("shop_sales_euros_total", "What the shipped orders cost.", fennel.Unit("euros"), in),
	}}
	// All outcomes are there from the start, so that the first of a kind is
	// seen as a rise from 0 to 1. A series that appears as 1 has no rise.
	p.metrics.processed.Create(shipped, declined, soldOut, aborted)
	for id := range conf.Workers {
		p.metrics.states.Create(id)
	}
	return p
}

// Run lets the workers work until ctx is done, and returns when all have
// stopped. What is in the queue then stays there.
func (p *Pool) Run(ctx context.Context) {
	var workers sync.WaitGroup
	for id := range p.Workers {
		workers.Go(func() { p.work(ctx, id) })
	}
	workers.Wait()
}

func (p *Pool) work(ctx context.Context, id int) {
	state := p.metrics.states.With(id) // looked up once
	defer state.Set(stopped)
	for {
		state.Set(idle)
		order, err := p.Queue.Take(ctx)
		if err != nil {
			return
		}
		state.Set(busy)
		p.process(ctx, order)
	}
}

// process ships an order and measures it.
func (p *Pool) process(ctx context.Context, o Order) {
	defer p.metrics.busy.Track()()
	defer p.metrics.duration.Timer().Stop()

	result := p.ship(ctx, o)
	p.metrics.processed.With(result).Inc()
	if result == shipped {
		p.metrics.sales.Add(o.Euros())
	}
	// What has too many values for a label goes into the log.
	p.Logger.Debug("order processed", "order", o.ID, "outcome", string(result))
}

// ship does the work.
func (p *Pool) ship(ctx context.Context, o Order) outcome {
	if sleep(ctx, p.dice.duration(p.JobTime)) != nil {
		return aborted
	}
	if p.dice.chance(0.03) {
		return declined
	}
	if !p.Inventory.Remove(o.Product, o.Quantity) {
		return soldOut
	}
	return shipped
}
