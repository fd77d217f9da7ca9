package series

import (
	"runtime"
	"testing"
)

// What somebody still creates in the other table, when it has been swapped, is not
// noted where the table has its own notes.
func TestTakeOverSharesNothing(t *testing.T) {
	table := newTestTable("a")
	table.Get([]string{"old"})
	next := table.successor()
	next.Get([]string{"new"})
	table.takeOver(next)
	next.Get([]string{"late"})
	if n := next.Len(); n != 1 {
		t.Errorf("the other table has %d series, want 1", n)
	}
	checkPages(t, table, [][]string{{"new"}})
	checkPages(t, next, [][]string{{"late"}})
	checkIndex(t, table)
	checkIndex(t, next)
}

// A merge that is under way would bring back what it has taken from the old pages.
func TestTakeOverWaitsForAMerge(t *testing.T) {
	table := newTestTable("a")
	table.Get([]string{"old"})
	table.order.mu.Lock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		table.Clear()
	}()
	for range 1000 {
		runtime.Gosched()
	}
	if table.Len() != 1 {
		t.Error("the series were swapped during a merge")
	}
	table.order.mu.Unlock()
	<-done
	checkPages(t, table, nil)
}
