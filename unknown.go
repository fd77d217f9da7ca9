package fennel

import (
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Unknown is a number of which it is not known whether it is a counter or a
// gauge, such as one that is passed on from elsewhere. Prefer the others.
//
// All methods are safe for concurrent use. A nil *Unknown does nothing, and the
// zero value works without being exposed.
type Unknown struct {
	number Gauge // first: its head is this one's
}

// UnknownVec is a family of unknowns, told apart by their labels.
type UnknownVec[L any] = Vec[L, Unknown]

// NewUnknown declares a metric of unknown type. It panics as [NewGauge] does.
func NewUnknown(name, help string, opts ...UnknownOption) *Unknown {
	o := collect(opts, UnknownOption.forUnknown)
	return newSingle[Unknown](unknownDeclaration(name, help, o), o)
}

// NewUnknownVec declares a metric of unknown type with labels, which L names:
// see [Vec]. It panics as [NewGauge] does.
func NewUnknownVec[L any](name, help string, opts ...UnknownOption) *UnknownVec[L] {
	o := collect(opts, UnknownOption.forUnknown)
	return newVec[L, Unknown](unknownDeclaration(name, help, o), o)
}

func unknownDeclaration(name, help string, o *options) *declaration {
	d := gaugeDeclaration(name, help, o)
	d.kind = sample.Unknown
	d.alloc = func(*member) *series.Series { return &new(Unknown).number.series }
	return d
}

// Set sets the value to v. Any float64 is a value, NaN and infinities too.
func (u *Unknown) Set(v float64) {
	if u != nil {
		u.number.Set(v)
	}
}

// Value returns the current value.
func (u *Unknown) Value() float64 {
	if u == nil {
		return 0
	}
	return u.number.Value()
}
