package fennel

import (
	"fmt"
	"time"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// NumberWriter writes counters, gauges or unknowns. It is a small value; the
// zero value writes nothing.
type NumberWriter struct {
	to       target
	exemplar Exemplar // none without labels
}

// At returns a writer whose samples have a timestamp. Give one only where the
// value is known to be from that time: Prometheus does not mark such series as
// stale. The zero time takes the timestamp away.
func (n NumberWriter) At(t time.Time) NumberWriter {
	n.to = n.to.at(t)
	return n
}

// Since returns a writer whose counters began to count at start. Formats that have
// room for it expose it, so that a server sees a restart even where the value has
// not fallen. The zero time takes it away. A gauge or an unknown has no start, and
// none is before 1970: such a start is left out and reported, the sample is written.
func (n NumberWriter) Since(start time.Time) NumberWriter {
	n.to = n.to.since(start)
	return n
}

// WithExemplar returns a writer whose counters have an exemplar: an example of
// what was counted. Its zero Time is that of the call of Write. An exemplar
// without labels is none and takes it away.
//
// The labels have the limits of [Counter.AddWithExemplar]. What is beyond them,
// a value of NaN, or a family that is not of counters leaves the exemplar out and
// reports that; the sample is written. Don't change the labels before Write, which
// keeps nothing of them.
func (n NumberWriter) WithExemplar(e Exemplar) NumberWriter {
	n.exemplar = e
	return n
}

// Write writes a sample with these label values, one for each of the family's
// labels. They are not kept.
func (n NumberWriter) Write(value float64, labelValues ...string) {
	if n.to.family == nil {
		return
	}
	counter := n.counts()
	problem := ""
	if counter && !(value >= 0) {
		problem = fmt.Sprintf("a counter can't be %v", value)
	}
	b := n.to.open(labelValues, problem)
	if b == nil {
		return
	}
	b.Values = append(b.Values, value)
	if counter {
		b.Whole = append(b.Whole, 0)
	}
	n.addExemplar(labelValues)
}

// WriteUint is Write for integers, which arrive exactly in a counter however
// large they are.
func (n NumberWriter) WriteUint(value uint64, labelValues ...string) {
	if n.to.family == nil || !n.counts() {
		n.Write(float64(value), labelValues...)
		return
	}
	if b := n.to.open(labelValues, ""); b != nil {
		b.Whole = append(b.Whole, value)
		b.Values = append(b.Values, 0)
		n.addExemplar(labelValues)
	}
}

func (n *NumberWriter) counts() bool { return n.to.family.family.Kind == sample.Counter }

func (n *NumberWriter) addExemplar(labelValues []string) {
	switch {
	case len(n.exemplar.Labels) == 0:
	case !n.counts():
		n.to.family.extras.leaveOut(labelValues, fmt.Sprintf("%s metrics have no exemplars", n.to.family.family.Kind))
	case n.to.admits(&n.exemplar, labelValues):
		n.to.addExemplar(sample.NoBucket, &n.exemplar, n.exemplar.nanos(time.Now()))
	}
}
