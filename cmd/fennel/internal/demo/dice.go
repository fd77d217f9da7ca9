package demo

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// dice are all that is left to chance. The same seed and stream give the same
// throws. They are safe for concurrent use.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

// newDice returns dice. Each part of the shop throws its own, a stream, so that
// what one does doesn't change the luck of another.
func newDice(seed, stream uint64) *dice {
	return &dice{rng: rand.New(rand.NewPCG(seed, stream))}
}

// chance reports true with probability p.
func (d *dice) chance(p float64) bool { return d.float() < p }

// float returns a number in [0,1).
func (d *dice) float() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64()
}

// intN returns a number in [0,n).
func (d *dice) intN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}

// duration returns how long something takes that mostly takes about median.
// Like real latencies it is log-normal: never far below, at times far above.
func (d *dice) duration(median time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	factor := math.Exp(0.5 * d.rng.NormFloat64())
	return time.Duration(min(factor, 10) * float64(median))
}

// gap returns the time between two events that come independently of each
// other, rate of them per second.
func (d *dice) gap(rate float64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Duration(d.rng.ExpFloat64() / rate * float64(time.Second))
}

// sleep waits for d, or until ctx is done: then it returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
