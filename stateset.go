package fennel

import (
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// StateSet says in which of a known set of states something is. S is the type
// of the states, such as type phase string. Python's client calls it an Enum.
//
// All methods are safe for concurrent use. A nil *StateSet does nothing.
type StateSet[S ~string] struct {
	series series.Series
	states []S           // shared by the family
	on     atomic.Uint64 // a bit for each state
}

// StateSetVec is a family of statesets, told apart by their labels.
type StateSetVec[L any, S ~string] = Vec[L, StateSet[S]]

// NewStateSet declares a stateset with these states, at most 64. The first is
// the one it is in at the start.
//
// It panics with a *[DeclarationError] if the declaration is wrong or conflicts
// with another one. Declared a second time alike, it returns the same one.
func NewStateSet[S ~string](name, help string, states []S, opts ...StateSetOption) *StateSet[S] {
	o := collect(opts, StateSetOption.forStateSet)
	return newSingle[StateSet[S]](stateSetDeclaration(name, help, states, o), o)
}

// NewStateSetVec declares a stateset with labels, which L names: see [Vec]. It
// panics as [NewStateSet] does.
func NewStateSetVec[L any, S ~string](name, help string, states []S, opts ...StateSetOption) *StateSetVec[L, S] {
	o := collect(opts, StateSetOption.forStateSet)
	return newVec[L, StateSet[S]](stateSetDeclaration(name, help, states, o), o)
}

func stateSetDeclaration[S ~string](name, help string, states []S, o *options) *declaration {
	states = slices.Clone(states)
	d := newDeclaration(sample.StateSet, name, help, o)
	for _, s := range states {
		d.states = append(d.states, string(s))
	}
	d.record = reflect.TypeFor[StateSet[S]]()
	d.alloc = func(*member) *series.Series {
		set := &StateSet[S]{states: states}
		set.on.Store(1)
		return &set.series
	}
	d.load = func(_ *member, b *sample.Batch, run []*series.Series) {
		for _, s := range run {
			b.States = append(b.States, series.Head[StateSet[S]](s).on.Load())
		}
	}
	return d
}

// Set makes state the only one that is on. A state that was not declared is
// dropped and counted in fennel_dropped_updates_total.
func (s *StateSet[S]) Set(state S) {
	if bit := s.bit(state); bit != 0 {
		s.on.Store(bit)
	}
}

// Enable switches one state on or off and leaves the others as they are. A
// state that was not declared is dropped and counted.
func (s *StateSet[S]) Enable(state S, on bool) {
	bit := s.bit(state)
	switch {
	case bit == 0:
	case on:
		s.on.Or(bit)
	default:
		s.on.And(^bit)
	}
}

// Enabled reports whether a state is on.
func (s *StateSet[S]) Enabled(state S) bool {
	if s == nil {
		return false
	}
	i := slices.Index(s.states, state)
	return i >= 0 && s.on.Load()>>i&1 == 1
}

// State returns the state that is on, the first of them if there are several,
// or "" if there is none.
func (s *StateSet[S]) State() S {
	for _, state := range s.States() {
		return state
	}
	return ""
}

// States returns the states that are on, in the order of the declaration.
func (s *StateSet[S]) States() []S {
	if s == nil {
		return nil
	}
	on := s.on.Load()
	var states []S
	for i, state := range s.states {
		if on>>i&1 == 1 {
			states = append(states, state)
		}
	}
	return states
}

// bit returns the bit of a state, or 0 if there is none.
func (s *StateSet[S]) bit(state S) uint64 {
	if s == nil {
		return 0
	}
	i := slices.Index(s.states, state)
	if i < 0 {
		s.series.Table().Drop("unknown_state")
		return 0
	}
	return 1 << i
}
