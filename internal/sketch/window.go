package sketch

import (
	"sync"
	"sync/atomic"
)

// epochs is how many epochs have the length of a window. A window covers these,
// complete, and the one that has begun: so what is read goes back by one length
// at least and by one and a quarter at most. An observation that is made
// when the timer of its epoch is late leaves by that much earlier.
const epochs = 4

// Estimator is a [Window]. Behind an interface, windows are linked only into programs
// that make some.
type Estimator interface {
	Add(v float64)
	AppendQuantiles(dst, quantiles []float64) []float64
	Quantile(q float64) float64
	Anew() Estimator
}

// Window estimates quantiles of the observations of a span of time that moves
// on. Any number of goroutines may use it.
type Window struct {
	clock  *Clock
	newest atomic.Pointer[part]
}

// part is what was observed in one epoch. Parts are never used again: who still
// adds to one that has been dropped has waited for longer than the window is,
// and adds what is too old in any case.
type part struct {
	Sketch
	epoch uint64
	older atomic.Pointer[part]
}

// NewWindow returns an empty window.
func NewWindow(c *Clock) *Window { return &Window{clock: c} }

// Add adds an observation, which is not NaN.
func (w *Window) Add(v float64) {
	p := w.newest.Load()
	if p == nil || p.epoch != w.clock.epoch.Load() {
		p = w.turn()
	}
	p.Add(v)
}

// turn returns the part of the current epoch.
func (w *Window) turn() *part {
	e := w.clock.epoch.Load()
	if e == stopped {
		e = w.clock.set()
	}
	for {
		newest := w.newest.Load()
		if newest != nil && newest.epoch >= e {
			return newest
		}
		p := &part{epoch: e}
		p.older.Store(newest)
		if w.newest.CompareAndSwap(newest, p) {
			w.drop(e)
			return p
		}
	}
}

// drop lets go of what is too old at epoch e.
func (w *Window) drop(e uint64) {
	p := next(&w.newest, e)
	for p != nil {
		p = next(&p.older, e)
	}
}

// next returns the part behind a link. What is too old at epoch e is cut off.
func next(link *atomic.Pointer[part], e uint64) *part {
	p := link.Load()
	if p != nil && p.epoch+epochs < e {
		link.CompareAndSwap(p, nil)
		return nil
	}
	return p
}

// Load adds what is in the window to a snapshot, and drops what is not in it any
// more.
func (w *Window) Load(s *Snapshot) {
	e := w.clock.now()
	for p := next(&w.newest, e); p != nil; p = next(&p.older, e) {
		s.Add(&p.Sketch)
	}
}

// Anew returns an empty window like w.
func (w *Window) Anew() Estimator { return NewWindow(w.clock) }

// Quantile estimates a quantile as [Snapshot.Quantile] does.
func (w *Window) Quantile(q float64) float64 {
	s := snapshots.Get().(*Snapshot)
	defer s.release()
	w.Load(s)
	return s.Quantile(q)
}

// AppendQuantiles appends an estimate for each of the quantiles, all of them
// of the same observations.
func (w *Window) AppendQuantiles(dst, quantiles []float64) []float64 {
	s := snapshots.Get().(*Snapshot)
	defer s.release()
	w.Load(s)
	for _, q := range quantiles {
		dst = append(dst, s.Quantile(q))
	}
	return dst
}

var snapshots = sync.Pool{New: func() any { return new(Snapshot) }}

func (s *Snapshot) release() {
	s.Reset()
	snapshots.Put(s)
}
