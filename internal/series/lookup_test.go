package series

import (
	"strconv"
	"testing"
)

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

// A look-up may lay values along a text only if nothing in that is escaped, and asks
// so only by its size.
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
		{[]string{"a", "b.c"}, []string{"x", "y"}, false},
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
