package fennel

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/small"
)

// Registry holds metrics and collectors, and makes sure that what they expose
// fits together in every format. The zero value is ready to use, and a nil
// *Registry holds nothing: see [In]. All methods are safe for concurrent use.
//
// A Registry may also be a view of another: see [Registry.View].
type Registry struct {
	log    logFunc // nil for none
	legacy bool
	silent bool  // without metrics about itself
	view   *view // nil for a registry that is none

	// What r gathers. Both are changed under the mutex of the root.
	parts   atomic.Pointer[[]*part]   // of what is stored
	sources atomic.Pointer[[]*source] // the collectors

	// admitted is how the families of all collectors were served last.
	admitted atomic.Pointer[admission]

	// What follows is used in a root only.
	mu      sync.Mutex // guards changes
	byName  map[string]*family
	names   nameTable
	forgets atomic.Uint64 // counts what was forgotten, for views to notice

	once sync.Once
	own  ownMetrics
}

// Default is the registry of metrics that are declared without the option [In].
// It is empty but for what the program declares.
var Default = &Registry{}

// RegistryOption is an option of [NewRegistry].
type RegistryOption interface{ forRegistry(*Registry) }

type registryOption func(*Registry)

func (f registryOption) forRegistry(r *Registry) { f(r) }

// WithLogger lets the registry log what goes wrong while it gathers. Without
// it, it logs nothing; errors are counted and returned in any case. A server with
// a logger of its own logs the same errors once for each scrape: give one to
// either of the two, and to the server for [Default], which has none.
func WithLogger(l *slog.Logger) RegistryOption {
	return registryOption(func(r *Registry) {
		if r.log = nil; l != nil {
			r.log = l.Log
		}
	})
}

// logFunc is the Log method of a logger that an option gave. Hanging on the option
// alone, package slog's handlers, and with them encoding/json, are linked only into
// programs that log: they are a fifth of a megabyte.
type logFunc func(ctx context.Context, level slog.Level, message string, args ...any)

// WithLegacyNames lets the registry refuse names outside the old charset,
// [a-zA-Z_:][a-zA-Z0-9_:]* for metrics and the same without the colon for
// labels. Without it, names are any UTF-8, and scrapers that don't take them
// get them escaped.
func WithLegacyNames() RegistryOption {
	return registryOption(func(r *Registry) { r.legacy = true })
}

// WithoutSelfMetrics leaves out what the registry would expose about itself, all
// that begins with fennel_. What is dropped or fails is then counted nowhere.
func WithoutSelfMetrics() RegistryOption {
	return registryOption(func(r *Registry) { r.silent = true })
}

// NewRegistry returns an empty registry.
func NewRegistry(opts ...RegistryOption) *Registry {
	r := new(Registry)
	for _, o := range opts {
		if o != nil {
			o.forRegistry(r)
		}
	}
	return r
}

// init makes the zero value ready.
func (r *Registry) init() {
	if r.view != nil {
		return // View has done it
	}
	r.once.Do(func() {
		r.byName = make(map[string]*family)
		r.names = newNameTable()
		if !r.silent {
			r.own.declare(r)
		}
	})
}

// target is the registry that the options name, ready for use, or nil for none.
func (o *options) target() *Registry {
	if o.none {
		return nil
	}
	r := o.registry
	if r == nil {
		r = Default
	}
	r.init()
	return r
}

// mustDeclare declares a metric. In no registry it only checks the declaration,
// and returns nil.
func (r *Registry) mustDeclare(d *declaration) *member {
	var m *member
	var err error
	if r == nil {
		err = d.check(false)
	} else {
		m, err = r.declare(d)
	}
	if err != nil {
		panic(err)
	}
	return m
}

// declare returns the member for a declaration through r: the one that is there
// if the same was declared before, or a new one.
func (r *Registry) declare(d *declaration) (*member, error) {
	root := r.root()
	if err := r.adapt(d); err != nil {
		return nil, err
	}
	if err := d.check(root.legacy); err != nil {
		return nil, err
	}
	root.mu.Lock()
	defer root.mu.Unlock()
	f := root.byName[d.name]
	if f == nil {
		f = newFamily(d)
		if err := root.names.take(f); err != nil {
			return nil, err
		}
		root.byName[d.name] = f
	} else if what := d.differs(&f.declared); what != "" {
		return nil, conflict(d, &f.declared, theyDiffer(what))
	}
	m := f.member(root, d)
	r.keep(m)
	return m, nil
}

// Forget removes the metric of this name with all its series, and reports
// whether there was one. Nothing of it is remembered: another metric can be
// declared under the name. Who kept handles can go on updating them.
//
// A view takes the name without its prefix, and removes what was declared
// through it: a metric with other constant labels stays.
func (r *Registry) Forget(name string) bool {
	if r == nil {
		return false
	}
	r.init()
	root, name := r.root(), r.fullName(name)
	root.mu.Lock()
	defer root.mu.Unlock()
	r.tidy()
	p := r.part(name)
	if p == nil || root.own.has(name) {
		return false
	}
	for _, m := range load(&p.members) {
		root.forget(m)
	}
	for ; r != nil; r = r.parent() {
		r.drop(name)
	}
	return true
}

// Desc describes a metric family.
type Desc struct {
	Name   string
	Help   string
	Unit   string
	Type   Type
	Labels []string // the names of all labels: constant ones first

	// ConstLabels are constant labels with their values. They are set by a
	// [Describer] that shares the family with others, which have other values.
	ConstLabels []Label
}

// clone returns a copy that shares no slices.
func (d Desc) clone() Desc {
	d.Labels, d.ConstLabels = slices.Clone(d.Labels), slices.Clone(d.ConstLabels)
	return d
}

// Descs lists the metrics that are declared, and those that collectors announce
// by a Describe method, in the order in which they are exposed.
func (r *Registry) Descs() []Desc {
	if r == nil {
		return nil
	}
	r.init()
	var all []Desc
	for _, p := range r.stored() {
		if !r.root().own.has(p.Name) {
			all = append(all, descOf(&p.Family))
		}
	}
	for _, s := range load(&r.sources) {
		for _, d := range s.descs {
			all = append(all, d.clone())
		}
	}
	small.Sort(all, func(a, b Desc) int { return sample.CompareNames(a.Name, b.Name) })
	return all
}

func descOf(f *sample.Family) Desc {
	return Desc{Name: f.Name, Help: f.Help, Unit: f.Unit, Type: Type(f.Kind), Labels: slices.Clone(f.Labels)}
}

// load returns the slice behind p, which may be nil.
func load[T any](p *atomic.Pointer[[]T]) []T {
	if s := p.Load(); s != nil {
		return *s
	}
	return nil
}

// Type is the type of a metric family, in OpenMetrics' terms.
type Type uint8

// The types of metric families.
const (
	TypeUnknown   = Type(sample.Unknown)
	TypeCounter   = Type(sample.Counter)
	TypeGauge     = Type(sample.Gauge)
	TypeHistogram = Type(sample.Histogram)
	TypeSummary   = Type(sample.Summary)
	TypeInfo      = Type(sample.Info)
	TypeStateSet  = Type(sample.StateSet)

	// TypeGaugeHistogram is a histogram whose counts may fall. Only collectors
	// write such.
	TypeGaugeHistogram = Type(sample.GaugeHistogram)
)

// String returns the type as OpenMetrics spells it: "counter", "stateset".
func (t Type) String() string { return sample.Kind(t).String() }
