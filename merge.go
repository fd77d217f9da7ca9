package fennel

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/small"
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
	series *checked  // like that of a registry
	idle   sync.Pool // of *mergedGathering
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
	g := m.gathering()
	defer m.release(g)
	if err := g.begin(ctx, m.inputs, req); err != nil {
		return err
	}
	c := m.census(g)
	defer c.release()
	p := m.planFor(g.pieces, req.All())
	if req != nil && req.Self && req.Wants(m.series.names...) {
		p.count(c, g.pieces)
	}
	duplicates, err := p.visit(ctx, req, g.pieces, v)
	if err != nil {
		return err
	}
	return withErrors(slices.Concat(g.errs, p.errs, duplicates))
}

// census adds the family that says how many series the others have, still empty,
// if one of the inputs would have it: asked for or not, so that the plan is the same.
func (m *merged) census(g *mergedGathering) *census {
	c := censuses.Get().(*census)
	c.checked = m.series
	if slices.ContainsFunc(g.pieces, func(p piece) bool { return p.counted }) {
		own := piece{named: &m.series.named, family: &m.series.family, batch: &c.batch}
		g.pieces = small.Insert(g.pieces, 0, own)
	}
	return c
}

// mergedGathering is what the inputs have at one moment.
type mergedGathering struct {
	begun  []begun
	pieces []piece // of all, in the order of the inputs
	errs   []error
}

// gathering returns an empty one, perhaps with the memory of a former scrape.
func (m *merged) gathering() *mergedGathering {
	if g, ok := m.idle.Get().(*mergedGathering); ok {
		return g
	}
	return &mergedGathering{begun: make([]begun, len(m.inputs))}
}

// release keeps the memory for the next scrape, and nothing that it refers to.
func (m *merged) release(g *mergedGathering) {
	clear(g.pieces)
	g.pieces, g.errs = g.pieces[:0], nil
	for i := range g.begun {
		if g.begun[i].memory != nil {
			g.begun[i].memory.free()
		}
		clear(g.begun[i].pieces)
		g.begun[i] = begun{pieces: g.begun[i].pieces[:0]}
	}
	m.idle.Put(g)
}

// piece is what one input has of a family.
type piece struct {
	*named
	family  *sample.Family
	part    *part         // if it is stored
	batch   *sample.Batch // if it is not
	sources []*source     // that have written the batch
	counted bool          // in the family that says how many series there are
	peek    bool          // the values are only looked at
}

// samples returns what reads the piece.
func (p *piece) samples() samples {
	if p.part != nil {
		return samples{members: load(&p.part.members), peek: p.peek}
	}
	return samples{batch: p.batch}
}

// begin lets the collectors of all inputs run, at the same time.
func (g *mergedGathering) begin(ctx context.Context, inputs []input, req *sample.Request) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wait sync.WaitGroup
	for i, in := range inputs {
		wait.Go(func() {
			b := &g.begun[i]
			if b.run(inner, in, req); b.err != nil {
				cancel(b.err) // nobody needs the others
			}
		})
	}
	wait.Wait()
	for i := range g.begun {
		if p := g.begun[i].panicked; p != nil {
			panic(p) // in the goroutine of the caller, who may expect it
		}
	}
	if err := context.Cause(inner); err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	for i := range g.begun {
		b := &g.begun[i]
		g.pieces, g.errs = append(g.pieces, b.pieces...), append(g.errs, b.errs...)
	}
	return nil
}

// begun is an input whose collectors have run.
type begun struct {
	pieces   []piece
	errs     []error
	err      error
	panicked any
	memory   memory // of what was collected
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
	b.errs, b.memory = g.errs, g.memory
	own := r.root().own.series
	counted := own != nil && in.wants(own.names)
	b.pieces = slices.Grow(b.pieces, len(g.stored)+len(g.collected))
	for _, p := range g.stored {
		if in.wants(p.names) {
			b.pieces = append(b.pieces, piece{named: &p.named, family: &p.Family, part: p, counted: counted, peek: req.Peeks()})
		}
	}
	for _, f := range g.collected {
		b.pieces = append(b.pieces, piece{
			named: &f.named, family: &f.family, batch: f.ready,
			sources: f.sources, counted: counted,
		})
	}
}

// other keeps all that a gatherer has of which nothing else is known.
func (b *begun) other(ctx context.Context, in input, req *sample.Request) {
	err := in.gatherer.Visit(ctx, req, (*keeper)(b))
	if partial, ok := errors.AsType[*GatherError](err); ok {
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
		d := newDeclaration(f.Kind, f.Name, f.Help, &options{unit: f.Unit})
		d.labels, d.bounds, d.ranks, d.states = f.Labels, f.Bounds, f.Ranks, f.States
		named := newNamed(d)
		k.pieces = append(k.pieces, piece{named: &named, family: f, batch: new(sample.Batch)})
		n++
	}
	k.pieces[n-1].batch.Append(f, b)
	return nil
}
