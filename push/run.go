package push

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/fennelmetrics/fennel"
)

// RunOption is an option of [Group.Run].
type RunOption interface{ apply(*runner) error }

type runOption func(*runner) error

func (f runOption) apply(r *runner) error { return f(r) }

// runner pushes at an interval.
type runner struct {
	group   *Group
	metrics fennel.Gatherer
	method  string
	pause   time.Duration
	grace   time.Duration
	forget  bool // the group is deleted at the end
	failed  int  // pushes since the last that did not
}

// Every sets how long to wait between two pushes. The default is 15 seconds. It
// is an error if it is not positive. Each wait is longer or shorter by up to a
// tenth, at random, so that programs which start together don't push together.
func Every(d time.Duration) RunOption {
	return runOption(func(r *runner) error {
		if d <= 0 {
			return fmt.Errorf("push: Every: %s is no interval: it must be positive", d)
		}
		r.pause = d
		return nil
	})
}

// Grace limits the time that Run takes after its context has ended: to finish a
// push, and for the last one. The default is 10 seconds. With 0 there is no last
// push, and one that is under way is cut off. It is an error if it is negative.
func Grace(d time.Duration) RunOption {
	return runOption(func(r *runner) error {
		if d < 0 {
			return fmt.Errorf("push: Grace: %s is no time: it must not be negative", d)
		}
		r.grace = d
		return nil
	})
}

// Adding pushes as [Group.Add] does and not as [Group.Push].
func Adding() RunOption {
	return runOption(func(r *runner) error {
		r.method = http.MethodPost
		return nil
	})
}

// DeleteOnExit deletes the group at the end, in place of the last push: for
// services, whose metrics should end when they do.
func DeleteOnExit() RunOption {
	return runOption(func(r *runner) error {
		r.forget = true
		return nil
	})
}

// Run pushes m now, and again and again until ctx ends. Then it pushes once more,
// so that the last values arrive, and returns: ctx has ended, but the last push
// has a [Grace] of its own.
//
// A push begins only when the one before has ended. After one that failed for a
// reason that may pass, Run waits twice as long each time, up to two minutes or
// to the interval if that is longer, and at least as long as a Retry-After asks
// for, up to five minutes. [Retry] tries more often before that. A push that is
// refused for good, or that finds a label that must not be there, is logged, and
// the next one comes in its time: metrics change.
//
// The error is that of the last push, or of the deletion, and nil if it went
// well. Run returns at once if an option is wrong.
func (g *Group) Run(ctx context.Context, m fennel.Gatherer, opts ...RunOption) error {
	r := &runner{group: g, metrics: m, method: http.MethodPut, pause: 15 * time.Second, grace: 10 * time.Second}
	if !g.ready() {
		return errNotMade
	}
	if m == nil {
		return errNoGatherer
	}
	for _, o := range opts {
		if o == nil {
			continue
		}
		if err := o.apply(r); err != nil {
			return err
		}
	}
	if r.forget && r.grace == 0 {
		return errors.New("push: DeleteOnExit needs time: Grace must not be 0")
	}
	return r.run(ctx)
}

func (r *runner) run(ctx context.Context) error {
	work, stop := outlive(ctx, r.grace)
	defer stop()
	var err error
	for ctx.Err() == nil {
		err = r.push(work, ctx.Done())
		if !sleep(ctx, nil, r.wait(err)) {
			break
		}
	}
	if r.grace == 0 {
		return err
	}
	// A deadline, other than the end of work, is one that collectors heed.
	last, cancel := context.WithTimeout(work, r.grace)
	defer cancel()
	if r.forget {
		return r.note(last, r.group.Delete(last))
	}
	return r.push(last, nil)
}

// push pushes once, and again where it may until hurry is closed.
func (r *runner) push(ctx context.Context, hurry <-chan struct{}) error {
	return r.note(ctx, r.group.upload(ctx, hurry, r.method, r.metrics))
}

// note counts failures and logs them, and the end of them.
func (r *runner) note(ctx context.Context, err error) error {
	log := r.group.logger.With("url", r.group.shown)
	switch {
	case err == nil || pushed(err):
		if r.failed > 0 {
			log.InfoContext(ctx, "metrics are pushed again", "failed", r.failed)
		}
		r.failed = 0
		if err != nil {
			log.WarnContext(ctx, "metrics are pushed in part", "error", err)
		}
	default:
		r.failed++
		log.ErrorContext(ctx, "metrics could not be pushed", "failed", r.failed, "error", err)
	}
	return err
}

// pushed reports whether all that err says is that collectors failed.
func pushed(err error) bool {
	var refused *Error
	return fennel.Partial(err) && !errors.As(err, &refused)
}

const maxPause = 2 * time.Minute

// wait returns how long to wait after a push that ended with err.
func (r *runner) wait(err error) time.Duration {
	pause := r.pause
	if e := (*Error)(nil); errors.As(err, &e) && e.temporary() {
		for range min(r.failed-1, 10) {
			if pause < maxPause {
				pause = min(2*pause, maxPause)
			}
		}
		return max(jitter(pause), e.retryAfter)
	}
	return jitter(pause)
}

// jitter returns d, more or less by up to a tenth.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// outlive returns a context that ends some time after ctx, or with the function
// that it returns, which must be called.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if grace == 0 {
		stop := context.AfterFunc(ctx, cancel)
		return work, func() { stop(); cancel() }
	}
	stop := context.AfterFunc(ctx, func() {
		limit := time.NewTimer(grace)
		defer limit.Stop()
		select {
		case <-limit.C:
			cancel()
		case <-work.Done():
		}
	})
	return work, func() { stop(); cancel() }
}
