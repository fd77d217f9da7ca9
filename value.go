package fennel

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// SampleValue returns the value of one sample of g, for tests and checks. The
// name is the sample's, and the labels are all that it has, in any order:
//
//	requests_total            a counter; so a gauge, an unknown, and an info, which is 1
//	latency_seconds_count     a histogram or a summary; so _sum
//	latency_seconds_bucket    a histogram, with the label le
//	latency_seconds           a summary, with the label quantile
//	queue_age_seconds_gcount  a gauge histogram; so _gsum and _bucket
//	phase                     a stateset, with a state as the label phase: 1 if it is on
//	requests_created          a counter requests_total; so histograms and summaries:
//	                          when it began to count, in seconds since 1970
//
// The labels le and quantile are compared as numbers: "1" and "1.0" are the same.
// No other metric is read, and no callback or [Describer] is called that doesn't
// have this one. If there is no such sample, or ctx is done before it is found, ok
// is false.
func SampleValue(ctx context.Context, g Gatherer, name string, labels ...Label) (value float64, ok bool) {
	if g == nil {
		return 0, false
	}
	q := &query{name: name, labels: labels}
	// What went wrong elsewhere changes nothing about a sample that is there.
	_ = Only(g, name).Visit(ctx, &sample.Request{Peek: true}, q)
	return q.value, q.found
}

// query looks for one sample.
type query struct {
	name   string
	labels []Label
	value  float64
	found  bool
}

// errFound ends a gathering that need not go on.
var errFound = errors.New("fennel: the sample is found")

// Visit looks for the sample among those of a family.
func (q *query) Visit(f *sample.Family, b *sample.Batch) error {
	read, labels := q.reader(f)
	if read == nil {
		return nil
	}
	is := matcher(f, labels)
	for i := range b.Len() {
		if !is(b.Key(i)) {
			continue
		}
		if value, ok := read(b, i); ok {
			q.value, q.found = value, true
			return errFound
		}
	}
	return nil
}

// valueReader returns a value of sample i, and whether it has that.
type valueReader func(b *sample.Batch, i int) (value float64, ok bool)

// reader returns how to read the value that is asked for in this family, and the
// labels that the family's samples have to have. It is nil for a family that has no
// such value.
func (q *query) reader(f *sample.Family) (valueReader, []Label) {
	if f.Kind == sample.Counter && q.name == f.Kind.Base(f.Name)+"_created" {
		return readCreated, q.labels
	}
	suffix, ok := strings.CutPrefix(q.name, f.Name)
	if !ok {
		return nil, nil
	}
	composite := f.Kind.IsHistogram() || f.Kind == sample.Summary
	gauge := f.Kind == sample.GaugeHistogram
	switch {
	case suffix == "" && f.Kind == sample.Summary:
		return q.chosen("quantile", func(rank string) valueReader { return quantileReader(f, rank) })
	case suffix == "" && f.Kind == sample.StateSet:
		return q.chosen(f.Name, func(state string) valueReader { return stateReader(f, state) })
	case suffix == "_bucket" && f.Kind.IsHistogram():
		return q.chosen("le", func(bound string) valueReader { return bucketReader(f, bound) })
	case suffix == "" && !composite:
		return numberReader(f), q.labels
	case suffix == "_count" && composite || suffix == "_gcount" && gauge:
		return countReader(f), q.labels
	case suffix == "_sum" && composite || suffix == "_gsum" && gauge:
		return func(b *sample.Batch, i int) (float64, bool) { return b.Sums[i], true }, q.labels
	case suffix == "_created" && composite && !gauge:
		return readCreated, q.labels
	}
	return nil, nil
}

// chosen takes the label out that chooses one of a sample's values.
func (q *query) chosen(name string, by func(value string) valueReader) (valueReader, []Label) {
	i := slices.IndexFunc(q.labels, func(l Label) bool { return l.Name == name })
	if i < 0 {
		return nil, nil
	}
	return by(q.labels[i].Value), slices.Delete(slices.Clone(q.labels), i, i+1)
}

func quantileReader(f *sample.Family, rank string) valueReader {
	v, err := strconv.ParseFloat(rank, 64)
	j := slices.Index(f.Ranks, v)
	if err != nil || j < 0 {
		return nil
	}
	return func(b *sample.Batch, i int) (float64, bool) { return b.Quantiles(f, i)[j], true }
}

func stateReader(f *sample.Family, state string) valueReader {
	j := slices.Index(f.States, state)
	if j < 0 {
		return nil
	}
	return func(b *sample.Batch, i int) (float64, bool) { return float64(b.States[i] >> j & 1), true }
}

func bucketReader(f *sample.Family, bound string) valueReader {
	v, err := strconv.ParseFloat(bound, 64)
	j := slices.Index(f.Bounds, v)
	switch {
	case err != nil:
		return nil
	case math.IsInf(v, 1):
		j = len(f.Bounds)
	case j < 0:
		return nil
	}
	return func(b *sample.Batch, i int) (float64, bool) {
		return float64(totalOf(b.Buckets(f, i)[:j+1])), true
	}
}

func countReader(f *sample.Family) valueReader {
	return func(b *sample.Batch, i int) (float64, bool) {
		if f.Kind == sample.Summary {
			return float64(b.Counts[i]), true
		}
		return float64(totalOf(b.Buckets(f, i))), true
	}
}

func totalOf(counts []uint64) (total uint64) {
	for _, n := range counts {
		total += n
	}
	return total
}

func numberReader(f *sample.Family) valueReader {
	return func(b *sample.Batch, i int) (float64, bool) {
		switch f.Kind {
		case sample.Counter:
			return float64(b.Whole[i]) + b.Values[i], true
		case sample.Info:
			return 1, true
		}
		return b.Values[i], true
	}
}

func readCreated(b *sample.Batch, i int) (float64, bool) {
	t := b.CreatedAt(i)
	return float64(t) / float64(time.Second), t != sample.NoTime
}

// matcher returns whether a label text of the family has these labels and no
// others.
func matcher(f *sample.Family, labels []Label) func(text string) bool {
	if f.Mixed() {
		return func(text string) bool { return hasLabels(text, labels) }
	}
	// All texts have the same names in the same order: render the one to look for.
	var want []byte
	for i, name := range f.Labels {
		j := slices.IndexFunc(labels, func(l Label) bool { return l.Name == name })
		if j < 0 {
			return isNone
		}
		want = series.AppendLabel(want, i == 0, name, series.Mend(labels[j].Value))
	}
	if len(f.Labels) != len(labels) {
		return isNone
	}
	return func(text string) bool { return text == string(want) }
}

func isNone(string) bool { return false }

func hasLabels(text string, labels []Label) bool {
	n := 0
	for name, value := range series.Labels(text) {
		if !slices.ContainsFunc(labels, func(l Label) bool { return l.Name == name && series.Mend(l.Value) == value }) {
			return false
		}
		n++
	}
	return n == len(labels)
}
