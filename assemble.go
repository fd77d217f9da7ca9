package fennel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/small"
)

// assemble puts together what the collectors wrote, in the order of the families'
// names, and what r has stored. Both are as of the same moment, so that they fit
// together whatever is declared or forgotten meanwhile.
func (r *Registry) assemble(c *collection) (stored []*part, errs []error) {
	root := r.root()
	for _, w := range c.writers {
		for _, f := range w.written() {
			if f.ready.Len() > 0 {
				c.families = append(c.families, f)
			}
		}
	}
	stored = r.admitAll(c)
	for _, w := range c.writers {
		if w.slate != nil {
			w.source.remember(w.slate.list, w.slate.learned, w.request)
		}
		errs = append(errs, root.reportErrors(w)...)
	}
	for _, f := range c.sorted {
		f.sortJoined()
		if f.dropped > 0 {
			errs = append(errs, root.reportDuplicates(f))
		}
	}
	return stored, errs
}

// admitAll decides which families can be served, and returns what r has stored at
// that moment. As long as the families and the names in the registry are the same,
// so is what is decided.
func (r *Registry) admitAll(c *collection) []*part {
	root := r.root()
	root.mu.Lock()
	defer root.mu.Unlock()
	for _, w := range c.writers {
		w.complain()
	}
	if last := r.admitted.Load(); last != nil && last.fits(c, &root.names) {
		for _, i := range last.order {
			c.sorted = append(c.sorted, c.families[i])
		}
	} else {
		r.admitAnew(c)
	}
	r.tidy()
	return load(&r.parts)
}

// complain makes errors of what can't be exposed, in the order of the families.
func (w *Writer) complain() {
	if !slices.ContainsFunc(w.written(), (*written).incomplete) {
		return
	}
	for _, f := range slices.SortedFunc(slices.Values(w.written()), compareWritten) {
		if f.incomplete() {
			w.fail(f.err())
		}
	}
}

func compareWritten(a, b *written) int { return sample.CompareNames(a.family.Name, b.family.Name) }

// admission is what was decided about some families.
type admission struct {
	families []*checked
	names    uint64 // the version of the registry's names
	order    []int
}

func (a *admission) fits(c *collection, names *nameTable) bool {
	return a.names == names.version && slices.EqualFunc(a.families, c.families, func(a *checked, f *written) bool { return a == f.checked })
}

// admitAnew decides about all families, and keeps what was decided if it is simply
// that each of them is served.
func (r *Registry) admitAnew(c *collection) {
	a := assembly{registry: r.root(), byName: make(map[string]*written), taken: make(map[string]*declaration)}
	simple := true
	for _, w := range c.writers {
		for _, f := range slices.SortedFunc(slices.Values(w.written()), compareWritten) {
			if err := a.admit(f); err != nil {
				w.fail(err)
				simple = false
			}
		}
	}
	a.settle()
	c.sorted = slices.AppendSeq(c.sorted, maps.Values(a.byName))
	slices.SortFunc(c.sorted, compareWritten)
	r.admitted.Store(nil)
	if simple && len(c.sorted) == len(c.families) {
		r.admitted.Store(newAdmission(c, &r.root().names))
	}
}

func newAdmission(c *collection, names *nameTable) *admission {
	a := &admission{names: names.version}
	for i, f := range c.families {
		a.families, a.order = append(a.families, f.checked), append(a.order, i)
	}
	small.Sort(a.order, func(i, j int) int { return compareWritten(c.families[i], c.families[j]) })
	return a
}

// assembly is what is served of what collectors wrote.
type assembly struct {
	registry *Registry // the root
	byName   map[string]*written
	taken    map[string]*declaration // every sample name, and whose it is
}

// admit adds a family to those that are served, or says why it can't be.
func (a *assembly) admit(f *written) error {
	if f.ready.Len() == 0 {
		return nil
	}
	if first := a.byName[f.family.Name]; first != nil {
		what := f.declared.differs(&first.declared)
		if what == differentLabels {
			what = first.mix(f.declared.allLabels())
		}
		if what == "" && f.native() != first.native() {
			what = "having native buckets"
		}
		if what != "" {
			return conflict(&f.declared, &first.declared, theyDiffer(what))
		}
		first.join(f)
		return nil
	}
	for _, n := range f.claims {
		other := a.registry.names.other(n, &f.declared)
		if other == nil {
			other = a.taken[n]
		}
		if other != nil {
			return conflict(&f.declared, other, bothExpose(n))
		}
	}
	for _, n := range f.claims {
		a.taken[n] = &f.declared
	}
	a.registry.names.shadow(f.claims)
	a.byName[f.family.Name] = f
	return nil
}

// settle decides which of the families are shadowed.
func (a *assembly) settle() {
	names, first := &a.registry.names, make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(a.byName)) {
		f := a.byName[name]
		shadowed := false
		for _, b := range f.bases {
			shadowed = shadowed || names.samples[b] != nil || len(names.bases[b]) > 0 || a.taken[b] != nil || first[b]
			first[b] = true
		}
		if shadowed { // and stays it: concurrent scrapes share the family
			f.family.Shadow(true)
		}
	}
}

// reportErrors counts and logs a collector's errors and returns them with its
// name.
func (r *Registry) reportErrors(w *Writer) []error {
	errs := w.errs
	for i, err := range errs {
		errs[i] = fmt.Errorf("collector %s: %w", w.source.name, err)
		r.own.failures.With(w.source.name).Inc()
		r.logFailure(w.source, err)
	}
	return errs
}

func (r *Registry) logFailure(s *source, err error) {
	if r.log == nil {
		return
	}
	args := []any{"collector", s.name, "error", err}
	if p, ok := errors.AsType[*panicError](err); ok {
		args = append(args, "stack", string(p.stack))
	}
	r.log(context.Background(), slog.LevelError, "collector failed", args...)
}

// reportDuplicates counts samples that were left out, and logs the first time.
func (r *Registry) reportDuplicates(f *written) error {
	n := f.dropped
	r.own.duplicates.With(f.family.Name).AddUint(uint64(n))
	if r.log != nil && f.source.firstTime(f.family.Name) {
		r.log(context.Background(), slog.LevelWarn, "duplicate samples left out",
			"collector", f.source.name, "metric", f.family.Name, "samples", n)
	}
	return fmt.Errorf("collector %s: metric %q: samples left out because their labels were there already: %d",
		f.source.name, f.family.Name, n)
}
