package series

import (
	"fmt"
	"math/rand/v2"
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

// All series get the same hash: equality is decided by the values.
func TestCollidingHashes(t *testing.T) {
	const hash = 0xfffffff7 // the run of slots wraps around the leaf's end
	table := newTestTable("a", "b")
	var all [][]string
	for i := range 200 {
		n := strconv.Itoa(i)
		all = append(all, []string{n, ""}, []string{"", n}, []string{n + `"`, "\n"})
	}
	created := make(map[string]*Series)
	for _, values := range all {
		if s := table.find(hash, values); s != nil {
			t.Fatalf("%q is found as %s before it was created", values, s.Labels())
		}
		table.mu.Lock()
		created[key(values)] = table.create(hash, values)
		table.mu.Unlock()
	}
	check := func() {
		t.Helper()
		for _, values := range all {
			if got, want := table.find(hash, values), created[key(values)]; got != want {
				t.Fatalf("%q is not found as itself but as %v", values, got)
			}
		}
	}
	check()
	for i, values := range all {
		if i%2 == 0 {
			table.DeleteSeries(created[key(values)])
			delete(created, key(values))
		}
	}
	check()
	var live [][]string
	for i, values := range all {
		if i%2 == 1 {
			live = append(live, values)
		}
	}
	checkPages(t, table, live)
	for _, values := range all {
		if created[key(values)] == nil {
			table.mu.Lock()
			created[key(values)] = table.create(hash, values)
			table.mu.Unlock()
		}
	}
	check()
	checkPages(t, table, all)
	if n := table.Clear(); n != len(all) {
		t.Errorf("Clear() = %d, want %d", n, len(all))
	}
}

// Two label sets with the same hash, found by search, through the front door.
func TestCollidingHashesByNature(t *testing.T) {
	table := newTestTable("a")
	table.seed = 0x123456789abcdef0
	byHash := make(map[uint32]string)
	found := 0
	for i := 0; found < 3 && i < 1_000_000; i++ {
		v := strconv.Itoa(i)
		h := hashValues(table.seed, []string{v})
		other, twice := byHash[h]
		byHash[h] = v
		if !twice {
			continue
		}
		found++
		a, b := table.Get([]string{v}), table.Get([]string{other})
		if a == b || a.hash != b.hash || table.Find([]string{v}) != a || table.Find([]string{other}) != b {
			t.Errorf("%q and %q collide and are mixed up", v, other)
		}
		if !table.Delete([]string{v}) || table.Find([]string{v}) != nil || table.Find([]string{other}) != b {
			t.Errorf("%q and %q collide: deleting the one disturbs the other", v, other)
		}
	}
	if found == 0 {
		t.Error("there are no collisions, the test is wrong")
	}
}

// A tombstone is not a series, not even where everything about it fits.
func TestTombstoneIsNoSeries(t *testing.T) {
	table := newTestTable()
	if h := hashValues(table.seed, nil); h != tombstone.hash {
		t.Fatalf("the test is wrong: the hash is %x", h)
	}
	// As it is for a moment while the only series is deleted.
	slots := table.index.Load().leaves[0].slots
	slots[home(tombstone.hash, len(slots))].Store(tombstone)
	if s := table.Find(nil); s != nil {
		t.Errorf("the tombstone was found: %p, it is %p", s, tombstone)
	}
	if s := table.Get(nil); s == tombstone || s.Table() != table {
		t.Error("the tombstone was given out")
	}
}

// Label sets have hashes of their own, as far as 32 bits go, and the low bits,
// which choose the slot, are spread.
func TestHashSpreads(t *testing.T) {
	for _, seed := range []uint64{0x8c5f2a917be3d046, 0x123456789abcdef0, 1<<63 + 12345} {
		const n = 1 << 16
		seen, slots := make(map[uint32]bool), make([]int, n)
		add := func(values ...string) {
			h := hashValues(seed, values)
			seen[h] = true
			slots[h%n]++
		}
		for i := range n / 4 {
			add(strconv.Itoa(100_000+i), "")
			add("", strconv.Itoa(100_000+i))
			add("GET", fmt.Sprintf("/a/rather/long/path/%d", i))
			add(strings.Repeat("x", i%300), fmt.Sprintf("%05d-%s", i, "0123456789abcdef"))
		}
		if len(seen) < n-10 {
			t.Errorf("seed %x: %d of %d hashes are different", seed, len(seen), n)
		}
		if worst := slices.Max(slots); worst > 12 {
			t.Errorf("seed %x: %d of %d label sets share a slot", seed, worst, n)
		}
	}
}

// Nobody who does not know the seed may know values that collide: with several
// labels such pairs multiply, and a look-up goes through all of them.
func TestBugValuesOfDifferentLengthCollideUnderAnySeed(t *testing.T) {
	pairs := [][2]string{
		{"2", "333"}, {"22", "322"}, {"2222", "32222"}, {"22222222", "322222222"},
	}
	for range 3 {
		seed := rand.Uint64()
		for _, p := range pairs {
			if hashValues(seed, p[:1]) == hashValues(seed, p[1:]) {
				t.Errorf("seed %x: %q and %q have the same hash", seed, p[0], p[1])
			}
		}
		const n = 100_000
		seen := make(map[uint32]bool)
		for i := range n {
			seen[hashValues(seed, []string{strconv.Itoa(i)})] = true
		}
		if len(seen) < n-15 { // 1.2 is what chance gives
			t.Errorf("seed %x: %d of the numbers to %d share their hash with another", seed, n-len(seen), n)
		}
	}
}

// What changes places, or goes over from one value to the next, collides under no
// seed but by chance.
func TestHashTellsApartPlaces(t *testing.T) {
	zeros, long := strings.Repeat("\x00", 64), "0123456789abcdefghijklmnopqrstuv"
	pairs := [][2][]string{
		{{"a", "b"}, {"b", "a"}},
		{{"", "x"}, {"x", ""}},
		{{"ab", "c"}, {"a", "bc"}},
		{{"GET", "200", ""}, {"", "GET", "200"}},
		{{"12345678", "87654321"}, {"87654321", "12345678"}},
		{{"x", long}, {long, "x"}},
		{{long + long[:16]}, {long[16:] + long[:16] + long[:16]}},
		{{long[:16], long[16:]}, {long[16:], long[:16]}},
		{{long}, {long[:16], long[16:]}},
		{{zeros, ""}, {"", zeros}},
		{{zeros, zeros[:16]}, {zeros[:16], zeros}},
		{{"", ""}, {""}},
		{{zeros[:16]}, {zeros[:32]}},
	}
	const seeds = 1000
	for _, p := range pairs {
		same := 0
		for range seeds {
			if seed := rand.Uint64(); hashValues(seed, p[0]) == hashValues(seed, p[1]) {
				same++
			}
		}
		if same > 1 {
			t.Errorf("%q and %q have the same hash under %d of %d seeds", p[0], p[1], same, seeds)
		}
	}
}

// A look-up may lay values along a text only if that has no quotes of other origin,
// and ask so only by its size.
func TestIrregularTexts(t *testing.T) {
	tests := []struct {
		names, values []string
		want          bool
	}{
		{[]string{"a", "b"}, []string{"x", "y"}, false},
		{[]string{"a", "b"}, []string{"", ""}, false},
		{[]string{"a", "b"}, []string{"x", "日"}, false},
		{[]string{"a", "b"}, []string{"x", `"`}, true},
		{[]string{"a", "b"}, []string{`\`, "y"}, true},
		{[]string{"a", "b"}, []string{"x", "\n"}, true},
		{[]string{"a", "b.c"}, []string{"x", "y"}, true},
		{nil, nil, true},
	}
	for _, tt := range tests {
		table := NewTable(Config{Constant: []string{"zone", `"`}, Labels: tt.names, New: newRecord})
		s := table.Get(tt.values)
		if got := s.size&irregular != 0; got != tt.want {
			t.Errorf("%s: irregular = %v, want %v", s.Labels(), got, tt.want)
		}
		if want := string(table.layout.Append(nil, tt.values)); s.Labels() != want || int(s.length()) != len(want) {
			t.Errorf("the labels are %s, %d bytes, want %s", s.Labels(), s.length(), want)
		}
		if table.Lookup(tt.values) != s || table.Get(tt.values) != s {
			t.Errorf("%s is not found", s.Labels())
		}
	}
}

func TestHashTellsApartEveryByte(t *testing.T) {
	const seed = 0x123456789abcdef0
	for n := range 70 {
		base := []byte(strings.Repeat("a", n))
		h := hashValues(seed, []string{string(base)})
		for i := range base {
			base[i] ^= 1
			if hashValues(seed, []string{string(base)}) == h {
				t.Errorf("byte %d of %d does not matter", i, n)
			}
			base[i] ^= 1
		}
		if hashValues(seed, []string{string(base) + "\x00"}) == h || hashValues(seed, []string{string(base), ""}) == h {
			t.Errorf("length %d: the length does not matter", n)
		}
		if hashValues(seed+1, []string{string(base)}) == h {
			t.Errorf("length %d: the seed does not matter", n)
		}
	}
}

// What was created and deleted again between two scrapes, or while nobody
// scrapes at all, must not be kept.
func TestChurnWithoutScrapeIsBounded(t *testing.T) {
	table := newTestTable("a")
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

func TestDropNamesTheReason(t *testing.T) {
	var got []string
	table := NewTable(Config{New: newRecord, Dropped: func(reason string) { got = append(got, reason) }})
	table.Drop("negative")
	table.Drop("nan")
	if !slices.Equal(got, []string{"negative", "nan"}) {
		t.Errorf("reasons = %q", got)
	}
}
