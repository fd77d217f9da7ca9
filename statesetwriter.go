package fennel

import (
	"fmt"
	"slices"
	"time"
)

// StateSetWriter writes statesets. It is a small value; the zero value writes
// nothing.
type StateSetWriter struct{ to target }

// At returns a writer whose samples have a timestamp: see [NumberWriter.At].
func (s StateSetWriter) At(t time.Time) StateSetWriter { return StateSetWriter{s.to.at(t)} }

// Write writes a stateset in which the states in on are on, with these label
// values, one for each of the family's labels. Nothing of the arguments is kept.
func (s StateSetWriter) Write(on []string, labelValues ...string) { writeStates(s.to, on, labelValues) }

// writeStates is StateSetWriter.Write for states of any type.
func writeStates[S ~string](to target, on []S, labelValues []string) {
	if to.family == nil {
		return
	}
	bits, problem := uint64(0), ""
	for _, state := range on {
		i := slices.Index(to.family.family.States, string(state))
		if i < 0 {
			problem = fmt.Sprintf("state %q is not one of %q", state, to.family.family.States)
			break
		}
		bits |= 1 << i
	}
	if b := to.open(labelValues, problem); b != nil {
		b.States = append(b.States, bits)
	}
}
