package series

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

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
		{{"22"}, {"022"}},
		{{"2222"}, {"02222"}},
		{{"22222222"}, {"022222222"}},
		{{zeros[:8] + long}, {zeros[:8] + "x" + long[1:]}},
		{{long[:8] + zeros[:8] + long}, {long[8:16] + zeros[:8] + long}},
		{{zeros[:8] + long[:8]}, {zeros[:8] + long[8:16]}},
		{{long[:8] + zeros[:8]}, {long[8:16] + zeros[:8]}},
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
