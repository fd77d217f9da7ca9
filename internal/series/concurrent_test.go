package series

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// checkScrape checks what must hold for pages read while the table changes:
// they are in order, nothing is in them twice, and text and series agree.
func checkScrape(t *testing.T, pages []Page) {
	var last []string
	for _, p := range pages {
		var b sample.Batch
		p.Fill(&b)
		for i, s := range p.Series {
			values := s.Values()
			if text := string(b.Labels(i)); text != s.Labels() {
				t.Errorf("text %s is not that of %s", text, s.Labels())
			}
			if last != nil && slices.Compare(last, values) >= 0 {
				t.Errorf("%q is not before %q", last, values)
				return
			}
			last = values
		}
	}
}

// readPages returns the pages as one after the other is read.
func readPages(table *Table) (pages []Page) {
	r := table.Read()
	for p := r.Next(); p != nil; p = r.Next() {
		pages = append(pages, *p)
	}
	return pages
}

// Everything at once: after it, the table is in order again, and an update of
// each series that was found in between was counted.
func TestConcurrentUse(t *testing.T) {
	const workers, rounds, keys = 8, 4000, 300
	table := newTestTable("a", "b")
	values := make([][]string, keys)
	for i := range values {
		values[i] = []string{strconv.Itoa(i % 7), fmt.Sprintf("%03d\"\n", i)}
	}
	var wg, scrapers sync.WaitGroup
	stop := make(chan struct{})
	for n := range 3 {
		scrapers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if n == 0 {
					checkScrape(t, table.Pages())
				} else {
					checkScrape(t, readPages(table))
				}
			}
		})
	}
	for n := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 1))
			for i := range rounds {
				v := values[r.IntN(keys)]
				switch op := r.IntN(100); {
				case op < 50:
					if s := table.Get(v); !slices.Equal(s.Values(), v) {
						t.Errorf("Get(%q) = %s", v, s.Labels())
					}
				case op < 65:
					table.Delete(v)
				case op < 75:
					if s := table.Find(v); s != nil {
						table.DeleteSeries(s)
					}
				case op < 95:
					if s := table.Find(v); s != nil && !slices.Equal(s.Values(), v) {
						t.Errorf("Find(%q) = %s", v, s.Labels())
					}
				case op < 99:
					table.Len()
				case i%10 == 0:
					table.Clear()
				case i%10 == 1:
					table.Replace(func(next *Table) {
						for range 20 {
							next.Get(values[r.IntN(keys)])
						}
					})
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	scrapers.Wait()
	var live [][]string
	for _, v := range values {
		if s := table.Find(v); s != nil {
			if s.Dead() {
				t.Errorf("%q is found though it is dead", v)
			}
			live = append(live, v)
		}
	}
	checkPages(t, table, live)
	checkIndex(t, table)
}

// However many create a series at once, there is one, and no update is lost.
func TestConcurrentCreationGivesOneSeries(t *testing.T) {
	const workers, keys = 8, 2000
	table := newTestTable("a")
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range workers {
		wg.Go(func() {
			<-start
			for i := range keys {
				Head[record](table.Get([]string{strconv.Itoa(i)})).value.Add(1)
			}
		})
	}
	wg.Go(func() {
		<-start
		for table.Len() < keys {
			checkScrape(t, table.Pages())
		}
	})
	close(start)
	wg.Wait()
	all := numbered(keys)
	checkPages(t, table, all)
	for _, values := range all {
		if n := Head[record](table.Find(values)).value.Load(); n != workers {
			t.Errorf("%q was updated %d times, want %d", values, n, workers)
		}
	}
}

// Of many that delete the same series exactly one is told that it did.
func TestConcurrentDeletionHappensOnce(t *testing.T) {
	table := newTestTable("a")
	for round := range 200 {
		s := table.Get([]string{"x"})
		if round%2 == 0 {
			table.Pages()
		}
		var wg sync.WaitGroup
		var deleted atomic.Int32
		for n := range 4 {
			wg.Go(func() {
				done := false
				switch n % 3 {
				case 0:
					done = table.Delete([]string{"x"})
				case 1:
					done = table.DeleteSeries(s)
				case 2:
					done = table.Clear() == 1
				}
				if done {
					deleted.Add(1)
				}
			})
		}
		wg.Wait()
		if n := deleted.Load(); n != 1 || table.Len() != 0 {
			t.Fatalf("round %d: deleted %d times, %d left", round, n, table.Len())
		}
	}
	checkPages(t, table, nil)
}

// A look-up never misses a series that is there, whatever else comes and goes.
func TestLookUpsNeverMiss(t *testing.T) {
	table := newTestTable("a")
	stable := numbered(50)
	for _, values := range stable {
		table.Get(values)
	}
	var readers, writers sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, values := range stable {
					if table.Find(values) == nil {
						t.Errorf("%q is missed", values)
						return
					}
				}
			}
		})
	}
	for n := range 2 {
		writers.Go(func() {
			for i := range 5000 {
				values := []string{fmt.Sprintf("%d-%d", n, i)}
				table.Get(values)
				if i%4 != 0 {
					table.Delete(values)
				}
				if i%500 == 0 {
					table.Pages()
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}

// New and Mended are user code's neighbours: a table must not call back into
// itself through them, but other tables may be used there.
func TestMendedMayUseAnotherTable(t *testing.T) {
	counts := newTestTable("metric")
	table := NewTable(Config{Labels: []string{"a"}, New: newRecord, Mended: func() {
		Head[record](counts.Get([]string{"m"})).value.Add(1)
	}})
	table.Get([]string{"\xff"})
	table.Get([]string{"\xfe"})
	if n := Head[record](counts.Find([]string{"m"})).value.Load(); n != 2 {
		t.Errorf("counted %d times, want 2", n)
	}
}

// Who clears, deletes one, or deletes by values: each series is removed by exactly
// one of them, while the index grows and shrinks under their hands.
func TestConcurrentRemovalCountsEachSeriesOnce(t *testing.T) {
	const creators, each = 3, 6000
	table := newTestTable("a")
	var removed atomic.Int64
	var workers, scrapers sync.WaitGroup
	stop := make(chan struct{})
	scrapers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				checkScrape(t, table.Pages())
				table.Len()
			}
		}
	})
	series := make(chan *Series, 1024)
	for n := range creators {
		workers.Go(func() {
			for i := range each {
				series <- table.Get([]string{fmt.Sprintf("%d-%d", n, i)})
				if i%2000 == 1999 {
					removed.Add(int64(table.Clear()))
				}
			}
		})
	}
	var deleters sync.WaitGroup
	for n := range 2 {
		deleters.Go(func() {
			for s := range series {
				if len(s.Values()[0])%2 == n {
					continue
				}
				if n == 0 && table.DeleteSeries(s) || n == 1 && table.Delete(s.Values()) {
					removed.Add(1)
				}
			}
		})
	}
	workers.Wait()
	close(series)
	deleters.Wait()
	close(stop)
	scrapers.Wait()
	checkIndex(t, table)
	left := table.Len()
	if n := table.Clear(); n != left {
		t.Errorf("Clear() = %d, want %d", n, left)
	}
	if got := removed.Load() + int64(left); got != creators*each {
		t.Errorf("%d removed and left, want %d", got, creators*each)
	}
	checkPages(t, table, nil)
}

// Clear has marked all that it has counted when it returns.
func TestClearedSeriesAreDead(t *testing.T) {
	table := newTestTable("a")
	for range 20 {
		var all []*Series
		for _, values := range numbered(2000) {
			all = append(all, table.Get(values))
		}
		var wg sync.WaitGroup
		wg.Go(func() { table.Pages() })
		wg.Go(func() { table.Get([]string{"other"}) })
		if n := table.Clear(); n < len(all) {
			t.Fatalf("Clear() = %d, want %d", n, len(all))
		}
		for _, s := range all {
			if !s.Dead() || table.DeleteSeries(s) {
				t.Fatalf("%s lives on", s.Labels())
			}
		}
		wg.Wait()
		table.Clear()
		checkPages(t, table, nil)
	}
}

// scrapeStable reads up to so many pages, and checks that what is always there is in
// them, once, and all of one generation. Texts with an x come and go.
func scrapeStable(t *testing.T, table *Table, texts []string, pages int) {
	r, generation := table.Read(), int64(-1)
	p := r.Next()
	for ; p != nil && pages > 0; p = r.Next() {
		pages--
		for i, s := range p.Series {
			if strings.Contains(p.label(i), "x") {
				continue
			}
			g := Head[record](s).value.Load()
			if generation < 0 {
				generation = g
			}
			if len(texts) == 0 || p.label(i) != texts[0] || g != generation {
				t.Errorf("%s of generation %d is read, want %.1q of %d", p.label(i), g, texts, generation)
				return
			}
			texts = texts[1:]
		}
	}
	if p == nil && len(texts) > 0 {
		t.Errorf("%d series are not read", len(texts))
	}
}

// Nothing that stays is missed, all of it is from before a Replace or all from after
// it, while other series come and go between, and other scrapes stop somewhere.
func TestReadersMissNothingThatStays(t *testing.T) {
	table, stable := numberedTable(6 * pageSeries)
	texts := textsOf(stable)
	var wg, scrapers sync.WaitGroup
	stop := make(chan struct{})
	for n := range 3 {
		scrapers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 2))
			for {
				select {
				case <-stop:
					return
				default:
					scrapeStable(t, table, texts, []int{math.MaxInt, 1 + r.IntN(8)}[r.IntN(2)])
				}
			}
		})
	}
	for n := range 2 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 4))
			for range 20_000 {
				values := []string{stable[r.IntN(len(stable))][0] + "x"}
				if !table.Delete(values) || r.IntN(4) == 0 {
					table.Get(values)
				}
			}
		})
	}
	wg.Go(func() {
		for generation := range int64(20) {
			table.Replace(func(next *Table) {
				for _, values := range stable {
					Head[record](next.Get(values)).value.Store(generation + 1)
				}
			})
		}
	})
	wg.Wait()
	close(stop)
	scrapers.Wait()
}
