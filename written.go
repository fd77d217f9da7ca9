package fennel

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// written is a family that a collector writes in one scrape.
type written struct {
	*checked
	words   declaration // as the collector makes it
	source  *source
	sources []*source // it, and others that have written the family, too

	used bool // in this scrape
	idle int  // for how many it was not
	kept int  // about how many bytes it has

	// batch has the samples in the order in which they are written, and roster
	// their labels.
	batch  sample.Batch
	roster roster
	// ready is one of the batches when all are in order: joined if several
	// collectors have written the family, else arranged if that is needed.
	ready    *sample.Batch
	arranged sample.Batch
	joined   sample.Batch
	dropped  int // because they were there twice

	// orders has the order of each set of label names, once there are several.
	orders map[string]string

	samples leftOut // that can't be exposed
	extras  leftOut // exemplars and start times of samples that can

	picks []pick  // working memory of HistogramWriter
	times []int64 // memory of a column that is nil for most

	// Working memory of callbacks, for the labels of one sample.
	values []string
	digits []byte
}

// add adds the labels of a sample, and reports whether they had to be mended. Until
// the family is settled, the ends in the batch only count its samples.
func (f *written) add(s *shape, values []string) (mended bool) {
	if s != &f.shape {
		f.roster.strange = true
	}
	mended = f.roster.add(&s.layout, values)
	f.batch.Ends = f.roster.has
	return mended
}

// settle puts the samples in order and drops those that are there twice.
func (f *written) settle() {
	places, dropped := f.roster.settle(&f.batch)
	f.dropped, f.ready = dropped, &f.batch
	if places != nil {
		f.ready = &f.arranged
		f.arranged.Arrange(&f.family, &f.batch, places)
	}
	f.ready.Text, f.ready.Ends = f.roster.known.bytes, f.roster.known.ends
}

// join adds what another collector has written of the same family, which is in
// order only after sortJoined.
func (f *written) join(other *written) {
	if len(f.sources) == 1 {
		f.joined.Append(&f.family, f.ready)
		f.ready = &f.joined
	}
	f.joined.Append(&f.family, other.ready)
	f.sources = append(f.sources, other.source)
	f.dropped += other.dropped
}

// sortJoined puts what several collectors have written in order.
func (f *written) sortJoined() {
	if len(f.sources) > 1 {
		before := f.ready.Len()
		f.ready = sortSamples(&f.family, f.ready)
		f.dropped += before - f.ready.Len()
	}
}

// minKept is how much memory of a family is kept in any case, in bytes.
const minKept = 64 << 10

// wipe makes the family ready for the next scrape. Its memory is kept, unless it
// once was many times as large.
func (f *written) wipe() {
	used, size := f.roster.size()
	for _, b := range [...]*sample.Batch{&f.batch, &f.arranged, &f.joined} {
		u, s := b.Size()
		used, size = used+u, size+s
	}
	used, size = used+len(f.joined.Text), size+cap(f.joined.Text)
	if size > 8*used+minKept {
		f.batch, f.arranged, f.joined = sample.Batch{}, sample.Batch{}, sample.Batch{}
		f.roster, f.times, f.picks = roster{}, nil, nil
		size = 0
	}
	if f.batch.Times != nil {
		f.times = f.batch.Times[:0]
	}
	f.batch.Reset()
	f.arranged.Reset()
	emptied(&f.joined)
	f.roster.wipe()
	f.used, f.idle, f.kept = false, 0, size
	f.ready, f.dropped, f.orders, f.sources = nil, 0, nil, f.sources[:1]
	f.samples, f.extras = leftOut{}, leftOut{}
	clear(f.values[:cap(f.values)]) // which are not ours to keep
}

// checked is the part of it that lasts.
type checked struct {
	named
	family sample.Family
	shape  shape
}

// shape is which labels samples have.
type shape struct {
	labels []string // that vary
	layout series.Layout
}

func newShape(d *declaration) *shape {
	return &shape{labels: slices.Clone(d.labels), layout: series.NewLayout(d.constPairs(), d.labels)}
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

// incomplete reports whether something was left out because it can't be exposed.
func (f *written) incomplete() bool { return f.samples.count+f.extras.count > 0 }

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
