package fennel

import (
	"cmp"
	"slices"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
	"github.com/fennelmetrics/fennel/internal/small"
)

// roster has the label texts of a family that a collector writes, in order, and
// remembers in which order they were written.
//
// Most collectors write the same label sets at each scrape. So a scrape expects
// those of the scrape before: a label set that is the expected one costs one
// comparison, and when all were as expected nothing need be rendered, compared or
// sorted. A label set that is not expected next is looked up: some collectors
// iterate over maps. What is not found is new, is rendered, and takes its place at
// the end.
type roster struct {
	known  texts    // of the scrape before, each different, in order
	order  []uint32 // which of them each sample had; empty if that is of no use
	places []uint32 // the inverse: which sample has each of them
	// straight says that order and places change nothing.
	straight bool
	escaped  bool // there is a backslash in a text
	index    textIndex
	indexed  bool // index is one of known

	// What follows is of this scrape. A sample has one of known, or, with a number
	// behind theirs, one of fresh.
	has     []uint32 // by sample
	next    int      // the sample of the scrape before that is expected
	astray  bool     // not all samples were as expected
	misses  int      // how many were not
	taken   []uint32 // by known text: the sample that has it, or nobody; if astray
	fresh   texts
	owners  []uint32 // by fresh text: the sample that has it, or nobody if it is known
	strange bool     // some texts are of another layout than the others

	spare  texts    // memory
	sorted []uint32 // memory
}

// nobody stands for a sample where none has a text.
const nobody = 1<<32 - 1

// add adds a sample. It reports whether its values had to be mended.
func (r *roster) add(l *series.Layout, values []string) (mended bool) {
	if r.next < len(r.order) && !r.strange {
		if i := r.order[r.next]; l.Renders(r.known.at(i), r.escaped, values) && r.take(i) {
			r.next++
			return false
		}
	}
	return r.stray(l, values)
}

// take gives a known text to the sample that is being added, unless another has
// it.
func (r *roster) take(i uint32) bool {
	if r.astray {
		if r.taken[i] != nobody {
			return false
		}
		r.taken[i] = uint32(len(r.has))
	}
	r.has = append(r.has, i)
	return true
}

// stray adds a sample that is not the expected one.
func (r *roster) stray(l *series.Layout, values []string) (mended bool) {
	if !r.astray {
		r.goAstray()
	}
	r.misses++
	if r.misses <= unindexed && !r.strange && r.skip(l, values) {
		return false
	}
	if i, ok := r.find(l, values); ok && r.take(i) {
		r.expectAfter(i)
		return false
	}
	start := len(r.fresh.bytes)
	r.fresh.bytes, mended = l.Render(r.fresh.bytes, values)
	r.escaped = r.escaped || series.Escaped(r.fresh.bytes[start:])
	r.owners = append(r.owners, uint32(len(r.has)))
	r.has = append(r.has, uint32(r.known.len()+r.fresh.len()))
	r.fresh.ends = append(r.fresh.ends, uint32(len(r.fresh.bytes)))
	return mended
}

// wipe makes the roster ready for the next scrape, which expects what this one has
// brought. That is of no use if there are strangers among it; nor is what is so long
// that another such lot might not fit.
func (r *roster) wipe() {
	if r.strange || len(r.known.bytes) > maxText {
		r.known.reset()
		r.order, r.places, r.indexed = r.order[:0], r.places[:0], false
	}
	r.escaped = r.escaped && r.known.len() > 0
	r.has, r.owners = r.has[:0], r.owners[:0]
	r.next, r.misses, r.astray, r.strange = 0, 0, false, false
	r.fresh.reset()
}

// goAstray notes which texts are taken, now that that is not the same for all
// samples as at the scrape before.
func (r *roster) goAstray() {
	r.astray = true
	r.taken = slices.Grow(r.taken[:0], r.known.len())[:r.known.len()]
	for i := range r.taken {
		r.taken[i] = nobody
	}
	for sample, i := range r.has {
		r.taken[i] = uint32(sample)
	}
}

// maxSkip is how many samples may be gone in a row for the next to be found at
// once.
const maxSkip = 4

// skip adds a sample that is expected soon, because those before it are gone.
func (r *roster) skip(l *series.Layout, values []string) bool {
	for ahead := r.next + 1; ahead < min(r.next+1+maxSkip, len(r.order)); ahead++ {
		if i := r.order[ahead]; l.Renders(r.known.at(i), r.escaped, values) && r.take(i) {
			r.next = ahead + 1
			return true
		}
	}
	return false
}

// unindexed is how many samples may be new before it is worth it to look each of
// them up. One that is not new is found at the end, when all are put in order.
const unindexed = 64

// find looks up which of the known texts belongs to values.
func (r *roster) find(l *series.Layout, values []string) (i uint32, ok bool) {
	if r.misses <= unindexed || r.known.len() == 0 || r.strange {
		return 0, false
	}
	if !r.indexed {
		r.index.build(l, &r.known)
		r.indexed = true
	}
	return r.index.find(l, &r.known, r.escaped, values)
}

// expectAfter expects what was written behind this text at the scrape before. That
// is not worth it where the order is always another: then only now and then.
func (r *roster) expectAfter(i uint32) {
	switch {
	case len(r.order) == 0:
	case 2*r.misses > len(r.has) && len(r.has)%16 != 0:
		r.next = len(r.order)
	case r.straight:
		r.next = int(i) + 1
	default:
		r.next = int(r.places[i]) + 1
	}
}

// settle puts the samples in order when all are added. They are compared by their
// labels and then by time. It returns which sample is in which place, nil if all
// are where they were written, and how many are left out because they are there
// twice.
func (r *roster) settle(b *sample.Batch) (places []uint32, dropped int) {
	switch {
	case !r.astray && len(r.has) == r.known.len():
		r.order, r.has = r.has, r.order
	case r.known.len() == 0 && r.fresh.inOrder():
		r.known, r.fresh = r.fresh, r.known
		r.order, r.has = r.has, r.order
		r.straight = true
	default:
		if !r.astray {
			r.goAstray()
		}
		dropped = r.merge(b)
	}
	if r.straight || len(r.has)+len(r.order) == 0 {
		return nil, dropped
	}
	return r.places, dropped
}

// recognize finds those among the first new texts that are known.
func (r *roster) recognize() {
	unknown := 0
	for k, sample := range r.owners {
		if k < unindexed {
			if i, ok := r.known.search(r.fresh.at(uint32(k))); ok && r.taken[i] == nobody {
				r.taken[i], r.has[sample], r.owners[k] = sample, i, nobody
				continue
			}
		}
		unknown++
	}
	if unknown == 0 {
		r.owners = r.owners[:0]
	}
}

// merge puts new texts between those that are known, and drops those that no
// sample has.
func (r *roster) merge(b *sample.Batch) (dropped int) {
	r.recognize()
	if len(r.owners) == 0 && len(r.has) == r.known.len() {
		r.order, r.has = r.has, r.order
		r.places, r.taken = r.taken, r.places
		r.straight = isStraight(r.places)
		return 0
	}
	m := merging{roster: r, batch: b, places: r.places[:0]}
	r.spare.reset()
	fresh := r.sortFresh(b)
	for i, sample := range r.taken {
		if sample == nobody {
			continue
		}
		text := r.known.at(uint32(i))
		for len(fresh) > 0 && m.precedes(fresh[0], text, sample) {
			m.add(r.fresh.at(fresh[0]), r.owners[fresh[0]])
			fresh = fresh[1:]
		}
		m.add(text, sample)
	}
	for _, k := range fresh {
		m.add(r.fresh.at(k), r.owners[k])
	}
	r.known, r.spare = r.spare, r.known
	r.places, r.indexed = m.places, false
	r.straight = isStraight(r.places)
	r.strange = r.strange || m.repeated
	r.reorder(m.dropped == 0)
	return m.dropped
}

// sortFresh returns the numbers of the new texts in order.
func (r *roster) sortFresh(b *sample.Batch) []uint32 {
	sorted := r.sorted[:0]
	for k, sample := range r.owners {
		if sample != nobody {
			sorted = append(sorted, uint32(k))
		}
	}
	r.sorted = sorted
	if r.fresh.inOrder() {
		return sorted
	}
	small.Sort(sorted, func(x, y uint32) int {
		if c := series.Compare(r.fresh.at(x), r.fresh.at(y)); c != 0 {
			return c
		}
		return compareTimes(b, r.owners[x], r.owners[y])
	})
	return sorted
}

// compareTimes orders two samples with the same labels by their times, and by which
// was written first.
func compareTimes(b *sample.Batch, x, y uint32) int {
	return cmp.Or(cmp.Compare(b.Time(int(x)), b.Time(int(y))), cmp.Compare(x, y))
}

// reorder notes the order in which the samples were written, if it is worth to be
// expected again.
func (r *roster) reorder(useful bool) {
	r.order = r.order[:0]
	if !useful {
		return
	}
	r.order = slices.Grow(r.order, len(r.places))[:len(r.places)]
	for i, sample := range r.places {
		r.order[sample] = uint32(i)
	}
}

// isStraight reports whether each number is in the place that it names.
func isStraight(numbers []uint32) bool {
	for i, n := range numbers {
		if n != uint32(i) {
			return false
		}
	}
	return true
}

// merging is a merge that is going on. Its output is the roster's spare memory.
type merging struct {
	*roster
	batch    *sample.Batch
	places   []uint32
	dropped  int
	repeated bool // one text is there several times, with other times
}

// precedes reports whether new text k belongs before that of a sample that is
// known.
func (m *merging) precedes(k uint32, text string, sample uint32) bool {
	c := series.Compare(m.fresh.at(k), text)
	if c == 0 {
		c = compareTimes(m.batch, m.owners[k], sample)
	}
	return c < 0
}

// add adds a sample behind the others. Of those with the same labels and the same
// time the first stays.
func (m *merging) add(text string, sample uint32) {
	out := &m.spare
	if n := out.len(); n > 0 && out.at(uint32(n-1)) == text {
		if m.batch.Time(int(m.places[n-1])) == m.batch.Time(int(sample)) {
			m.dropped++
			return
		}
		m.repeated = true
	}
	out.add(text)
	m.places = append(m.places, sample)
}

// size returns about how many bytes this scrape has needed, and how many there are.
func (r *roster) size() (used, all int) {
	for _, t := range [...]*texts{&r.known, &r.fresh, &r.spare} {
		all += cap(t.bytes) + 4*cap(t.ends)
	}
	for _, s := range [...][]uint32{r.order, r.places, r.has, r.taken, r.owners, r.sorted} {
		all += 4 * cap(s)
	}
	used = len(r.known.bytes) + 4*len(r.known.ends) + len(r.fresh.bytes) + 4*len(r.fresh.ends)
	return used, all + r.index.size()
}
