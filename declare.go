package fennel

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// declaration is what a metric is declared as. It is checked here, once; after
// that nothing about the metric can be wrong any more.
type declaration struct {
	kind   sample.Kind
	name   string
	help   string
	unit   string
	consts []Label  // sorted by name
	labels []string // that vary
	extra  []string // Info: the labels that say the info
	bounds []float64
	native *nativeChoice // nil without native buckets
	ranks  []float64
	states []string

	// window is what the quantiles of a stored summary are of. One that a
	// collector writes is not windowed.
	window   time.Duration
	windowed bool

	// vague says that it is a Desc's, which has no buckets, quantiles and states.
	vague bool
	// callback says that a function has the values.
	callback bool

	// record is the Go type of the records, where the kind alone doesn't say it.
	record reflect.Type
	// alloc allocates the record of a series.
	alloc func(*member) *series.Series
	// load appends the values of a run of series to the columns of a batch.
	load func(*member, *sample.Batch, []*series.Series)
}

// newDeclaration fills in what options say.
func newDeclaration(kind sample.Kind, name, help string, o *options) *declaration {
	d := &declaration{kind: kind, name: name, help: help, unit: o.unit, consts: slices.Clone(o.constLabels)}
	sortLabels(d.consts)
	return d
}

// allLabels returns the names of all labels, in the order of the label text. It is not
// inlined: appending is large, and this is not called often.
//
//go:noinline
func (d *declaration) allLabels() []string {
	all := make([]string, 0, len(d.consts)+len(d.labels)+len(d.extra))
	for _, l := range d.consts {
		all = append(all, l.Name)
	}
	return append(append(all, d.labels...), d.extra...)
}

// constPairs returns the constant labels as the series table takes them.
func (d *declaration) constPairs() []string {
	pairs := make([]string, 0, 2*len(d.consts))
	for _, l := range d.consts {
		pairs = append(pairs, l.Name, l.Value)
	}
	return pairs
}

// check returns what is wrong with the declaration, or nil.
func (d *declaration) check(legacy bool) error {
	for _, check := range []func(bool) string{
		d.checkName, d.checkUnit, d.checkLabels, d.checkBuckets, d.checkNative,
		d.checkRanks, d.checkWindow, d.checkStates,
	} {
		if problem := check(legacy); problem != "" {
			return &DeclarationError{Metric: d.name, Problem: problem}
		}
	}
	return nil
}

func (d *declaration) checkName(legacy bool) string {
	switch {
	case d.name == "":
		return "the name is empty: give it one"
	case !utf8.ValidString(d.name) || strings.ContainsRune(d.name, 0):
		return "the name is not valid UTF-8 or has a NUL byte, which no parser takes"
	case legacy && !names.LegalMetric(d.name):
		return fmt.Sprintf("the registry takes legacy names only: use letters, digits, _ and :, such as %q", names.Underscores.Metric(d.name))
	case !utf8.ValidString(d.help):
		return "the help is not valid UTF-8"
	case d.kind == sample.Info && (!strings.HasSuffix(d.name, "_info") || d.name == "_info"):
		return fmt.Sprintf("the name of an info must end in _info: call it %q", strings.TrimSuffix(d.name, "_info")+"_info")
	case d.kind == sample.StateSet && (strings.HasPrefix(d.name, "__") || collide(d.name, "__name__")):
		return "the name is reserved as a label, which a stateset writes its states into: it must not begin with __"
	case d.kind == sample.Counter && d.name == "_total":
		return "the name has nothing before _total"
	}
	return ""
}

func (d *declaration) checkUnit(bool) string {
	base := d.kind.Base(d.name)
	switch {
	case d.unit == "":
		return ""
	case d.kind == sample.Info || d.kind == sample.StateSet:
		return fmt.Sprintf("%s metrics have no unit: drop the option Unit", d.kind)
	case !utf8.ValidString(d.unit) || strings.ContainsAny(d.unit, " \t\r\n\x00\"\\"):
		return fmt.Sprintf("the unit %q is not valid UTF-8, or has white space, quotes or backslashes", d.unit)
	case !strings.HasSuffix(base, "_"+d.unit):
		return fmt.Sprintf("the unit %q is not the name's suffix: call it %q or drop the option Unit", d.unit, base+"_"+d.unit+d.name[len(base):])
	}
	return ""
}

func (d *declaration) checkLabels(legacy bool) string {
	for _, l := range d.consts {
		if !utf8.ValidString(l.Value) {
			return fmt.Sprintf("the value of constant label %q is not valid UTF-8", l.Name)
		}
	}
	all := d.allLabels()
	for _, name := range all {
		if problem := d.checkLabel(name, legacy); problem != "" {
			return problem
		}
	}
	for _, scheme := range names.All() {
		seen := make(map[string]string, len(all))
		for _, name := range all {
			escaped := scheme.Label(name)
			other, twice := seen[escaped]
			switch {
			case twice && other == name:
				return fmt.Sprintf("label %q is there twice, among the labels or the constant ones: drop or rename one", name)
			case twice:
				return fmt.Sprintf("labels %q and %q are both written as %q under the escaping scheme %q: rename one", other, name, escaped, scheme)
			}
			seen[escaped] = name
		}
	}
	return ""
}

func (d *declaration) checkLabel(name string, legacy bool) string {
	switch {
	case name == "":
		return "a label name is empty"
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return fmt.Sprintf("label name %q is not valid UTF-8 or has a NUL byte, which no parser takes", name)
	case strings.HasPrefix(name, "__"):
		return fmt.Sprintf("label %q is reserved: names must not begin with __", name)
	case collide(name, "__name__"):
		return fmt.Sprintf("label %q is written as __name__, the metric's own name, under an escaping scheme: rename it", name)
	case legacy && !names.LegalLabel(name):
		return fmt.Sprintf("label %q: the registry takes legacy names only: use letters, digits and _, such as %q", name, names.Underscores.Label(name))
	case name == "le" && d.kind.IsHistogram():
		return `label "le" is reserved for the buckets of a histogram: rename it`
	case name == "quantile" && d.kind == sample.Summary:
		return `label "quantile" is reserved for the quantiles of a summary: rename it`
	case d.kind == sample.StateSet && collide(name, d.name):
		return fmt.Sprintf("label %q is reserved: a stateset writes its states into the label of its own name", name)
	}
	return ""
}

// collide reports whether two label names are written alike in some format.
func collide(a, b string) bool {
	for _, scheme := range names.All() {
		if scheme.Label(a) == scheme.Label(b) {
			return true
		}
	}
	return false
}

func (d *declaration) checkBuckets(bool) string {
	for i, b := range d.bounds {
		switch {
		case math.IsNaN(b):
			return fmt.Sprintf("bucket %d is NaN: drop it", i)
		case math.IsInf(b, 0):
			return fmt.Sprintf("bucket %d is %v: bounds are finite, +Inf is always added", i, b)
		case i > 0 && b == d.bounds[i-1]:
			return fmt.Sprintf("bucket %v is there twice: drop one", b)
		case i > 0 && b < d.bounds[i-1]:
			return fmt.Sprintf("bucket %v comes after %v: sort the bounds in rising order", b, d.bounds[i-1])
		}
	}
	return ""
}

func (d *declaration) checkRanks(bool) string {
	for i, q := range d.ranks {
		switch {
		case !(q >= 0 && q <= 1):
			return fmt.Sprintf("quantile %v is not in [0,1]: write 0.99 for the 99th percentile", q)
		case i > 0 && q == d.ranks[i-1]:
			return fmt.Sprintf("quantile %v is there twice: drop one", q)
		case i > 0 && q < d.ranks[i-1]:
			return fmt.Sprintf("quantile %v comes after %v: sort the quantiles in rising order", q, d.ranks[i-1])
		}
	}
	return ""
}

func (d *declaration) checkWindow(bool) string {
	switch {
	case !d.windowed:
		return ""
	case len(d.ranks) == 0:
		return "it has a window and no quantiles to estimate in it: add the option Quantiles or drop the option Window"
	case d.window < minWindow:
		return fmt.Sprintf("the window %v is shorter than %v: give a longer one, or drop the option Window for one of %v",
			d.window, minWindow, defaultWindow)
	}
	return ""
}

func (d *declaration) checkStates(bool) string {
	switch {
	case d.kind != sample.StateSet || d.vague:
		return ""
	case len(d.states) == 0:
		return "a stateset needs at least one state"
	case len(d.states) > sample.MaxStates:
		return fmt.Sprintf("a stateset has at most %d states, not %d", sample.MaxStates, len(d.states))
	}
	for i, s := range d.states {
		switch {
		case !utf8.ValidString(s):
			return fmt.Sprintf("state %q is not valid UTF-8", s)
		case slices.Contains(d.states[:i], s):
			return fmt.Sprintf("state %q is there twice: drop one", s)
		}
	}
	return ""
}

// claims returns every name that a family's samples have in some format, so that
// no two families can ever meet in one.
func claims(kind sample.Kind, name string) []string {
	plain := kind.SampleNames(name)
	switch kind {
	case sample.Counter, sample.Histogram, sample.Summary:
		plain = append(plain, kind.Base(name)+"_created")
	}
	return names.Spellings(plain...)
}

// bases returns the names that a family has in the headers of OpenMetrics only,
// where counters and infos lose their suffix. Another family may have such a
// name: then this one is shadowed, and keeps its suffix.
func bases(kind sample.Kind, name string) []string {
	if base := kind.Base(name); base != name {
		return names.Spellings(base)
	}
	return nil
}

// describe fills in what formats see of the declaration.
func (d *declaration) describe(f *sample.Family) {
	f.Name, f.Help, f.Unit, f.Kind = d.name, d.help, d.unit, d.kind
	f.Labels = d.allLabels()
	f.Legal = legal(f.Labels)
	f.Bounds, f.Ranks, f.States = d.bounds, d.ranks, d.states
}

func legal(labels []string) bool {
	for _, l := range labels {
		if !names.LegalLabel(l) {
			return false
		}
	}
	return true
}

// String describes the declaration to a person.
func (d *declaration) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q (help %q", d.kind, d.name, d.help)
	if d.unit != "" {
		fmt.Fprintf(&b, ", unit %q", d.unit)
	}
	if len(d.consts) > 0 {
		fmt.Fprintf(&b, ", constant labels {%s}", newTextOf(d.consts))
	}
	if len(d.labels)+len(d.extra) > 0 {
		fmt.Fprintf(&b, ", labels %q", slices.Concat(d.labels, d.extra))
	}
	if d.kind.IsHistogram() && !d.vague {
		fmt.Fprintf(&b, ", buckets %v", d.bounds)
	}
	if len(d.ranks) > 0 {
		fmt.Fprintf(&b, ", quantiles %v", d.ranks)
	}
	if d.windowed {
		fmt.Fprintf(&b, ", window %v", d.window)
	}
	if d.native != nil {
		fmt.Fprintf(&b, ", %s", d.describeNative())
	}
	if d.kind == sample.StateSet && !d.vague {
		fmt.Fprintf(&b, ", states %q", d.states)
	}
	b.WriteByte(')')
	return b.String()
}

// differs names the first thing in which two declarations of one name differ.
func (d *declaration) differs(e *declaration) string {
	vague := d.vague || e.vague
	switch {
	case d.kind != e.kind:
		return "type"
	case d.help != e.help:
		return "help"
	case d.unit != e.unit:
		return "unit"
	case !vague && !slices.Equal(d.bounds, e.bounds):
		return "buckets"
	case !vague && !d.sameNative(e):
		return "native buckets"
	case !vague && !slices.Equal(d.ranks, e.ranks):
		return "quantiles"
	case !vague && d.window != e.window:
		return "window"
	case !vague && !slices.Equal(d.states, e.states):
		return "states"
	case !slices.EqualFunc(d.consts, e.consts, func(a, b Label) bool { return a.Name == b.Name }),
		!slices.Equal(d.labels, e.labels) && !slices.Equal(d.allLabels(), e.allLabels()):
		return differentLabels
	case d.record != e.record:
		return fmt.Sprintf("the Go types that they are made of, %v and %v", d.record, e.record)
	case len(d.labels) != len(e.labels) || !slices.Equal(d.extra, e.extra):
		return differentLabels
	}
	return ""
}

// differentLabels is what differs says of labels, which a collector may vary.
const differentLabels = "labels"
