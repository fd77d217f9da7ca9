package series

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A word at a time or byte by byte, keys are the same.
func TestSortKey(t *testing.T) {
	for i := range 8 {
		for c := range 255 {
			for _, filling := range []byte{'a', '"', '!', '#', 0, 0xf4, '\\'} {
				text := []byte{filling, filling, filling, filling, filling, filling, filling, filling, filling, filling}
				text[i] = byte(c)
				if got, want := sortKey(string(text)), sortKeySlow(string(text)); got != want {
					t.Fatalf("sortKey(%q) = %x, want %x", text, got, want)
				}
			}
		}
	}
}

// Keys order as texts do, as far as they reach.
func TestSortKeysOrderAsTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	l := NewLayout(nil, []string{"a", "b"})
	for range 20_000 {
		a, b := string(l.Append(nil, hostileValues(r, 2))), string(l.Append(nil, hostileValues(r, 2)))
		x, y := sortKey(a[len(`a="`):]), sortKey(b[len(`a="`):])
		if x != y && cmp.Compare(x, y) != cmp.Compare(Compare(a, b), 0) {
			t.Fatalf("keys %x of %s and %x of %s order otherwise than these", x, a, y, b)
		}
	}
}

func TestSortPlaced(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 7))
	l := NewLayout(nil, []string{"a", "b"})
	for _, n := range []int{0, 1, 2, smallSort, smallSort + 1, radixSort - 1, radixSort, radixSort + 1, 5000} {
		for name, values := range map[string]func(i int) []string{
			"rising":  func(i int) []string { return []string{"x", fmt.Sprintf("%08d", i)} },
			"falling": func(i int) []string { return []string{"x", fmt.Sprintf("%08d", n-i)} },
			"random":  func(int) []string { return []string{fmt.Sprint(r.Uint32()), fmt.Sprint(r.Uint32())} },
			"alike":   func(i int) []string { return []string{"the same", fmt.Sprint(i % 3)} },
			"hostile": func(int) []string { return hostileValues(r, 2) },
		} {
			list := make([]placed, n)
			for i := range list {
				list[i] = placed{new(Series), string(l.Append(nil, values(i)))}
			}
			want := slices.Clone(list)
			slices.SortStableFunc(want, comparePlaced)
			got := sortPlaced(slices.Clone(list))
			if !slices.EqualFunc(got, want, func(a, b placed) bool { return a.text == b.text }) {
				t.Errorf("%d %s: not sorted", n, name)
			}
			for i := range got {
				if !slices.Contains(list[:min(n, 300)], got[i]) && n <= 300 {
					t.Fatalf("%d %s: a series has the text of another one", n, name)
				}
			}
		}
	}
}
