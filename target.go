package fennel

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// maxText keeps the offsets in a batch within 32 bits.
const maxText = 1 << 30

// target is where a typed writer writes: a family, its labels and the times of
// its samples.
type target struct {
	writer *Writer
	family *written
	shape  *shape

	time    int64
	created int64
	astray  bool // the time can't be written
	unborn  bool // there can be no such start time
}

// target returns one for samples with these labels.
func (w *Writer) target(f *written, s *shape) target {
	return target{writer: w, family: f, shape: s, time: sample.NoTime, created: sample.NoTime}
}

// nanos returns a time in nanoseconds since 1970, or NoTime for the zero time. It
// has to lie between 1970, as the text format has none before that Prometheus would
// take, and 2262, when nanoseconds end.
func nanos(t time.Time) (n int64, ok bool) {
	switch {
	case t.IsZero():
		return sample.NoTime, true
	case t.Before(time.Unix(0, 0)) || t.After(time.Unix(0, math.MaxInt64)):
		return sample.NoTime, false
	}
	return t.UnixNano(), true
}

// at returns the target with another time.
func (t target) at(time time.Time) target {
	n, ok := nanos(time)
	t.time, t.astray = n, !ok
	return t
}

// since returns the target with another start time.
func (t target) since(start time.Time) target {
	n, ok := nanos(start)
	t.created, t.unborn = n, false
	if t.family == nil || start.IsZero() {
		return t
	}
	if !ok || !t.family.family.Kind.HasStart() {
		t.created, t.unborn = sample.NoTime, true
	}
	return t
}

// whyUnborn says why there can be no such start time.
func (t *target) whyUnborn() string {
	if kind := t.family.family.Kind; !kind.HasStart() {
		return fmt.Sprintf("%s metrics have no start time", kind)
	}
	return "the start time is not between 1970 and 2262"
}

// open adds the labels and the times of a sample and returns the batch for its
// value, or nil if there can't be such a sample.
func (t *target) open(values []string, problem string) *sample.Batch {
	f := t.family
	if f == nil || t.writer.done {
		return nil
	}
	if problem != "" || t.astray || len(values) != len(t.shape.labels) || len(f.roster.fresh.bytes) > maxText {
		f.samples.leaveOut(values, cmp.Or(t.obstacle(values), problem))
		return nil
	}
	if t.unborn {
		f.extras.leaveOut(values, t.whyUnborn())
	}
	b := &f.batch
	if t.time != sample.NoTime && b.Times == nil {
		b.Times = f.times
	}
	b.SetTime(t.time)
	b.SetCreated(t.created)
	if f.add(t.shape, values) {
		t.countMended()
	}
	return b
}

// obstacle says what is in the way of a sample with these values beside a problem
// of its own.
func (t *target) obstacle(values []string) string {
	switch {
	case len(values) != len(t.shape.labels):
		return fmt.Sprintf("%d label values for the %d labels %q", len(values), len(t.shape.labels), t.shape.labels)
	case t.astray:
		return "the timestamp is not between 1970 and 2262"
	case len(t.family.roster.fresh.bytes) > maxText:
		return "the family's labels take up more than 1 GiB"
	}
	return ""
}

func (t *target) countMended() {
	t.writer.registry.own.mended.With(t.family.family.Name).Inc()
}

// admits reports whether an exemplar can be exposed. What can't be is left out.
func (t *target) admits(e *Exemplar, labelValues []string) bool {
	problem := e.problem()
	if len(t.family.batch.Notes) > maxText {
		problem = "the family's exemplars take up more than 1 GiB"
	}
	if problem != "" {
		t.family.extras.leaveOut(labelValues, problem)
	}
	return problem == ""
}

// addExemplar adds an exemplar to the sample that was opened last.
func (t *target) addExemplar(bucket int, e *Exemplar, at int64) {
	b := &t.family.batch
	start, mended := len(b.Notes), false
	if b.Notes, mended = appendNote(b.Notes, e.Labels); mended {
		t.countMended()
	}
	b.AddExemplar(b.Len()-1, bucket, start, e.Value, at)
}
