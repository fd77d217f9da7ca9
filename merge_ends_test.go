package fennel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestMergeJoinsErrors(t *testing.T) {
	a, b := fennel.NewRegistry(), fennel.NewRegistry()
	for i, r := range []*fennel.Registry{a, b} {
		register(t, r, func(w *fennel.Writer) error {
			w.Gauge(fmt.Sprint("g", i), "").Write(1)
			return fmt.Errorf("failure %d", i)
		})
	}
	families, errs := gatherPartial(t, fennel.Merge(foreign{a}, b))
	wantErrors(t, errs, "failure 0", "failure 1")
	if names(families) != "fennel_collector_errors_total g0 g1" && names(families) != "g0 g1" {
		t.Errorf("families %s", names(families))
	}
}

type failing struct{ err error }

func (f failing) Visit(ctx context.Context, _ *sample.Request, _ sample.Visitor) error {
	if f.err == nil {
		panic("at the visit")
	}
	return f.err
}

func TestMergeEndsWithTheFirstHardError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fennel.NewRegistry()
		r.MustRegister(fennel.CollectorFunc(func(ctx context.Context, _ *fennel.Writer) error {
			<-ctx.Done() // nobody waits for it when the other has failed
			return ctx.Err()
		}))
		failure := errors.New("disk on fire")
		if _, err := fennel.Gather(t.Context(), fennel.Merge(r, failing{failure})); err != failure {
			t.Errorf("error %v, want %v", err, failure)
		}
		func() {
			defer func() {
				if p := recover(); p != "at the visit" {
					t.Errorf("recovered %v", p)
				}
			}()
			fennel.Gather(t.Context(), fennel.Merge(r, failing{}))
		}()
	})
}

func TestMergeEndsWhenTheVisitorFails(t *testing.T) {
	a, b, g := twoRegistries()
	for i, r := range []*fennel.Registry{a, b} {
		fennel.NewGaugeVec[string]("x", "", fennel.In(r), fennel.LabelNames("k")).With(fmt.Sprint(i))
		fennel.NewGauge(fmt.Sprint("g", i), "", fennel.In(r))
	}
	failure := errors.New("hung up")
	for n := range 3 {
		v := &countdown{n, failure}
		if err := g.Visit(t.Context(), nil, v); err != failure {
			t.Errorf("error %v after %d visits, want %v", err, n, failure)
		}
	}
}

// countdown fails at a visit.
type countdown struct {
	n   int
	err error
}

func (c *countdown) Visit(*sample.Family, *sample.Batch) error {
	if c.n--; c.n < 0 {
		return c.err
	}
	return nil
}

func TestMergeEndsWithItsContext(t *testing.T) {
	a, b, g := twoRegistries()
	for i, r := range []*fennel.Registry{a, b} {
		vec := fennel.NewGaugeVec[[2]int]("x", "", fennel.In(r), fennel.LabelNames("i", "k"))
		for k := range 2000 {
			vec.With([2]int{i, k})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	visits := 0
	v := visitorFunc(func(*sample.Family, *sample.Batch) error {
		if visits++; visits == 3 {
			cancel()
		}
		return nil
	})
	if err := g.Visit(ctx, nil, v); err != context.Canceled || visits != 3 {
		t.Errorf("error %v after %d visits", err, visits)
	}
	if err := g.Visit(ctx, nil, v); err != context.Canceled || visits != 3 {
		t.Errorf("error %v after %d visits, done before", err, visits)
	}
}

type visitorFunc func(*sample.Family, *sample.Batch) error

func (f visitorFunc) Visit(fam *sample.Family, b *sample.Batch) error { return f(fam, b) }

// Collectors of all registries run at the same time, and a late one costs only its
// own part.
func TestMergeRunsCollectorsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, g := twoRegistries()
		for i, r := range []*fennel.Registry{a, b} {
			register(t, r, func(w *fennel.Writer) error {
				time.Sleep(8 * time.Second)
				w.Gauge(fmt.Sprint("g", i), "").Write(1)
				return nil
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if families, errs := gatherPartialUnder(ctx, t, g); names(families) != "g0 g1" || len(errs) != 0 {
			t.Errorf("families %s with %v", names(families), errs)
		}
		register(t, a, func(w *fennel.Writer) error { time.Sleep(time.Minute); return nil })
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		families, errs := gatherPartialUnder(ctx, t, g)
		wantErrors(t, errs, "late")
		if got := names(families); !strings.Contains(got, "g0") || !strings.Contains(got, "g1") {
			t.Errorf("families %s", got)
		}
		time.Sleep(time.Hour)
	})
}
