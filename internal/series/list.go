package series

import "iter"

// list is a list of series in chunks. To add to a long one takes no longer than to
// a short one: nothing is moved.
type list struct {
	few         []*Series // the first of them, up to a chunk: most lists stay short
	first, last *chunk    // those behind
	n           int
}

// chunk has its series in itself, and not in a slice, so that the garbage collector
// comes to them before it does through the index: see order.
type chunk struct {
	series [chunkSeries]*Series
	n      int
	next   *chunk
}

const chunkSeries = 256

func (l *list) add(s *Series) {
	l.n++
	switch {
	case l.first == nil && len(l.few) < chunkSeries:
		l.few = append(l.few, s)
		return
	case l.first == nil:
		l.first = new(chunk)
		l.last = l.first
	case l.last.n == chunkSeries:
		l.last.next = new(chunk)
		l.last = l.last.next
	}
	l.last.series[l.last.n] = s
	l.last.n++
}

// takeFirst takes out the first chunk of a list that is not empty.
func (l *list) takeFirst() []*Series {
	taken := l.few
	if len(taken) > 0 {
		l.few = nil
	} else {
		c := l.first
		l.first = c.next
		if l.first == nil {
			l.last = nil
		}
		taken = c.series[:c.n]
	}
	l.n -= len(taken)
	return taken
}

// all yields the series in the order in which they were added.
func (l *list) all() iter.Seq[*Series] {
	return func(yield func(*Series) bool) {
		for _, s := range l.few {
			if !yield(s) {
				return
			}
		}
		for c := l.first; c != nil; c = c.next {
			for _, s := range c.series[:c.n] {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// living returns those that are not dead, with their texts.
func (l *list) living() []placed {
	living := make([]placed, 0, l.n)
	for s := range l.all() {
		if !s.Dead() {
			living = append(living, placed{s, s.Labels()})
		}
	}
	return living
}
