package fennel

import (
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
	"github.com/fennelmetrics/fennel/internal/small"
)

// named is what a family was declared as, and the names that it has by that.
type named struct {
	declared declaration // the first one
	claims   []string
	bases    []string
	names    []string // both of them
}

func newNamed(d *declaration) named {
	n := named{declared: *d, claims: claims(d.kind, d.name), bases: bases(d.kind, d.name)}
	n.names = slices.Concat(n.claims, n.bases)
	return n
}

// family is all that was declared under one name.
type family struct {
	sample.Family
	named
	byConsts map[string]*member // under the registry's mutex
}

func newFamily(d *declaration) *family {
	f := &family{named: newNamed(d), byConsts: make(map[string]*member)}
	d.describe(&f.Family)
	return f
}

// member is the part of a family that one set of constant labels has.
type member struct {
	family *family
	consts string // rendered
	table  *series.Table
	load   func(*member, *sample.Batch, []*series.Series)
	// vecs has the vec for each label set type that the metric was declared
	// with, under the registry's mutex.
	vecs      map[reflect.Type]*vec
	forgotten bool      // under the registry's mutex
	reg       *Registry // the root
}

// member returns the family's member with d's constant labels.
func (f *family) member(root *Registry, d *declaration) *member {
	consts := newTextOf(d.consts)
	if m := f.byConsts[consts]; m != nil {
		return m
	}
	m := &member{family: f, consts: consts, load: d.load, reg: root, vecs: make(map[reflect.Type]*vec)}
	m.table = series.NewTable(series.Config{
		Constant: d.constPairs(),
		Labels:   d.labels,
		New:      func() *series.Series { return d.alloc(m) },
		Mended:   func() { root.own.mended.With(f.Name).Inc() },
		Dropped:  func(reason string) { root.own.dropped.With(selfDrop{f.Name, reason}).Inc() },
	})
	f.byConsts[consts] = m
	return m
}

func compareMembers(a, b *member) int { return series.Compare(a.consts, b.consts) }

// newTextOf renders labels.
func newTextOf(labels []Label) string {
	var b []byte
	for i, l := range labels {
		b = series.AppendLabel(b, i == 0, l.Name, l.Value)
	}
	return string(b)
}

// part is what a registry, or a view, gathers of a family.
type part struct {
	*family
	members atomic.Pointer[[]*member] // sorted by their constant labels
}

func (p *part) compareName(name string) int { return sample.CompareNames(p.Name, name) }

// part returns the part of the family of this name, or nil.
func (r *Registry) part(name string) *part {
	parts := load(&r.parts)
	i, found := slices.BinarySearchFunc(parts, name, (*part).compareName)
	if !found {
		return nil
	}
	return parts[i]
}

// keep makes a member part of what r gathers and, if r is a view, of what those
// gather that it is a view of.
func (r *Registry) keep(m *member) {
	for ; r != nil; r = r.parent() {
		r.hold(m)
	}
}

// hold makes m part of what r gathers, if it isn't yet. Readers of the lists as
// they were are not disturbed.
func (r *Registry) hold(m *member) {
	r.tidy()
	parts := load(&r.parts)
	i, found := slices.BinarySearchFunc(parts, m.family.Name, (*part).compareName)
	switch {
	case !found:
		parts = small.Insert(slices.Clone(parts), i, newPart(m))
	case parts[i].family != m.family: // which was forgotten
		parts = slices.Clone(parts)
		parts[i] = newPart(m)
	default:
		parts[i].hold(m)
		return
	}
	r.parts.Store(&parts)
}

func newPart(m *member) *part {
	p := &part{family: m.family}
	p.members.Store(&[]*member{m})
	return p
}

func (p *part) hold(m *member) {
	members := load(&p.members)
	i, found := slices.BinarySearchFunc(members, m, compareMembers)
	if found {
		return
	}
	members = small.Insert(slices.Clone(members), i, m)
	p.members.Store(&members)
}

// forget removes a member from its family, and the family with its last member.
// The lists of those who gather it are not changed.
func (r *Registry) forget(m *member) {
	m.forgotten = true
	r.forgets.Add(1)
	f := m.family
	if delete(f.byConsts, m.consts); len(f.byConsts) == 0 {
		delete(r.byName, f.Name)
		r.names.release(f)
	}
}

// drop takes what was forgotten out of the part of this name.
func (r *Registry) drop(name string) {
	p := r.part(name)
	if p == nil || !p.drop() {
		return
	}
	parts := slices.DeleteFunc(slices.Clone(load(&r.parts)), func(other *part) bool { return other == p })
	r.parts.Store(&parts)
}

// drop takes out what was forgotten, and reports whether that was all.
func (p *part) drop() (all bool) {
	members := load(&p.members)
	isForgotten := func(m *member) bool { return m.forgotten }
	if slices.ContainsFunc(members, isForgotten) {
		members = slices.DeleteFunc(slices.Clone(members), isForgotten)
		p.members.Store(&members)
	}
	return len(members) == 0
}
