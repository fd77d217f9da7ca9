package fennel

import (
	"fmt"
	"math"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// maxText keeps the offsets in a batch within 32 bits.
const maxText = 1 << 30

// target is where a typed writer writes: a family, its labels and the times of
// its samples.
type target struct {
	writer *Writer
	family *written
	labels []string // that vary
	layout *series.Layout

	time    int64
	astray  bool // the time can't be written
	created int64
	unborn  string // why there can be no start time
}

// target returns one for samples with these labels.
func (w *Writer) target(f *written, labels []string, layout *series.Layout) target {
	return target{writer: w, family: f, labels: labels, layout: layout, time: sample.NoTime, created: sample.NoTime}
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
	t.created, t.unborn = n, ""
	if t.family == nil || start.IsZero() {
		return t
	}
	switch kind := t.family.family.Kind; kind {
	case sample.Counter, sample.Histogram, sample.Summary:
		if !ok {
			t.unborn = "the start time is not between 1970 and 2262"
		}
	default:
		t.created, t.unborn = sample.NoTime, fmt.Sprintf("%s metrics have no start time", kind)
	}
	return t
}

// open adds the labels and the times of a sample and returns the batch for its
// value, or nil if there can't be such a sample.
func (t *target) open(values []string, problem string) *sample.Batch {
	f := t.family
	if f == nil || t.writer.done {
		return nil
	}
	switch {
	case len(values) != len(t.labels):
		problem = fmt.Sprintf("%d label values for the %d labels %q", len(values), len(t.labels), t.labels)
	case t.astray:
		problem = "the timestamp is not between 1970 and 2262"
	case len(f.batch.Text) > maxText:
		problem = "the family's labels take up more than 1 GiB"
	}
	if problem != "" {
		f.samples.leaveOut(values, problem)
		return nil
	}
	if t.unborn != "" {
		f.extras.leaveOut(values, t.unborn)
	}
	values = t.mend(values)
	b := &f.batch
	b.SetTime(t.time)
	b.SetCreated(t.created)
	b.Text = t.layout.Append(b.Text, values)
	b.Ends = append(b.Ends, uint32(len(b.Text)))
	return b
}

// mend returns the values with what is not UTF-8 replaced. The slice may be the
// caller's, so it is not changed.
func (t *target) mend(values []string) []string {
	mended := series.MendAll(values)
	if mended == nil {
		return values
	}
	t.countMended()
	return mended
}

func (t *target) countMended() {
	t.writer.registry.own.mended.With(selfMetric{t.family.family.Name}).Inc()
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
