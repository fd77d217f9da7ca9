package push

import (
	"context"
	"fmt"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// checked gathers what another gatherer does, and ends with an error at the
// first thing that a gateway would refuse, or would overwrite without a word.
type checked struct {
	fennel.Gatherer
	group  *Group
	exotic bool // a name outside the old charset was sent as it is
}

// Visit hands on to v what is good.
func (c *checked) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	return c.Gatherer.Visit(ctx, r, &checker{c, v})
}

// checker is the visitor that looks before another one does.
type checker struct {
	*checked
	next sample.Visitor
}

func (c *checker) Visit(f *sample.Family, b *sample.Batch) error {
	if c.group.format.Escaping == exposition.AllowUTF8 {
		c.exotic = c.exotic || !names.LegalMetric(f.Name) || !f.Legal
	}
	for i := range b.Len() {
		if b.Time(i) != sample.NoTime {
			return fmt.Errorf("push: metric %q: a sample has a timestamp, which a gateway refuses: write it without", f.Name)
		}
	}
	if err := c.checkLabels(f, b); err != nil {
		return err
	}
	return c.next.Visit(f, b)
}

func (c *checker) checkLabels(f *sample.Family, b *sample.Batch) error {
	for _, name := range ownLabels(f) {
		if err := c.checkLabel(f, name); err != nil {
			return err
		}
	}
	if !f.Mixed() {
		return nil
	}
	for i := range b.Len() {
		for name := range series.Labels(b.Key(i)) {
			if err := c.checkLabel(f, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownLabels are the names of all labels that a family's series have in any
// format.
func ownLabels(f *sample.Family) []string {
	labels := f.Labels
	switch {
	case f.Kind.IsHistogram():
		labels = append(labels[:len(labels):len(labels)], "le")
	case f.Kind == sample.Summary && len(f.Ranks) > 0:
		labels = append(labels[:len(labels):len(labels)], "quantile")
	case f.Kind == sample.StateSet:
		labels = append(labels[:len(labels):len(labels)], f.Name)
	}
	return labels
}

// checkLabel refuses a label of the group's key. The gateway would overwrite its
// values with the one of the key.
func (c *checker) checkLabel(f *sample.Family, name string) error {
	written := names.Scheme(c.group.format.Escaping).Label(name)
	for _, l := range c.group.key {
		switch {
		case l.name != written && l.name != name:
		case l.name == "job":
			return fmt.Errorf("push: metric %q has the label %q, which is the job that it is pushed for: rename the label", f.Name, name)
		default:
			return fmt.Errorf("push: metric %q has the label %q, which is a grouping label: rename it, or group by another", f.Name, name)
		}
	}
	return nil
}
