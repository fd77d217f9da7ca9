package fennel

import (
	"context"
	"slices"
	"strings"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// head is the next sample of one of the families that are brought together.
type head struct {
	samples
	family  *sample.Family
	sources []*source
	counted bool

	run    *sample.Batch // in which it is; nil at the end
	index  int
	memory *sample.Batch
}

// heads returns what reads the pieces of a family. Parts of one registry's family,
// views of it, are read as one.
func (u *united) heads(pieces []piece) []head {
	heads := make([]head, 0, len(u.pieces))
	for _, i := range u.pieces {
		p := &pieces[i]
		h := head{samples: p.samples(), family: p.family, sources: p.sources, counted: p.counted}
		same := -1
		if p.part != nil {
			same = slices.IndexFunc(heads, func(other head) bool { return other.family == p.family && other.batch == nil })
		}
		if same < 0 {
			heads = append(heads, h)
			continue
		}
		members := slices.Concat(heads[same].members, h.members)
		slices.SortFunc(members, compareMembers)
		heads[same].members = slices.Compact(members)
		heads[same].counted = heads[same].counted || h.counted
	}
	return heads
}

// series returns how many series there are, before the first is read.
func (h *head) series() int {
	if h.batch != nil {
		return h.batch.Len()
	}
	return countSeries(h.members)
}

// advance goes on to the next sample.
func (h *head) advance() {
	if h.index++; h.run == nil || h.index >= h.run.Len() {
		h.run, h.index = h.next(h.memory), 0
	}
}

func (h *head) compare(other *head) int {
	return compareSamples(h.run, h.index, other.run, other.index)
}

// joiner brings the samples of a family together that several inputs have.
type joiner struct {
	*united
	heads   []head
	out     sample.Batch
	dropped int
}

// joinRun is how many samples are handed over at a time.
const joinRun = 256

// visit hands over the samples of several pieces in order, and returns how many it
// left out because another has them.
func (u *united) visit(ctx context.Context, pieces []piece, b *sample.Batch, v sample.Visitor) (dropped int, err error) {
	j := joiner{united: u, heads: u.heads(pieces)}
	if len(j.heads) == 1 {
		return 0, j.heads[0].visit(ctx, u.family, b, v)
	}
	if u.mixed() {
		u.family.Mix()
		j.reorder()
	}
	for i := range j.heads {
		h := &j.heads[i]
		h.memory = batches.Get().(*sample.Batch)
		defer putBatch(h.memory)
		h.advance()
	}
	for more := true; more; {
		more = j.step()
		if j.out.Len() == 0 || more && j.out.Len() < joinRun {
			continue
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := v.Visit(u.family, &j.out); err != nil {
			return 0, err
		}
		emptied(&j.out)
	}
	return j.dropped, nil
}

// step moves one sample to the output, and reports whether there was one.
func (j *joiner) step() bool {
	var first *head
	for i := range j.heads {
		h := &j.heads[i]
		if h.run != nil && (first == nil || h.compare(first) < 0) {
			first = h
		}
	}
	if first == nil {
		return false
	}
	j.out.Take(j.family, first.run, first.index)
	for i := range j.heads {
		h := &j.heads[i]
		if h == first || h.run == nil || h.compare(first) != 0 {
			continue
		}
		switch {
		case j.sum:
			j.addUp(h)
		case j.family.Name != sample.TargetInfo && !h.sharesSource(first):
			j.dropped++
		}
		h.advance()
	}
	first.advance()
	return true
}

// sharesSource reports whether a collector has written both, being gathered twice
// over. Then nothing is lost, and nothing wrong.
func (h *head) sharesSource(other *head) bool {
	return slices.ContainsFunc(h.sources, func(s *source) bool { return slices.Contains(other.sources, s) })
}

// addUp adds a sample to the one that was moved to the output last.
func (j *joiner) addUp(h *head) {
	b, n := &j.out, j.out.Len()-1
	if j.family.Kind == sample.Counter {
		before := b.Whole[n]
		if b.Whole[n] += h.run.Whole[h.index]; b.Whole[n] < before {
			b.Values[n] += 1 << 64
		}
		created := h.run.CreatedAt(h.index)
		if created != sample.NoTime && b.CreatedAt(n) != sample.NoTime {
			b.Created[n] = min(b.Created[n], created)
		}
	}
	b.Values[n] += h.run.Values[h.index]
}

// mixed reports whether the samples have different labels.
func (u *united) mixed() bool {
	return slices.ContainsFunc(u.of, func(f *sample.Family) bool {
		return f.Mixed() || !slices.Equal(f.Labels, u.of[0].Labels)
	})
}

// reorder sees to it that all samples with the same names of labels have them in
// one order. Else one series could be written twice.
func (j *joiner) reorder() {
	known := make(orders)
	for i := range j.heads {
		h := &j.heads[i]
		if !h.family.Mixed() && slices.Equal(known.of(h.family.Labels), h.family.Labels) {
			continue
		}
		batch := known.apply(h)
		sorted := sortSamples(h.family, batch)
		j.dropped += batch.Len() - sorted.Len()
		h.samples = samples{batch: sorted}
	}
}

// orders has the order of each set of label names.
type orders map[string][]string

// of returns the order of the names, which is theirs if there was none yet.
func (o orders) of(names []string) []string {
	set := strings.Join(slices.Sorted(slices.Values(names)), "\x00")
	if o[set] == nil {
		o[set] = slices.Clone(names)
	}
	return o[set]
}

// apply returns all samples with their labels in the orders that are known.
func (o orders) apply(h *head) *sample.Batch {
	all, memory := new(sample.Batch), new(sample.Batch)
	for run := h.next(memory); run != nil; run = h.next(memory) {
		all.Append(h.family, run)
	}
	var text []byte
	ends := make([]uint32, 0, all.Len())
	var names []string
	values := make(map[string]string)
	for i := range all.Len() {
		names = names[:0]
		for name, value := range series.Labels(all.Key(i)) {
			names = append(names, name)
			values[name] = value
		}
		for n, name := range o.of(names) {
			text = series.AppendLabel(text, n == 0, name, values[name])
		}
		ends = append(ends, uint32(len(text)))
	}
	all.Text, all.Ends, all.Start = text, ends, 0
	return all
}
