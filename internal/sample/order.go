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
	for _, e := range other.ExemplarsOf(i) {
		start := len(b.Notes)
		b.Notes = append(b.Notes, other.Note(&e)...)
		b.AddExemplar(n, int(e.Bucket), start, e.Value, e.Time)
	}
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
