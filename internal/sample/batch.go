package sample

import (
	"slices"
	"unsafe"
)

// Batch is a run of samples of one family, in the order in which they are
// exposed. Which columns are filled depends on the kind of the family.
//
// A visitor may read a batch, and what it refers to, only until Visit returns.
type Batch struct {
	// Sample i's labels are Text[Ends[i-1]:Ends[i]], rendered as in
	// `method="GET",status="200"`, escaped, with label names outside the old
	// charset in quotes.
	Text []byte
	Ends []uint32
	// Start is where the text of the first sample begins.
	Start uint32

	Whole  []uint64  // Counter: the integer part of the value
	Values []float64 // Counter: what is not in Whole; Gauge, Unknown: the value; Summary: len(Ranks) quantiles each
	Counts []uint64  // histograms: len(Bounds)+1 buckets each, not cumulative; Summary: one count each
	Sums   []float64 // histograms, Summary: one sum each
	States []uint64  // StateSet: one bit for each state
	Times  []int64   // nanoseconds since 1970; nil for none, NoTime where one has none

	// Created is when each counter, histogram or summary began to count, in
	// nanoseconds since 1970; empty for none, NoTime where it isn't known.
	Created []int64
	// Natives are the native parts of histograms; empty if none has one.
	Natives []Native
	// Exemplars are those of all samples, sorted by Sample and then by Bucket.
	Exemplars []Exemplar
	// Notes holds the label text of the exemplars.
	Notes []byte

	// Peek says that the values are only looked at: filling the batch must not
	// change what the next scrape reads.
	Peek bool
}

// NoTime stands in [Batch.Times] for a sample without a timestamp.
const NoTime = -1

// Native is the native part of a histogram, in the terms of
// https://prometheus.io/docs/specs/native_histograms. The count of all
// observations is the sum of its counts.
type Native struct {
	Present       bool // false for a histogram with classic buckets only
	Schema        int32
	ZeroThreshold float64
	ZeroCount     uint64
	Positive      []NativeBucket // with rising indices
	Negative      []NativeBucket // with rising indices, from 0 away
}

// NativeBucket is a bucket of a native histogram that is not empty. Index i ends
// at 2^(i * 2^-schema).
type NativeBucket struct {
	Index int32
	Count uint64
}

// Total is the number of observations.
func (n *Native) Total() uint64 {
	total := n.ZeroCount
	for _, b := range n.Positive {
		total += b.Count
	}
	for _, b := range n.Negative {
		total += b.Count
	}
	return total
}

// Exemplar is an example of what a sample counts.
type Exemplar struct {
	Sample     int32  // the index of the sample in the batch
	Bucket     int32  // of a histogram; NoBucket for a native one without classic buckets
	Start, End uint32 // of the label text in Notes, rendered as that of samples
	Value      float64
	Time       int64 // nanoseconds since 1970; there always is one
}

// NoBucket stands in [Exemplar.Bucket] where there are no classic buckets.
const NoBucket = -1

// MaxNoteRunes is how many code points the names and values of an exemplar's
// labels may have in all (OpenMetrics 1.0, "Exemplars").
const MaxNoteRunes = 128

// Note returns the label text of an exemplar.
func (b *Batch) Note(e *Exemplar) []byte { return b.Notes[e.Start:e.End] }

// ExemplarsOf returns the exemplars of sample i.
func (b *Batch) ExemplarsOf(i int) []Exemplar {
	if len(b.Exemplars) == 0 {
		return nil
	}
	bySample := func(e Exemplar, i int) int { return int(e.Sample) - i }
	start, _ := slices.BinarySearchFunc(b.Exemplars, i, bySample)
	end, _ := slices.BinarySearchFunc(b.Exemplars, i+1, bySample)
	return b.Exemplars[start:end]
}

// CreatedAt returns when sample i began to count in nanoseconds since 1970, or
// NoTime.
func (b *Batch) CreatedAt(i int) int64 {
	if len(b.Created) == 0 {
		return NoTime
	}
	return b.Created[i]
}

// Native returns the native part of histogram i, or nil.
func (b *Batch) Native(i int) *Native {
	if len(b.Natives) == 0 || !b.Natives[i].Present {
		return nil
	}
	return &b.Natives[i]
}

// AddNative adds a native part, which is to be filled, for the next histogram.
// Its slices are empty and may have capacity from before the batch was reset.
func (b *Batch) AddNative() *Native {
	n := len(b.Natives)
	if n == cap(b.Natives) {
		b.Natives = append(b.Natives, Native{})
	} else {
		b.Natives = b.Natives[:n+1]
	}
	native := &b.Natives[n]
	*native = Native{Present: true, Positive: native.Positive[:0], Negative: native.Negative[:0]}
	return native
}

// AddExemplar adds an exemplar whose label text was just appended to Notes, from
// start on.
func (b *Batch) AddExemplar(sample, bucket, start int, value float64, time int64) {
	b.Exemplars = append(b.Exemplars, Exemplar{
		Sample: int32(sample), Bucket: int32(bucket),
		Start: uint32(start), End: uint32(len(b.Notes)),
		Value: value, Time: time,
	})
}

// Len returns the number of samples.
func (b *Batch) Len() int { return len(b.Ends) }

// Labels returns the label text of sample i.
func (b *Batch) Labels(i int) []byte {
	if i == 0 {
		return b.Text[b.Start:b.Ends[0]]
	}
	return b.Text[b.Ends[i-1]:b.Ends[i]]
}

// Key returns the label text of sample i as a string, which is as short-lived as
// the batch.
func (b *Batch) Key(i int) string {
	labels := b.Labels(i)
	return unsafe.String(unsafe.SliceData(labels), len(labels))
}

// Time returns the timestamp of sample i in nanoseconds since 1970, or NoTime.
func (b *Batch) Time(i int) int64 {
	if b.Times == nil {
		return NoTime
	}
	return b.Times[i]
}

// Buckets returns the bucket counts of histogram i, not cumulative.
func (b *Batch) Buckets(f *Family, i int) []uint64 {
	n := len(f.Bounds) + 1
	return b.Counts[i*n : (i+1)*n]
}

// Quantiles returns the quantile values of summary i, one for each rank.
func (b *Batch) Quantiles(f *Family, i int) []float64 {
	n := len(f.Ranks)
	return b.Values[i*n : (i+1)*n]
}

// Reset empties all columns and keeps their memory. The text is let go: it
// may belong to storage. It is not inlined: a call is nothing beside what it does.
//
//go:noinline
func (b *Batch) Reset() {
	*b = Batch{
		Ends:   nil,
		Whole:  b.Whole[:0],
		Values: b.Values[:0],
		Counts: b.Counts[:0],
		Sums:   b.Sums[:0],
		States: b.States[:0],

		Created:   b.Created[:0],
		Natives:   b.Natives[:0],
		Exemplars: b.Exemplars[:0],
		Notes:     b.Notes[:0],
	}
}

// Size returns about how many bytes of memory the columns use, and how many they
// have. The text is not counted.
func (b *Batch) Size() (used, all int) {
	used = 8*(len(b.Whole)+len(b.Values)+len(b.Counts)+len(b.Sums)+len(b.States)+len(b.Times)+len(b.Created)) + len(b.Notes)
	all = 8*(cap(b.Whole)+cap(b.Values)+cap(b.Counts)+cap(b.Sums)+cap(b.States)+cap(b.Times)+cap(b.Created)) + cap(b.Notes)
	used += len(b.Exemplars) * int(unsafe.Sizeof(Exemplar{}))
	all += cap(b.Exemplars) * int(unsafe.Sizeof(Exemplar{}))
	for i, n := range b.Natives[:cap(b.Natives)] {
		size := int(unsafe.Sizeof(n)) + (cap(n.Positive)+cap(n.Negative))*int(unsafe.Sizeof(NativeBucket{}))
		if all += size; i < len(b.Natives) {
			used += size
		}
	}
	return used, all
}

// Visitor receives what is gathered.
type Visitor interface {
	// Visit is called with the families in the order of CompareNames, once or
	// more for each that has samples, with a run of its samples each time. An
	// error ends the gathering and is returned from it.
	Visit(f *Family, b *Batch) error
}

// Request says what is asked for.
//
// A nil request asks for everything.
type Request struct {
	// Sets are sets of names. A family is asked for if each set has one of its
	// names: any that its samples or headers have in any format.
	Sets []map[string]bool

	// Self asks for what a registry has to say about itself at every scrape,
	// too. What it counts only when something has gone wrong is there anyway.
	Self bool

	// Peek asks to have no effect on what others read, as a scrape may have that
	// lets histograms begin anew.
	Peek bool
}

// All reports whether everything is asked for, as far as it goes by names.
func (r *Request) All() bool { return r == nil || len(r.Sets) == 0 }

// And returns a request for what r asks for and is in the set, too.
func (r *Request) And(set map[string]bool) *Request {
	both := &Request{Sets: []map[string]bool{set}}
	if r != nil {
		both.Sets = append(both.Sets, r.Sets...)
		both.Self, both.Peek = r.Self, r.Peek
	}
	return both
}

// Peeks reports whether the request is to have no effect.
func (r *Request) Peeks() bool { return r != nil && r.Peek }

// Wants reports whether a family with these names is asked for.
func (r *Request) Wants(names ...string) bool {
	if r == nil {
		return true
	}
	for _, set := range r.Sets {
		if !slices.ContainsFunc(names, func(name string) bool { return set[name] }) {
			return false
		}
	}
	return true
}
