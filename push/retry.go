package push

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	firstWait     = time.Second
	maxWait       = 30 * time.Second
	maxRetryAfter = 5 * time.Minute // a gateway's wishes are not granted beyond it
)

// deliver sends a message until a gateway takes it, or until there are no more
// attempts or no hope. Once hurry is closed, it waits for no other attempt.
func (g *Group) deliver(ctx context.Context, hurry <-chan struct{}, m *message) error {
	if !g.ready() {
		return errNotMade
	}
	for attempt := 1; ; attempt++ {
		err := g.attempt(ctx, m)
		if err == nil {
			return nil
		}
		err.Attempts = attempt
		if attempt > g.retries || !err.temporary() {
			return err
		}
		wait := max(backoff(attempt), err.retryAfter)
		if end, ok := ctx.Deadline(); ok && time.Until(end) <= wait {
			return err // it would be too late
		}
		g.logger.WarnContext(ctx, "push failed and is tried again", "wait", wait, "error", err)
		if !sleep(ctx, hurry, wait) {
			if ctx.Err() != nil {
				return fmt.Errorf("%w; not tried again: %w", err, ctx.Err())
			}
			return err
		}
	}
}

// backoff returns how long to wait after this many attempts: twice as long each
// time, and less by a random part of up to a half, so that clients that failed
// together don't come back together.
func backoff(attempts int) time.Duration {
	wait := maxWait
	if shift := attempts - 1; shift < 10 {
		wait = min(firstWait<<shift, maxWait)
	}
	return wait/2 + rand.N(wait/2+1)
}

// sleep waits, and reports whether it could to the end.
func sleep(ctx context.Context, hurry <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-hurry:
	case <-ctx.Done():
	}
	return false
}
