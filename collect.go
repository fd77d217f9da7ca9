package fennel

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// collection is what the collectors of a registry wrote for one scrape.
type collection struct {
	writers  []*Writer
	families []*written // of all writers, in their order
	sorted   []*written // those that are served, in the order of their names
}

var collections = sync.Pool{New: func() any { return new(collection) }}

func (c *collection) keep(sorted []*written) { c.sorted = sorted }

func (c *collection) free() {
	for _, w := range c.writers {
		w.giveBack()
	}
	clear(c.writers)
	clear(c.families)
	clear(c.sorted)
	c.writers, c.families, c.sorted = c.writers[:0], c.families[:0], c.sorted[:0]
	collections.Put(c)
}

// collect runs all collectors of a registry that may have what is wanted, each in a
// goroutine of its own so that a slow one delays no other, and puts together what they
// wrote and what is stored.
//
// The context that they get is done shortly before ctx. Those that heed it have
// some time left to return with what they have written; then it does not wait any
// longer: what is late is left out, and left to end by itself.
func (r *Registry) collect(ctx context.Context, req *sample.Request) (gathering, error) {
	g := gathering{registry: r, request: req}
	patience, impatient := withMargin(ctx, 20)
	defer impatient()
	inner, cancel := withMargin(ctx, 10)
	defer cancel()
	c := collections.Get().(*collection)
	if !c.start(inner, load(&r.sources), req).wait(inner, patience) {
		c.cutOff(patience)
	}
	if err := ctx.Err(); err != nil {
		return g, err
	}
	g.stored, g.errs = r.assemble(c)
	g.collected, g.memory = c.sorted, c
	return g, nil
}

// start calls the collectors that may have what is wanted.
func (c *collection) start(ctx context.Context, sources []*source, req *sample.Request) *calls {
	// This is not used again, as late collectors may go on with it.
	calls := &calls{all: make([]Writer, len(sources)), done: make(chan struct{})}
	for i, s := range sources {
		if s.names == nil || req.Wants(s.names...) {
			w := &calls.all[i]
			w.init(s, req)
			c.writers = append(c.writers, w)
		}
	}
	calls.start(ctx, c.writers)
	return calls
}

// withMargin returns a context that is done earlier than ctx, by one of so many
// parts of the time that there is, so that some is left to serve the rest when a
// collector is late.
func withMargin(ctx context.Context, parts time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/parts))
}

// cutOff replaces the writers of collectors that are late, whose slates may still be
// written on.
func (c *collection) cutOff(patience context.Context) {
	for i, w := range c.writers {
		if w.giveUp() {
			late := fmt.Errorf("late: %w", context.Cause(patience))
			c.writers[i] = &Writer{registry: w.registry, source: w.source, request: w.request, errs: []error{late}}
		}
	}
}

// maxLate is how many calls of a collector may go on that nobody waits for any
// more. One that hangs is not called again and again.
const maxLate = 3

// States of a run.
const (
	waiting = iota
	running
	ended
	givenUp
)

// run calls the collector, unless that was given up before its turn, and keeps what goes wrong.
func (w *Writer) run(ctx context.Context) {
	if !w.state.CompareAndSwap(waiting, running) {
		return
	}
	returned := false
	defer func() {
		if p := recover(); p != nil {
			w.fail(&panicError{p, debug.Stack()})
		} else if !returned {
			w.fail(errors.New("it ended its goroutine"))
		}
		if n := len(w.refused) - maxRefusals; n > 0 {
			w.fail(fmt.Errorf("%d more families were refused", n))
		}
		w.done = true
		w.slate.settle()
		if !w.state.CompareAndSwap(running, ended) {
			w.source.late.Add(-1)
		}
	}()
	if late := w.source.late.Load(); late >= maxLate {
		w.fail(fmt.Errorf("not called: it is still busy with %d scrapes that have given it up", late))
	} else if err := w.source.collector.Collect(ctx, w); err != nil {
		w.fail(err)
	}
	returned = true
}

// giveUp notes that nobody waits for the run any more, and reports whether it has
// not ended.
func (w *Writer) giveUp() bool {
	if w.state.CompareAndSwap(waiting, givenUp) {
		return true
	}
	if !w.state.CompareAndSwap(running, givenUp) {
		return false
	}
	w.source.late.Add(1)
	return true
}

// panicError is a panic of a collector.
type panicError struct {
	value any
	stack []byte
}

// Error says what the collector panicked with. The stack is for logs.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// Stack returns the stack of the panic, for those who log a [GatherError].
func (e *panicError) Stack() []byte { return e.stack }

// Unwrap returns the error that the collector panicked with, if it was one.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}
