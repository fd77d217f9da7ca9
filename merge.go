package fennel

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// Merge returns several gatherers, registries or parts of them, as one, in which
// each family is there once and in its place. Their collectors run at the same
// time.
//
// A family that several of them have has the samples of all. It has to be the
// same: where the type, the help, the unit, the buckets, quantiles or states
// differ, or where two families would expose a sample of one name in any format,
// that of the first gatherer is served, the other is left out, and a
// *[GatherError] says so for as long as they are both declared. Of samples with
// the same labels the first gatherer's is served, and that is reported, too. What
// registries expose about themselves is added up.
//
// What is given twice, or is a view of another that is given, is served once;
// nil is nothing. Keep what Merge returns from one scrape to the next: it keeps
// what has to be worked out only once.
func Merge(gatherers ...Gatherer) Gatherer {
	m := &merged{series: newSeriesFamily()}
	for _, g := range gatherers {
		m.add(g, nil)
	}
	return m
}

// merged is several gatherers as one.
type merged struct {
	inputs []input
	plan   atomic.Pointer[plan]
	series *checked // like that of a registry
}

// input is a gatherer to be merged, without the restrictions around it.
type input struct {
	gatherer Gatherer // a *Registry, or one that isn't of this package
	only     []map[string]bool
}

func (m *merged) add(g Gatherer, only []map[string]bool) {
	switch g := g.(type) {
	case nil:
	case restricted:
		m.add(g.Gatherer, append(slices.Clip(only), g.names))
	case *merged:
		for _, in := range g.inputs {
			m.add(in.gatherer, slices.Concat(only, in.only))
		}
	case *Registry:
		m.addRegistry(g, only)
	default:
		m.inputs = append(m.inputs, input{g, only})
	}
}

// addRegistry adds a registry, unless one that is there has all of it. Of one
// that has all of others these are dropped.
func (m *merged) addRegistry(r *Registry, only []map[string]bool) {
	if r == nil {
		return
	}
	in := input{r, only}
	if slices.ContainsFunc(m.inputs, in.within) {
		return
	}
	for i, other := range m.inputs {
		if other.within(in) {
			m.inputs[i] = in
			rest := slices.DeleteFunc(m.inputs[i+1:], func(other input) bool { return other.within(in) })
			m.inputs = m.inputs[:i+1+len(rest)]
			return
		}
	}
	m.inputs = append(m.inputs, in)
}

// within reports whether other has all that in has.
func (in input) within(other input) bool {
	r, ok := in.gatherer.(*Registry)
	outer, both := other.gatherer.(*Registry)
	return ok && both && len(other.only) == 0 && r.within(outer)
}

// wants reports whether the restrictions let a family with these names through.
func (in input) wants(names []string) bool {
	return len(in.only) == 0 || (&sample.Request{Sets: in.only}).Wants(names...)
}

// Visit implements [Gatherer].
func (m *merged) Visit(ctx context.Context, req *sample.Request, v sample.Visitor) error {
	pieces, errs, err := m.begin(ctx, req)
	if err != nil {
		return err
	}
	var c *census
	if m.counts(req, pieces) {
		c = censuses.Get().(*census)
		defer c.release()
		c.checked = m.series
		pieces = slices.Insert(pieces, 0, piece{named: &m.series.named, family: &m.series.family, batch: &c.batch})
	}
	p := m.planFor(pieces, req.All())
	if c != nil {
		p.count(c, pieces)
	}
	duplicates, err := p.visit(ctx, req, pieces, v)
	if err != nil {
		return err
	}
	return withErrors(slices.Concat(errs, p.errs, duplicates))
}

// counts reports whether it is to be said how many series there are.
func (m *merged) counts(req *sample.Request, pieces []piece) bool {
	return req != nil && req.Self && req.Wants(m.series.names...) &&
		slices.ContainsFunc(pieces, func(p piece) bool { return p.counted })
}

// piece is what one input has of a family.
type piece struct {
	*named
	family  *sample.Family
	part    *part         // if it is stored
	batch   *sample.Batch // if it is not
	sources []*source     // that have written the batch
	counted bool          // in the family that says how many series there are
}

// samples returns what reads the piece.
func (p *piece) samples() samples {
	if p.part != nil {
		return samples{members: load(&p.part.members)}
	}
	return samples{batch: p.batch}
}

// begin lets the collectors of all inputs run, and returns what there is of each
// family, in the order of the inputs.
func (m *merged) begin(ctx context.Context, req *sample.Request) (pieces []piece, errs []error, err error) {
	all := make([]begun, len(m.inputs))
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wait sync.WaitGroup
	for i, in := range m.inputs {
		wait.Go(func() {
			all[i].run(inner, in, req)
			if all[i].err != nil {
				cancel(all[i].err) // nobody needs the others
			}
		})
	}
	wait.Wait()
	n := 0
	for i := range all {
		if all[i].panicked != nil {
			panic(all[i].panicked) // in the goroutine of the caller, who may expect it
		}
		n += len(all[i].pieces)
	}
	if err := context.Cause(inner); err != nil {
		return nil, nil, cmp.Or(ctx.Err(), err)
	}
	pieces = make([]piece, 0, n+1)
	for i := range all {
		pieces, errs = append(pieces, all[i].pieces...), append(errs, all[i].errs...)
	}
	return pieces, errs, nil
}

// begun is an input whose collectors have run.
type begun struct {
	pieces   []piece
	errs     []error
	err      error
	panicked any
}

func (b *begun) run(ctx context.Context, in input, req *sample.Request) {
	returned := false
	defer func() {
		if b.panicked = recover(); b.panicked != nil {
			b.err = errors.New("fennel: Merge: a gatherer panicked")
		} else if !returned {
			b.err = errors.New("fennel: Merge: a gatherer ended its goroutine")
		}
	}()
	for _, set := range in.only {
		req = req.And(set)
	}
	if r, ok := in.gatherer.(*Registry); ok {
		b.registry(ctx, in, r, req)
	} else {
		b.other(ctx, in, req)
	}
	returned = true
}

// registry has the collectors run. What is stored is there in any case, wanted
// or not, so that it is decided in the same way at each scrape what goes together.
func (b *begun) registry(ctx context.Context, in input, r *Registry, req *sample.Request) {
	g, err := r.begin(ctx, req)
	if err != nil {
		b.err = err
		return
	}
	b.errs = g.errs
	own := r.root().own.series
	counted := own != nil && in.wants(own.names)
	b.pieces = make([]piece, 0, len(g.stored)+len(g.collected))
	for _, p := range g.stored {
		if in.wants(p.names) {
			b.pieces = append(b.pieces, piece{named: &p.named, family: &p.Family, part: p, counted: counted})
		}
	}
	for _, f := range g.collected {
		b.pieces = append(b.pieces, piece{
			named: &f.named, family: &f.family, batch: &f.batch,
			sources: append(f.others, f.source), counted: counted,
		})
	}
}

// other keeps all that a gatherer has of which nothing else is known.
func (b *begun) other(ctx context.Context, in input, req *sample.Request) {
	err := in.gatherer.Visit(ctx, req, (*keeper)(b))
	var partial *GatherError
	if errors.As(err, &partial) {
		b.errs = partial.Errors
	} else {
		b.err = err
	}
}

// keeper copies what it visits.
type keeper begun

// Visit implements [sample.Visitor].
func (k *keeper) Visit(f *sample.Family, b *sample.Batch) error {
	n := len(k.pieces)
	if n == 0 || k.pieces[n-1].family != f {
		d := newDeclaration(f.Kind, f.Name, f.Help, options{unit: f.Unit})
		d.labels, d.bounds, d.ranks, d.states = f.Labels, f.Bounds, f.Ranks, f.States
		named := newNamed(d)
		k.pieces = append(k.pieces, piece{named: &named, family: f, batch: new(sample.Batch)})
		n++
	}
	k.pieces[n-1].batch.Append(f, b)
	return nil
}
