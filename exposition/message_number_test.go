package exposition

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// What is written in words is what is written byte by byte, whatever is long or
// short, and whatever was in the memory before.
func TestNumbersInWords(t *testing.T) {
	lengths := []int{200, 16300, 16400}
	for n := range 0x82 {
		lengths = append(lengths, n)
	}
	created := []int64{0, 1, 5e9, 1<<28*1e9 - 1, 1 << 28 * 1e9, 1<<28*1e9 + 1, 1_700_000_000_000_000_000, 1_700_000_000_000_000_127, 1_700_000_000_000_000_128, 1_700_000_000_999_999_999, 1 << 62}
	for _, kind := range []sample.Kind{sample.Counter, sample.Gauge, sample.Unknown} {
		for _, n := range []int{0, 9, 10, 18, 110, 124, 200} {
			m := &madeFamily{family: sample.Family{Name: "x", Kind: kind}}
			name := "l" + strings.Repeat("n", n)
			for i, v := range lengths {
				value := strings.Repeat("v", v)
				m.samples = append(m.samples,
					madeSample{labels: [][2]string{{name, value}, {"b", "é"}, {"b.c", ""}}, whole: uint64(i), created: created[i%len(created)]},
					madeSample{labels: [][2]string{{name, ""}, {"b", value}, {"b.c", "1"}}, value: float64(i) / 8, created: created[i%len(created)]},
					madeSample{labels: [][2]string{{name, ""}, {"b", ""}, {"b.c", value}}, value: -0.5})
			}
			g := gathered{m.make(len(m.samples))}
			for _, scheme := range []names.Scheme{names.AllowUTF8, names.Underscores, names.Dots, names.Values} {
				g.check(t, Format{Syntax: Protobuf, Escaping: Escaping(scheme)})
			}
		}
	}
}

// A metric with so many labels that its length takes three bytes, and those that are a
// few bytes shorter.
func TestNumberOfManyLabels(t *testing.T) {
	m := &madeFamily{family: sample.Family{Name: "x", Kind: sample.Gauge}}
	for size := range 120 { // 0x4000 bytes at 117
		s := madeSample{labels: [][2]string{{"the_first", strings.Repeat("v", 99)}}}
		for i := range 148 {
			s.labels = append(s.labels, [2]string{fmt.Sprint("l", 100+i), s.labels[0][1]})
		}
		s.labels = append(s.labels, [2]string{"last", strings.Repeat("v", size)})
		m.samples = append(m.samples, s)
	}
	gathered{m.make(len(m.samples))}.check(t, Format{Syntax: Protobuf})
}

// Text that isn't label text is not for put, which neither reads nor writes beyond
// its room.
func TestPutStaysWithinItsRoom(t *testing.T) {
	f := &sample.Family{Name: "x", Kind: sample.Gauge, Labels: []string{`a\\\`, strings.Repeat("long", 25), `""""""""`}}
	p := newPreparedMessage(f, names.AllowUTF8)
	var whole []byte
	for i, l := range f.Labels {
		whole = series.AppendLabel(whole, i == 0, l, "value")
	}
	quotes := strings.Repeat(`"`, 300)
	for _, text := range []string{string(whole), quotes, strings.Repeat("x", 300), `a="`, strings.Repeat("x", 110) + `"` + strings.Repeat("y", 10)} {
		for n := range len(text) + 1 {
			labels := []byte(text[:n] + `""""""""`)[: n : n+8]
			all := slices.Repeat([]byte{0xaa}, p.room+n+slack+8)
			room := all[: 0 : len(all)-8]
			if got := p.put(room, labels, 1, 0); got > 0 && n < len(whole) && text != quotes {
				t.Errorf("%q was put, %d bytes", text[:n], got)
			}
			if slices.ContainsFunc(all[len(all)-8:], func(c byte) bool { return c != 0xaa }) {
				t.Fatalf("%q: wrote beyond the room", text[:n])
			}
			if p.put(room[:0:cap(room)-1], labels, 1, 0) != 0 || p.put(room, labels[:n:n+7], 1, 0) != 0 {
				t.Fatalf("%q was put where there is no room", text[:n])
			}
		}
	}
}
