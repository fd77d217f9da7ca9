package fennel

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Info says in labels what does not change while a program runs, or seldom: a
// version, a configuration. T is a struct with label tags as for a [Vec].
//
// All methods are safe for concurrent use. A nil *Info does nothing.
type Info[T any] struct {
	series series.Series
	schema *schema
	value  atomic.Pointer[infoValue[T]]
}

type infoValue[T any] struct {
	value T
	text  string // the rendered labels
}

// InfoVec is a family of infos, told apart by their labels L; each says a T.
type InfoVec[L, T any] = Vec[L, Info[T]]

// NewInfo declares an info, whose name must end in _info, and sets it to value.
//
// It panics with a *[DeclarationError] if the declaration is wrong or conflicts
// with another one. Declared a second time alike, it returns the same info, set
// to the new value.
func NewInfo[T any](name, help string, value T, opts ...InfoOption) *Info[T] {
	o := collect(opts, InfoOption.forInfo)
	info := newSingle[Info[T]](infoDeclaration[T](name, help, o), o)
	info.Set(value)
	return info
}

// NewInfoVec declares an info with labels, which L names. A member is exposed
// once it was set. It panics as [NewInfo] does.
func NewInfoVec[L, T any](name, help string, opts ...InfoOption) *InfoVec[L, T] {
	o := collect(opts, InfoOption.forInfo)
	return newVec[L, Info[T]](infoDeclaration[T](name, help, o), o)
}

func infoDeclaration[T any](name, help string, o *options) *declaration {
	schema := infoSchema(o.registry.fullName(name), reflect.TypeFor[T]())
	d := newDeclaration(sample.Info, name, help, o)
	d.extra = schema.names
	d.record = reflect.TypeFor[Info[T]]()
	d.alloc = func(*member) *series.Series { return &(&Info[T]{schema: schema}).series }
	d.load = func(_ *member, b *sample.Batch, run []*series.Series) {
		loadInfos(b, run, func(s *series.Series) *infoValue[T] { return series.Head[Info[T]](s).value.Load() })
	}
	return d
}

// infoSchema returns the schema of what an info says. It panics if that is no
// struct with label tags.
func infoSchema(name string, typ reflect.Type) *schema {
	if typ.Kind() != reflect.Struct {
		panic(&DeclarationError{Metric: name, Problem: fmt.Sprintf(
			"the value of an info must be a struct with label tags, not %v", typ)})
	}
	schema, err := newSchema(typ, nil)
	if err != nil {
		panic(&DeclarationError{Metric: name, Problem: err.Error()})
	}
	return schema
}

// loadInfos makes the label text anew: the series' labels and what the info says.
func loadInfos[T any](b *sample.Batch, run []*series.Series, value func(*series.Series) *infoValue[T]) {
	var text []byte
	var ends []uint32
	for _, s := range run {
		v := value(s)
		if v == nil {
			continue
		}
		text = append(text, s.Labels()...)
		if len(s.Labels()) > 0 && len(v.text) > 0 {
			text = append(text, ',')
		}
		text = append(text, v.text...)
		ends = append(ends, uint32(len(text)))
	}
	b.Text, b.Ends, b.Start = text, ends, 0
}

// Set replaces what the info says. Strings are cloned; what is not UTF-8 in
// them is replaced by U+FFFD and counted in fennel_mended_labels_total.
func (i *Info[T]) Set(value T) {
	if i == nil || i.schema == nil {
		return
	}
	values := i.schema.manyValues(unsafe.Pointer(&value))
	var text []byte
	mended := false
	for n, v := range values {
		values[n] = series.Mend(v)
		mended = mended || values[n] != v
		text = series.AppendLabel(text, n == 0, i.schema.names[n], values[n])
	}
	if mended {
		i.series.Table().Mend()
	}
	stored := &infoValue[T]{text: string(text)}
	i.schema.set(reflect.ValueOf(&stored.value).Elem(), cloned(values))
	i.value.Store(stored)
}

// Value returns what the info says, and whether it was ever set.
func (i *Info[T]) Value() (value T, ok bool) {
	if i == nil {
		return value, false
	}
	v := i.value.Load()
	if v == nil {
		return value, false
	}
	return v.value, true
}

// cloned returns copies that don't share memory with the originals.
func cloned(values []string) []string {
	values = slices.Clone(values)
	for i, v := range values {
		values[i] = strings.Clone(v)
	}
	return values
}
