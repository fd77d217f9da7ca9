package fennel

import "time"

// Timer measures how long something takes and hands that to the metric
// that started it. It may be copied, and stopped by any goroutine.
type Timer struct {
	start  time.Time
	metric reporter
}

type reporter interface{ report(time.Duration) }

// StartTimer starts a timer that is to be stopped with [Timer.StopTo].
func StartTimer() Timer { return Timer{start: time.Now()} }

// Stop reports the time since the start to the metric that started the timer,
// and returns it. Each call reports, so that laps can be taken. The zero Timer
// returns 0.
func (t Timer) Stop() time.Duration {
	d := t.elapsed()
	if t.metric != nil {
		t.metric.report(d)
	}
	return d
}

// StopTo is Stop for when it is only known at the end where the time belongs.
// It reports to o, and not to the metric that started the timer; to nobody if o
// is nil:
//
//	timer := fennel.StartTimer()
//	status := serve(w, r)
//	timer.StopTo(latency.With(request{r.Method, status}))
func (t Timer) StopTo(o Observer) time.Duration {
	d := t.elapsed()
	if o == nil || t.start.IsZero() {
		return d
	}
	switch o := o.(type) {
	case *Histogram:
		o.ObserveDuration(d) // exactly
	case *Summary:
		o.ObserveDuration(d)
	default:
		o.Observe(inSeconds(int64(d)))
	}
	return d
}

func (t Timer) elapsed() time.Duration {
	if t.start.IsZero() {
		return 0
	}
	return max(time.Since(t.start), 0)
}

// Observer takes observations: a *[Histogram] or a *[Summary].
type Observer interface {
	Observe(v float64)
}
