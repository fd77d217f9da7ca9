package promtext

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Set is what several files hold, as one. It is a [fennel.Gatherer], and safe for
// concurrent use.
type Set struct {
	families []*joined // sorted by name
}

// joined is a family of a set.
type joined struct {
	sample.Family
	batch sample.Batch
	names []string // of its samples and headers in any format
}

// Len returns the number of series.
func (s *Set) Len() int {
	n := 0
	for _, f := range s.families {
		n += f.batch.Len()
	}
	return n
}

// Visit implements [fennel.Gatherer].
func (s *Set) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	for _, f := range s.families {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !r.Wants(f.names...) {
			continue
		}
		if err := v.Visit(&f.Family, &f.batch); err != nil {
			return err
		}
	}
	return nil
}

// Join puts files together. What does not fit to the files before is left out, a
// metric of another type or with other buckets, a series that is there already, and
// the error, which is of type [Errors], says so. Where only helps differ, the first
// counts.
func Join(files ...*File) (*Set, error) {
	j := joiner{families: make(map[string]*family), owners: make(map[string]owner)}
	for _, f := range files {
		for _, name := range slices.Sorted(maps.Keys(f.families)) {
			j.add(f.name, f.families[name])
		}
	}
	set := j.set()
	if len(j.errs) > 0 {
		return set, j.errs
	}
	return set, nil
}

// Errors are the errors of several files.
type Errors []*Error

// Error returns one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors for [errors.As].
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, err := range e {
		all[i] = err
	}
	return all
}

// joiner is what several files hold so far.
type joiner struct {
	families map[string]*family
	owners   map[string]owner // of each name that a sample has in any format
	errs     Errors
}

type owner struct{ family, file string }

// add adds what fits of a file's family.
func (j *joiner) add(file string, f *family) {
	if problem := j.conflict(f); problem != "" {
		j.errs = append(j.errs, &Error{file, f.line, fmt.Sprintf("metric %q: %s", f.name, problem)})
		return
	}
	known := j.families[f.name]
	if known == nil {
		known = &family{name: f.name, kind: f.kind, bounds: f.bounds, ranks: f.ranks, byKey: make(map[string]*row)}
		j.families[f.name] = known
		for _, n := range claims(f) {
			j.owners[n] = owner{f.name, file}
		}
	}
	if known.help == "" {
		known.help = f.help
	}
	if err := known.join(f.rows); err != nil {
		err.File = file
		j.errs = append(j.errs, err)
	}
}

// conflict says why a family can't be added, or returns "".
func (j *joiner) conflict(f *family) string {
	for _, n := range claims(f) {
		if o, taken := j.owners[n]; taken && o.family != f.name {
			return fmt.Sprintf("metric %q in %s has samples of the same name, %q", o.family, o.file, n)
		}
	}
	known := j.families[f.name]
	if known == nil {
		return ""
	}
	switch where := j.owners[f.name].file; {
	case f.kind != known.kind:
		return fmt.Sprintf("it is of type %s here, and of type %s in %s", typeOf(f.kind), typeOf(known.kind), where)
	case !slices.Equal(f.bounds, known.bounds):
		return fmt.Sprintf("it has the buckets %v here, and %v in %s", f.bounds, known.bounds, where)
	case !slices.Equal(f.ranks, known.ranks):
		return fmt.Sprintf("it has the quantiles %v here, and %v in %s", f.ranks, known.ranks, where)
	}
	return ""
}

// typeOf returns the word of the format for a type.
func typeOf(k sample.Kind) string {
	for word, kind := range kinds {
		if kind == k {
			return word
		}
	}
	return "untyped"
}

// join adds series, but for those that are there already.
func (f *family) join(rows []*row) *Error {
	var err *Error
	for _, r := range rows {
		other := f.byKey[r.key]
		if other == nil {
			f.rows = append(f.rows, r)
			f.byKey[r.key] = r
		} else if err == nil {
			err = &Error{Line: r.line, Problem: fmt.Sprintf("metric %q: the series {%s} is in %s:%d, too", f.name, r.key, other.file, other.line)}
		}
	}
	return err
}

// set lays all out as formats want it.
func (j *joiner) set() *Set {
	s := new(Set)
	for _, name := range slices.Sorted(maps.Keys(j.families)) {
		f := j.families[name].joined()
		if base := f.Kind.Base(name); base != name {
			for _, b := range names.Spellings(base) {
				if _, taken := j.owners[b]; taken {
					f.Shadow(true)
				}
				f.names = append(f.names, b)
			}
		}
		s.families = append(s.families, f)
	}
	return s
}

// joined lays out a family.
func (f *family) joined() *joined {
	slices.SortFunc(f.rows, func(a, b *row) int { return series.Compare(a.key, b.key) })
	out := &joined{Family: sample.Family{
		Name: f.name, Help: f.help, Kind: f.kind, Bounds: f.bounds, Ranks: f.ranks, Legal: true,
	}, names: claims(f)}
	for i, r := range f.rows {
		if labels := labelNames(r); i == 0 {
			out.Labels = labels
		} else if !slices.Equal(labels, out.Labels) {
			out.Mix()
		}
		for _, l := range r.labels {
			out.Legal = out.Legal && names.LegalLabel(l.name)
		}
		out.add(r)
	}
	return out
}

func labelNames(r *row) []string {
	out := make([]string, len(r.labels))
	for i, l := range r.labels {
		out[i] = l.name
	}
	return out
}

// add adds a series to the batch.
func (f *joined) add(r *row) {
	b := &f.batch
	b.SetTime(r.time)
	b.Text = append(b.Text, r.key...)
	b.Ends = append(b.Ends, uint32(len(b.Text)))
	switch f.Kind {
	case sample.Counter:
		b.Whole = append(b.Whole, r.whole)
		b.Values = append(b.Values, r.value)
	case sample.Histogram:
		b.Counts = append(b.Counts, r.counts...)
		b.Sums = append(b.Sums, r.sum)
	case sample.Summary:
		b.Counts = append(b.Counts, r.count)
		b.Sums = append(b.Sums, r.sum)
		b.Values = append(b.Values, r.quantiles...)
	default:
		b.Values = append(b.Values, r.value)
	}
}

// claims returns every name that a family's samples have in some format, so that
// no two families can ever meet in one. Times of creation are not among them: text
// 0.0.4 has none, and Python's client writes x_created as a gauge beside x_total.
func claims(f *family) []string { return names.Spellings(f.kind.SampleNames(f.name)...) }
