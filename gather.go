package fennel

import (
	"context"
	"math"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Gatherer is what can be exposed: a [Registry], or a part of one. Formats and
// transports take a Gatherer.
type Gatherer interface {
	// Visit hands all families to v, in the order of their names but for
	// target_info, which comes first. It is how the packages of this module read a registry, and can only be implemented
	// there; programs use [Gather] and [Only].
	Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error
}

// Visit implements [Gatherer]. It returns what v returned if that was an error,
// the context's error if that is done, or a *[GatherError] if all was visited
// but for what some collectors failed to write.
func (r *Registry) Visit(ctx context.Context, req *sample.Request, v sample.Visitor) error {
	if r == nil {
		return nil
	}
	g, err := r.begin(ctx, req)
	if err != nil {
		return err
	}
	defer g.release()
	if c := g.census(); c != nil {
		defer c.release()
	}
	if err := g.visit(ctx, v); err != nil {
		return err
	}
	return withErrors(g.errs)
}

// Only returns a part of g: the families with these names, which may be those
// of families or of their samples in any format. No work is done for others.
// Without names nothing is left, and a part of nil is nothing.
func Only(g Gatherer, names ...string) Gatherer {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return restricted{g, set}
}

type restricted struct {
	Gatherer
	names map[string]bool
}

// Visit visits what both the restriction and the request name.
func (o restricted) Visit(ctx context.Context, req *sample.Request, v sample.Visitor) error {
	if o.Gatherer == nil {
		return nil
	}
	return o.Gatherer.Visit(ctx, req.And(o.names), v)
}

// Family is a metric family as it was at one moment.
type Family struct {
	Desc
	Samples []Sample // sorted by their labels' values
}

// Sample is one sample of a family. Which fields are set depends on its type.
type Sample struct {
	Labels    []Label
	Value     float64 // counter, gauge, unknown; 1 for an info
	Count     uint64  // histogram, summary
	Sum       float64 // histogram, summary
	Buckets   []Bucket
	Quantiles []Quantile
	Native    *NativeHistogram // nil for a histogram with classic buckets only
	States    []State
	Exemplars []Exemplar
	Created   time.Time // counter, histogram, summary; zero if it isn't known
	Time      time.Time // zero unless a collector gave one
}

// Bucket is a bucket of a histogram.
type Bucket struct {
	UpperBound float64 // inclusive; +Inf for the last
	Count      uint64  // of observations that are not above it
}

// NativeHistogram is the native part of a histogram: buckets whose bounds grow
// by the same factor each, as https://prometheus.io/docs/specs/native_histograms
// has them. The number of observations is the sum of all counts.
type NativeHistogram struct {
	// Schema says how fine the buckets are, from -4 to 8: positive bucket i has
	// what is above 2^((i-1) * 2^-Schema) and not above 2^(i * 2^-Schema), and
	// negative buckets are its mirror image.
	Schema        int
	ZeroThreshold float64 // what is not farther from 0 is in the zero bucket
	ZeroCount     uint64
	Positive      []NativeBucket // with rising indices, each once
	Negative      []NativeBucket // with rising indices, each once
}

// NativeBucket is a bucket of a native histogram.
type NativeBucket struct {
	Index int
	Count uint64 // of observations in this bucket alone
}

// Quantile is a quantile of a summary.
type Quantile struct {
	Rank  float64 // in [0,1]
	Value float64 // NaN if there is none
}

// State is a state of a stateset.
type State struct {
	Name string
	On   bool
}

// Label returns the value of the label of this name, or "".
func (s *Sample) Label(name string) string {
	for _, l := range s.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// Gather returns all metrics with their values, in the order in which they are
// exposed, for tests and for other exporters. The error is as for [Registry.Visit]: with a
// *[GatherError] the families are all the same valid, and what is missing is
// named.
func (r *Registry) Gather(ctx context.Context) ([]Family, error) { return Gather(ctx, r) }

// Gather is [Registry.Gather] for any [Gatherer]. In nil there is nothing.
func Gather(ctx context.Context, g Gatherer) ([]Family, error) {
	if g == nil {
		return nil, nil
	}
	var list familyList
	err := g.Visit(ctx, nil, &list)
	if err != nil && !Partial(err) {
		return nil, err
	}
	return list, err
}

// familyList collects what it visits.
type familyList []Family

func (l *familyList) Visit(f *sample.Family, b *sample.Batch) error {
	if n := len(*l); n == 0 || (*l)[n-1].Name != f.Name {
		*l = append(*l, Family{Desc: descOf(f)})
	}
	last := &(*l)[len(*l)-1]
	for i := range b.Len() {
		last.Samples = append(last.Samples, sampleOf(f, b, i))
	}
	return nil
}

func sampleOf(f *sample.Family, b *sample.Batch, i int) Sample {
	var s Sample
	for name, value := range series.Labels(b.Key(i)) {
		s.Labels = append(s.Labels, Label{name, value})
	}
	if t := b.Time(i); t != sample.NoTime {
		s.Time = time.Unix(0, t)
	}
	if t := b.CreatedAt(i); t != sample.NoTime {
		s.Created = time.Unix(0, t)
	}
	for _, e := range b.ExemplarsOf(i) {
		s.Exemplars = append(s.Exemplars, exemplarOf(b, &e))
	}
	switch f.Kind {
	case sample.Counter:
		s.Value = float64(b.Whole[i]) + b.Values[i]
	case sample.Gauge, sample.Unknown:
		s.Value = b.Values[i]
	case sample.Info:
		s.Value = 1
	case sample.Histogram, sample.GaugeHistogram:
		s.Buckets = bucketsOf(f.Bounds, b.Buckets(f, i))
		s.Count, s.Sum = s.Buckets[len(f.Bounds)].Count, b.Sums[i]
		s.Native = nativeOf(b.Native(i))
	case sample.Summary:
		s.Count, s.Sum = b.Counts[i], b.Sums[i]
		for j, v := range b.Quantiles(f, i) {
			s.Quantiles = append(s.Quantiles, Quantile{f.Ranks[j], v})
		}
	case sample.StateSet:
		for j, name := range f.States {
			s.States = append(s.States, State{name, b.States[i]>>j&1 == 1})
		}
	}
	return s
}

// bucketsOf makes counts cumulative.
func bucketsOf(bounds []float64, counts []uint64) []Bucket {
	out := make([]Bucket, len(counts))
	total := uint64(0)
	for i, n := range counts {
		total += n
		bound := math.Inf(1)
		if i < len(bounds) {
			bound = bounds[i]
		}
		out[i] = Bucket{bound, total}
	}
	return out
}

func nativeOf(n *sample.Native) *NativeHistogram {
	if n == nil {
		return nil
	}
	return &NativeHistogram{
		Schema:        int(n.Schema),
		ZeroThreshold: n.ZeroThreshold,
		ZeroCount:     n.ZeroCount,
		Positive:      nativeBucketsOf(n.Positive),
		Negative:      nativeBucketsOf(n.Negative),
	}
}

func nativeBucketsOf(buckets []sample.NativeBucket) []NativeBucket {
	var out []NativeBucket
	for _, b := range buckets {
		out = append(out, NativeBucket{int(b.Index), b.Count})
	}
	return out
}

func exemplarOf(b *sample.Batch, e *sample.Exemplar) Exemplar {
	x := Exemplar{Value: e.Value, Time: time.Unix(0, e.Time)}
	for name, value := range series.Labels(string(b.Note(e))) {
		x.Labels = append(x.Labels, Label{name, value})
	}
	return x
}
