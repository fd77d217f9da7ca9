package fennel

import (
	"context"
	"fmt"
	"slices"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// plan is what [Merge] makes of the families that its inputs have. As long as
// those are the same, so is the plan.
type plan struct {
	made   []planned // for these, in the order of the pieces
	united []*united // in the order in which they are exposed
	errs   []error   // why some are left out
}

type planned struct {
	family   *sample.Family
	shadowed bool
}

// united is a family that one or several of the inputs have.
type united struct {
	pieces []int // their indices
	of     []*sample.Family
	family *sample.Family // as it is exposed: that of the only one, or a copy
	sum    bool           // samples with the same labels are added up
}

// planFor returns a plan for these pieces. If they are all that there is, it is
// kept for the next scrape.
func (m *merged) planFor(pieces []piece, all bool) *plan {
	old := m.plan.Load()
	if old != nil && old.fits(pieces) {
		return old
	}
	p := newPlan(pieces, old)
	if all {
		m.plan.Store(p)
	}
	return p
}

func (p *plan) fits(pieces []piece) bool {
	return slices.EqualFunc(p.made, pieces, func(m planned, p piece) bool {
		return m.family == p.family && m.shadowed == p.family.Shadowed()
	})
}

// planner makes a plan.
type planner struct {
	plan
	pieces []piece
	byName map[string]*united
	taken  map[string]*named // every sample name in any format, and whose it is
}

// newPlan makes a plan. Copies of families are taken over from the old one, since
// formats keep with them what they have prepared.
func newPlan(pieces []piece, old *plan) *plan {
	p := planner{pieces: pieces, byName: make(map[string]*united), taken: make(map[string]*named)}
	for i := range pieces {
		p.made = append(p.made, planned{pieces[i].family, pieces[i].family.Shadowed()})
		if err := p.admit(i); err != nil {
			p.errs = append(p.errs, err)
		}
	}
	p.settle()
	slices.SortFunc(p.united, func(a, b *united) int { return sample.CompareNames(a.family.Name, b.family.Name) })
	p.takeOver(old)
	return &p.plan
}

// admit adds a piece to those that are served, or says why it can't be.
func (p *planner) admit(i int) error {
	piece := &p.pieces[i]
	name := piece.family.Name
	if u := p.byName[name]; u != nil {
		first := &p.pieces[u.pieces[0]]
		if what := differently(piece.family, first.family); what != "" {
			return conflict(&piece.declared, &first.declared, theyDiffer(what))
		}
		u.add(i, piece.family)
		return nil
	}
	for _, n := range piece.claims {
		if other := p.taken[n]; other != nil {
			return conflict(&piece.declared, &other.declared, bothExpose(n))
		}
	}
	for _, n := range piece.claims {
		p.taken[n] = piece.named
	}
	u := &united{family: piece.family}
	u.add(i, piece.family)
	u.sum = isOwn(name) && (piece.family.Kind == sample.Counter || piece.family.Kind == sample.Gauge)
	p.byName[name] = u
	p.united = append(p.united, u)
	return nil
}

func (u *united) add(i int, f *sample.Family) {
	u.pieces = append(u.pieces, i)
	if !slices.Contains(u.of, f) {
		u.of = append(u.of, f)
	}
}

// differently names the first thing in which families of one name differ so that
// they can't be one.
func differently(a, b *sample.Family) string {
	switch {
	case a == b:
		return ""
	case a.Kind != b.Kind:
		return "type"
	case a.Help != b.Help:
		return "help"
	case a.Unit != b.Unit:
		return "unit"
	case !slices.Equal(a.Bounds, b.Bounds):
		return "buckets"
	case !slices.Equal(a.Ranks, b.Ranks):
		return "quantiles"
	case !slices.Equal(a.States, b.States):
		return "states"
	}
	return ""
}

// settle decides which of the families are shadowed, and copies those that can't
// be exposed as one of the inputs has them: others may be reading that.
func (p *planner) settle() {
	bases := make(map[string]bool)
	for _, u := range p.united {
		first := &p.pieces[u.pieces[0]]
		shadowed := slices.ContainsFunc(u.of, (*sample.Family).Shadowed) ||
			slices.ContainsFunc(first.bases, func(b string) bool { return p.taken[b] != nil || bases[b] })
		if !shadowed {
			for _, b := range first.bases {
				bases[b] = true
			}
		}
		if len(u.of) > 1 || shadowed != first.family.Shadowed() {
			u.family = first.family.Copy()
			u.family.Shadow(shadowed)
		}
	}
}

// takeOver replaces copies by those that the old plan made of the same families.
func (p *planner) takeOver(old *plan) {
	if old == nil {
		return
	}
	for _, u := range old.united {
		now := p.byName[u.family.Name]
		if now != nil && slices.Equal(now.of, u.of) && now.family.Shadowed() == u.family.Shadowed() {
			now.family = u.family
		}
	}
}

// visit hands over all families that are wanted. It returns an error for each that
// had samples twice.
func (p *plan) visit(ctx context.Context, req *sample.Request, pieces []piece, v sample.Visitor) (errs []error, err error) {
	batch := batches.Get().(*sample.Batch)
	defer putBatch(batch)
	for _, u := range p.united {
		first := &pieces[u.pieces[0]]
		if !req.Wants(first.names...) {
			continue
		}
		if len(u.pieces) == 1 {
			if first.family.Mixed() { // which a copy doesn't know by itself
				u.family.Mix()
			}
			all := first.samples()
			if err := all.visit(ctx, u.family, batch, v); err != nil {
				return nil, err
			}
			continue
		}
		dropped, err := u.visit(ctx, pieces, batch, v)
		if err != nil {
			return nil, err
		}
		if dropped > 0 {
			errs = append(errs, fmt.Errorf("metric %q: samples left out because another registry has their labels, too: %d", u.family.Name, dropped))
		}
	}
	return errs, nil
}

// count adds up how many series the families have.
func (p *plan) count(c *census, pieces []piece) {
	for _, u := range p.united {
		n := 0
		for _, h := range u.heads(pieces) {
			if h.counted {
				n += h.series()
			}
		}
		c.add(u.family.Name, n)
	}
	c.write()
}
