package sample

import "slices"

// Select returns a batch of the samples with these indices, in this order.
func (b *Batch) Select(f *Family, indices []int) *Batch {
	out := new(Batch)
	for _, i := range indices {
		out.Take(f, b, i)
	}
	return out
}

// Arrange fills b, which is empty, with all columns but the label text of other,
// which is of the same family: sample i is that of other at places[i].
func (b *Batch) Arrange(f *Family, other *Batch, places []uint32) {
	b.Whole = arrange(b.Whole, other.Whole, places, 1)
	b.Sums = arrange(b.Sums, other.Sums, places, 1)
	b.States = arrange(b.States, other.States, places, 1)
	b.Times = arrange(b.Times, other.Times, places, 1)
	b.Created = arrange(b.Created, other.Created, places, 1)
	switch f.Kind {
	case Histogram, GaugeHistogram:
		b.Counts = arrange(b.Counts, other.Counts, places, len(f.Bounds)+1)
	case Summary:
		b.Counts = arrange(b.Counts, other.Counts, places, 1)
		b.Values = arrange(b.Values, other.Values, places, len(f.Ranks))
	default:
		b.Values = arrange(b.Values, other.Values, places, 1)
	}
	if len(other.Natives)+len(other.Exemplars) == 0 {
		return
	}
	for i, place := range places {
		b.takeNative(i, other.Native(int(place)))
		b.takeExemplars(i, other, int(place))
	}
}

// arrange appends the values of a column, some for each place, if it has any. It is
// not inlined: a call is nothing beside what it does.
//
//go:noinline
func arrange[T any](dst, column []T, places []uint32, each int) []T {
	switch {
	case len(column) == 0:
		return dst
	case each > 1:
		for _, place := range places {
			dst = append(dst, column[int(place)*each:][:each]...)
		}
		return dst
	}
	for _, place := range places {
		dst = append(dst, column[place])
	}
	return dst
}

// Append adds all samples of other, which is of the same family.
func (b *Batch) Append(f *Family, other *Batch) {
	for i := range other.Len() {
		b.Take(f, other, i)
	}
}

// Take adds sample i of other, which is of the same family.
func (b *Batch) Take(f *Family, other *Batch, i int) {
	n := b.Len()
	b.SetTime(other.Time(i))
	b.SetCreated(other.CreatedAt(i))
	b.takeNative(n, other.Native(i))
	b.takeExemplars(n, other, i)
	b.Text = append(b.Text, other.Labels(i)...)
	b.Ends = append(b.Ends, uint32(len(b.Text)))
	switch f.Kind {
	case Counter:
		b.Whole = append(b.Whole, other.Whole[i])
		b.Values = append(b.Values, other.Values[i])
	case Gauge, Unknown:
		b.Values = append(b.Values, other.Values[i])
	case Histogram, GaugeHistogram:
		b.Counts = append(b.Counts, other.Buckets(f, i)...)
		b.Sums = append(b.Sums, other.Sums[i])
	case Summary:
		b.Counts = append(b.Counts, other.Counts[i])
		b.Sums = append(b.Sums, other.Sums[i])
		b.Values = append(b.Values, other.Quantiles(f, i)...)
	case StateSet:
		b.States = append(b.States, other.States[i])
	}
}

// takeExemplars adds the exemplars of sample i of other to sample n.
func (b *Batch) takeExemplars(n int, other *Batch, i int) {
	for _, e := range other.ExemplarsOf(i) {
		start := len(b.Notes)
		b.Notes = append(b.Notes, other.Note(&e)...)
		b.AddExemplar(n, int(e.Bucket), start, e.Value, e.Time)
	}
}

// takeNative adds a copy of native, or a place that is empty, for sample i.
func (b *Batch) takeNative(i int, native *Native) {
	if native == nil && len(b.Natives) == 0 {
		return
	}
	for len(b.Natives) < i {
		b.AddNative().Present = false
	}
	added := b.AddNative()
	if native == nil {
		added.Present = false
		return
	}
	positive, negative := append(added.Positive, native.Positive...), append(added.Negative, native.Negative...)
	*added = *native
	added.Positive, added.Negative = positive, negative
}

// SetTime sets the timestamp of the sample that is about to be added. The
// column is there only if some sample has one.
func (b *Batch) SetTime(t int64) { b.Times = setTime(b.Times, b.Len(), t) }

// SetCreated sets when the sample that is about to be added began to count. The
// column is there only if that is known of some sample.
func (b *Batch) SetCreated(t int64) { b.Created = setTime(b.Created, b.Len(), t) }

// setTime adds time n to a column, which begins with the first that there is.
func setTime(column []int64, n int, t int64) []int64 {
	if len(column) == 0 {
		if t == NoTime {
			return column
		}
		column = slices.Grow(column, n+1)
		for range n {
			column = append(column, NoTime)
		}
	}
	return append(column, t)
}
