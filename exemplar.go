package fennel

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Exemplar is an example of what a counter or a bucket counts: one event, with
// labels that lead to more about it, such as trace_id and span_id.
type Exemplar struct {
	Labels []Label
	Value  float64   // that was added or observed
	Time   time.Time // when; never zero where it is read
}

// nanos returns the exemplar's time in nanoseconds since 1970, which is now if it
// has none. It must be a time that can be written.
func (e *Exemplar) nanos(now time.Time) int64 {
	if e.Time.IsZero() {
		return now.UnixNano()
	}
	return e.Time.UnixNano()
}

// problem says why it can't be exposed, or "".
func (e *Exemplar) problem() string {
	_, ok := nanos(e.Time)
	switch reason := checkExemplar(e.Labels); {
	case len(e.Labels) == 0:
		return "an exemplar has no labels"
	case reason == badExemplarLabel:
		return "a label name of an exemplar is empty, not UTF-8, begins with __ or is there twice"
	case reason == longExemplar:
		return fmt.Sprintf("the labels of an exemplar have more than %d code points", sample.MaxNoteRunes)
	case math.IsNaN(e.Value):
		return "the value of an exemplar is NaN"
	case !ok:
		return "the time of an exemplar is not between 1970 and 2262"
	}
	return ""
}

// The reasons for which an exemplar is dropped, as fennel_dropped_updates_total
// has them.
const (
	badExemplarLabel = "exemplar_label"
	longExemplar     = "exemplar_too_long"
)

// exemplar is an exemplar that is kept. Its memory is used again for the next
// one, so that an exemplar costs no allocation once the first is there.
type exemplar struct {
	text  []byte // rendered labels; empty for no exemplar
	value float64
	time  int64 // nanoseconds since 1970
}

// set replaces the exemplar, whose labels are checked, and reports whether their
// values had to be mended.
func (e *exemplar) set(labels []Label, value float64, now int64) (mended bool) {
	e.text, mended = appendNote(e.text[:0], labels)
	e.value, e.time = value, now
	return mended
}

// load adds the exemplar, if there is one, to a batch.
func (e *exemplar) load(b *sample.Batch, i, bucket int) {
	if len(e.text) == 0 {
		return
	}
	start := len(b.Notes)
	b.Notes = append(b.Notes, e.text...)
	b.AddExemplar(i, bucket, start, e.value, e.time)
}

// exemplarSlot keeps the last exemplar it was given.
type exemplarSlot struct {
	mu sync.Mutex // held for as long as the text is copied
	exemplar
}

// set doesn't wait: if another exemplar is just being set or read, that one is as
// good an example.
func (s *exemplarSlot) set(labels []Label, value float64, now int64) (mended bool) {
	if !s.mu.TryLock() {
		return false
	}
	mended = s.exemplar.set(labels, value, now)
	s.mu.Unlock()
	return mended
}

// clear takes the exemplar away.
func (s *exemplarSlot) clear() {
	s.mu.Lock()
	s.text = s.text[:0]
	s.mu.Unlock()
}

func (s *exemplarSlot) load(b *sample.Batch, i, bucket int) {
	s.mu.Lock()
	s.exemplar.load(b, i, bucket)
	s.mu.Unlock()
}

// appendNote renders the labels of an exemplar, and reports whether it had to mend
// values: those that are not UTF-8, and those with a NUL byte, over which
// Prometheus stumbles in OpenMetrics 1.0. It would lose the whole scrape.
func appendNote(dst []byte, labels []Label) (note []byte, mended bool) {
	for i, l := range labels {
		value := l.Value
		if !utf8.ValidString(value) {
			value, mended = series.Mend(value), true
		}
		if strings.IndexByte(value, 0) >= 0 {
			value, mended = strings.ReplaceAll(value, "\x00", "\uFFFD"), true
		}
		dst = series.AppendLabel(dst, i == 0, l.Name, value)
	}
	return dst, mended
}

// checkExemplar returns the reason for which an exemplar with these labels can't
// be kept, or "".
func checkExemplar(labels []Label) (reason string) {
	runes, odd := 0, false
	for i, l := range labels {
		if l.Name == "" || !utf8.ValidString(l.Name) || strings.IndexByte(l.Name, 0) >= 0 || strings.HasPrefix(l.Name, "__") {
			return badExemplarLabel
		}
		// Each name has a code point at least, so there are few labels here, and
		// a map would cost more.
		odd = odd || !names.LegalLabel(l.Name)
		for _, other := range labels[:i] {
			if other.Name == l.Name || odd && !apart(other.Name, l.Name) && collide(other.Name, l.Name) {
				return badExemplarLabel
			}
		}
		if runes += utf8.RuneCountInString(l.Name) + utf8.RuneCountInString(l.Value); runes > sample.MaxNoteRunes {
			return longExemplar
		}
	}
	return ""
}

// apart reports for most label names that differ, at no cost, that no format writes
// them alike: what comes first that is different are letters, which stay as they
// are under every escaping scheme, but for names that look as if they were escaped.
func apart(a, b string) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i < len(a) && i < len(b) && isLetter(a[i]) && isLetter(b[i]) &&
		!strings.HasPrefix(a, "U__") && !strings.HasPrefix(b, "U__")
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// slotAt returns slot i of those of which first is the first. There must be one.
func slotAt(first *exemplarSlot, i int) *exemplarSlot {
	return (*exemplarSlot)(unsafe.Add(unsafe.Pointer(first), uintptr(i)*unsafe.Sizeof(exemplarSlot{})))
}
