package fennel

import (
	"fmt"
	"iter"
	"reflect"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/series"
)

// Vec is a family of series of one metric, told apart by their labels. L is the
// label set, H the metric: a Vec[request, Counter] is what [CounterVec] names.
//
// L is a struct whose fields have label tags and are strings, bools, integers
// or types over them:
//
//	type request struct {
//		Method string `label:"method"`
//		Status int    `label:"status"`
//	}
//
// or an array of such values, or a single one, named by the option
// [LabelNames]. The labels are exposed in the order of the fields.
//
// All methods are safe for concurrent use, and do nothing on a nil or zero Vec.
type Vec[L, H any] struct {
	schema *schema
	table  *series.Table
}

// With returns the metric with these labels and creates it if need be. Keep
// what it returns where the labels don't change: an update through it is a
// single atomic operation.
//
// Strings in the label set are cloned on creation, so they may lie in buffers
// that are used again. What is not UTF-8 in them is replaced by U+FFFD and
// counted. On a nil Vec, and for half a gigabyte of strings, it returns nil, whose
// methods do nothing.
func (v *Vec[L, H]) With(labels L) *H {
	if v == nil || v.table == nil {
		return nil
	}
	if !v.schema.plain {
		return series.Head[H](v.schema.get(v.table, unsafe.Pointer(&labels)))
	}
	values := v.schema.strings(unsafe.Pointer(&labels))
	s := v.table.Lookup(values) // Get would be another call
	if s == nil {
		s = v.table.Add(values)
	}
	return series.Head[H](s)
}

// Get returns the metric with these labels if it is there.
func (v *Vec[L, H]) Get(labels L) (metric *H, ok bool) {
	if v == nil || v.table == nil {
		return nil, false
	}
	var values [stackLabels]string
	var digits [stackDigits]byte
	s := v.table.Find(v.schema.values(unsafe.Pointer(&labels), values[:0], digits[:0]))
	if s == nil {
		return nil, false
	}
	return series.Head[H](s), true
}

// Create makes sure that there are metrics with these labels, so that they are
// exposed before anything has happened to them.
func (v *Vec[L, H]) Create(labels ...L) {
	for _, l := range labels {
		v.With(l)
	}
}

// Delete removes the metric with these labels and reports whether there was
// one. Who kept it can go on updating it; it is not exposed any more, not even
// when the same labels are created again.
func (v *Vec[L, H]) Delete(labels L) bool {
	if v == nil || v.table == nil {
		return false
	}
	var values [stackLabels]string
	var digits [stackDigits]byte
	return v.table.Delete(v.schema.values(unsafe.Pointer(&labels), values[:0], digits[:0]))
}

// DeleteFunc removes all metrics for whose labels del returns true, and returns
// how many it removed. No lock is held while del runs.
func (v *Vec[L, H]) DeleteFunc(del func(L) bool) int {
	n := 0
	v.each(func(s *series.Series) bool {
		if labels, ok := v.labels(s); ok && del(labels) && v.table.DeleteSeries(s) {
			n++
		}
		return true
	})
	return n
}

// DeletePartial removes all metrics that have these labels among those of L, and
// returns how many it removed. Constant labels, and names that L doesn't have,
// match nothing. Without labels it removes nothing: see [Vec.Clear].
func (v *Vec[L, H]) DeletePartial(match ...Label) int {
	if v == nil || v.table == nil || len(match) == 0 {
		return 0
	}
	want := make(map[int]string, len(match))
	for _, m := range match {
		i := v.schema.find(m.Name)
		if i < 0 {
			return 0
		}
		if other, twice := want[i]; twice && other != series.Mend(m.Value) {
			return 0
		}
		want[i] = series.Mend(m.Value)
	}
	n := 0
	v.each(func(s *series.Series) bool {
		if hasValues(s.Values(), want) && v.table.DeleteSeries(s) {
			n++
		}
		return true
	})
	return n
}

func hasValues(values []string, want map[int]string) bool {
	for i, w := range want {
		if values[i] != w {
			return false
		}
	}
	return true
}

// Clear removes all metrics and returns how many there were.
func (v *Vec[L, H]) Clear() int {
	if v == nil || v.table == nil {
		return 0
	}
	return v.table.Clear()
}

// Replace puts other metrics in the place of all that there are: those that fill
// creates in next, an empty Vec of the same metric. When fill returns, they are
// exposed from one moment to the next: a scrape sees all of the old ones or all of
// the new ones. That is for what is read as a whole, a table of another program
// say, where label sets that are not in it any more have to go:
//
//	ages.Replace(func(next *fennel.GaugeVec[queue]) {
//		for _, q := range queues() {
//			next.With(queue{q.Name}).Set(q.Age.Seconds())
//		}
//	})
//
// Who kept an old metric can go on updating it; it is not exposed any more, as after
// [Vec.Delete]. That is so for what others create in v while fill runs, too, which
// they may: no lock is held. If fill panics, nothing changes. Of several Replaces at
// once, the last to be done with its own prevails: that need not be the one whose fill
// returns last, as the new metrics are put in order after that. Next is not to be used
// once fill has returned: what is created in it then is nowhere.
//
// All that shares the metric, a Vec of another label set type or a view, has the new
// ones as well. Counters and histograms begin at 0, and at this time.
func (v *Vec[L, H]) Replace(fill func(next *Vec[L, H])) {
	if v == nil || v.table == nil {
		return
	}
	v.table.Replace(func(next *series.Table) { fill(&Vec[L, H]{schema: v.schema, table: next}) })
}

// Len returns how many metrics there are.
func (v *Vec[L, H]) Len() int {
	if v == nil || v.table == nil {
		return 0
	}
	return v.table.Len()
}

// All yields the metrics with their labels, in the order of the labels' values.
// It sees those that are there when it starts; no lock is held while the loop's
// body runs, which may create and delete metrics. Where the same metric was
// declared with another label set type, too, those whose labels don't fit L are
// passed over.
func (v *Vec[L, H]) All() iter.Seq2[L, *H] {
	return func(yield func(L, *H) bool) {
		v.each(func(s *series.Series) bool {
			labels, ok := v.labels(s)
			return s.Dead() || !ok || yield(labels, series.Head[H](s))
		})
	}
}

func (v *Vec[L, H]) each(yield func(*series.Series) bool) {
	if v == nil || v.table == nil {
		return
	}
	for _, page := range v.table.Pages() {
		for _, s := range page.Series {
			if !yield(s) {
				return
			}
		}
	}
}

// labels returns the label set of a series, if L can hold it.
func (v *Vec[L, H]) labels(s *series.Series) (labels L, ok bool) {
	ok = v.schema.set(reflect.ValueOf(&labels).Elem(), s.Values())
	return labels, ok
}

func (s *schema) find(name string) int {
	for i, n := range s.names {
		if n == name {
			return i
		}
	}
	return -1
}

// vec is a Vec of any type. What has to do with no type is done with it, and so
// compiled only once.
type vec Vec[struct{}, struct{}]

// newVec declares a labelled metric. It returns the same Vec for the same
// declaration.
func newVec[L, H any](d *declaration, o *options) *Vec[L, H] {
	return (*Vec[L, H])(o.target().declareVec(d, reflect.TypeFor[L](), o.labelNames))
}

// declareVec declares a metric whose labels a label set type names.
func (r *Registry) declareVec(d *declaration, labelSet reflect.Type, labelNames []string) *vec {
	schema, err := newSchema(labelSet, labelNames)
	if err != nil {
		panic(&DeclarationError{Metric: r.fullName(d.name), Problem: err.Error()})
	}
	d.labels = schema.names
	m := r.mustDeclare(d)
	if m == nil {
		return nil
	}
	return m.vec(schema)
}

// vec returns the Vec of a member that has a schema's label set type, the same one
// each time.
func (m *member) vec(schema *schema) *vec {
	m.reg.mu.Lock()
	defer m.reg.mu.Unlock()
	v := m.vecs[schema.typ]
	if v == nil {
		v = &vec{schema: schema, table: m.table}
		m.vecs[schema.typ] = v
	}
	return v
}

// newSingle declares a metric without labels and returns its only series.
func newSingle[H any](d *declaration, o *options) *H {
	return series.Head[H](declareSingle(d, o))
}

func declareSingle(d *declaration, o *options) *series.Series {
	d.refuseLabels(o)
	m := o.target().mustDeclare(d)
	if m == nil {
		return nil
	}
	return m.table.Get(nil)
}

// refuseLabels panics if a metric without labels has names of labels.
func (d *declaration) refuseLabels(o *options) {
	if o.labelNames != nil {
		panic(&DeclarationError{Metric: o.registry.fullName(d.name), Problem: fmt.Sprintf(
			"it has label names %q but is not a vec: use the constructor whose name ends in Vec", o.labelNames)})
	}
}
