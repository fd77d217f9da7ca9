package fennel

import "time"

// InfoWriter writes infos. It is a small value; the zero value writes nothing.
type InfoWriter struct{ to target }

// At returns a writer whose samples have a timestamp: see [NumberWriter.At].
func (i InfoWriter) At(t time.Time) InfoWriter { return InfoWriter{i.to.at(t)} }

// Write writes an info with these label values, one for each of the family's
// labels. They are not kept.
func (i InfoWriter) Write(labelValues ...string) { i.to.open(labelValues, "") }
