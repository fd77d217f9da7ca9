package deflate

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestWords compares what works on eight bytes at once with what works on one.
func TestWords(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	hard := []byte{0, 0, 0, 1, 0x7f, 0x80, 0x81, 0xff, '0', '9', '/', ':', '0' | 0x80, '\n', 0x8a, 5, 9, 10}
	var b [8]byte
	for range 200_000 {
		for i := range b {
			b[i] = hard[r.IntN(len(hard))]
		}
		w := binary.LittleEndian.Uint64(b[:])
		digits := 0
		for digits < 8 && b[digits] >= '0' && b[digits] <= '9' {
			digits++
		}
		if got := digitRun(w); got != digits {
			t.Fatalf("digitRun of %q is %d", b, got)
		}
		run := 0
		for run < 8 && (run > 4 || [4]byte(b[run:]) != [4]byte{}) {
			run++
		}
		if got := equalRun(w); got != run {
			t.Fatalf("equalRun of %q is %d", b, got)
		}
		for i, z := range binary.LittleEndian.AppendUint64(nil, zeroBytes(w)) {
			if (z == 0x80) != (b[i] == 0) || z&0x7f != 0 {
				t.Fatalf("zeroBytes of %q is %x", b, zeroBytes(w))
			}
		}
	}
}

// TestDistanceCodes goes through the table of RFC 1951, section 3.2.5.
func TestDistanceCodes(t *testing.T) {
	d := 1
	for code := range distanceCodes {
		for range 1 << distanceExtra(code) {
			if got := distanceCode(d); int(got) != code {
				t.Fatalf("the code of %d is %d", d, got)
			}
			d++
		}
	}
	if d != window+1 {
		t.Errorf("the last distance is %d", d-1)
	}
}

// TestLengths looks at the table of RFC 1951, section 3.2.5.
func TestLengths(t *testing.T) {
	first := map[int]int{}
	length := 3
	for s := firstLength; s < literalCodes; s++ {
		first[s] = length
		length += lengthsOf(s)
	}
	if length != maxMatch+1 {
		t.Errorf("the last length is %d", length-1)
	}
	for s, want := range map[int][2]int{257: {3, 0}, 264: {10, 0}, 265: {11, 1}, 268: {17, 1}, 269: {19, 2}, 276: {59, 3}, 277: {67, 4}, 281: {131, 5}, 284: {227, 5}, 285: {258, 0}} {
		if first[s] != want[0] || lengthExtra(s) != want[1] {
			t.Errorf("symbol %d: from %d on, %d bits", s, first[s], lengthExtra(s))
		}
	}
}

// TestHuffmanCodes checks that codes are complete, within their limit, and as
// good as can be where the limit does not matter.
func TestHuffmanCodes(t *testing.T) {
	fibonacci := []uint32{1, 1}
	for len(fibonacci) < 30 {
		fibonacci = append(fibonacci, fibonacci[len(fibonacci)-1]+fibonacci[len(fibonacci)-2])
	}
	equal := slices.Repeat([]uint32{7}, literalCodes)
	r := rand.New(rand.NewPCG(1, 2))
	tests := [][]uint32{fibonacci, equal, equal[:256], equal[:2], {5, 0, 0}, {0, 0, 5}, {0, 5}, {0, 0, 0}, {1, 1 << 20, 1, 1}}
	for range 300 {
		counts := make([]uint32, 2+r.IntN(literalCodes-1))
		for i := range counts {
			counts[i] = r.Uint32N(1<<r.IntN(18)) >> r.IntN(18)
		}
		tests = append(tests, counts)
	}
	var b builder
	for _, counts := range tests {
		for _, limit := range []int{maxCode, 9, maxSize} {
			if len(counts) > 1<<limit {
				continue
			}
			lengths := slices.Repeat([]uint8{99}, len(counts))
			b.lengths(lengths, counts, limit)
			if !complete(lengths, limit) {
				t.Fatalf("%v: lengths %v are no code within %d", counts, lengths, limit)
			}
			best, depth := huffmanCost(counts)
			cost := 0
			for s, n := range counts {
				cost += int(n) * int(lengths[s])
				if n > 0 && lengths[s] == 0 {
					t.Fatalf("%v: symbol %d has no code", counts, s)
				}
			}
			if depth > 0 && depth <= limit && cost != best {
				t.Errorf("%v: lengths %v cost %d, not %d", counts, lengths, cost, best)
			}
			if cost > best*5/4+1 && limit == maxCode && depth > 0 {
				t.Errorf("%v: the limit makes %d of %d", counts, cost, best)
			}
		}
	}
}

// TestLongestCodes writes four of the longest codes in a row, behind each number
// of bits that can be left over.
func TestLongestCodes(t *testing.T) {
	for shift := range 8 {
		text := bytes.Repeat([]byte{15}, shift)
		for s := range 16 {
			text = append(text, byte(s)) // each once, the rarest first
		}
		for s := range 16 {
			text = append(text, bytes.Repeat([]byte{byte(s)}, 1<<s)...)
		}
		// All is literals, but for a match at the end.
		var c counts
		c.add(text[:len(text)-3])
		match := c.match(len(text)-3, 1, 3)
		var b block
		var w writer
		b.write(&w, text, []sequence{match}, &c)
		if longest := slices.Max(b.literalLengths[:]); longest != maxCode {
			t.Fatalf("the longest code has %d bits", longest)
		}
		w.align()
		got, err := io.ReadAll(flate.NewReader(bytes.NewReader(append(w.dst, 3, 0))))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("behind %d bits: %v", shift, err)
		}
	}
}

// TestLastNewline checks that the newlines within a match are known.
func TestLastNewline(t *testing.T) {
	for _, line := range []string{"\n", "metric 1\n", "a{b=\"c\"} 12345678901\n", strings.Repeat("x", 300) + "\n"} {
		text := []byte(strings.Repeat(line, 100) + "0123456789")
		var m matcher
		m.reset()
		m.next(text)
		if want := bytes.LastIndexByte(text, '\n'); m.line != want {
			t.Errorf("lines of %d bytes: the last newline is %d, not %d", len(line), want, m.line)
		}
	}
}

// complete tells whether lengths are those of a code that leaves nothing over.
func complete(lengths []uint8, limit int) bool {
	sum := 0
	for _, l := range lengths {
		if int(l) > limit {
			return false
		}
		if l > 0 {
			sum += 1 << (limit - int(l))
		}
	}
	return sum == 1<<limit
}

// huffmanCost returns what the best code without a limit costs, and how long its
// longest code is, by joining the two lightest trees again and again.
func huffmanCost(counts []uint32) (cost, depth int) {
	type tree struct{ weight, depth int }
	var forest []tree
	for _, n := range counts {
		if n > 0 {
			forest = append(forest, tree{int(n), 0})
		}
	}
	for len(forest) > 1 {
		slices.SortFunc(forest, func(a, b tree) int { return cmp.Or(a.weight-b.weight, a.depth-b.depth) })
		a, b := forest[0], forest[1]
		joined := tree{a.weight + b.weight, max(a.depth, b.depth) + 1}
		cost, depth = cost+joined.weight, joined.depth
		forest = append(forest[2:], joined)
	}
	return cost, depth
}

// TestIsBinary has what is text, though it may have control characters in a
// label value, and what is none.
func TestIsBinary(t *testing.T) {
	sample := "http_requests_total{path=\"/\"} 1\n"
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"nothing":                  {"", false},
		"a line":                   {"up 1\n", false},
		"lines":                    {strings.Repeat(sample, 20), false},
		"newlines":                 {strings.Repeat("\n", 300), false},
		"tabs, carriage returns":   {strings.Repeat("#\tTYPE a\r\n", 30), false},
		"UTF-8":                    {strings.Repeat("東京", 50), false},
		"a control in a value":     {"\x00" + strings.Repeat(sample, 20), false},
		"controls late":            {strings.Repeat(sample, 20) + strings.Repeat("\x00", 300), false},
		"eight in 256":             {strings.Repeat("\x1f", 8) + strings.Repeat("a", 300), false},
		"nine in 256":              {strings.Repeat("\x1f", 9) + strings.Repeat("a", 300), true},
		"a label pair":             {"\x0a\x06method\x12\x03GET", true},
		"a pair with a long value": {"\x0a\x04path\x12\x18/api/v1/resource/0000001", true},
		"zeros":                    {strings.Repeat("\x00", 300), true},
	} {
		if got := isBinary([]byte(c.text)); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
