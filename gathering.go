package fennel

import (
	"context"
	"sync"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// gathering is what a registry, or a view, has at one moment. Its collectors have
// run.
type gathering struct {
	registry  *Registry
	request   *sample.Request
	stored    []*part    // not all of it need be wanted
	collected []*written // both in order
	errs      []error
	memory    memory // of what is collected; nil for none
}

// memory is what collected families lie in, as a *[collection] has it. It is behind an
// interface, and so linked into programs that have collectors only.
type memory interface {
	// keep notes that the list of the families may have moved.
	keep(sorted []*written)
	// free gives the memory back, when nobody reads any more what was written. No
	// other type has a method of this name, as that would be linked along with it.
	free()
}

// begin lets the collectors run that may have what is wanted.
func (r *Registry) begin(ctx context.Context, req *sample.Request) (gathering, error) {
	r.init()
	if err := ctx.Err(); err != nil {
		return gathering{}, err
	}
	if sources := load(&r.sources); len(sources) > 0 {
		return sources[0].gather(r, ctx, req)
	}
	return gathering{registry: r, request: req, stored: r.stored()}, nil
}

// release gives back the memory of what was collected.
func (g *gathering) release() {
	if g.memory != nil {
		g.memory.free()
	}
}

// visit hands over all that is wanted.
func (g *gathering) visit(ctx context.Context, v sample.Visitor) error {
	batch := batches.Get().(*sample.Batch)
	defer putBatch(batch)
	collected := g.collected
	for _, p := range g.stored {
		for len(collected) > 0 && sample.CompareNames(collected[0].family.Name, p.Name) < 0 {
			if err := collected[0].visit(ctx, batch, v); err != nil {
				return err
			}
			collected = collected[1:]
		}
		if !g.request.Wants(p.names...) {
			continue
		}
		all := samples{members: load(&p.members), peek: g.request.Peeks()}
		if err := all.visit(ctx, &p.Family, batch, v); err != nil {
			return err
		}
	}
	for _, f := range collected {
		if err := f.visit(ctx, batch, v); err != nil {
			return err
		}
	}
	return nil
}

var batches = sync.Pool{New: func() any { return new(sample.Batch) }}

func putBatch(b *sample.Batch) {
	b.Reset()
	batches.Put(b)
}

// visit hands over what a collector wrote.
func (f *written) visit(ctx context.Context, b *sample.Batch, v sample.Visitor) error {
	all := samples{batch: f.ready}
	return all.visit(ctx, &f.family, b, v)
}

// samples reads the samples of one family, a run at a time.
type samples struct {
	members []*member // that are still to come
	member  *member
	pages   series.Reader // of it
	batch   *sample.Batch // of what is not stored, if it is still to come
	peek    bool          // the values are only looked at
}

// next returns the next run, for which it may use b, or nil at the end.
func (s *samples) next(b *sample.Batch) *sample.Batch {
	for {
		page := s.pages.Next()
		if page == nil {
			if len(s.members) == 0 {
				break
			}
			s.member, s.members = s.members[0], s.members[1:]
			s.pages = s.member.table.Read()
			continue
		}
		b.Reset()
		page.Fill(b)
		series.Fetch(page.Series)
		b.Peek = s.peek
		s.member.load(s.member, b, page.Series)
		if b.Len() > 0 {
			return b
		}
	}
	if b = s.batch; b == nil || b.Len() == 0 {
		return nil
	}
	s.batch = nil
	return b
}

// visit hands over all of them as samples of f.
func (s *samples) visit(ctx context.Context, f *sample.Family, b *sample.Batch, v sample.Visitor) error {
	for run := s.next(b); run != nil; run = s.next(b) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := v.Visit(f, run); err != nil {
			return err
		}
	}
	return nil
}

// withErrors returns a *GatherError, or nil if nothing went wrong.
func withErrors(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return &GatherError{Errors: errs}
}
