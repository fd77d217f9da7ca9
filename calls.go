package fennel

import (
	"context"
	"sync/atomic"
	"time"
)

// calls are the calls of collectors for one scrape.
//
// Each collector has a goroutine of its own, so that a slow one holds up no other.
// Callbacks are many and mostly as quick as the reading of a number, for which a
// goroutine takes ten times as long: they stand in a line that one goroutine works
// off. If that is not done soon, some of them are slow, and more and more goroutines
// help.
type calls struct {
	all  []Writer
	left atomic.Int64  // how many have not returned
	done chan struct{} // closed when all have

	line   []*Writer
	served atomic.Int64 // how many of the line have had their turn
}

// start calls the collectors of these writers.
func (c *calls) start(ctx context.Context, writers []*Writer) {
	c.left.Store(int64(len(writers)))
	if len(writers) == 0 {
		close(c.done)
	}
	for _, w := range writers {
		if _, ok := w.source.collector.(*callbackCollector); ok {
			if c.line == nil {
				c.line = make([]*Writer, 0, len(writers))
			}
			c.line = append(c.line, w)
		} else {
			go c.call(ctx, w)
		}
	}
	if len(c.line) > 0 {
		go c.work(ctx)
	}
}

func (c *calls) call(ctx context.Context, w *Writer) {
	defer func() {
		if c.left.Add(-1) == 0 {
			close(c.done)
		}
	}()
	w.run(ctx)
}

// work works off the line.
func (c *calls) work(ctx context.Context) {
	finished := false
	defer func() {
		if !finished { // a function has ended the goroutine
			go c.work(ctx)
		}
	}()
	for {
		i := int(c.served.Add(1)) - 1
		if i >= len(c.line) {
			break
		}
		c.call(ctx, c.line[i])
	}
	finished = true
}

// quick is how long the line may take before it gets help, which is doubled each
// time.
const quick = time.Millisecond

// wait waits until all have returned, and reports whether that was before patience
// is done.
func (c *calls) wait(ctx, patience context.Context) bool {
	var help <-chan time.Time
	if len(c.line) > 1 {
		ticker := time.NewTicker(quick)
		defer ticker.Stop()
		help = ticker.C
	}
	for helpers := 1; ; {
		select {
		case <-c.done:
			return true
		case <-patience.Done():
			return false
		case <-help:
			for range helpers {
				go c.work(ctx)
			}
			if helpers *= 2; helpers > len(c.line) {
				help = nil
			}
		}
	}
}
