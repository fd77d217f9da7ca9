package demo

import (
	"context"
	"sync"
	"time"

	"github.com/fennelmetrics/fennel"
)

// Queue holds the orders that wait for a worker, first come, first served. It
// is safe for concurrent use.
type Queue struct {
	size    int
	tokens  chan struct{} // one for each waiting order
	metrics queueMetrics

	mu     sync.Mutex
	orders []Order
}

type queueMetrics struct {
	depth    *fennel.Gauge
	enqueued *fennel.Counter
	rejected *fennel.Counter
}

// newQueue returns a queue with room for size orders, and measures it in reg.
func newQueue(reg *fennel.Registry, size int) *Queue {
	q := &Queue{
		size:   size,
		tokens: make(chan struct{}, size),
		metrics: queueMetrics{
			depth:    fennel.NewGauge("shop_queue_orders", "Orders that wait for a worker.", fennel.In(reg)),
			enqueued: fennel.NewCounter("shop_queue_enqueued_total", "Orders that were put into the queue.", fennel.In(reg)),
			rejected: fennel.NewCounter("shop_queue_rejected_total", "Orders that were turned away because the queue was full.", fennel.In(reg)),
		},
	}
	// The limit stands beside the depth, so that an alert needs no number that
	// is only known in the code: shop_queue_orders / shop_queue_size > 0.9.
	fennel.NewGauge("shop_queue_size", "Orders that the queue has room for.", fennel.In(reg)).Set(float64(size))
	reg.MustRegister(q)
	return q
}

// Put adds an order. It reports false if there is no room.
func (q *Queue) Put(o Order) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.orders) == q.size {
		q.metrics.rejected.Inc()
		return false
	}
	q.orders = append(q.orders, o)
	// Counted before a worker can have it: never is more processed than
	// enqueued.
	q.metrics.enqueued.Inc()
	q.metrics.depth.Set(float64(len(q.orders)))
	q.tokens <- struct{}{} // has room: as many tokens as orders
	return true
}

// Take removes the order that has waited longest. If there is none it waits,
// until ctx is done.
func (q *Queue) Take(ctx context.Context) (Order, error) {
	if err := ctx.Err(); err != nil {
		return Order{}, err // though there may be an order, too
	}
	select {
	case <-ctx.Done():
		return Order{}, ctx.Err()
	case <-q.tokens:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.orders[0]
	q.orders = q.orders[1:]
	q.metrics.depth.Set(float64(len(q.orders)))
	return o, nil
}

const oldestAge = "shop_queue_oldest_order_age_seconds"

// Collect writes how long the first order has been waiting. An age grows by
// itself, so it is computed when somebody asks: a gauge would have to be set
// all the time, and would lie as soon as the program hangs.
func (q *Queue) Collect(_ context.Context, w *fennel.Writer) error {
	w.Gauge(oldestAge, "How long the order that is next has waited; 0 if the queue is empty.",
		fennel.Unit("seconds")).Write(q.age().Seconds())
	return nil
}

// Describe says what Collect writes, so that a clash of names is found at the
// start and not at a scrape.
func (q *Queue) Describe() []fennel.Desc {
	return []fennel.Desc{{Name: oldestAge, Type: fennel.TypeGauge, Unit: "seconds"}}
}

func (q *Queue) age() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.orders) == 0 {
		return 0
	}
	return time.Since(q.orders[0].Placed)
}
