package textfile

import (
	"context"
	"fmt"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// untimed gathers what another gatherer does, and ends with an error at the first
// sample that has a timestamp: node_exporter refuses the whole file over it.
type untimed struct{ fennel.Gatherer }

// Visit hands on to v what is good.
func (u untimed) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	return u.Gatherer.Visit(ctx, r, untimedVisitor{v})
}

type untimedVisitor struct{ sample.Visitor }

func (u untimedVisitor) Visit(f *sample.Family, b *sample.Batch) error {
	for i := range b.Len() {
		if b.Time(i) != sample.NoTime {
			return fmt.Errorf("metric %q: a sample has a timestamp, over which node_exporter refuses the whole file: write it without", f.Name)
		}
	}
	return u.Visitor.Visit(f, b)
}
