package series

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// Around the size of a page, in several orders, in one go and one by one.
func TestPageBoundaries(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{1, 2, 254, 255, 256, 257, 258, 511, 512, 513, 514, 767, 769, 10_000} {
		for _, order := range []string{"rising", "falling", "random"} {
			t.Run(fmt.Sprintf("%d %s", n, order), func(t *testing.T) {
				all := make([][]string, n)
				for i := range all {
					all[i] = []string{fmt.Sprintf("%06d", i)}
				}
				switch order {
				case "falling":
					slices.Reverse(all)
				case "random":
					r.Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
				}
				table := newTestTable("a")
				for _, values := range all {
					table.Get(values)
				}
				checkPages(t, table, all)
				if got, limit := len(table.Pages()), (n+pageSeries-1)/pageSeries; got != limit {
					t.Errorf("%d pages, want %d", got, limit)
				}
				if n > 300 {
					return
				}
				table = newTestTable("a")
				for i, values := range all {
					table.Get(values)
					if i%13 == 0 || i == n-1 {
						checkPages(t, table, all[:i+1])
					}
				}
				for i, values := range all {
					table.Delete(values)
					if i%29 == 0 || i == n-1 {
						checkPages(t, table, all[i+1:])
					}
				}
			})
		}
	}
}

// A page that nothing has happened in is the same page in the next scrape.
func TestUntouchedPagesAreKept(t *testing.T) {
	table := newTestTable("a")
	for i := range 10 * pageSeries {
		table.Get([]string{fmt.Sprintf("%06d", 10*i)})
	}
	before := table.Pages()
	if again := table.Pages(); &again[0] != &before[0] {
		t.Error("pages were made anew though nothing happened")
	}
	table.Get([]string{"000015"})
	table.Delete([]string{"012000"})
	after := table.Pages()
	kept := 0
	for _, p := range after {
		if slices.ContainsFunc(before, func(q Page) bool {
			return &q.Series[0] == &p.Series[0] && unsafe.StringData(q.text) == unsafe.StringData(p.text)
		}) {
			kept++
		}
	}
	if kept != len(before)-2 {
		t.Errorf("%d of %d pages were kept, want all but the two that were touched", kept, len(before))
	}
}

// A scrape reads its pages undisturbed by what happens meanwhile.
func TestPagesNeverChange(t *testing.T) {
	table := newTestTable("a")
	all := numbered(1000)
	for _, values := range all {
		table.Get(values)
	}
	pages := table.Pages()
	var before []string
	for _, p := range pages {
		before = append(before, p.text)
	}
	for i, values := range all {
		if i%3 == 0 {
			table.Delete(values)
		}
		table.Get([]string{"new" + values[0]})
	}
	table.Pages()
	table.Clear()
	table.Pages()
	for i, p := range pages {
		if p.text != before[i] || len(p.ends) != len(p.Series) {
			t.Fatalf("page %d has changed", i)
		}
		for j, s := range p.Series {
			if s == nil {
				t.Fatalf("page %d: series %d is gone", i, j)
			}
		}
	}
}

func TestHugeValues(t *testing.T) {
	table := newTestTable("a", "b")
	plain, escaped := strings.Repeat("x", 1<<20), strings.Repeat("\"\\\n", 1<<20/3)
	all := [][]string{{plain, ""}, {plain, "y"}, {escaped, escaped}, {plain + "x", ""}, {"", plain}, {"small", "small"}}
	for _, values := range all {
		s := table.Get(values)
		if !slices.Equal(s.Values(), values) || table.Get(values) != s {
			t.Fatal("a huge value was not kept")
		}
	}
	checkPages(t, table, all)
	for _, values := range all {
		s := table.Find(values)
		if s == nil || !slices.Equal(s.Values(), values) {
			t.Fatal("a huge value was lost")
		}
	}
	for i, values := range all {
		if !table.Delete(values) {
			t.Fatal("a huge value was not deleted")
		}
		checkPages(t, table, all[i+1:])
	}
}

// The size of a text has 31 bits. What would be longer is dropped: here a megabyte,
// five hundred times.
func TestTooLongLabels(t *testing.T) {
	const n = tooLong >> 20
	names, values, long := make([]string, n), make([]string, n), strings.Repeat("x", 1<<20)
	for i := range n {
		names[i], values[i] = fmt.Sprint("l", i), long
	}
	var dropped []string
	table := NewTable(Config{Labels: names, New: newRecord, Dropped: func(reason string) { dropped = append(dropped, reason) }})
	if s := table.Add(values); s != nil || table.Len() != 0 {
		t.Errorf("a series of %d bytes is there", s.length())
	}
	if want := []string{"labels_too_long"}; !slices.Equal(dropped, want) {
		t.Errorf("dropped for %q, want %q", dropped, want)
	}
}
