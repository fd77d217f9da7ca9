package sample

// Select returns a batch of the samples with these indices, in this order.
func (b *Batch) Select(f *Family, indices []int) *Batch {
	out := new(Batch)
	for _, i := range indices {
		out.take(f, b, i)
	}
	return out
}

// Append adds all samples of other, which is of the same family.
func (b *Batch) Append(f *Family, other *Batch) {
	for i := range other.Len() {
		b.take(f, other, i)
	}
}

// take adds sample i of other.
func (b *Batch) take(f *Family, other *Batch, i int) {
	b.SetTime(other.Time(i))
	b.Text = append(b.Text, other.Labels(i)...)
	b.Ends = append(b.Ends, uint32(len(b.Text)))
	switch f.Kind {
	case Counter:
		b.Whole = append(b.Whole, other.Whole[i])
		b.Values = append(b.Values, other.Values[i])
	case Gauge, Unknown:
		b.Values = append(b.Values, other.Values[i])
	case Histogram:
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

// SetTime sets the timestamp of the sample that is about to be added. The
// column is there only if some sample has one.
func (b *Batch) SetTime(t int64) {
	if b.Times == nil {
		if t == NoTime {
			return
		}
		for range b.Len() {
			b.Times = append(b.Times, NoTime)
		}
	}
	b.Times = append(b.Times, t)
}
