package fennel

import (
	"context"
	"iter"
	"reflect"
	"slices"
	"unsafe"
)

// Callback is a metric that has no value of its own: at each scrape a function
// is asked for it. It is for what is counted already, by a pool or a cache say,
// or can only be read at that moment. The constructors whose names end in Func
// declare one; those whose names end in FuncVec declare one with labels, for which
// an iterator yields label sets, of a type as for a [Vec], with their values. That
// may be a method:
//
//	func (p *Pool) Conns(yield func(state string, n float64) bool)
//
//	fennel.NewGaugeFuncVec("pool_connections", "Connections by state.", pool.Conns,
//		fennel.LabelNames("state"))
//
// The function runs in a goroutine of the scrape, behind others or at the same time,
// and more than once at a time if there are several scrapes: it has to be safe for
// concurrent use. If it takes more than a millisecond, others don't wait for it. It
// isn't called by scrapes that don't want the metric. If it panics or is late, that
// costs only this metric, and is reported as an error of a [Collector] that has
// the name of the metric; so is what can't be exposed, a counter below 0 say. Of
// samples with the same labels the first is served.
//
// Other than metrics with a value, the same callback can't be declared twice,
// since the functions may differ: tell them apart by [ConstLabels], or Unregister
// one that belongs to an object when the object ends. [Registry.Forget] doesn't
// remove callbacks.
type Callback struct {
	registry *Registry
	declared *declaration
	ask      func(ctx context.Context, to target) error // writes what the function says
}

// Unregister takes the metric out of its registry, and reports whether it was
// there. A scrape that has begun may still call the function. A nil *Callback is
// nowhere.
func (c *Callback) Unregister() bool {
	return c != nil && c.registry.Unregister((*callbackCollector)(c))
}

// callbackCollector is a callback as its registry sees it.
type callbackCollector Callback

// String returns the name under which failures are reported.
func (c *callbackCollector) String() string { return c.declared.name }

// Collect implements [Collector].
func (c *callbackCollector) Collect(ctx context.Context, w *Writer) error {
	to := w.beginChecked(c.declared)
	if to.family == nil {
		return nil
	}
	return c.ask(ctx, to)
}

// newCallback declares a callback. In no registry it only checks the
// declaration, and returns nil.
func newCallback(d *declaration, o *options, ask func(context.Context, target) error) *Callback {
	d.callback = true
	r := o.target()
	if r == nil {
		if err := d.check(false); err != nil {
			panic(err)
		}
		return nil
	}
	if err := r.adapt(d); err != nil {
		panic(err)
	}
	c := &Callback{registry: r, declared: d, ask: ask}
	if err := r.addCallback(c); err != nil {
		panic(err)
	}
	return c
}

func (r *Registry) addCallback(c *Callback) error {
	s, d := newSource(r, (*callbackCollector)(c)), c.declared
	s.announced = []*declaration{d}
	s.descs = []Desc{{
		Name: d.name, Help: d.help, Unit: d.unit, Type: Type(d.kind),
		Labels: d.allLabels(), ConstLabels: slices.Clone(d.consts),
	}}
	root := r.root()
	root.mu.Lock()
	defer root.mu.Unlock()
	return r.add(s)
}

// newFunc declares a metric whose one value is that of a function.
func newFunc[V any](d *declaration, o *options, value func() V, write func(target, V, []string)) *Callback {
	d.refuseLabels(o)
	if value == nil {
		panic(noFunction(o.registry.fullName(d.name)))
	}
	return newCallback(d, o, func(_ context.Context, to target) error {
		write(to, value(), nil)
		return nil
	})
}

// newFuncVec declares a metric whose label sets and values are those of an
// iterator. The labels of the declaration come behind those of L.
func newFuncVec[L, V any](d *declaration, o *options, all iter.Seq2[L, V], write func(target, V, []string)) *Callback {
	schema, err := newSchema(reflect.TypeFor[L](), o.labelNames)
	if err != nil {
		panic(&DeclarationError{Metric: o.registry.fullName(d.name), Problem: err.Error()})
	}
	if all == nil {
		panic(noFunction(o.registry.fullName(d.name)))
	}
	d.labels = slices.Concat(schema.names, d.labels)
	return newCallback(d, o, func(ctx context.Context, to target) error {
		// The same for all label sets, since what each has would be on the heap.
		labels, f := new(L), to.family
		f.values = slices.Grow(f.values[:0], len(schema.fields))
		f.digits = slices.Grow(f.digits[:0], maxDigits*len(schema.fields))
		for set, value := range all {
			if err := ctx.Err(); err != nil {
				return err // nobody waits for the rest
			}
			*labels = set
			write(to, value, schema.values(unsafe.Pointer(labels), f.values, f.digits))
		}
		return nil
	})
}

// maxDigits is how many bytes an integer or a bool has at most as a label value.
const maxDigits = len("-9223372036854775808")

func noFunction(name string) *DeclarationError {
	return &DeclarationError{Metric: name, Problem: "the function is nil: give it one that has the values"}
}
