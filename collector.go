package fennel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Collector writes samples at the moment of a scrape: what an exporter reads
// from elsewhere, or what is too dear to keep up to date between scrapes.
//
// Collect writes all its samples to w and returns. It may be called by several
// goroutines at once, each with a Writer of its own. It should give up when ctx
// is done. It may ask [Writer.Wants] whether a family is wanted at all.
//
// An error, a panic, or samples that can't be exposed cost nobody else
// anything: what was written before is served, and so is all the rest; the
// error is counted in fennel_collector_errors_total, logged if the registry has
// a logger, and part of the [GatherError] that the gathering returns.
type Collector interface {
	Collect(ctx context.Context, w *Writer) error
}

// CollectorFunc is a function that is a [Collector]. Being a func it can't be
// unregistered: functions can't be compared. Register a pointer to it for that.
type CollectorFunc func(ctx context.Context, w *Writer) error

// Collect calls f.
func (f CollectorFunc) Collect(ctx context.Context, w *Writer) error { return f(ctx, w) }

// Describer is a [Collector] that knows in advance what it writes. A registry
// refuses it at once where it would clash, lists it in [Registry.Descs], and
// doesn't call it for scrapes that want none of its families.
type Describer interface {
	Collector
	// Describe returns the families that Collect writes. It is called once, by
	// Register. Name and Type are required.
	Describe() []Desc
}

// source is a registered collector.
type source struct {
	collector Collector
	name      string // for errors and metrics
	descs     []Desc
	claims    []string

	mu       sync.Mutex
	families map[string]*written // as of the last scrape: their checks hold on
	logged   map[string]bool     // families whose duplicates were logged
}

// Register adds a collector. It returns an error if the same one is registered
// already, or if it is a [Describer] whose families clash with others.
func (r *Registry) Register(c Collector) error {
	if c == nil {
		return fmt.Errorf("fennel: Register: the collector is nil")
	}
	r.init()
	s := &source{collector: c, name: nameOf(c), logged: make(map[string]bool)}
	if d, ok := c.(Describer); ok {
		s.descs = d.Describe() // before the lock: it is user code
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.source(c) != nil {
		return fmt.Errorf("fennel: Register: collector %s is registered already", s.name)
	}
	if err := r.claimSource(s); err != nil {
		return err
	}
	list := append(slices.Clone(load(&r.sources)), s)
	r.sources.Store(&list)
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
// that has begun may still call it.
func (r *Registry) Unregister(c Collector) bool {
	r.init()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.source(c)
	if s == nil {
		return false
	}
	for _, n := range s.claims {
		delete(r.claims, n)
	}
	r.sources.Store(without(r.sources.Load(), s))
	return true
}

// claimSource claims the names that a collector announces.
func (r *Registry) claimSource(s *source) error {
	for _, desc := range s.descs {
		d := declaration{kind: sample.Kind(desc.Type), name: desc.Name, help: desc.Help, unit: desc.Unit, labels: desc.Labels}
		if d.kind == sample.StateSet {
			d.states = []string{"unused"} // not announced, but a set without is refused
		}
		err := d.check(r.legacy)
		names := claims(d.kind, d.name)
		if err == nil {
			err = r.claim(&d, names)
		}
		if err != nil {
			for _, n := range s.claims {
				delete(r.claims, n)
			}
			return fmt.Errorf("fennel: Register: collector %s: %w", s.name, err)
		}
		s.claims = append(s.claims, names...)
	}
	return nil
}

// source returns the source of a registered collector, under the mutex.
func (r *Registry) source(c Collector) *source {
	if !reflect.ValueOf(c).Comparable() {
		return nil
	}
	for _, s := range load(&r.sources) {
		if reflect.ValueOf(s.collector).Comparable() && s.collector == c {
			return s
		}
	}
	return nil
}

// nameOf names a collector for people: by its String method, or by its type.
func nameOf(c Collector) string {
	if s, ok := c.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", c)
}

// collect runs all collectors that may have what is wanted, each in a goroutine
// of its own so that a slow one delays no other, and returns what they wrote:
// families sorted by name, their samples sorted by labels.
func (r *Registry) collect(ctx context.Context, req *sample.Request) ([]*written, []error) {
	sources := load(&r.sources)
	if len(sources) == 0 {
		return nil, nil
	}
	var running sync.WaitGroup
	var writers []*Writer
	for _, s := range sources {
		if s.claims != nil && !req.Wants(s.claims...) {
			continue
		}
		w := newWriter(r, s, req)
		writers = append(writers, w)
		running.Go(func() { w.run(ctx) })
	}
	running.Wait()
	return r.assemble(writers)
}

// run calls the collector and keeps what goes wrong.
func (w *Writer) run(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			w.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
		w.done = true
	}()
	if err := w.source.collector.Collect(ctx, w); err != nil {
		w.fail(err)
	}
}

// assemble puts together what the collectors wrote.
func (r *Registry) assemble(writers []*Writer) (families []*written, errs []error) {
	byName := make(map[string]*written)
	taken := make(map[string]*declaration)
	for _, w := range writers {
		for _, name := range slices.Sorted(maps.Keys(w.families)) {
			f := w.families[name]
			if err := errors.Join(f.err(), r.admit(f, w.source, byName, taken)); err != nil {
				w.fail(err)
			}
		}
		w.source.remember(w.families)
		errs = append(errs, r.reportErrors(w)...)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		f := byName[name]
		if n := f.sort(); n > 0 {
			errs = append(errs, r.reportDuplicates(f, n))
		}
		families = append(families, f)
	}
	return families, errs
}

// admit adds a family to those that are served, or says why it can't be.
func (r *Registry) admit(f *written, s *source, byName map[string]*written, taken map[string]*declaration) error {
	if f.batch.Len() == 0 {
		return nil
	}
	if first := byName[f.family.Name]; first != nil {
		if what := f.declared.differs(&first.declared); what != "" {
			return conflict(&f.declared, &first.declared, "they differ in "+what)
		}
		first.batch.Append(&first.family, &f.batch)
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range f.claims {
		other := r.claims[n]
		if other != nil && slices.Contains(s.claims, n) {
			other = nil // its own
		}
		if other == nil {
			other = taken[n]
		}
		if other != nil {
			return conflict(&f.declared, other, fmt.Sprintf("both expose the name %q", n))
		}
	}
	for _, n := range f.claims {
		taken[n] = &f.declared
	}
	byName[f.family.Name] = f
	return nil
}

// reportErrors counts and logs a collector's errors and returns them with its
// name.
func (r *Registry) reportErrors(w *Writer) []error {
	errs := w.errs
	for i, err := range errs {
		errs[i] = fmt.Errorf("collector %s: %w", w.source.name, err)
		r.own.failures.With(selfCollector{w.source.name}).Inc()
		if r.logger != nil {
			r.logger.Error("collector failed", "collector", w.source.name, "error", err)
		}
	}
	return errs
}

// reportDuplicates counts samples that were left out, and logs the first time.
func (r *Registry) reportDuplicates(f *written, n int) error {
	err := fmt.Errorf("collector %s: metric %q: %d samples with labels that were there already were left out", f.source.name, f.family.Name, n)
	r.own.duplicates.With(selfMetric{f.family.Name}).AddUint(uint64(n))
	if r.logger != nil && f.source.firstTime(f.family.Name) {
		r.logger.Warn("duplicate samples left out", "collector", f.source.name, "metric", f.family.Name, "samples", n)
	}
	return err
}

func (s *source) firstTime(metric string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.logged[metric]
	s.logged[metric] = true
	return first
}

// remember keeps the families of a scrape, so that the next one need not check
// and prepare them again.
func (s *source) remember(families map[string]*written) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.families = families
}

// recall returns the family that a former scrape declared alike, or nil.
func (s *source) recall(d *declaration) *written {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.families[d.name]
	if f == nil || f.declared.differs(d) != "" || !slices.Equal(f.declared.consts, d.consts) {
		return nil
	}
	return f
}

// written is a family that a collector writes in one scrape.
type written struct {
	*checked
	source *source
	batch  sample.Batch

	leftOut int    // samples that can't be exposed
	problem string // the first one's
}

// checked is the part of it that lasts.
type checked struct {
	family   sample.Family
	declared declaration
	claims   []string
	layout   series.Layout
}

// sort puts the samples in order and drops those that are there twice. It
// returns how many it dropped.
func (f *written) sort() (dropped int) {
	b := &f.batch
	if f.inOrder() {
		return 0
	}
	indices := make([]int, b.Len())
	for i := range indices {
		indices[i] = i
	}
	compare := func(i, j int) int {
		return cmp.Or(series.Compare(string(b.Labels(i)), string(b.Labels(j))), cmp.Compare(b.Time(i), b.Time(j)))
	}
	slices.SortStableFunc(indices, compare)
	n := len(indices)
	indices = slices.CompactFunc(indices, func(i, j int) bool { return compare(i, j) == 0 })
	f.batch = *b.Select(&f.family, indices)
	return n - len(indices)
}

// inOrder reports whether there is nothing to sort or drop.
func (f *written) inOrder() bool {
	b := &f.batch
	for i := 1; i < b.Len(); i++ {
		if series.Compare(string(b.Labels(i-1)), string(b.Labels(i))) >= 0 {
			return false
		}
	}
	return true
}
