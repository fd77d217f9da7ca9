package fennel

import (
	"cmp"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Registry holds metrics and collectors, and makes sure that what they expose
// fits together in every format. The zero value is ready to use, and a nil
// *Registry holds nothing: see [In]. All methods are safe for concurrent use.
type Registry struct {
	logger *slog.Logger
	legacy bool

	mu       sync.Mutex // guards changes of what follows
	byName   map[string]*family
	names    nameTable
	families atomic.Pointer[[]*family]
	sources  atomic.Pointer[[]*source] // the collectors

	once sync.Once
	own  ownMetrics
}

// Default is the registry of metrics that are declared without the option [In].
// It is empty but for what the program declares.
var Default = NewRegistry()

// RegistryOption is an option of [NewRegistry].
type RegistryOption interface{ forRegistry(*Registry) }

type registryOption func(*Registry)

func (f registryOption) forRegistry(r *Registry) { f(r) }

// WithLogger lets the registry log what goes wrong while it gathers. Without
// it, it logs nothing; errors are counted and returned in any case. A server with
// a logger of its own logs the same errors once for each scrape: give one to
// either of the two, and to the server for [Default], which has none.
func WithLogger(l *slog.Logger) RegistryOption {
	return registryOption(func(r *Registry) { r.logger = l })
}

// WithLegacyNames lets the registry refuse names outside the old charset,
// [a-zA-Z_:][a-zA-Z0-9_:]* for metrics and the same without the colon for
// labels. Without it, names are any UTF-8, and scrapers that don't take them
// get them escaped.
func WithLegacyNames() RegistryOption {
	return registryOption(func(r *Registry) { r.legacy = true })
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

// family is all that was declared under one name.
type family struct {
	sample.Family
	declared declaration // the first one
	claims   []string
	bases    []string
	names    []string                  // both of them
	members  atomic.Pointer[[]*member] // sorted by their constant labels
	byConsts map[string]*member        // under the registry's mutex
}

// member is the part of a family that one set of constant labels has.
type member struct {
	family *family
	consts string // rendered
	table  *series.Table
	load   func(*member, *sample.Batch, []*series.Series)
	// handles has the vec for each label set type that the metric was declared
	// with, under the registry's mutex.
	handles map[reflect.Type]any
	reg     *Registry
}

// init makes the zero value ready.
func (r *Registry) init() {
	r.once.Do(func() {
		r.byName = make(map[string]*family)
		r.names = newNameTable()
		r.own.declare(r)
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
func (r *Registry) mustDeclare(d declaration) *member {
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

// handleOf returns the handle of type H to a member, made by create the first
// time.
func handleOf[H any](m *member, create func() *H) *H {
	m.reg.mu.Lock()
	defer m.reg.mu.Unlock()
	typ := reflect.TypeFor[H]()
	if h, ok := m.handles[typ]; ok {
		return h.(*H)
	}
	h := create()
	m.handles[typ] = h
	return h
}

// declare returns the member for a declaration: the one that is there if the
// same was declared before, or a new one.
func (r *Registry) declare(d declaration) (*member, error) {
	if err := d.check(r.legacy); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.byName[d.name]
	if f == nil {
		f = newFamily(d)
		if err := r.names.take(f); err != nil {
			return nil, err
		}
		r.byName[d.name] = f
		r.families.Store(inserted(r.families.Load(), f, func(a, b *family) int { return strings.Compare(a.Name, b.Name) }))
	} else if what := d.differs(&f.declared); what != "" {
		return nil, conflict(&d, &f.declared, theyDiffer(what))
	}
	return f.member(r, d), nil
}

func newFamily(d declaration) *family {
	f := &family{declared: d, claims: claims(d.kind, d.name), bases: bases(d.kind, d.name), byConsts: make(map[string]*member)}
	f.names = slices.Concat(f.claims, f.bases)
	d.describe(&f.Family)
	return f
}

// member returns the family's member with d's constant labels.
func (f *family) member(r *Registry, d declaration) *member {
	consts := newTextOf(d.consts)
	if m := f.byConsts[consts]; m != nil {
		return m
	}
	m := &member{family: f, consts: consts, load: d.load, reg: r, handles: make(map[reflect.Type]any)}
	m.table = series.NewTable(series.Config{
		Constant: d.constPairs(),
		Labels:   d.labels,
		New:      func() *series.Series { return d.alloc(m) },
		Mended:   func() { r.own.mended.With(selfMetric{f.Name}).Inc() },
		Dropped:  func(reason string) { r.own.dropped.With(selfDrop{f.Name, reason}).Inc() },
	})
	f.byConsts[consts] = m
	f.members.Store(inserted(f.members.Load(), m, func(a, b *member) int { return series.Compare(a.consts, b.consts) }))
	return m
}

// newTextOf renders labels.
func newTextOf(labels []Label) string {
	var b []byte
	for i, l := range labels {
		b = series.AppendLabel(b, i == 0, l.Name, l.Value)
	}
	return string(b)
}

// inserted returns a copy of a sorted slice with x put in, so that readers of
// the old one are not disturbed.
func inserted[T any](old *[]T, x T, compare func(a, b T) int) *[]T {
	if old == nil {
		return &[]T{x}
	}
	i, _ := slices.BinarySearchFunc(*old, x, compare)
	list := slices.Insert(slices.Clone(*old), i, x)
	return &list
}

func without[T comparable](old *[]T, x T) *[]T {
	list := slices.DeleteFunc(slices.Clone(*old), func(y T) bool { return x == y })
	return &list
}

// Forget removes the metric of this name with all its series, and reports
// whether there was one. Nothing of it is remembered: another metric can be
// declared under the name. Who kept handles can go on updating them.
func (r *Registry) Forget(name string) bool {
	if r == nil {
		return false
	}
	r.init()
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.byName[name]
	if f == nil || r.own.has(name) {
		return false
	}
	delete(r.byName, name)
	r.names.release(f)
	r.families.Store(without(r.families.Load(), f))
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
// by a Describe method, sorted by name.
func (r *Registry) Descs() []Desc {
	if r == nil {
		return nil
	}
	r.init()
	var all []Desc
	for _, f := range load(&r.families) {
		if !r.own.has(f.Name) {
			all = append(all, descOf(&f.Family))
		}
	}
	for _, s := range load(&r.sources) {
		for _, d := range s.descs {
			all = append(all, d.clone())
		}
	}
	slices.SortStableFunc(all, func(a, b Desc) int { return cmp.Compare(a.Name, b.Name) })
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
