package series

import (
	"slices"
	"testing"
)

func TestInvalidUTF8IsMended(t *testing.T) {
	mended := 0
	table := NewTable(Config{Labels: []string{"a", "b"}, New: newRecord, Mended: func() { mended++ }})
	s := table.Get([]string{"x\xffy", "ok"})
	if got := s.Values(); !slices.Equal(got, []string{"x\ufffdy", "ok"}) {
		t.Errorf("values = %q", got)
	}
	if mended != 1 {
		t.Errorf("counted %d times, want 1", mended)
	}
	if table.Get([]string{"x\xffy", "ok"}) != s || table.Get([]string{"x\xfe\xffy", "ok"}) != s || table.Get([]string{"x\ufffdy", "ok"}) != s {
		t.Error("the same labels, mended, give another series")
	}
	if mended != 3 {
		t.Errorf("counted %d times, want 3", mended)
	}
	checkPages(t, table, [][]string{{"x\ufffdy", "ok"}})
	if !table.Delete([]string{"x\xffy", "ok"}) || table.Len() != 0 {
		t.Error("the series can't be deleted by the values that created it")
	}
}

// What Get was called with, Find is called with.
func TestFindMendsToo(t *testing.T) {
	table := newTestTable("a")
	s := table.Get([]string{"x\xffy"})
	if table.Find([]string{"x\xffy"}) != s {
		t.Error("the series is not found by the values that created it")
	}
}

func TestInvalidUTF8WithoutACounter(t *testing.T) {
	table := newTestTable("a")
	if got := table.Get([]string{"\xff"}).Values(); !slices.Equal(got, []string{"\ufffd"}) {
		t.Errorf("values = %q", got)
	}
	table.Drop("reason")
	(*Table)(nil).Drop("reason")
	(*Table)(nil).Mend()
	if (&Series{}).Table() != nil || (&Series{}).Labels() != "" || (&Series{}).Dead() {
		t.Error("the zero series is not a lone one")
	}
}
