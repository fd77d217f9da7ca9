package series

import (
	"fmt"
	"runtime"
	"testing"
)

// What was created elsewhere is deleted here, whatever was merged in either table.
func TestDeletionAfterReplace(t *testing.T) {
	for merges := range 4 {
		table := newTestTable("a")
		for i := range merges {
			table.Get([]string{fmt.Sprint("old", i)})
			table.Pages()
		}
		table.Replace(func(next *Table) {
			for _, values := range numbered(10) {
				next.Get(values)
			}
		})
		if !table.Delete([]string{"3"}) || table.Find([]string{"3"}) != nil {
			t.Errorf("%d merges: it can't be deleted", merges)
		}
		table.Get([]string{"new"})
		checkPages(t, table, append(append(numbered(3), numbered(10)[4:]...), []string{"new"}))
		checkIndex(t, table)
	}
}

// A merge that is under way publishes the pages of the series that it began with.
// Replaced before that, they would come back.
func TestReplaceWaitsForAMerge(t *testing.T) {
	table := newTestTable("a")
	table.Get([]string{"old"})
	before := table.index.Load()
	table.order.mu.Lock()
	p := table.takePending()
	filled, done := make(chan bool), make(chan bool)
	go func() {
		table.Replace(func(next *Table) {
			next.Get([]string{"new"})
			close(filled)
		})
		close(done)
	}()
	<-filled
	for range 1000 {
		if runtime.Gosched(); table.index.Load() != before {
			t.Error("the series were replaced during a merge")
			break
		}
	}
	table.order.merge = newMerge(nil, p.added.living(), &p.removed, p.epoch)
	table.order.mu.Unlock()
	<-done
	checkPages(t, table, [][]string{{"new"}})
}

// Between the swap and the marking as dead, a series is in no table.
func TestSwappedOutSeriesAreNotDeleted(t *testing.T) {
	table := newTestTable("a")
	s := table.Get([]string{"1"})
	if _, n := table.swap(table.successor()); n != 1 || s.Dead() {
		t.Fatal("the test is wrong")
	}
	if table.DeleteSeries(s) || table.Delete([]string{"1"}) || table.Len() != 0 {
		t.Error("a series that was swapped out was deleted once more")
	}
}

func TestMergeSparesTheSuccessor(t *testing.T) {
	table := newTestTable("a")
	old := table.Get([]string{"1"})
	table.Delete([]string{"1"})
	table.Get([]string{"1"})
	pages := table.Pages()
	var removed list
	removed.add(old)
	if after := newMerge(pages, nil, &removed, old.epoch).all(); len(after) != 1 || after[0].Series[0] != pages[0].Series[0] {
		t.Error("the successor of the same labels was taken out")
	}
}

// Pages that became small are put together when one in front of them changes.
func TestSmallPagesGrowTogether(t *testing.T) {
	table := newTestTable("a")
	name := func(i int) []string { return []string{fmt.Sprintf("%06d", i)} }
	const pages = 40
	for i := range pages * pageSeries {
		table.Get(name(i))
	}
	table.Pages()
	for i := range pages * pageSeries {
		if i/pageSeries%2 == 1 && i%pageSeries > 2 {
			table.Delete(name(i))
		}
	}
	if n := len(table.Pages()); n != pages {
		t.Fatalf("%d pages, want %d", n, pages)
	}
	for i := 0; i < pages; i += 2 {
		table.Delete(name(i * pageSeries))
	}
	if n := len(table.Pages()); n > pages*3/4 {
		t.Errorf("%d pages, of which every other has 3 series", n)
	}
}

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
