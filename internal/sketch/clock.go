package sketch

import (
	"sync"
	"sync/atomic"
	"time"
)

// Clock counts epochs for any number of windows. Observers never read the time
// from it but once in an epoch: the first observation of an epoch starts a timer
// that stops the clock when the epoch is over, and the next one sets it again.
// So there is a timer only for an epoch that has observations, and none for a
// program that is idle.
type Clock struct {
	// epoch is the current one, or stopped.
	epoch atomic.Uint64

	start  time.Time
	length time.Duration // of an epoch

	mu     sync.Mutex
	latest uint64 // the last epoch that was set
}

// stopped is no epoch: they begin with 1.
const stopped = 0

// NewClock returns a clock for windows of this length, which is positive.
func NewClock(window time.Duration) *Clock {
	return &Clock{start: time.Now(), length: (window-1)/epochs + 1} // rounded up
}

// set returns the current epoch, and sets the clock to it if it is stopped.
func (c *Clock) set() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.epoch.Load(); e != stopped {
		return e
	}
	passed := max(0, time.Since(c.start))
	// Time never goes back, but for who leaves a testing/synctest bubble.
	e := max(c.latest, c.at(passed))
	c.latest = e
	c.epoch.Store(e)
	time.AfterFunc(time.Duration(e)*c.length-passed, func() { c.stop(e) })
	return e
}

// stop stops the clock if it is still in epoch e.
func (c *Clock) stop(e uint64) { c.epoch.CompareAndSwap(e, stopped) }

// now returns the current epoch for a reader. A timer may be late: then it stops
// the clock in its stead.
func (c *Clock) now() uint64 {
	e := c.at(max(0, time.Since(c.start)))
	set := c.epoch.Load()
	if set >= e {
		return set
	}
	c.stop(set)
	return e
}

// at returns the epoch that it is when so much time has passed.
func (c *Clock) at(passed time.Duration) uint64 { return 1 + uint64(passed/c.length) }
