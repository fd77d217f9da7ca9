package promtext

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// addHistogram adds a line of a histogram.
func (f *family) addHistogram(n int, part string, l line) error {
	switch part {
	case "_bucket":
		return f.addPoint(n, "le", l)
	case "":
		return errors.New("a histogram has no such sample: it must end in _bucket, _sum or _count")
	}
	return f.addTotal(n, "le", part, l)
}

// addSummary adds a line of a summary.
func (f *family) addSummary(n int, part string, l line) error {
	if part == "" {
		return f.addPoint(n, "quantile", l)
	}
	return f.addTotal(n, "quantile", part, l)
}

// addPoint adds a bucket or a quantile, which the label of this name tells.
func (f *family) addPoint(n int, name string, l line) error {
	i := slices.IndexFunc(l.labels, func(l label) bool { return l.name == name })
	if i < 0 {
		return fmt.Errorf("the label %q is missing", name)
	}
	at, err := parseNumber(l.labels[i].value)
	if err != nil || math.IsNaN(at.float) {
		return fmt.Errorf("the label %q must be a number, and not %.40q", name, l.labels[i].value)
	}
	r, err := f.row(n, slices.Delete(slices.Clone(l.labels), i, i+1), l.time)
	if err != nil {
		return err
	}
	r.points = append(r.points, point{at.float, l.value})
	return nil
}

// addTotal adds a sum or a count.
func (f *family) addTotal(n int, reserved, part string, l line) error {
	if slices.ContainsFunc(l.labels, func(l label) bool { return l.name == reserved }) {
		return fmt.Errorf("the label %q does not belong here", reserved)
	}
	r, err := f.row(n, l.labels, l.time)
	if err != nil {
		return err
	}
	if part == "_sum" && !r.hasSum {
		r.sum, r.hasSum = l.value.float, true
		return nil
	}
	count, ok := l.value.integer()
	switch {
	case part == "_sum" || r.hasCount:
		return errors.New("the series is there already")
	case !ok:
		return fmt.Errorf("a count can't be %v", l.value.float)
	}
	r.count, r.hasCount = count, true
	return nil
}

// finish checks a histogram or a summary of which all lines are there.
func (f *family) finish(r *row) error {
	if f.kind != sample.Histogram && f.kind != sample.Summary {
		return nil
	}
	slices.SortFunc(r.points, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	at := make([]float64, len(r.points))
	for i, p := range r.points {
		at[i] = p.at
		if i > 0 && at[i] == at[i-1] {
			return fmt.Errorf("the bucket or quantile %v is there twice", at[i])
		}
	}
	switch {
	case !r.hasCount:
		return fmt.Errorf("%s_count is missing, with the same labels", f.name)
	case !r.hasSum:
		return fmt.Errorf("%s_sum is missing, with the same labels", f.name)
	case f.kind == sample.Histogram:
		return f.finishHistogram(r, at)
	}
	return f.finishSummary(r, at)
}

func (f *family) finishHistogram(r *row, bounds []float64) error {
	last := len(bounds) - 1
	if last < 0 || !math.IsInf(bounds[last], 1) {
		return errors.New(`the bucket with le="+Inf" is missing`)
	}
	below := uint64(0)
	for _, p := range r.points {
		count, ok := p.value.integer()
		switch {
		case !ok:
			return fmt.Errorf(`the bucket with le="%v" can't hold %v`, p.at, p.value.float)
		case count < below:
			return fmt.Errorf(`the bucket with le="%v" holds less than the one before: buckets are cumulative`, p.at)
		}
		r.counts = append(r.counts, count-below)
		below = count
	}
	if below != r.count {
		return fmt.Errorf(`%s_count is %d, but the bucket with le="+Inf" holds %d`, f.name, r.count, below)
	}
	bounds = bounds[:last]
	if r == f.rows[0] {
		f.bounds = bounds
	}
	return sameAs(f.bounds, bounds, "buckets", f.rows[0].line)
}

func (f *family) finishSummary(r *row, ranks []float64) error {
	for i, p := range r.points {
		if !(ranks[i] >= 0 && ranks[i] <= 1) {
			return fmt.Errorf("the quantile %v is not in [0,1]", ranks[i])
		}
		r.quantiles = append(r.quantiles, p.value.float)
	}
	if r == f.rows[0] {
		f.ranks = ranks
	}
	return sameAs(f.ranks, ranks, "quantiles", f.rows[0].line)
}

func sameAs(first, got []float64, what string, line int) error {
	if slices.Equal(first, got) {
		return nil
	}
	return fmt.Errorf("the series has the %s %v, and the one in line %d has %v: they must be the same", what, got, line, first)
}
