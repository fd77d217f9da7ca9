package fennel

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// Collector writes samples at the moment of a scrape: what an exporter reads
// from elsewhere, or what is too dear to keep up to date between scrapes.
//
// In errors and in the registry's own metrics a collector is named by its String
// method, or by its type if it has none.
//
// Collect writes all its samples to w and returns. It may be called by several
// goroutines at once, each with a Writer of its own. It should give up when ctx
// is done. It may ask [Writer.Wants] whether a family is wanted at all.
//
// An error, a panic, or samples that can't be exposed cost nobody else
// anything: what was written before is served, and so is all the rest; the
// error is counted in fennel_collector_errors_total, logged if the registry has
// a logger, and part of the [GatherError] that the gathering returns.
type Collector interface {
	Collect(ctx context.Context, w *Writer) error
}

// CollectorFunc is a function that is a [Collector]. Being a func it can't be
// unregistered: functions can't be compared. Register a pointer to it for that.
type CollectorFunc func(ctx context.Context, w *Writer) error

// Collect calls f.
func (f CollectorFunc) Collect(ctx context.Context, w *Writer) error { return f(ctx, w) }

// Describer is a [Collector] that knows in advance what it writes. A registry
// refuses it at once where it would clash, lists it in [Registry.Descs], and
// doesn't call it for scrapes that want none of its families.
type Describer interface {
	Collector
	// Describe returns the families that Collect writes. It is called once, by
	// Register. Name and Type are required.
	Describe() []Desc
}

// source is a registered collector.
type source struct {
	collector Collector
	name      string // for errors and metrics
	descs     []Desc
	claims    []string
	own       map[string]bool // the claims, as a set

	mu       sync.Mutex
	families map[string]*checked // of the last scrape: need not be checked again
	logged   map[string]bool     // families whose duplicates were logged

	late atomic.Int32 // calls that nobody waits for any more
}

// Register adds a collector. It returns an error if the same one is registered
// already, or if it is a [Describer] whose families clash with others.
func (r *Registry) Register(c Collector) error {
	if c == nil {
		return errors.New("fennel: Register: the collector is nil")
	}
	if r == nil {
		return nil
	}
	r.init()
	s := &source{collector: c, name: nameOf(c), own: make(map[string]bool), logged: make(map[string]bool)}
	if d, ok := c.(Describer); ok {
		s.descs = slices.Clone(d.Describe()) // before the lock: it is user code
		for i := range s.descs {
			s.descs[i].Labels = slices.Clone(s.descs[i].Labels)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.source(c) != nil {
		return fmt.Errorf("fennel: Register: collector %s is registered already", s.name)
	}
	if err := r.claimSource(s); err != nil {
		return err
	}
	list := append(slices.Clone(load(&r.sources)), s)
	r.sources.Store(&list)
	return nil
}

// MustRegister is Register for collectors that are known not to clash. It
// panics otherwise.
func (r *Registry) MustRegister(collectors ...Collector) {
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

// Unregister removes a collector and reports whether it was there. A scrape
// that has begun may still call it.
func (r *Registry) Unregister(c Collector) bool {
	if r == nil {
		return false
	}
	r.init()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.source(c)
	if s == nil {
		return false
	}
	for _, n := range s.claims {
		delete(r.claims, n)
	}
	r.resettle()
	r.sources.Store(without(r.sources.Load(), s))
	return true
}

// claimSource claims the names that a collector announces.
func (r *Registry) claimSource(s *source) error {
	for _, desc := range s.descs {
		d := declaration{kind: sample.Kind(desc.Type), name: desc.Name, help: desc.Help, unit: desc.Unit, labels: desc.Labels}
		if d.kind == sample.StateSet {
			d.states = []string{"unused"} // not announced, but a set without is refused
		}
		err := d.check(r.legacy)
		names := claims(d.kind, d.name)
		if err == nil {
			err = r.claim(&d, names)
		}
		if err != nil {
			for _, n := range s.claims {
				delete(r.claims, n)
			}
			return fmt.Errorf("fennel: Register: collector %s: %w", s.name, err)
		}
		s.claims = append(s.claims, names...)
		for _, n := range names {
			s.own[n] = true
		}
	}
	r.shadow(s.claims)
	return nil
}

// source returns the source of a registered collector, under the mutex.
func (r *Registry) source(c Collector) *source {
	if !reflect.ValueOf(c).Comparable() {
		return nil
	}
	for _, s := range load(&r.sources) {
		if reflect.ValueOf(s.collector).Comparable() && s.collector == c {
			return s
		}
	}
	return nil
}

// nameOf names a collector for people: by its String method, or by its type.
func nameOf(c Collector) string {
	if s, ok := c.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", c)
}

// collect runs all collectors that may have what is wanted, each in a goroutine
// of its own so that a slow one delays no other, and returns what they wrote.
//
// When the context is done it does not wait for them any longer: they are left
// to end by themselves.
func (r *Registry) collect(ctx context.Context, req *sample.Request) ([]*Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sources := load(&r.sources)
	if len(sources) == 0 {
		return nil, nil
	}
	var writers []*Writer
	done := make(chan struct{}, len(sources))
	for _, s := range sources {
		if s.claims != nil && !req.Wants(s.claims...) {
			continue
		}
		w := newWriter(r, s, req)
		writers = append(writers, w)
		go func() {
			defer func() { done <- struct{}{} }()
			w.run(ctx)
		}()
	}
	for range writers {
		select {
		case <-done:
		case <-ctx.Done():
			for _, w := range writers {
				w.giveUp()
			}
			return nil, ctx.Err()
		}
	}
	return writers, ctx.Err()
}

// maxLate is how many calls of a collector may go on that nobody waits for any
// more. One that hangs is not called again and again.
const maxLate = 3

// States of a run.
const (
	running = iota
	ended
	givenUp
)

// run calls the collector and keeps what goes wrong.
func (w *Writer) run(ctx context.Context) {
	returned := false
	defer func() {
		if p := recover(); p != nil {
			w.fail(&panicError{p, debug.Stack()})
		} else if !returned {
			w.fail(errors.New("it ended its goroutine"))
		}
		w.done = true
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

// giveUp notes that nobody waits for the run any more, if it is still going.
func (w *Writer) giveUp() {
	if w.state.CompareAndSwap(running, givenUp) {
		w.source.late.Add(1)
	}
}

// panicError is a panic of a collector.
type panicError struct {
	value any
	stack []byte
}

// Error says what the collector panicked with. The stack is for logs.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// Unwrap returns the error that the collector panicked with, if it was one.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

func (s *source) firstTime(metric string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.logged[metric]
	s.logged[metric] = true
	return first
}

// remember keeps the families of a scrape, so that the next one need not check
// and prepare them again.
func (s *source) remember(families map[string]*written) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.families = make(map[string]*checked, len(families))
	for name, f := range families {
		s.families[name] = f.checked
	}
}

// recall returns the family that a former scrape declared alike, or nil.
func (s *source) recall(d *declaration) *checked {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.families[d.name]
	if f == nil || f.declared.differs(d) != "" || !slices.Equal(f.declared.consts, d.consts) {
		return nil
	}
	return f
}
