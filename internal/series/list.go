package series

import "iter"

// list is a list of series in chunks. To add to a long one takes no longer than to
// a short one: nothing is moved.
type list struct {
	first, last *chunk
	n           int
}

type chunk struct {
	series []*Series
	next   *chunk
}

const chunkSeries = 256

func (l *list) add(s *Series) {
	switch {
	case l.last == nil:
		l.first = new(chunk)
		l.last = l.first
	case len(l.last.series) == chunkSeries:
		l.last.next = new(chunk)
		l.last = l.last.next
	}
	l.last.series = append(l.last.series, s)
	l.n++
}

// takeFirst takes out the first chunk of a list that is not empty.
func (l *list) takeFirst() []*Series {
	c := l.first
	l.first = c.next
	if l.first == nil {
		l.last = nil
	}
	l.n -= len(c.series)
	return c.series
}

// all yields the series in the order in which they were added.
func (l *list) all() iter.Seq[*Series] {
	return func(yield func(*Series) bool) {
		for c := l.first; c != nil; c = c.next {
			for _, s := range c.series {
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
