package fennel

import (
	"reflect"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// targetInfo is the record of what [Registry.SetTargetInfo] says: in the constant
// labels of the one series that there is.
type targetInfo struct{ series series.Series }

// SetTargetInfo says in labels what the target is that is scraped: the name and
// the version of a service, say. They are exposed as an info named target_info,
// which OpenMetrics defines for that and which comes before all other metrics.
// Each call replaces what was said before; one without labels takes it away.
//
// It returns a *[DeclarationError] that names what is wrong with the labels, or
// if a metric of that name was declared in another way; then nothing changes.
// With a view it is the info of the registry that it is a view of, without prefix
// and labels of the view; the view gathers it, too, if it was the last to set it.
func (r *Registry) SetTargetInfo(labels ...Label) error {
	if r == nil {
		return nil
	}
	r.init()
	d := targetDeclaration(labels)
	root := r.root()
	if err := d.check(root.legacy); err != nil {
		return err
	}
	root.mu.Lock()
	defer root.mu.Unlock()
	f := root.byName[d.name]
	if f != nil && f.declared.record != d.record {
		return conflict(d, &f.declared, "SetTargetInfo can't change that one; use the one or the other")
	}
	if f != nil {
		for _, m := range f.byConsts {
			root.forget(m)
		}
	}
	if len(labels) == 0 {
		root.drop(d.name)
		return nil
	}
	return r.say(d)
}

// say declares the info about the target. Where there was one before, it takes
// its place in one step.
func (r *Registry) say(d *declaration) error {
	root, f := r.root(), newFamily(d)
	if err := root.names.take(f); err != nil {
		return err
	}
	root.byName[d.name] = f
	m := f.member(root, d)
	m.table.Get(nil)
	r.keep(m)
	return nil
}

func targetDeclaration(labels []Label) *declaration {
	d := newDeclaration(sample.Info, sample.TargetInfo, "Target metadata", &options{constLabels: labels})
	d.record = reflect.TypeFor[targetInfo]()
	d.alloc = func(*member) *series.Series { return &new(targetInfo).series }
	d.load = func(*member, *sample.Batch, []*series.Series) {} // the labels say it all
	return d
}
