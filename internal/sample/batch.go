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
	Counts []uint64  // Histogram: len(Bounds)+1 buckets each, not cumulative; Summary: one count each
	Sums   []float64 // Histogram, Summary: one sum each
	States []uint64  // StateSet: one bit for each state
	Times  []int64   // nanoseconds since 1970; nil for none, NoTime where one has none
}

// NoTime stands in [Batch.Times] for a sample without a timestamp.
const NoTime = -1

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
// may belong to storage.
func (b *Batch) Reset() {
	*b = Batch{
		Ends:   nil,
		Whole:  b.Whole[:0],
		Values: b.Values[:0],
		Counts: b.Counts[:0],
		Sums:   b.Sums[:0],
		States: b.States[:0],
	}
}

// Visitor receives what is gathered.
type Visitor interface {
	// Visit is called with the families in the order of their names, once or
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
}

// And returns a request for what r asks for and is in the set, too.
func (r *Request) And(set map[string]bool) *Request {
	both := &Request{Sets: []map[string]bool{set}}
	if r != nil {
		both.Sets = append(both.Sets, r.Sets...)
	}
	return both
}

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
