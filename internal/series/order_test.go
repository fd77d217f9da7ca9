package series

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"
	"weak"
)

// numberedTable returns a table of n series that are in pages, and the label sets.
func numberedTable(n int) (*Table, [][]string) {
	table := newTestTable("a")
	all := make([][]string, n)
	for i := range all {
		all[i] = []string{fmt.Sprintf("%06d", 2*i)}
		table.Get(all[i])
	}
	table.Pages()
	return table, all
}

// churn deletes every tenth series from k on, creates it again, and creates one
// more behind it.
func churn(table *Table, all [][]string, k int) (more [][]string) {
	for ; k < len(all); k += 10 {
		table.Delete(all[k])
		table.Get(all[k])
		behind := []string{all[k][0] + "x"}
		table.Get(behind)
		more = append(more, behind)
	}
	return more
}

// rest returns the label texts that a reader has yet to read.
func rest(r *Reader) (texts []string) {
	for p := r.Next(); p != nil; p = r.Next() {
		for i := range p.Series {
			texts = append(texts, p.label(i))
		}
	}
	return texts
}

func textsOf(values ...[][]string) (texts []string) {
	l := NewLayout(nil, []string{"a"})
	for _, v := range slices.Concat(values...) {
		texts = append(texts, string(l.Append(nil, v)))
	}
	slices.SortFunc(texts, Compare)
	return texts
}

func checkTexts(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%d series are read, want %d: %q…, want %q…", len(got), len(want), got[:min(len(got), 9)], want[:min(len(want), 9)])
	}
}

// A page is made when it is about to be read, and once for all readers.
func TestReadingMakesPages(t *testing.T) {
	table, all := numberedTable(20 * pageSeries)
	more := churn(table, all, 0)
	first := table.Read()
	page := first.Next()
	if n := len(first.merge.pages); n > 3 {
		t.Errorf("%d pages were made to read one", n)
	}
	second := table.Read()
	if second.Next() != page {
		t.Error("two readers have made the same page")
	}
	want := textsOf(all, more)
	checkTexts(t, rest(&second), want[len(page.Series):])
	checkTexts(t, rest(&first), want[len(page.Series):])
	if first.Next() != nil {
		t.Error("there is a page behind the last one")
	}
	checkPages(t, table, append(all, more...))
	table.Replace(func(*Table) {})
	for _, values := range all {
		table.Get(values)
	}
	last := table.Read()
	if last.Next(); len(last.merge.pages) > 3 {
		t.Errorf("%d pages were made of new series to read one", len(last.merge.pages))
	}
}

// What is in no page any more is let go of as the merge comes by, and when it is done.
func TestMergeLetsGo(t *testing.T) {
	table, all := numberedTable(20 * pageSeries)
	var dead []weak.Pointer[record]
	var texts []weak.Pointer[byte]
	for _, page := range table.Pages() {
		dead = append(dead, weak.Make(Head[record](page.Series[1])))
		texts = append(texts, weak.Make(unsafe.StringData(page.text)))
	}
	for i := 1; i < len(all); i += pageSeries {
		table.Delete(all[i])
	}
	kept := func(from, to int) (n int) {
		runtime.GC()
		for i := from; i < to; i++ {
			if dead[i].Value() != nil || texts[i].Value() != nil {
				n++
			}
		}
		return n
	}
	r := table.Read()
	for range len(dead) / 2 {
		r.Next()
	}
	if n := kept(0, len(dead)/2); n > 4 {
		t.Errorf("%d of %d old pages are kept when they have been read", n, len(dead)/2)
	}
	rest(&r)
	if n := kept(0, len(dead)); n > 0 {
		t.Errorf("%d of %d old pages are kept when all has been read", n, len(dead))
	}
	if table.arena != nil {
		t.Error("the arena is kept")
	}
	runtime.KeepAlive(table)
}

// What is created while somebody reads is for the next one, who need not wait.
func TestReadersSeeWhatWasThereWhenTheyBegan(t *testing.T) {
	table, all := numberedTable(10 * pageSeries)
	var readers []Reader
	var want [][]string
	for k := range 5 {
		all = append(all, churn(table, all[:10*pageSeries], k)...)
		r := table.Read()
		want = append(want, textsOf(all)[len(r.Next().Series):])
		readers = append(readers, r)
	}
	for i := range readers {
		checkTexts(t, rest(&readers[i]), want[i])
	}
	checkPages(t, table, all)
}

// Who has begun to read before all series are replaced reads the old ones to the end,
// changed pages and others, though they are marked as dead.
func TestReadersOutliveReplacement(t *testing.T) {
	for name, replace := range map[string]func(*Table){
		"cleared":  func(table *Table) { table.Clear() },
		"replaced": func(table *Table) { table.Replace(func(next *Table) { next.Get([]string{"new"}) }) },
	} {
		table, all := numberedTable(10 * pageSeries)
		for i := 3 * pageSeries; i < 6*pageSeries; i += 7 {
			table.Delete(all[i])
			all[i] = []string{all[i][0] + "y"}
			table.Get(all[i])
		}
		r := table.Read()
		n := len(r.Next().Series)
		replace(table)
		if got, want := rest(&r), textsOf(all)[n:]; !slices.Equal(got, want) {
			t.Errorf("%s: %d series are read, want %d", name, len(got), len(want))
		}
		table.Get([]string{"late"})
		want := [][]string{{"late"}}
		if name == "replaced" {
			want = append(want, []string{"new"})
		}
		checkPages(t, table, want)
	}
}

// What is deleted while somebody reads, or created again, is read as it was, and no
// more from the next time on.
func TestDeletionWhileReading(t *testing.T) {
	table, all := numberedTable(10 * pageSeries)
	all = append(all, churn(table, all, 0)...)
	r := table.Read()
	n := len(r.Next().Series)
	for _, values := range all {
		if table.Delete(values); values[0] < "002000" {
			table.Get(values)
		}
	}
	checkTexts(t, rest(&r), textsOf(all)[n:])
	checkPages(t, table, slices.DeleteFunc(all, func(v []string) bool { return v[0] >= "002000" }))
}

// A scrape that was given up leaves a merge behind that the next one brings to an end.
func TestReadersMayStop(t *testing.T) {
	table, all := numberedTable(10 * pageSeries)
	for k := range 4 {
		all = append(all, churn(table, all[:10*pageSeries], k)...)
		r := table.Read()
		for range k {
			r.Next()
		}
	}
	r := table.Read()
	checkTexts(t, rest(&r), textsOf(all))
}

// reading is a reader halfway, and the series that it has yet to read.
type reading struct {
	reader Reader
	want   []*Series
}

// next reads a page and reports whether there was one. The series are those that there
// were when the reader began, whatever has happened since.
func (r *reading) next(t testing.TB) bool {
	t.Helper()
	p := r.reader.Next()
	if p == nil {
		if len(r.want) > 0 {
			t.Fatalf("%d series are not read, from %s on", len(r.want), r.want[0].Labels())
		}
		return false
	}
	checkPage(t, r.reader.next, p)
	if len(p.Series) > len(r.want) || !slices.Equal(p.Series, r.want[:len(p.Series)]) {
		t.Fatalf("page %d, from %s on, has other series than there were", r.reader.next, p.label(0))
	}
	r.want = r.want[len(p.Series):]
	return true
}

// Several readers, each of them somewhere in a merge of its own, or of others, while
// series come and go, some of them and all of them. Some never come to the end.
func TestReadersAgreeWithTheModel(t *testing.T) {
	const lastEpochs = math.MaxUint32 - 3 // behind which their number is 0 again
	values := func(i int) []string { return []string{fmt.Sprintf("%05d", i)} }
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 3))
		table, all := newTestTable("a"), make([]*Series, 20*pageSeries)
		table.pending.epoch = lastEpochs
		living := func() []*Series {
			return slices.DeleteFunc(slices.Clone(all), func(s *Series) bool { return s == nil })
		}
		var readings [5]reading
		for range 1000 {
			from, step := r.IntN(len(all)), 1+r.IntN(7)
			to := min(len(all), from+r.IntN(2000))
			switch op := r.IntN(100); {
			case op < 15:
				for i := from; i < to; i += step {
					all[i] = table.Get(values(i))
				}
			case op < 25:
				for i := from; i < to; i += step {
					if all[i] != nil && !table.DeleteSeries(all[i]) {
						t.Fatalf("%s can't be deleted", all[i].Labels())
					}
					all[i] = nil
					if op < 18 {
						all[i] = table.Get(values(i))
					}
				}
			case op < 26:
				clear(all)
				table.Clear()
				table.pending.epoch = lastEpochs
			case op < 27:
				clear(all)
				table.Replace(func(next *Table) {
					next.pending.epoch = lastEpochs
					for i := from; i < to; i += step {
						all[i] = next.Get(values(i))
					}
				})
			case op < 32:
				readings[op%5] = reading{table.Read(), living()}
			default:
				if k := r.IntN(len(readings)); !readings[k].next(t) {
					readings[k] = reading{table.Read(), living()}
				}
			}
		}
		for i := range readings {
			for readings[i].next(t) {
			}
		}
		last := reading{table.Read(), living()}
		for last.next(t) {
		}
	}
}

func TestReadersAtOnce(t *testing.T) {
	table, all := numberedTable(10 * pageSeries)
	var wg sync.WaitGroup
	for k := range 10 {
		more := churn(table, all[:10*pageSeries], k)
		all = append(all, more...)
		want := textsOf(all)
		for range 4 {
			wg.Go(func() {
				r := table.Read()
				if got := rest(&r); !slices.Equal(got, want) {
					t.Errorf("%d series are read, want %d", len(got), len(want))
				}
			})
		}
		wg.Wait()
	}
}

// Who reads and reads, for years, brings no epoch round.
func TestReadingAloneEndsNoEpoch(t *testing.T) {
	table, all := numberedTable(3)
	epoch := table.pending.epoch
	for range 3 {
		table.Read()
		table.Pages()
	}
	if table.pending.epoch != epoch {
		t.Errorf("the epoch is %d, want still %d", table.pending.epoch, epoch)
	}
	table.Delete(all[1])
	table.Read()
	table.Get(all[1])
	table.Read()
	if table.pending.epoch != epoch+2 {
		t.Errorf("the epoch is %d, want %d", table.pending.epoch, epoch+2)
	}
}

// A page whose text is long ends early, wherever the text comes from.
func TestLongTextsMakeShortPages(t *testing.T) {
	table := newTestTable("a")
	value := func(i int) []string { return []string{fmt.Sprintf("%04d%s", i, strings.Repeat("x", i%3*5000))} }
	var all [][]string
	for round := range 3 {
		for i := round; i < 600; i += 3 - round {
			all = append(all, value(i))
			table.Get(value(i))
		}
		slices.SortFunc(all, slices.Compare)
		all = slices.CompactFunc(all, slices.Equal)
		checkPages(t, table, all)
	}
	for i := 0; i < 600; i += 5 {
		table.Delete(value(i))
		all = slices.DeleteFunc(all, func(v []string) bool { return v[0] == value(i)[0] })
	}
	checkPages(t, table, all)
}

// In which page a series is that goes, and that it need not be in one.
func TestCountGone(t *testing.T) {
	table, all := numberedTable(3 * pageSeries)
	pages := table.Pages()
	var removed list
	for _, i := range []int{0, 1, pageSeries - 1, 2 * pageSeries, 3*pageSeries - 1} {
		removed.add(table.Find(all[i]))
	}
	removed.add(table.Get([]string{"in no page"}))
	if got, want := countGone(pages, &removed), []uint32{3, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("countGone = %v, want %v", got, want)
	}
	if got := countGone(pages[:1], &removed); got[0] != 3 {
		t.Errorf("of one page: %v", got)
	}
	if got := countGone(nil, &removed); len(got) != 0 {
		t.Errorf("of no page: %v", got)
	}
}
