package fennel

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

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

// maxExemplarRunes is how many code points the names and values of an exemplar's
// labels may have in all (OpenMetrics 1.0, "Exemplars").
const maxExemplarRunes = 128

// exemplar is an exemplar that is kept. Its memory is used again for the next
// one, so that an exemplar costs no allocation once the first is there.
type exemplar struct {
	text  []byte // rendered labels; empty for no exemplar
	value float64
	time  int64 // nanoseconds since 1970
}

// set replaces the exemplar. The labels are checked.
func (e *exemplar) set(labels []Label, value float64, now int64) {
	e.text = appendNote(e.text[:0], labels)
	e.value, e.time = value, now
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

func (s *exemplarSlot) set(labels []Label, value float64, now int64) {
	s.mu.Lock()
	s.exemplar.set(labels, value, now)
	s.mu.Unlock()
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

// appendNote renders the labels of an exemplar.
func appendNote(dst []byte, labels []Label) []byte {
	for i, l := range labels {
		value := l.Value
		if !utf8.ValidString(value) {
			value = series.Mend(value)
		}
		dst = series.AppendLabel(dst, i == 0, l.Name, value)
	}
	return dst
}

// checkExemplar returns the reason for which an exemplar with these labels can't
// be kept, as fennel_dropped_updates_total has it, or "".
func checkExemplar(labels []Label) (reason string) {
	runes := 0
	for i, l := range labels {
		// Names are of a few bytes each, and labels few: a map would cost more.
		if l.Name == "" || !utf8.ValidString(l.Name) || strings.IndexByte(l.Name, 0) >= 0 {
			return "exemplar_label"
		}
		for _, other := range labels[:i] {
			if other.Name == l.Name {
				return "exemplar_label"
			}
		}
		runes += utf8.RuneCountInString(l.Name) + utf8.RuneCountInString(l.Value)
	}
	if runes > maxExemplarRunes {
		return "exemplar_too_long"
	}
	return ""
}

// lazySlot returns the slot behind p, which is made the first time.
func lazySlot(p *atomic.Pointer[exemplarSlot]) *exemplarSlot {
	if s := p.Load(); s != nil {
		return s
	}
	s := new(exemplarSlot)
	if p.CompareAndSwap(nil, s) {
		return s
	}
	return p.Load()
}
