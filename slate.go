package fennel

import "slices"

// slate is what one call of a collector writes on. It is wiped and used again when
// the scrape is over, so that in the long run nothing is allocated, and so that
// what the last call wrote can be expected of the next.
//
// A slate belongs to one call at a time. One whose collector is late is never used
// again: it may still be written on.
type slate struct {
	families map[string]*written // by the names that the collector uses
	list     []*written          // those of this scrape, in the order of declaration
	opts     options             // memory of declaring
	learned  bool                // a family was declared that the source didn't know
}

// maxKept is how large a slate may be, in bytes, to be kept until it is used again.
// Larger ones are left to the garbage collector, which lets them live until the
// next scrape if that comes soon.
const maxKept = 16 << 20

// slate returns an empty slate.
func (s *source) slate() *slate {
	if kept := s.kept.Swap(nil); kept != nil {
		return kept
	}
	if spare, ok := s.spare.Get().(*slate); ok {
		return spare
	}
	return &slate{families: make(map[string]*written)}
}

// giveBack takes a slate that is not used any more after a scrape, of all families
// or not.
func (s *source) giveBack(used *slate, all bool) {
	if used.wipe(all) > maxKept || !s.kept.CompareAndSwap(nil, used) {
		s.spare.Put(used)
	}
}

// maxIdle is for how many scrapes with a filter the memory of a family is kept that
// they don't ask for.
const maxIdle = 8

// wipe makes the slate empty after a scrape, of all families or not, and returns
// about how many bytes it keeps.
func (s *slate) wipe(all bool) (size int) {
	for name, f := range s.families {
		switch {
		case f.used:
			f.wipe()
		case all || f.idle == maxIdle:
			delete(s.families, name)
			continue
		default:
			f.idle++
		}
		size += f.kept
	}
	clear(s.list)
	s.list, s.learned = s.list[:0], false
	return size
}

// options returns what options say. It is valid until the next call.
func (s *slate) options(opts []WriterOption) *options {
	o := &s.opts
	*o = options{constLabels: o.constLabels[:0], labelNames: o.labelNames[:0]}
	for _, opt := range opts {
		if opt != nil {
			opt.forWriter(o)
		}
	}
	return o
}

// known returns the family that the collector has declared in the same words
// before, in this scrape or a former one, or nil.
func (s *slate) known(d *declaration) *written {
	if f := s.families[d.name]; f != nil && sameWords(&f.words, d) {
		return f
	}
	return nil
}

// settle puts what was written in order.
func (s *slate) settle() {
	for _, f := range s.list {
		f.settle()
	}
}

// wordsOf returns a copy of a declaration as a collector makes it, before a view has
// added to it.
func wordsOf(d *declaration) declaration {
	return declaration{
		kind: d.kind, name: d.name, help: d.help, unit: d.unit,
		consts: slices.Clone(d.consts), labels: slices.Clone(d.labels),
		bounds: slices.Clone(d.bounds), ranks: slices.Clone(d.ranks), states: slices.Clone(d.states),
	}
}

// sameWords reports whether two declarations were made in the same words.
func sameWords(d, e *declaration) bool {
	return d.kind == e.kind && d.name == e.name && d.help == e.help && d.unit == e.unit &&
		slices.Equal(d.labels, e.labels) && slices.Equal(d.consts, e.consts) &&
		slices.Equal(d.bounds, e.bounds) && slices.Equal(d.ranks, e.ranks) && slices.Equal(d.states, e.states)
}
