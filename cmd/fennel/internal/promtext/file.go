package promtext

import (
	"fmt"
	"math"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// File is what a text holds. It is not changed once it was made.
type File struct {
	name     string
	families map[string]*family
}

// Name returns the name that the file was parsed under.
func (f *File) Name() string { return f.name }

// Value returns the value of the only series of a counter, gauge or untyped metric,
// and whether there is one.
func (f *File) Value(metric string) (value float64, ok bool) {
	fam := f.families[metric]
	if fam == nil || len(fam.rows) != 1 {
		return 0, false
	}
	switch fam.kind {
	case sample.Counter, sample.Gauge, sample.Unknown:
		return float64(fam.rows[0].whole) + fam.rows[0].value, true
	}
	return 0, false
}

// Error says what is wrong with a text, and where.
type Error struct {
	File    string
	Line    int // from 1 on; 0 if it is not about one line
	Problem string
}

// Error returns it in the form of compilers: file:line: problem.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Problem)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
}

// family is a metric family of a file.
type family struct {
	name   string
	help   string
	kind   sample.Kind
	typed  bool
	helped bool
	file   string
	line   int // where it begins

	bounds []float64 // of histograms, without +Inf
	ranks  []float64 // of summaries
	rows   []*row
	byKey  map[string]*row
}

// row is a series: all lines of one label set.
type row struct {
	labels []label // sorted by name, without le and quantile, and without empty ones
	key    string  // the labels as text
	file   string
	line   int   // the first
	time   int64 // nanoseconds since 1970, or sample.NoTime

	whole  uint64  // of a counter: its integer, if it was written as one
	value  float64 // of counters, beside whole, gauges and unknowns
	points []point // buckets or quantiles, as they came
	sum    float64
	count  uint64

	hasSum, hasCount bool

	counts    []uint64  // of histograms: each bucket alone, +Inf included
	quantiles []float64 // of summaries
}

// point is a bucket, cumulative, or a quantile.
type point struct {
	at    float64 // upper bound or rank
	value number
}

// label is a label's name and value.
type label struct{ name, value string }

// number is a value as it was written.
type number struct {
	float float64
	whole uint64
	exact bool // whole is the value
}

// integer returns the number as a count.
func (n number) integer() (uint64, bool) {
	if n.exact {
		return n.whole, true
	}
	if !(n.float >= 0) || n.float >= 1<<63 || n.float != math.Trunc(n.float) {
		return 0, false
	}
	return uint64(n.float), true
}
