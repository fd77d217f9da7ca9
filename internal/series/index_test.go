package series

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// checkIndex checks what must always hold for the directory and its leaves, and
// that the index has as many series as the table.
func checkIndex(t testing.TB, table *Table) {
	t.Helper()
	x := table.index.Load()
	n := len(x.leaves)
	if n&(n-1) != 0 {
		t.Fatalf("the directory has %d entries, which is not a power of two", n)
	}
	live := 0
	if len(x.bases) != n {
		t.Fatalf("%d leaves, %d of them for readers", n, len(x.bases))
	}
	for i, l := range x.leaves {
		if x.bases[i].Load() != &l.slots[0] || len(l.slots) != x.slots {
			t.Fatalf("leaf %d: readers find another one, or look for %d slots of %d", i, x.slots, len(l.slots))
		}
		if 1<<l.depth > n {
			t.Fatalf("leaf %d is deeper than its directory of %d: %d", i, n, l.depth)
		}
		if first := i & (1<<l.depth - 1); x.leaves[first] != l {
			t.Fatalf("leaves %d and %d should be one", first, i)
		}
		if i>>l.depth == 0 {
			live += checkLeaf(t, i, l)
		}
	}
	if live != table.Len() {
		t.Fatalf("the index has %d series, the table %d", live, table.Len())
	}
}

func checkLeaf(t testing.TB, i int, l *leaf) (live int) {
	t.Helper()
	used := 0
	for j := range l.slots {
		s := l.slots[j].Load()
		if s == nil {
			continue
		}
		if used++; s == tombstone {
			continue
		}
		live++
		if s.Dead() {
			t.Errorf("leaf %d has %s, which is dead", i, s.Labels())
		}
		if mask := uint32(1)<<l.depth - 1; s.hash&mask != uint32(i)&mask {
			t.Errorf("leaf %d of depth %d has a series with hash %x", i, l.depth, s.hash)
		}
	}
	if live != l.live || used != l.used || used >= len(l.slots) {
		t.Errorf("leaf %d has %d series in %d of %d slots, and says that they are %d in %d",
			i, live, used, len(l.slots), l.live, l.used)
	}
	return live
}

// slotsOf returns how many slots there are.
func slotsOf(table *Table) (n int) {
	x := table.index.Load()
	for i, l := range x.leaves {
		if i>>l.depth == 0 {
			n += len(l.slots)
		}
	}
	return n
}

// forced creates series with hashes of the test's choice.
func forced(table *Table, hash uint32, values []string) *Series {
	table.mu.Lock()
	defer table.mu.Unlock()
	return table.create(hash, values)
}

func TestIndexGrowsAndShrinks(t *testing.T) {
	table := newTestTable("a")
	all := numbered(20_000)
	for i, values := range all {
		table.Get(values)
		if i < 1000 || i%1000 == 0 {
			checkIndex(t, table)
		}
	}
	for _, values := range all {
		if table.Find(values) == nil {
			t.Fatalf("%q was lost", values)
		}
	}
	if n := slotsOf(table); n > 4*len(all) {
		t.Errorf("%d slots for %d series", n, len(all))
	}
	if n := len(table.index.Load().leaves); n > 256 {
		t.Errorf("the directory has %d entries for %d series", n, len(all))
	}
	checkPages(t, table, all)
	for i, values := range all {
		table.Delete(values)
		if i%1000 == 0 {
			checkIndex(t, table)
		}
		if left := len(all) - i - 1; slotsOf(table) > 10*left+2*leafSlots && i%100 == 0 {
			t.Fatalf("%d slots for %d series that are left", slotsOf(table), left)
		}
	}
	checkIndex(t, table)
	if n := slotsOf(table); n > leafSlots {
		t.Errorf("%d slots for no series", n)
	}
}

// Nobody may wait for more than a few hundred series to be moved.
func TestLeavesStaySmall(t *testing.T) {
	table := newTestTable("a")
	for _, values := range numbered(50_000) {
		table.Get(values)
	}
	if n := table.index.Load().slots; n > leafSlots {
		t.Fatalf("the leaves have %d slots", n)
	}
}

// However wicked the hashes are, all is found, and the directory stays short.
func TestForcedHashes(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 13))
	for name, hash := range map[string]func(i int) uint32{
		"all the same":            func(int) uint32 { return 0xfffffffe },
		"two":                     func(i int) uint32 { return uint32(i%2) << 31 },
		"two in the lowest bit":   func(i int) uint32 { return uint32(i % 2) },
		"low bits the same":       func(i int) uint32 { return uint32(i) << 20 },
		"high bits the same":      func(i int) uint32 { return uint32(i) },
		"end of the leaf":         func(i int) uint32 { return 0xfff00000 | uint32(i) },
		"differ late":             func(i int) uint32 { return uint32(i%7) << 16 },
		"one part much denser":    func(i int) uint32 { return uint32(i) << (10 * uint(min(i%10, 1))) },
		"a multiple of leafSlots": func(i int) uint32 { return uint32(i) * leafSlots },
	} {
		t.Run(name, func(t *testing.T) {
			const n = 1500
			table := newTestTable("a")
			all, series := numbered(n), make([]*Series, n)
			live := make([]bool, n)
			check := func() {
				t.Helper()
				checkIndex(t, table)
				for i, values := range all {
					want := series[i]
					if !live[i] {
						want = nil
					}
					if got := table.find(hash(i), values); got != want {
						t.Fatalf("%q is found as %v, want %v", values, got, want)
					}
				}
				if l := len(table.index.Load().leaves); l > 2*n>>sparse {
					t.Fatalf("the directory has %d entries for %d series", l, n)
				}
			}
			for i, values := range all {
				series[i], live[i] = forced(table, hash(i), values), true
			}
			check()
			for range 3 {
				for _, i := range r.Perm(n)[:n*2/3] {
					if live[i] != table.DeleteSeries(series[i]) {
						t.Fatalf("series %d: live is %v", i, live[i])
					}
					live[i] = false
				}
				check()
				for _, i := range r.Perm(n)[:n/2] {
					if !live[i] {
						series[i], live[i] = forced(table, hash(i), all[i]), true
					}
				}
				check()
			}
			for i, s := range series {
				if live[i] != table.DeleteSeries(s) {
					t.Fatalf("series %d: live is %v", i, live[i])
				}
				live[i] = false
			}
			check()
			checkPages(t, table, nil)
		})
	}
}

// Series that come and go leave tombstones, which must neither fill the index
// nor let it grow for ever.
func TestChurnIsBounded(t *testing.T) {
	for _, kept := range []int{0, 10, 300, 382, 383, 384, 2000} {
		table := newTestTable("a")
		stay := numbered(kept)
		for _, values := range stay {
			table.Get(values)
		}
		limit := 2*slotsOf(table) + 64
		for i := range 20_000 {
			values := []string{"temporary" + strconv.Itoa(i)}
			s := table.Get(values)
			if i%2 == 0 {
				table.Delete(values)
			} else {
				table.DeleteSeries(s)
			}
			if n := slotsOf(table); n > limit {
				t.Fatalf("%d slots for %d series, before there were %d at most", n, kept, limit)
			}
			if i%1000 == 0 {
				checkIndex(t, table)
			}
		}
		checkIndex(t, table)
		checkPages(t, table, stay)
		for _, values := range stay {
			if table.Find(values) == nil {
				t.Errorf("%q was lost", values)
			}
		}
	}
}

// What dies last in, first out, or in between, leaves no more than it must.
func TestChurnAmongManyWithoutScrapeIsBounded(t *testing.T) {
	const n = 5000
	r := rand.New(rand.NewPCG(14, 15))
	for name, victim := range map[string]func() int{
		"oldest": func() int { return 0 },
		"newest": func() int { return n - 1 },
		"random": func() int { return r.IntN(n) },
	} {
		table := newTestTable("a")
		var live []*Series
		for i := range 20 * n {
			live = append(live, table.Get([]string{strconv.Itoa(i)}))
			if len(live) <= n {
				continue
			}
			j := victim()
			table.DeleteSeries(live[j])
			live = slices.Delete(live, j, j+1)
		}
		if kept := table.pending.added.n; kept > 3*n {
			t.Errorf("%s: %d series are noted, %d are alive", name, kept, n)
		}
		var want [][]string
		for _, s := range live {
			want = append(want, s.Values())
		}
		checkPages(t, table, want)
		checkIndex(t, table)
	}
}

func TestListKeepsOrder(t *testing.T) {
	var l list
	var want []*Series
	for range 3*chunkSeries + 1 {
		s := new(Series)
		want = append(want, s)
		l.add(s)
	}
	if got := slices.Collect(l.all()); !slices.Equal(got, want) || l.n != len(want) {
		t.Errorf("%d series, want %d in order", len(got), len(want))
	}
	for len(want) > 0 {
		first := l.takeFirst()
		if !slices.Equal(first, want[:len(first)]) {
			t.Fatal("the first chunk has others")
		}
		want = want[len(first):]
		if l.n != len(want) {
			t.Fatalf("%d are left, want %d", l.n, len(want))
		}
	}
	s := new(Series)
	if l.add(s); l.first != l.last || !slices.Equal(slices.Collect(l.all()), []*Series{s}) {
		t.Error("an emptied list does not work any more")
	}
}
