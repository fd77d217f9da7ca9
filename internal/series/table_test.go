package series

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// record is what a metric keeps behind the head.
type record struct {
	series Series
	value  atomic.Int64
}

func newRecord() *Series { return &new(record).series }

func newTestTable(labels ...string) *Table {
	return NewTable(Config{Labels: labels, New: newRecord})
}

// key is a label set as a map key, of which no two are the same.
func key(values []string) string { return fmt.Sprintf("%q", values) }

// checkPages checks that the pages hold the label sets want, in order and once
// each, and that they are what a scrape expects them to be.
func checkPages(t testing.TB, table *Table, want [][]string) {
	t.Helper()
	want = slices.Clone(want)
	slices.SortFunc(want, slices.Compare)
	var got [][]string
	pages := table.Pages()
	for n, p := range pages {
		checkPage(t, n, &p)
		for _, s := range p.Series {
			if s.Dead() {
				t.Errorf("page %d has %s, which is deleted", n, s.Labels())
			}
			got = append(got, s.Values())
		}
	}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("the pages hold %d series, want %d: %.1000q, want %.1000q", len(got), len(want), got, want)
	}
	if n := table.Len(); n != len(want) {
		t.Errorf("Len() = %d, want %d", n, len(want))
	}
}

func checkPage(t testing.TB, n int, p *Page) {
	t.Helper()
	var b sample.Batch
	p.Fill(&b)
	if len(p.Series) == 0 || len(p.Series) > pageSeries || b.Len() != len(p.Series) {
		t.Fatalf("page %d has %d series and %d texts", n, len(p.Series), b.Len())
	}
	if last := p.Series[len(p.Series)-1].size; len(p.text)-int(last) > pageText {
		t.Errorf("page %d has %d bytes of text", n, len(p.text))
	}
	for i, s := range p.Series {
		if got := string(b.Labels(i)); got != s.Labels() {
			t.Errorf("page %d: text %d is %s, the series has %s", n, i, got, s.Labels())
		}
	}
}

// numbered returns n label sets whose order is not that of their numbers.
func numbered(n int) [][]string {
	all := make([][]string, n)
	for i := range all {
		all[i] = []string{strconv.Itoa(i)}
	}
	return all
}

func TestGetReturnsTheSameSeriesForTheSameValues(t *testing.T) {
	for _, values := range [][]string{
		{"", ""}, {"a", ""}, {"", "a"}, {"GET", "/x"}, {`"`, `\`}, {"\n", "é"}, {strings.Repeat("x", 100), strings.Repeat("y", 17)},
	} {
		table := newTestTable("a", "b")
		if s := table.Find(values); s != nil {
			t.Fatalf("%q is there before it was created: %s", values, s.Labels())
		}
		s := table.Get(values)
		if s == nil || s.Dead() || s.Table() != table || !slices.Equal(s.Values(), values) {
			t.Fatalf("Get(%q) = %v", values, s)
		}
		if again := table.Get(slices.Clone(values)); again != s {
			t.Errorf("%q: a second Get gives another series", values)
		}
		if found := table.Find(values); found != s {
			t.Errorf("%q: Find gives another series", values)
		}
		checkPages(t, table, [][]string{values})
		if again := table.Get(values); again != s {
			t.Errorf("%q: Get gives another series once it is in a page", values)
		}
	}
}

func TestTableWithoutLabelsHasOneSeries(t *testing.T) {
	for _, constant := range [][]string{nil, {"k", "v", "z.z", "\""}} {
		table := NewTable(Config{Constant: constant, New: newRecord})
		if table.Find(nil) != nil || table.Len() != 0 || len(table.Pages()) != 0 {
			t.Error("a new table is not empty")
		}
		s := table.Get(nil)
		if table.Get(nil) != s || table.Get([]string{}) != s || table.Find(nil) != s || table.Len() != 1 {
			t.Error("there is more than one series")
		}
		checkPages(t, table, [][]string{{}})
		if !table.Delete(nil) || table.Delete(nil) || table.Find(nil) != nil {
			t.Error("Delete did not remove it, once")
		}
		checkPages(t, table, nil)
		if table.Get(nil) == s {
			t.Error("the deleted series came back")
		}
		checkPages(t, table, [][]string{{}})
	}
}

// A caller may use the memory of the values again.
func TestValuesAreCloned(t *testing.T) {
	table := newTestTable("a", "b")
	buf := []byte("first")
	values := []string{unsafe.String(&buf[0], len(buf)), "x"}
	s := table.Get(values)
	copy(buf, "other")
	values[1] = "y"
	if got := s.Values(); !slices.Equal(got, []string{"first", "x"}) {
		t.Errorf("values = %q", got)
	}
	if table.Find([]string{"first", "x"}) != s {
		t.Error("the series is not found by its values")
	}
	if table.Find([]string{"other", "x"}) != nil {
		t.Error("the series is found by what lies in the buffer now")
	}
}

func TestDelete(t *testing.T) {
	table := newTestTable("a")
	s := table.Get([]string{"1"})
	table.Get([]string{"2"})
	if table.Delete([]string{"3"}) {
		t.Error("deleted what was not there")
	}
	if !table.Delete([]string{"1"}) || table.Delete([]string{"1"}) {
		t.Error("want it deleted, once")
	}
	if !s.Dead() || table.Find([]string{"1"}) != nil || table.DeleteSeries(s) {
		t.Error("the series is still there")
	}
	checkPages(t, table, [][]string{{"2"}})
	if table.DeleteSeries(s) {
		t.Error("a dead series was deleted again")
	}
	if two := table.Find([]string{"2"}); !table.DeleteSeries(two) || table.DeleteSeries(two) || table.Len() != 0 {
		t.Error("want the other one deleted, once")
	}
	checkPages(t, table, nil)
}

// DeleteSeries deletes this very series, not its successor of the same labels.
func TestDeleteSeriesSparesTheSuccessor(t *testing.T) {
	for _, paged := range []bool{false, true} {
		table := newTestTable("a")
		old := table.Get([]string{"1"})
		if paged {
			table.Pages()
		}
		table.Delete([]string{"1"})
		successor := table.Get([]string{"1"})
		if table.DeleteSeries(old) || successor.Dead() || table.Find([]string{"1"}) != successor {
			t.Error("the successor was deleted")
		}
		checkPages(t, table, [][]string{{"1"}})
	}
}

func TestOldHandlesWorkAfterDeletion(t *testing.T) {
	for _, paged := range []bool{false, true} {
		table := newTestTable("a")
		values := []string{`x"\` + "\n"}
		old := Head[record](table.Get(values))
		old.value.Add(1)
		if paged {
			checkPages(t, table, [][]string{values})
		}
		table.Delete(values)
		if paged {
			checkPages(t, table, nil)
		}
		fresh := Head[record](table.Get(values))
		old.value.Add(1)
		fresh.value.Add(10)
		if old == fresh || old.value.Load() != 2 || fresh.value.Load() != 10 {
			t.Errorf("values are %d and %d, want 2 and 10", old.value.Load(), fresh.value.Load())
		}
		if !slices.Equal(old.series.Values(), values) || old.series.Table() != table || !old.series.Dead() {
			t.Errorf("the old handle says %q of table %p", old.series.Values(), old.series.Table())
		}
		checkPages(t, table, [][]string{values})
		if got := table.Pages()[0].Series[0]; got != &fresh.series {
			t.Error("the old series is exposed")
		}
	}
}

func TestClear(t *testing.T) {
	table := newTestTable("a")
	if n := table.Clear(); n != 0 {
		t.Errorf("Clear() = %d on an empty table", n)
	}
	var handles []*Series
	for i, values := range numbered(1000) {
		handles = append(handles, table.Get(values))
		if i == 500 {
			table.Pages()
		}
	}
	table.Delete([]string{"7"})
	table.Delete([]string{"700"})
	if n := table.Clear(); n != 998 {
		t.Errorf("Clear() = %d, want 998", n)
	}
	for _, s := range handles {
		if !s.Dead() || table.Find(s.Values()) != nil {
			t.Fatalf("%s is still there", s.Labels())
		}
	}
	checkPages(t, table, nil)
	all := numbered(300)
	for _, values := range all {
		if s := table.Get(values); slices.Contains(handles, s) {
			t.Fatal("a cleared series came back")
		}
	}
	checkPages(t, table, all)
}

// What was created and deleted again between two scrapes, or while nobody
// scrapes at all, must not be kept.
func TestChurnWithoutScrapeIsBounded(t *testing.T) {
	table, all := numberedTable(1) // that is, not in the first epoch
	table.Delete(all[0])
	for i := range 10_000 {
		values := []string{strconv.Itoa(i)}
		table.Get(values)
		table.Delete(values)
	}
	if n := table.pending.added.n + table.pending.removed.n; n > 1000 {
		t.Errorf("an empty table holds on to %d series that were deleted", n)
	}
	for i := range 1000 {
		table.Get([]string{strconv.Itoa(i)})
		table.Clear()
	}
	if n := table.pending.added.n + table.pending.removed.n; n > 1000 {
		t.Errorf("an empty table holds on to %d series that were cleared", n)
	}
}

func TestDropNamesTheReason(t *testing.T) {
	var got []string
	table := NewTable(Config{New: newRecord, Dropped: func(reason string) { got = append(got, reason) }})
	table.Drop("negative")
	table.Drop("nan")
	if !slices.Equal(got, []string{"negative", "nan"}) {
		t.Errorf("reasons = %q", got)
	}
}
