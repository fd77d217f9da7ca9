package fennel

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/fennelmetrics/fennel/internal/small"
)

// view is what makes a Registry a view of another.
type view struct {
	of     *Registry
	root   *Registry
	prefix string  // with those of the views that it is a view of
	labels []Label // with theirs
	// problem is why nothing can be declared through the view.
	problem string
	// tidied is how much was forgotten in the root when the view was last rid of
	// it.
	tidied atomic.Uint64
}

// View returns a view of r: a *Registry that declares in r, with a prefix to
// every name and with these labels besides to every metric, and that gathers
// only what was declared or registered through it, or through a view of it.
//
//	db := r.View("db_", fennel.Label{Name: "shard", Value: "3"})
//	queries := fennel.NewCounter("queries_total", "Queries.", fennel.In(db)) // db_queries_total{shard="3"}
//
// The prefix is taken as it is; end it in an underscore. It may be empty, and
// there may be no labels. Names and labels are put together, and checked, when a
// metric is declared: a label that it has already is an error then. What collectors
// write gets the prefix and the labels, too, and they ask [Writer.Wants] for names
// without the prefix. Everything that is gathered has its full name, and names
// that choose from it are full names.
//
// What was declared through several views, or through one and in r, with the same
// name and labels in the end, is one metric, which all of them gather. Options of
// r, its logger say, hold for its views; its own metrics are none of theirs.
// Nothing of a view is kept in r but what is declared through it. A view of a nil
// Registry is nil.
func (r *Registry) View(prefix string, labels ...Label) *Registry {
	if r == nil {
		return nil
	}
	r.init()
	v := &view{of: r, root: r.root(), prefix: prefix}
	if outer := r.view; outer != nil {
		v.prefix = outer.prefix + prefix
		v.labels, v.problem = slices.Clone(outer.labels), outer.problem
	}
	for _, l := range labels {
		if other, twice := v.label(l.Name); twice && v.problem == "" {
			v.problem = fmt.Sprintf("label %q is given twice by the views that it is declared through, as %q and as %q: drop one",
				l.Name, other, l.Value)
		}
		v.labels = append(v.labels, l)
	}
	v.tidied.Store(v.root.forgets.Load())
	return &Registry{view: v}
}

// label returns the value that the view gives a label.
func (v *view) label(name string) (value string, ok bool) {
	i := slices.IndexFunc(v.labels, func(l Label) bool { return l.Name == name })
	if i < 0 {
		return "", false
	}
	return v.labels[i].Value, true
}

// sortLabels sorts labels by their names. They are few, and that is seldom done: it is
// not inlined.
//
//go:noinline
func sortLabels(labels []Label) {
	for i := 1; i < len(labels); i++ {
		for j := i; j > 0 && labels[j].Name < labels[j-1].Name; j-- {
			labels[j], labels[j-1] = labels[j-1], labels[j]
		}
	}
}

// root returns the registry that r is a view of, or r.
func (r *Registry) root() *Registry {
	if r.view == nil {
		return r
	}
	return r.view.root
}

// parent returns what r is a view of, or nil.
func (r *Registry) parent() *Registry {
	if r.view == nil {
		return nil
	}
	return r.view.of
}

// within reports whether r is other or a view of it, so that other gathers all
// that r does.
func (r *Registry) within(other *Registry) bool {
	for ; r != nil; r = r.parent() {
		if r == other {
			return true
		}
	}
	return false
}

// fullName returns the name of a metric that is declared through r.
func (r *Registry) fullName(name string) string {
	if r == nil || r.view == nil || name == "" {
		return name // an empty one is an error, and stays it
	}
	return r.view.prefix + name
}

// adapt makes a declaration through a view one in its root.
func (r *Registry) adapt(d *declaration) error {
	v := r.view
	if v == nil {
		return nil
	}
	d.name = r.fullName(d.name)
	problem := v.problem
	for _, name := range d.allLabels() {
		if value, twice := v.label(name); twice && problem == "" {
			problem = fmt.Sprintf("label %q is given twice, by the view that it is declared through, as %q, and by the declaration: "+
				"drop or rename one", name, value)
		}
	}
	if problem != "" {
		return &DeclarationError{Metric: d.name, Problem: problem}
	}
	d.consts = slices.Concat(d.consts, v.labels)
	sortLabels(d.consts)
	return nil
}

// adaptDesc makes what a collector announces to a view what its root lists.
func (r *Registry) adaptDesc(d Desc) Desc {
	d = d.clone()
	if v := r.view; v != nil {
		d.Name = r.fullName(d.Name)
		for i, l := range v.labels {
			d.Labels = small.Insert(d.Labels, i, l.Name)
		}
		d.ConstLabels = slices.Concat(v.labels, d.ConstLabels)
	}
	return d
}

// likeness is equal for registries and views that adapt declarations alike.
func (r *Registry) likeness() string {
	if r.view == nil {
		return ""
	}
	labels := slices.Clone(r.view.labels)
	sortLabels(labels)
	return r.view.prefix + "{" + newTextOf(labels)
}

// stored returns what r gathers of what is stored.
func (r *Registry) stored() []*part {
	if v := r.view; v != nil && v.stale() {
		v.root.mu.Lock()
		r.tidy()
		v.root.mu.Unlock()
	}
	return load(&r.parts)
}

// stale reports whether something was forgotten since the view was last tidied.
func (v *view) stale() bool { return v.tidied.Load() != v.root.forgets.Load() }

// tidy takes out of a view what was forgotten elsewhere, under the root's mutex.
func (r *Registry) tidy() {
	v := r.view
	if v == nil || !v.stale() {
		return
	}
	parts := slices.DeleteFunc(slices.Clone(load(&r.parts)), (*part).drop)
	r.parts.Store(&parts)
	v.tidied.Store(v.root.forgets.Load()) // last: who sees it doesn't wait for the mutex
}
