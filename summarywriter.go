package fennel

import (
	"fmt"
	"time"
)

// SummaryValue is a summary that a collector has from elsewhere.
type SummaryValue struct {
	Count uint64
	Sum   float64
	// Quantiles has a value for each quantile that was declared, NaN where
	// there is none.
	Quantiles []float64
}

// SummaryWriter writes summaries. It is a small value; the zero value writes
// nothing.
type SummaryWriter struct{ to target }

// At returns a writer whose samples have a timestamp: see [NumberWriter.At].
func (s SummaryWriter) At(t time.Time) SummaryWriter { return SummaryWriter{s.to.at(t)} }

// Since returns a writer whose summaries began to count at start: see
// [NumberWriter.Since].
func (s SummaryWriter) Since(start time.Time) SummaryWriter { return SummaryWriter{s.to.since(start)} }

// Write writes a summary with these label values, one for each of the family's
// labels. Nothing of the arguments is kept.
func (s SummaryWriter) Write(value SummaryValue, labelValues ...string) {
	if s.to.family == nil {
		return
	}
	problem := ""
	if want := len(s.to.family.family.Ranks); len(value.Quantiles) != want {
		problem = fmt.Sprintf("%d values for %d quantiles", len(value.Quantiles), want)
	}
	if b := s.to.open(labelValues, problem); b != nil {
		b.Counts = append(b.Counts, value.Count)
		b.Sums = append(b.Sums, value.Sum)
		b.Values = append(b.Values, value.Quantiles...)
	}
}
