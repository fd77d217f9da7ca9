package fennel

import (
	"fmt"
	"slices"
	"strings"
)

// nameTable is who has which name in a registry. It is guarded by the registry's
// mutex.
type nameTable struct {
	samples map[string]*claim // every sample name in any format
	// bases has the families that have a name without suffix, in the order of
	// their declaration. The first of them can use it, unless it is a sample's.
	bases map[string][]*family
	// version changes whenever the names do.
	version uint64
}

// claim is a sample name that is taken.
type claim struct {
	by *declaration
	// announced has what collectors announce, alike but for the values of constant
	// labels. It is empty for a metric that is stored.
	announced []*declaration
}

func newNameTable() nameTable {
	return nameTable{samples: make(map[string]*claim), bases: make(map[string][]*family)}
}

// take claims the names of a family that is stored, or says who has one already.
func (t *nameTable) take(f *family) error {
	d := &f.declared
	for _, n := range f.claims {
		if c := t.samples[n]; c != nil {
			return conflict(d, c.by, bothExpose(n))
		}
	}
	for _, n := range f.claims {
		t.samples[n] = &claim{by: d}
	}
	for _, b := range f.bases {
		t.bases[b] = append(t.bases[b], f)
	}
	t.settle(f.bases)
	t.settle(f.claims)
	return nil
}

// release gives back what take has taken.
func (t *nameTable) release(f *family) {
	for _, n := range f.claims {
		delete(t.samples, n)
	}
	for _, b := range f.bases {
		t.bases[b] = slices.DeleteFunc(t.bases[b], func(g *family) bool { return g == f })
		if len(t.bases[b]) == 0 {
			delete(t.bases, b)
		}
	}
	t.settle(f.bases)
	t.settle(f.claims)
}

// settle decides for the families with one of these names without suffix
// whether they are shadowed.
func (t *nameTable) settle(names []string) {
	t.version++
	for _, n := range names {
		for _, f := range t.bases[n] {
			f.Shadow(slices.ContainsFunc(f.bases, func(b string) bool {
				return t.samples[b] != nil || t.bases[b][0] != f
			}))
		}
	}
}

// announce claims the names of a family that a collector will write. Several
// collectors may write the same one, with other constant labels each.
func (t *nameTable) announce(d *declaration) error {
	names := claims(d.kind, d.name)
	for _, n := range names {
		if c := t.samples[n]; c != nil {
			if err := c.admits(d, n); err != nil {
				return err
			}
		}
	}
	for _, n := range names {
		if t.samples[n] == nil {
			t.samples[n] = &claim{by: d}
		}
		t.samples[n].announced = append(t.samples[n].announced, d)
	}
	t.settle(names)
	return nil
}

// admits returns why d can't share the claim to a name, or nil.
func (c *claim) admits(d *declaration, n string) error {
	if len(c.announced) == 0 || c.by.name != d.name {
		return conflict(d, c.by, bothExpose(n))
	}
	for _, other := range c.announced {
		what := d.differs(other)
		switch {
		case what != "":
			return conflict(d, other, theyDiffer(what))
		case !slices.Equal(d.consts, other.consts):
		case d.callback:
			return &DeclarationError{Metric: d.name, Problem: "it is declared already, and two functions can't be one metric: " +
				"declare it once, tell the two apart by ConstLabels, or Unregister the first before"}
		default:
			return &DeclarationError{Metric: d.name, Problem: "another collector announces it with the same constant labels: " +
				"is this one registered twice? Else tell them apart by Desc.ConstLabels"}
		}
	}
	return nil
}

// withdraw takes announcements back.
func (t *nameTable) withdraw(announced []*declaration) {
	for _, d := range announced {
		names := claims(d.kind, d.name)
		for _, n := range names {
			c := t.samples[n]
			c.announced = slices.DeleteFunc(c.announced, func(other *declaration) bool { return other == d })
			if len(c.announced) == 0 {
				delete(t.samples, n)
			}
		}
		t.settle(names)
	}
}

// other returns who has a name that a collector's family wants to use, or nil if
// it may.
func (t *nameTable) other(n string, d *declaration) *declaration {
	c := t.samples[n]
	if c == nil || len(c.announced) > 0 && c.by.name == d.name && c.by.kind == d.kind {
		return nil
	}
	return c.by
}

// shadow marks families whose name without suffix a collector has just used for
// a sample.
func (t *nameTable) shadow(claims []string) {
	for _, n := range claims {
		for _, f := range t.bases[n] {
			f.Shadow(true)
		}
	}
}

// bothExpose is why families that share a sample's name are in conflict.
func bothExpose(name string) string {
	if strings.HasSuffix(name, "_created") {
		return fmt.Sprintf("%q is reserved for a time of creation; rename one", name)
	}
	return fmt.Sprintf("both expose the name %q; rename one", name)
}

// theyDiffer is why families of one name are in conflict.
func theyDiffer(what string) string {
	return fmt.Sprintf("they differ in %s; rename one, or declare both alike", what)
}

// conflict is the error of two declarations that can't live side by side.
func conflict(d, other *declaration, why string) error {
	return &DeclarationError{Metric: d.name, Problem: fmt.Sprintf(
		"%v conflicts with %v, which is already declared: %s", d, other, why)}
}
