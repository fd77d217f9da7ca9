package fennel

import (
	"testing"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// Names that apart tells apart are written differently under every scheme. All
// short ones of a few letters are tried, and some that look escaped.
func TestApartIsRight(t *testing.T) {
	all := []string{"a_dot_b", "a__b", "U__a_2e_b", "U__a_", "abU__", "a_b_c"}
	names := []string{""}
	for range 3 {
		var longer []string
		for _, n := range names {
			for _, c := range "ab_.-Ué" {
				longer = append(longer, n+string(c))
			}
		}
		names = longer
		all = append(all, names...)
	}
	told := 0
	for _, a := range all {
		for _, b := range all {
			if apart(a, b) {
				told++
				if collide(a, b) {
					t.Errorf("%q and %q are written alike in some format", a, b)
				}
			}
		}
	}
	if told < len(all)*len(all)/10 {
		t.Errorf("only %d of %d pairs are told apart", told, len(all)*len(all))
	}
}

// An exemplar that meets a scrape is passed over: an update waits for nobody.
func TestExemplarsDontWait(t *testing.T) {
	var slot exemplarSlot
	var spread exemplarSpread
	slot.mu.Lock()
	spread.mu.Lock()
	labels := []Label{{"trace_id", "1"}}
	slot.set(labels, 1, 1)
	spread.add(labels, 1, 1)
	slot.mu.Unlock()
	spread.mu.Unlock()
	var b sample.Batch
	slot.load(&b, 0, 0)
	spread.load(&b, 0)
	if len(b.Exemplars) != 0 {
		t.Errorf("%d exemplars, want none", len(b.Exemplars))
	}
}
