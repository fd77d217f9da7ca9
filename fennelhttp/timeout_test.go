package fennelhttp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestTimeoutOfTheScraperIsTheDeadline(t *testing.T) {
	const none = 0
	for value, want := range map[string]time.Duration{
		"10":            9500 * time.Millisecond,
		"10.000":        9500 * time.Millisecond,
		"10.":           9500 * time.Millisecond,
		"0.50000000004": 475 * time.Millisecond,
		"1e1":           none,
		"10.x":          none,
		".5":            none,
		"1.5.0":         none,
		"60":            59500 * time.Millisecond,
		"1":             950 * time.Millisecond,
		"0.1":           90 * time.Millisecond,
		"0.01":          5 * time.Millisecond,
		"86400":         24*time.Hour - 500*time.Millisecond,
		"86400.01":      none,
		"1e300":         none,
		"1e400":         none,
		"0":             none,
		"1e-12":         none,
		"-0":            none,
		"-1":            none,
		"NaN":           none,
		"Inf":           none,
		"+Inf":          none,
		"":              none,
		"10s":           none,
		" 10":           none,
		"1,5":           none,
	} {
		t.Run(value, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := time.Duration(none)
				var during context.Context
				g := gathererFunc(func(ctx context.Context, _ *sample.Request, _ sample.Visitor) error {
					during = ctx
					if deadline, ok := ctx.Deadline(); ok {
						got = time.Until(deadline)
					}
					return nil
				})
				w := serve(Handler(g), request("GET", "/", timeoutHeader, value))
				if w.Code != 200 || got != want {
					t.Errorf("status %d, %v until the deadline, want 200, %v", w.Code, got, want)
				}
				if want != none && !errors.Is(during.Err(), context.Canceled) {
					t.Error("the context outlives the scrape, and its timer with it")
				}
			})
		})
	}
}

// The deadline of the program counts if it is earlier.
func TestTimeoutOfTheScraperExtendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g := gathererFunc(func(ctx context.Context, _ *sample.Request, _ sample.Visitor) error {
			<-ctx.Done()
			return ctx.Err()
		})
		start := time.Now()
		w := serve(Handler(g), request("GET", "/", timeoutHeader, "10").WithContext(ctx))
		if d := time.Since(start); w.Code != 503 || d != time.Second {
			t.Errorf("status %d after %v, want 503 after 1s", w.Code, d)
		}
	})
}

func TestLateCollectorIsCutOffInTime(t *testing.T) {
	for name, test := range map[string]struct {
		collect fennel.CollectorFunc
		after   time.Duration
		early   bool // what was written is served
	}{
		// A tenth of the 9.5 s is kept for what is served, half of that if need be.
		"it heeds its context": {func(ctx context.Context, w *fennel.Writer) error {
			w.Gauge("early", "").Write(1)
			<-ctx.Done()
			return ctx.Err()
		}, 8550 * time.Millisecond, true},
		"it heeds nothing": {func(_ context.Context, w *fennel.Writer) error {
			w.Gauge("early", "").Write(1)
			time.Sleep(time.Hour)
			return nil
		}, 9025 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reg := someRegistry()
				reg.MustRegister(test.collect)
				var log journal
				h := Handler(reg, WithLogger(log.logger()))
				start := time.Now()
				defer time.Sleep(time.Hour) // until the collector has ended
				w := serve(h, request("GET", "/", "Accept", "application/openmetrics-text", timeoutHeader, "10"))
				if d := time.Since(start); w.Code != 200 || d != test.after {
					t.Errorf("status %d after %v, want 200 after %v", w.Code, d, test.after)
				}
				body := w.Body.String()
				if early := strings.Contains(body, "early 1\n"); early != test.early {
					t.Errorf("what was written before is served: %v, want %v", early, test.early)
				}
				if !strings.Contains(body, "jobs_total 2\n") || !strings.HasSuffix(body, "# EOF\n") {
					t.Errorf("got\n%s", body)
				}
				if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "scrape is incomplete") {
					t.Errorf("logged %q", got)
				}
				self := h.(*handler).self
				if got := self.duration.With("OpenMetricsText1.0.0").Sum(); got != test.after.Seconds() {
					t.Errorf("fennel_scrape_duration_seconds_sum is %v, want %v", got, test.after.Seconds())
				}
			})
		})
	}
}

func TestClientThatGoesAwayCountsMoreThanItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var cause error
		h := Handler(gathererFunc(func(ctx context.Context, _ *sample.Request, _ sample.Visitor) error {
			<-ctx.Done()
			cause = ctx.Err()
			return cause
		}))
		start := time.Now()
		serve(h, request("GET", "/", timeoutHeader, "10").WithContext(ctx))
		if d := time.Since(start); d != time.Second || !errors.Is(cause, context.Canceled) {
			t.Errorf("the gatherer ended after %v with %v", d, cause)
		}
	})
}
