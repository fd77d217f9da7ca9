package exposition

import (
	"errors"
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

// What is more than labels and a number, or has other labels than the family, looks
// much like one.
func TestMoreThanNumbers(t *testing.T) {
	exemplars := &madeFamily{family: sample.Family{Name: "x_total", Kind: sample.Counter}}
	mixed := &madeFamily{family: sample.Family{Name: "y", Kind: sample.Gauge}}
	for i := range 5 {
		x := note(sample.NoBucket, "trace", fmt.Sprint(i), 1, begin)
		exemplars.samples = append(exemplars.samples, madeSample{labels: [][2]string{{"a", fmt.Sprint(i)}}, whole: 7, created: begin, exemplars: []readExemplar{x}})
		mixed.samples = append(mixed.samples, madeSample{labels: [][2]string{{string(rune('a' + i)), "same"}}, value: 2})
	}
	gathered{exemplars.make(5), mixed.make(5)}.check(t, Format{Syntax: Protobuf})
}

// Nobody goes on gathering for a client that has gone.
func TestNumbersEndWithTheWriter(t *testing.T) {
	m := &madeFamily{family: sample.Family{Name: "x", Kind: sample.Gauge}}
	for i := range 3 * messageSize / 1000 {
		m.samples = append(m.samples, madeSample{labels: [][2]string{{"a", fmt.Sprint(i)}, {"b", strings.Repeat("v", 1000)}}})
	}
	e := &messageEncoder{output: newOutput()}
	gone := errors.New("gone")
	e.start(writerFunc(func([]byte) (int, error) { return 0, gone }), Format{Syntax: Protobuf}, false)
	m.make(len(m.samples))
	m.batches[0].Text = append(m.batches[0].Text, strings.Repeat(" ", 8)...) // no word is too far
	if err := e.Visit(&m.family, m.batches[0]); err != gone {
		t.Errorf("error %v, want that of the writer", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Text that isn't label text is not for put, which neither reads nor writes beyond
// its room.
func TestPutStaysWithinItsRoom(t *testing.T) {
	f := &sample.Family{Name: "x", Kind: sample.Gauge, Labels: []string{`a\\\`, strings.Repeat("long", 25), `""""""""`}}
	for _, scheme := range []names.Scheme{names.AllowUTF8, names.Underscores, names.Dots, names.Values} {
		putAnything(t, f, newPreparedMessage(f, scheme))
	}
	f.Labels = []string{"a", strings.Repeat("世", 60)} // much shorter when it's escaped
	putAnything(t, f, newPreparedMessage(f, names.Underscores))
}

// putAnything puts the family's labels, parts of them, and what is none.
func putAnything(t *testing.T, f *sample.Family, p *preparedMessage) {
	t.Helper()
	var whole []byte
	for i, l := range f.Labels {
		whole = series.AppendLabel(whole, i == 0, l, "value")
	}
	long := append(slices.Clip(whole), `,z="more"""""""""`...)[:len(whole)+len(`,z="more"`)]
	if p.put(make([]byte, 0, 1000), long, 1, 0) != 0 || p.put(make([]byte, 0, 1000), long[:len(whole)], 1, 0) == 0 {
		t.Errorf("%q was put, or all but the last label was not", long)
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
