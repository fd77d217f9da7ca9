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

// Join puts files together. One that does not fit to those before, for a metric of
// another type or a series that is there already, is left out as a whole, and the
// error, an *[Errors], says so. Where only helps differ, the first counts.
func Join(files ...*File) (*Set, error) {
	j := joiner{families: make(map[string]*family), owners: make(map[string]owner)}
	var errs Errors
	for _, f := range files {
		if err := j.admits(f); err != nil {
			errs = append(errs, err)
			continue
		}
		j.add(f)
	}
	set := j.set()
	if len(errs) > 0 {
		return set, errs
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
}

type owner struct{ family, file string }

// admits says why a file can't be added, or returns nil.
func (j *joiner) admits(f *File) *Error {
	claimed := make(map[string]owner)
	for _, name := range slices.Sorted(maps.Keys(f.families)) {
		fam := f.families[name]
		for _, n := range claims(fam) {
			for _, owners := range [...]map[string]owner{j.owners, claimed} {
				if o, taken := owners[n]; taken && o.family != name {
					return &Error{f.name, fam.line, fmt.Sprintf("metric %q and metric %q, in %s, both have samples called %q", name, o.family, o.file, n)}
				}
			}
			claimed[n] = owner{name, f.name}
		}
		if known := j.families[name]; known != nil {
			if err := fam.joins(known, j.owners[name].file); err != nil {
				err.File = f.name
				return err
			}
		}
	}
	return nil
}

// joins says why the series of a family can't be added to known, or returns nil.
func (f *family) joins(known *family, where string) *Error {
	problem, line := "", f.line
	switch {
	case f.kind != known.kind:
		problem = fmt.Sprintf("it is a %v here, but a %v in %s", f.kind, known.kind, where)
	case !slices.Equal(f.bounds, known.bounds):
		problem = fmt.Sprintf("it has other buckets than in %s: %v and %v", where, f.bounds, known.bounds)
	case !slices.Equal(f.ranks, known.ranks):
		problem = fmt.Sprintf("it has other quantiles than in %s: %v and %v", where, f.ranks, known.ranks)
	}
	for _, r := range f.rows {
		if problem == "" && known.byKey[r.key] != nil {
			problem, line = fmt.Sprintf("the series {%s} is in %s, too", r.key, where), r.line
		}
	}
	if problem == "" {
		return nil
	}
	return &Error{Line: line, Problem: fmt.Sprintf("metric %q: %s", f.name, problem)}
}

// add adds a file that is admitted.
func (j *joiner) add(f *File) {
	for name, fam := range f.families {
		for _, n := range claims(fam) {
			if _, taken := j.owners[n]; !taken {
				j.owners[n] = owner{name, f.name}
			}
		}
		known := j.families[name]
		if known == nil {
			known = &family{name: name, kind: fam.kind, bounds: fam.bounds, ranks: fam.ranks, byKey: make(map[string]*row)}
			j.families[name] = known
		}
		if known.help == "" {
			known.help = fam.help
		}
		known.rows = append(known.rows, fam.rows...)
		maps.Copy(known.byKey, fam.byKey)
	}
}

// set lays all out as formats want it.
func (j *joiner) set() *Set {
	s := new(Set)
	bases := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(j.families)) {
		f := j.families[name].joined()
		base := strings.TrimSuffix(name, "_total")
		if f.Kind == sample.Counter && base != name {
			for _, b := range underAll(base) {
				_, taken := j.owners[b]
				f.Shadow(f.Shadowed() || taken || bases[b])
				bases[b] = true
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
func claims(f *family) []string {
	plain := []string{f.name}
	switch f.kind {
	case sample.Histogram:
		plain = append(plain, f.name+"_bucket", f.name+"_sum", f.name+"_count")
	case sample.Summary:
		plain = append(plain, f.name+"_sum", f.name+"_count")
	}
	return underAll(plain...)
}

// underAll returns the names as all escaping schemes write them.
func underAll(plain ...string) []string {
	var all []string
	for _, n := range plain {
		for _, scheme := range [...]names.Scheme{names.AllowUTF8, names.Underscores, names.Dots, names.Values} {
			if e := scheme.Metric(n); !slices.Contains(all, e) {
				all = append(all, e)
			}
		}
	}
	return all
}
