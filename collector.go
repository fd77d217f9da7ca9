package fennel

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// Collector writes samples at the moment of a scrape: what an exporter reads
// from elsewhere, or what is too dear to keep up to date between scrapes.
//
// In errors and in the registry's own metrics a collector is named by its String
// method, or by its type if it has none.
//
// Collect writes all its samples to w and returns. It is called in a goroutine of
// its own, at the same time as other collectors, and, by several scrapes, more
// than once at a time, each with a Writer of its own. Samples may come in any order;
// it costs least to write the same label sets in the same order at each scrape. Of
// samples with the same labels the first is served. It should give up when ctx is
// done, which is a little before the deadline of the scrape. If it does not, it is
// left behind with what it has written, and not called again while three such calls
// are still going on. It may ask [Writer.Wants] whether a family is wanted at all.
//
// An error, a panic, or samples that can't be exposed cost nobody else
// anything: what was written before is served, and so is all the rest; the
// error is counted in fennel_collector_errors_total, logged if the registry has
// a logger, and part of the [GatherError] that the gathering returns.
type Collector interface {
	Collect(ctx context.Context, w *Writer) error
}

// CollectorFunc is a function that is a [Collector]. Functions can't be compared,
// so it can't be unregistered, and registering it twice is not noticed. Register
// a pointer to it for that.
type CollectorFunc func(ctx context.Context, w *Writer) error

// Collect calls f.
func (f CollectorFunc) Collect(ctx context.Context, w *Writer) error { return f(ctx, w) }

// Describer is a [Collector] that knows in advance what it writes. A registry
// refuses it at once where it would clash, lists it in [Registry.Descs], and
// doesn't call it for scrapes that want none of its families.
type Describer interface {
	Collector
	// Describe returns all families that Collect may write: a scrape that wants
	// none of them doesn't call it. It is called once, by Register. The name is
	// required; a type that is left out is TypeUnknown.
	Describe() []Desc
}

// source is a registered collector.
type source struct {
	collector Collector
	scope     *Registry // that it was registered with, perhaps a view
	name      string    // for errors and metrics
	descs     []Desc
	announced []*declaration
	// gather is (*Registry).collect. Hanging on the collectors, all that they need is
	// linked only into programs that have some.
	gather func(*Registry, context.Context, *sample.Request) (gathering, error)
	names  []string // of what it announces, in any format; nil if it announces nothing

	kept  atomic.Pointer[slate] // one that nobody uses, if it isn't large
	spare sync.Pool             // of *slate: more of them

	mu       sync.Mutex
	families map[string]*checked // of the last scrape: need not be checked again
	logged   map[string]bool     // families whose duplicates were logged

	late atomic.Int32 // calls that nobody waits for any more
}

// Register adds a collector. It returns an error if the same one is registered
// already, or if it is a [Describer] whose families clash with others.
func (r *Registry) Register(c Collector) error {
	if c == nil {
		return errors.New("fennel: Register: the collector is nil")
	}
	if r == nil {
		return nil
	}
	r.init()
	s := newSource(r, c)
	if err := s.describe(); err != nil {
		return fmt.Errorf("fennel: Register: collector %s: %w", s.name, err)
	}
	root := r.root()
	root.mu.Lock()
	defer root.mu.Unlock()
	if slices.ContainsFunc(root.sourcesOf(c), s.likewise) {
		return fmt.Errorf("fennel: Register: collector %s is registered already", s.name)
	}
	if err := r.add(s); err != nil {
		return fmt.Errorf("fennel: Register: collector %s: %w", s.name, err)
	}
	return nil
}

func newSource(r *Registry, c Collector) *source {
	return &source{scope: r, collector: c, name: nameOf(c), gather: (*Registry).collect, logged: make(map[string]bool)}
}

// describe asks a Describer for what it announces. It is not for under a lock,
// being the user's code.
func (s *source) describe() error {
	d, ok := s.collector.(Describer)
	if !ok {
		return nil
	}
	for _, desc := range d.Describe() {
		announced := desc.declaration()
		if err := s.scope.adapt(announced); err != nil {
			return err
		}
		s.announced = append(s.announced, announced)
		s.descs = append(s.descs, s.scope.adaptDesc(desc))
	}
	return nil
}

// likewise reports whether other writes under the same prefix and labels.
func (s *source) likewise(other *source) bool { return s.scope.likeness() == other.scope.likeness() }

// add adds a source to r and what it is a view of, under the mutex, unless what it
// announces clashes.
func (r *Registry) add(s *source) error {
	if err := r.root().announce(s); err != nil {
		return err
	}
	for ; r != nil; r = r.parent() {
		list := append(slices.Clone(load(&r.sources)), s)
		r.sources.Store(&list)
	}
	return nil
}

// MustRegister is Register for collectors that are known not to clash. It
// panics otherwise.
func (r *Registry) MustRegister(collectors ...Collector) {
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

// Unregister removes a collector and reports whether it was there. A scrape
// that has begun may still call it. One that was registered with a view is
// removed by the view, and by what that is a view of.
func (r *Registry) Unregister(c Collector) bool {
	if r == nil {
		return false
	}
	r.init()
	root := r.root()
	root.mu.Lock()
	defer root.mu.Unlock()
	found := r.sourcesOf(c)
	for _, s := range found {
		root.names.withdraw(s.announced)
		for scope := s.scope; scope != nil; scope = scope.parent() {
			list := slices.DeleteFunc(slices.Clone(load(&scope.sources)), func(other *source) bool { return other == s })
			scope.sources.Store(&list)
		}
	}
	return len(found) > 0
}

// announce claims the names that a collector announces, all of them or none.
func (r *Registry) announce(s *source) error {
	for i, d := range s.announced {
		err := d.check(r.legacy)
		if err == nil {
			err = r.names.announce(d)
		}
		if err != nil {
			r.names.withdraw(s.announced[:i])
			return err
		}
		s.names = slices.Concat(s.names, claims(d.kind, d.name), bases(d.kind, d.name))
	}
	return nil
}

// declaration is what a description says as a declaration.
func (desc *Desc) declaration() *declaration {
	d := newDeclaration(sample.Kind(desc.Type), desc.Name, desc.Help, &options{unit: desc.Unit, constLabels: desc.ConstLabels})
	d.vague = true
	for _, l := range desc.Labels {
		if !slices.ContainsFunc(d.consts, func(c Label) bool { return c.Name == l }) {
			d.labels = append(d.labels, l)
		}
	}
	return d
}

// sourcesOf returns the sources of a registered collector, under the mutex: there
// are several if it is registered with several views.
func (r *Registry) sourcesOf(c Collector) (found []*source) {
	if !reflect.ValueOf(c).Comparable() {
		return nil
	}
	for _, s := range load(&r.sources) {
		if reflect.ValueOf(s.collector).Comparable() && s.collector == c {
			found = append(found, s)
		}
	}
	return found
}

// nameOf names a collector for people: by its String method, or by its type.
func nameOf(c Collector) string {
	if s, ok := c.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", c)
}

func (s *source) firstTime(metric string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.logged[metric]
	s.logged[metric] = true
	return first
}

// remember keeps the families of a scrape, so that no other call need check and
// prepare them again. A scrape with a filter has not seen them all.
func (s *source) remember(all []*written, learned bool, req *sample.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !learned && (len(s.families) == len(all) || !req.All()) {
		return // they are known
	}
	if s.families == nil || req.All() {
		s.families = make(map[string]*checked, len(all))
	}
	for _, f := range all {
		s.families[f.family.Name] = f.checked
	}
}

// recall returns the family that a former scrape declared alike, or nil.
func (s *source) recall(d *declaration) *checked {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.families[d.name]
	if f == nil || f.declared.differs(d) != "" || !slices.Equal(f.declared.consts, d.consts) {
		return nil
	}
	return f
}
