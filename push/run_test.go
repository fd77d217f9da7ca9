package push

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
)

// runFor runs a group for some time and returns the error.
func runFor(t *testing.T, d time.Duration, s *script, opts ...RunOption) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return must(t, "pg", "j", Client(s), inText).Run(ctx, someRegistry(), opts...)
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(200))
		if err := runFor(t, 10*time.Minute, s); err != nil {
			t.Fatal(err)
		}
		if n := len(s.asked); n < 37 || n > 46 || s.asked[0] != 0 || s.asked[n-1] != 10*time.Minute {
			t.Errorf("%d pushes in 10 minutes, the last after %s", n, s.asked[n-1])
		}
		same := true
		for i := 1; i < len(s.asked)-1; i++ {
			wait := s.asked[i] - s.asked[i-1]
			if wait < 13500*time.Millisecond || wait > 16500*time.Millisecond {
				t.Errorf("waited %s", wait)
			}
			same = same && wait == s.asked[1]-s.asked[0]
		}
		if same {
			t.Error("there is no jitter")
		}
		for i, m := range s.methods {
			if m != http.MethodPut || s.bodies[i] != someText {
				t.Errorf("push %d was a %s with\n%s", i, m, s.bodies[i])
			}
		}
	})
}

func TestRunOptions(t *testing.T) {
	tests := map[string]struct {
		opts    []RunOption
		methods string
	}{
		"push":           {nil, "PUT PUT"},
		"add":            {[]RunOption{Adding()}, "POST POST"},
		"delete on exit": {[]RunOption{nil, DeleteOnExit()}, "PUT DELETE"},
		"no last push":   {[]RunOption{Grace(0)}, "PUT"},
		"interval":       {[]RunOption{Every(2 * time.Second)}, "PUT PUT PUT"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(answers(202))
				if err := runFor(t, 3*time.Second, s, tt.opts...); err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(s.methods, " "); got != tt.methods {
					t.Errorf("sent %s, want %s", got, tt.methods)
				}
			})
		})
	}
}

func TestRunOptionsRefused(t *testing.T) {
	for want, opts := range map[string][]RunOption{
		"Every: 0s":       {Every(0)},
		"Every: -1s":      {Every(-time.Second)},
		"Grace: -1ns":     {Grace(-1)},
		"must not be 0":   {DeleteOnExit(), Grace(0)},
		"nothing to push": nil,
	} {
		s := newScript(answers(200))
		g := must(t, "pg", "j", Client(s))
		var m fennel.Gatherer = someRegistry()
		if opts == nil {
			want, m = "nothing to push", nil
		}
		wantText(t, g.Run(t.Context(), m, opts...), "push: ", want)
		if len(s.asked) > 0 {
			t.Error("pushed all the same")
		}
	}
}

// A context that has ended before it begins still gets its last push.
func TestRunAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := newScript(answers(200))
		if err := must(t, "pg", "j", Client(s)).Run(ctx, someRegistry()); err != nil || len(s.asked) != 1 {
			t.Errorf("error %v after %d pushes", err, len(s.asked))
		}
	})
}

func TestRunBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(fails, answers(500), answers(502), answers(429), fails, answers(200), answers(200))
		if err := runFor(t, 8*time.Minute, s); err != nil {
			t.Fatal(err)
		}
		for i, want := range []time.Duration{15, 30, 60, 120, 120, 15} {
			want *= time.Second
			if got := s.asked[i+1] - s.asked[i]; got < want*9/10 || got > want*11/10 {
				t.Errorf("after push %d waited %s, want about %s", i, got, want)
			}
		}
	})
}

// A long interval is not made shorter by failures.
func TestRunBacksOffFromALongInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(fails)
		if err := runFor(t, time.Hour, s, Every(10*time.Minute)); err == nil {
			t.Error("no error")
		}
		if n := len(s.asked); n < 6 || n > 8 {
			t.Errorf("%d pushes in an hour", n)
		}
	})
}

func TestRunHeedsRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(429, "Retry-After", "100"), answers(200))
		if err := runFor(t, 101*time.Second, s); err != nil || s.asked[1] != 100*time.Second {
			t.Errorf("error %v, pushed after %v", err, s.asked)
		}
	})
}

// What is refused for good is not sent faster or slower, and doesn't end it.
func TestRunGoesOnAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(400), answers(400), answers(400), answers(400), answers(200))
		if err := runFor(t, 70*time.Second, s); err != nil || len(s.asked) < 5 {
			t.Errorf("error %v after %d pushes", err, len(s.asked))
		}
	})
}

func TestRunReturnsTheLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := runFor(t, time.Minute, newScript(answers(200), answers(400)))
		if asError(t, err).StatusCode != 400 {
			t.Errorf("error %v", err)
		}
		err = runFor(t, time.Minute, newScript(answers(500)), Grace(0))
		if asError(t, err).StatusCode != 500 {
			t.Errorf("error %v", err)
		}
		err = runFor(t, time.Minute, newScript(answers(500)), DeleteOnExit())
		if e := asError(t, err); e.Method != http.MethodDelete {
			t.Errorf("error %v", err)
		}
	})
}

// waiting lets a request wait until its context ends or d has passed.
func waiting(d time.Duration) func(*http.Request) {
	return func(r *http.Request) {
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
	}
}

// A push that is under way is finished, and only then comes the last one: it
// could be overtaken otherwise.
func TestRunFinishesAPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(200))
		s.during = waiting(4 * time.Second)
		if err := runFor(t, time.Second, s); err != nil {
			t.Fatal(err)
		}
		if len(s.asked) != 2 || s.asked[1] != 4*time.Second || time.Since(s.start) != 8*time.Second {
			t.Errorf("pushed at %v, ended after %s", s.asked, time.Since(s.start))
		}
	})
}

func TestRunEndsInItsTime(t *testing.T) {
	for grace, want := range map[time.Duration]int{3 * time.Second: 2, 0: 1} {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(answers(200))
			s.during = waiting(time.Hour)
			err := runFor(t, time.Second, s, Grace(grace))
			if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			if took := time.Since(s.start); took != time.Second+grace || len(s.asked) > want {
				t.Errorf("took %s and %d pushes", took, len(s.asked))
			}
		})
	}
}

// The time for the last push is its own, even if a collector takes none of the
// hints.
func TestRunLastPushWithoutALateCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(200))
		reg := someRegistry()
		release := make(chan struct{})
		var slow atomic.Bool
		reg.MustRegister(fennel.CollectorFunc(func(context.Context, *fennel.Writer) error {
			if slow.Load() {
				<-release
			}
			return nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, func() {
			slow.Store(true)
			cancel()
		})
		err := must(t, "pg", "j", Client(s), inText).Run(ctx, reg)
		close(release)
		if !fennel.Partial(err) || len(s.bodies) != 2 || !strings.HasSuffix(s.bodies[1], someText) {
			t.Errorf("error %v, pushed %q", err, s.bodies)
		}
	})
}

// Waiting for a retry is no reason to miss the last push.
func TestRunInterruptsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(503, "Retry-After", "300"), answers(200))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := must(t, "pg", "j", Client(s), Retry(9)).Run(ctx, someRegistry())
		if err != nil || len(s.asked) != 2 || s.asked[1] != time.Minute {
			t.Errorf("error %v, pushed at %v", err, s.asked)
		}
	})
}

func TestRunLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		reg := someRegistry()
		reg.MustRegister(failing{})
		s := newScript(answers(400), answers(400), answers(200))
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		err := must(t, "pg?token=s3cret", "j", Client(s), Logger(log.logger())).Run(ctx, reg)
		if !fennel.Partial(err) {
			t.Errorf("error %v", err)
		}
		text := log.String()
		for want, n := range map[string]int{"level=ERROR": 2, "failed=2": 2, "pushed again": 1, "pushed in part": 2, "s3cret": 0} {
			if got := strings.Count(text, want); got != n {
				t.Errorf("%d times %q, want %d, in the log:\n%s", got, want, n, text)
			}
		}
	})
}
