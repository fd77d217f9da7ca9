package fennel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// assemble puts together what the collectors wrote, in the order of their names
// and of their labels, and what r has stored. Both are as of the same moment, so
// that they fit together whatever is declared or forgotten meanwhile.
func (r *Registry) assemble(writers []*Writer) (stored []*part, collected []*written, errs []error) {
	if len(writers) == 0 {
		return r.stored(), nil, nil
	}
	root := r.root()
	a := assembly{registry: root, byName: make(map[string]*written), taken: make(map[string]*declaration)}
	stored = a.admitAll(writers, r)
	for _, w := range writers {
		w.source.remember(w.families, w.request)
		errs = append(errs, root.reportErrors(w)...)
	}
	for _, name := range slices.SortedFunc(maps.Keys(a.byName), sample.CompareNames) {
		f := a.byName[name]
		if n := f.sort(); n > 0 {
			errs = append(errs, root.reportDuplicates(f, n))
		}
		collected = append(collected, f)
	}
	return stored, collected, errs
}

// assembly is what is served of what collectors wrote.
type assembly struct {
	registry *Registry // the root
	byName   map[string]*written
	taken    map[string]*declaration // every sample name, and whose it is
}

// admitAll admits what can be served, and returns what r has stored at that
// moment.
func (a *assembly) admitAll(writers []*Writer, r *Registry) []*part {
	a.registry.mu.Lock()
	defer a.registry.mu.Unlock()
	for _, w := range writers {
		for _, name := range slices.Sorted(maps.Keys(w.families)) {
			f := w.families[name]
			if err := errors.Join(f.err(), a.admit(f)); err != nil {
				w.fail(err)
			}
		}
	}
	a.settle()
	r.tidy()
	return load(&r.parts)
}

// admit adds a family to those that are served, or says why it can't be.
func (a *assembly) admit(f *written) error {
	if f.batch.Len() == 0 {
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
		first.batch.Append(&first.family, &f.batch)
		first.others = append(first.others, f.source)
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
		r.own.failures.With(selfCollector{w.source.name}).Inc()
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
func (r *Registry) reportDuplicates(f *written, n int) error {
	r.own.duplicates.With(selfMetric{f.family.Name}).AddUint(uint64(n))
	if r.log != nil && f.source.firstTime(f.family.Name) {
		r.log(context.Background(), slog.LevelWarn, "duplicate samples left out",
			"collector", f.source.name, "metric", f.family.Name, "samples", n)
	}
	return fmt.Errorf("collector %s: metric %q: samples left out because their labels were there already: %d",
		f.source.name, f.family.Name, n)
}

// written is a family that a collector writes in one scrape.
type written struct {
	*checked
	source *source
	others []*source // that have written it, too
	batch  sample.Batch

	// orders has the order of each set of label names, once there are several.
	orders map[string]string

	samples leftOut // that can't be exposed
	extras  leftOut // exemplars and start times of samples that can

	picks []pick // working memory of HistogramWriter
}

// checked is the part of it that lasts.
type checked struct {
	named
	family sample.Family
	layout series.Layout
}

// mix lets samples with these labels live beside those with others. It returns
// what is wrong if their names are the same in another order: then one series
// could be written twice.
func (f *written) mix(labels []string) (problem string) {
	if f.orders == nil {
		f.orders = make(map[string]string)
		f.mix(f.declared.allLabels())
	}
	order := strings.Join(labels, "\x00")
	set := strings.Join(slices.Sorted(slices.Values(labels)), "\x00")
	if known, ok := f.orders[set]; ok && known != order {
		return "the order of their labels"
	}
	f.orders[set] = order
	f.family.Mix()
	return ""
}

// err returns what is to be said of what was left out.
func (f *written) err() error {
	return errors.Join(f.samples.err(&f.family, "samples"), f.extras.err(&f.family, "exemplars or start times"))
}

// leftOut is what can't be exposed.
type leftOut struct {
	count   int
	problem string // the first one's
}

// leaveOut notes something that can't be exposed, of a sample with these values.
func (l *leftOut) leaveOut(values []string, problem string) {
	if l.count == 0 {
		// A copy, so that the slices of all other calls can stay on the stack.
		l.problem = fmt.Sprintf("sample %.200q: %s", slices.Clone(values), problem)
	}
	l.count++
}

func (l *leftOut) err(f *sample.Family, what string) error {
	if l.count == 0 {
		return nil
	}
	return fmt.Errorf("metric %q: %s left out: %d, the first: %s", f.Name, what, l.count, l.problem)
}

// sort puts the samples in order and drops those that are there twice. It
// returns how many it dropped.
func (f *written) sort() (dropped int) {
	sorted := sortSamples(&f.family, &f.batch)
	if sorted == &f.batch {
		return 0
	}
	dropped = f.batch.Len() - sorted.Len()
	f.batch = *sorted
	return dropped
}

// sortSamples returns a batch in order without what is there twice. It is b if
// there is nothing to do.
func sortSamples(f *sample.Family, b *sample.Batch) *sample.Batch {
	if inOrder(b) {
		return b
	}
	indices := make([]int, b.Len())
	for i := range indices {
		indices[i] = i
	}
	compare := func(i, j int) int { return compareSamples(b, i, b, j) }
	slices.SortStableFunc(indices, compare)
	indices = slices.CompactFunc(indices, func(i, j int) bool { return compare(i, j) == 0 })
	return b.Select(f, indices)
}

// compareSamples orders samples by their labels and times.
func compareSamples(a *sample.Batch, i int, b *sample.Batch, j int) int {
	return cmp.Or(series.Compare(a.Key(i), b.Key(j)), cmp.Compare(a.Time(i), b.Time(j)))
}

// inOrder reports whether there is nothing to sort or drop.
func inOrder(b *sample.Batch) bool {
	for i := 1; i < b.Len(); i++ {
		if series.Compare(b.Key(i-1), b.Key(i)) >= 0 {
			return false
		}
	}
	return true
}
