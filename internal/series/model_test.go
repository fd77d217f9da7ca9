package series

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// model is what a table does, written plainly.
type model struct {
	t     testing.TB
	table *Table
	live  map[string]*Series
	all   map[string][]string
	dead  []*Series

	readings [3]reading
}

func newModel(t testing.TB) *model {
	return &model{t: t, table: newTestTable("a", "b.c"), live: make(map[string]*Series), all: make(map[string][]string)}
}

func (m *model) get(values []string) {
	m.t.Helper()
	s := m.table.Get(values)
	mended := []string{Mend(values[0]), Mend(values[1])}
	k := key(mended)
	switch old := m.live[k]; {
	case old != nil && old != s:
		m.t.Fatalf("Get(%q) gives another series than before", values)
	case old == nil && slices.Contains(m.dead, s):
		m.t.Fatalf("Get(%q) gives a deleted series", values)
	}
	if !slices.Equal(s.Values(), mended) || s.Dead() {
		m.t.Fatalf("Get(%q) = %s", values, s.Labels())
	}
	m.live[k], m.all[k] = s, mended
}

func (m *model) find(values []string) {
	m.t.Helper()
	if got, want := m.table.Find(values), m.live[key(values)]; got != want {
		m.t.Fatalf("Find(%q) = %v, want %v", values, got, want)
	}
}

func (m *model) remove(values []string, bySeries bool) {
	m.t.Helper()
	values = []string{Mend(values[0]), Mend(values[1])}
	k := key(values)
	s := m.live[k]
	deleted := false
	switch {
	case !bySeries:
		deleted = m.table.Delete(values)
	case s != nil:
		deleted = m.table.DeleteSeries(s)
	}
	if deleted != (s != nil) {
		m.t.Fatalf("deleting %q: %v, want %v", values, deleted, s != nil)
	}
	if s == nil {
		return
	}
	if !s.Dead() || m.table.DeleteSeries(s) {
		m.t.Fatalf("%q lives on", values)
	}
	m.bury(k)
}

func (m *model) bury(k string) {
	if len(m.dead) < 100 {
		m.dead = append(m.dead, m.live[k])
	}
	delete(m.live, k)
	delete(m.all, k)
}

func (m *model) clear() {
	m.t.Helper()
	if n := m.table.Clear(); n != len(m.live) {
		m.t.Fatalf("Clear() = %d, want %d", n, len(m.live))
	}
	for k := range m.live {
		m.bury(k)
	}
}

// replace puts other series in the place of all, of which some are merged already.
func (m *model) replace(values ...[]string) {
	m.t.Helper()
	live, all := make(map[string]*Series), make(map[string][]string)
	m.table.Replace(func(next *Table) {
		for i, v := range values {
			mended := []string{Mend(v[0]), Mend(v[1])}
			s := next.Get(v)
			live[key(mended)], all[key(mended)] = s, mended
			switch i % 5 {
			case 3:
				next.Pages()
			case 4:
				next.DeleteSeries(s)
				delete(live, key(mended))
				delete(all, key(mended))
			}
		}
	})
	old := m.live
	for k := range old {
		m.bury(k)
	}
	for k, s := range old {
		if !s.Dead() || m.table.DeleteSeries(s) {
			m.t.Fatalf("%s lives on", k)
		}
	}
	m.live, m.all = live, all
}

func (m *model) check() {
	m.t.Helper()
	if n := m.table.Len(); n != len(m.live) {
		m.t.Fatalf("Len() = %d, want %d", n, len(m.live))
	}
	want := make([][]string, 0, len(m.all))
	for _, values := range m.all {
		want = append(want, values)
	}
	checkPages(m.t, m.table, want)
	checkIndex(m.t, m.table)
	for _, p := range m.table.Pages() {
		for _, s := range p.Series {
			if m.live[key(s.Values())] != s {
				m.t.Fatalf("the pages have an old series for %s", s.Labels())
			}
		}
	}
}

// read has one of three readers read a page. At the end it begins anew, or now and
// then before.
func (m *model) read(n int) {
	m.t.Helper()
	r := &m.readings[n%len(m.readings)]
	if !r.next(m.t) || n%16 == 0 {
		*r = reading{m.table.Read(), slices.Collect(maps.Values(m.live))}
		slices.SortFunc(r.want, func(a, b *Series) int { return slices.Compare(a.Values(), b.Values()) })
	}
}

func TestTableAgreesWithTheModel(t *testing.T) {
	values := map[string]func(*rand.Rand) []string{
		"few": func(r *rand.Rand) []string {
			return []string{hostile[r.IntN(6)], hostile[r.IntN(len(hostile))]}
		},
		"hostile": func(r *rand.Rand) []string { return hostileValues(r, 2) },
		"long common prefixes": func(r *rand.Rand) []string {
			prefix := strings.Repeat(hostile[6+r.IntN(3)], r.IntN(12))
			return []string{prefix + hostileValue(r), strings.Repeat("x\n", r.IntN(20)) + hostileValue(r)}
		},
	}
	for name, value := range values {
		for seed := range uint64(3) {
			t.Run(name, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 9))
				m := newModel(t)
				bias := []int{40, 60, 75}[seed%3] // of 100 operations, those that create
				for range 2000 {
					switch op := r.IntN(1000); {
					case op < 10*bias:
						m.get(value(r))
					case op < 950:
						v := value(r)
						m.remove(v, op%2 == 0)
					case op < 975:
						m.find(value(r))
					case op < 988:
						m.read(r.IntN(1 << 10))
					case op < 996:
						m.check()
					case op < 998 && seed != 0:
						m.replace(value(r), value(r), value(r), value(r), value(r), value(r))
					case seed != 1:
						m.clear()
					}
				}
				m.check()
			})
		}
	}
}

// Many new series at once, which the table must sort, beside many old ones.
func TestBulkCreationIsSorted(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 11))
	for _, n := range []int{11, 12, 13, 50, 1000, 3000} {
		m := newModel(t)
		for range 3 {
			for i := range n {
				v := hostileValues(r, 2)
				if i%3 == 0 {
					v[0] = strings.Repeat(`ab\`, r.IntN(8)) + v[0]
				}
				m.get(v)
			}
			m.check()
		}
	}
}

// Every byte is an operation, and the values that follow it.
func FuzzTable(f *testing.F) {
	f.Add([]byte("\x00\x00\x01\x02\x05\x00\x01\x03\x04\x05"))
	f.Add([]byte{0, 1, 2, 0, 3, 4, 5, 2, 1, 2, 5, 0, 1, 2, 5, 4, 5})
	f.Fuzz(func(t *testing.T, ops []byte) {
		m := newModel(t)
		if len(ops) > 4000 {
			ops = ops[:4000]
		}
		next := func() int {
			if len(ops) == 0 {
				return 0
			}
			b := ops[0]
			ops = ops[1:]
			return int(b)
		}
		for len(ops) > 0 {
			op := next()
			switch op % 8 {
			case 4:
				if op == 4 {
					m.clear()
				} else if op == 12 {
					n := next() % len(hostile)
					m.replace([]string{hostile[n], "new"}, []string{"", hostile[n]}, []string{"x", "y"})
				}
				continue
			case 5:
				m.check()
				continue
			case 6: // a run of creations, to fill pages
				start := uint64(next())
				for i := range 40 {
					b := binary.BigEndian.AppendUint16(nil, uint16(start*5+uint64(i)))
					m.get([]string{string(b), ""})
				}
				continue
			}
			v := []string{hostile[next()%len(hostile)], hostile[next()%len(hostile)] + hostile[next()%len(hostile)]}
			switch op % 8 {
			case 0, 7:
				m.get(v)
			case 1:
				m.remove(v, false)
			case 2:
				m.remove(v, true)
			case 3:
				m.find(v)
				m.read(len(ops))
			}
		}
		m.check()
	})
}
