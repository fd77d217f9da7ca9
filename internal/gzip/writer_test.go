package gzip

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	klauspost "github.com/klauspost/compress/gzip"
)

// compress returns body as a member, written in pieces of up to step bytes.
func compress(t testing.TB, z *Writer, body []byte, step int) []byte {
	t.Helper()
	var out bytes.Buffer
	z.Reset(&out)
	for rest := body; len(rest) > 0; {
		n := min(step, len(rest))
		if m, err := z.Write(rest[:n]); m != n || err != nil {
			t.Fatalf("Write of %d bytes = %d, %v", n, m, err)
		}
		rest = rest[n:]
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// check fails unless both decoders make body of packed, and nothing is left.
func check(t testing.TB, packed, body []byte) {
	t.Helper()
	in := bytes.NewReader(packed)
	std, err := stdgzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	std.Multistream(false)
	got, err := io.ReadAll(std)
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("compress/gzip makes %d bytes of %d, error %v", len(got), len(body), err)
	}
	if in.Len() > 0 {
		t.Fatalf("%d bytes behind the member", in.Len())
	}
	k, err := klauspost.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if got, err = io.ReadAll(k); err != nil || !bytes.Equal(got, body) {
		t.Fatalf("klauspost makes %d bytes of %d, error %v", len(got), len(body), err)
	}
}

// page returns a page of n series, of which each has a value from value.
func page(n int, value func(i int) uint64) []byte {
	var b bytes.Buffer
	b.WriteString("# HELP http_requests_total HTTP requests.\n# TYPE http_requests_total counter\n")
	for i := range n {
		fmt.Fprintf(&b, "http_requests_total{method=\"GET\",path=\"/api/v1/items/%06d\",status=\"200\"} %d\n", i, value(i))
	}
	return b.Bytes()
}

func square(i int) uint64 { return uint64(i) * uint64(i) }

func TestAnyBodyIsOneMember(t *testing.T) {
	random := make([]byte, 500_000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	bodies := map[string][]byte{
		"empty":           nil,
		"one byte":        {0},
		"short":           page(3, square),
		"long":            page(20_000, square),
		"no newline":      bytes.Repeat([]byte("x"), 1_000_000),
		"newlines":        bytes.Repeat([]byte("\n"), 1_000_000),
		"short lines":     bytes.Repeat([]byte("a 1\n"), 200_000),
		"random":          random,
		"lines too long":  bytes.Repeat([]byte(`a{b="`+strings.Repeat("c", 70_000)+`"} 1`+"\n"), 9),
		"endless lines":   bytes.Repeat([]byte(`a{b="`+strings.Repeat("c", mostText)+`"} 1`+"\n"), 5),
		"CRLF":            bytes.Repeat([]byte("a{b=\"c\"} 1\r\n"), 50_000),
		"nearly least":    bytes.Repeat([]byte("y"), leastText),
		"just most":       bytes.Repeat([]byte("y"), mostText),
		"more than most":  bytes.Repeat([]byte("y"), mostText+1),
		"labels with } ":  bytes.Repeat([]byte(`a{b="} } {",c="\"} "} 1`+"\n"), 50_000),
		"comments only":   bytes.Repeat([]byte("# HELP a b\n"), 50_000),
		"long last lines": append(page(1000, square), bytes.Repeat([]byte("z"), 300_000)...),
	}
	writers := map[string]*Writer{"no cache": NewWriter(nil), "cache": NewWriter(NewCache(1 << 20)), "tiny cache": NewWriter(NewCache(1000))}
	for name, body := range bodies {
		for kind, z := range writers {
			for _, step := range []int{64 << 10, 1000, 1 << 30, 4099} {
				t.Run(fmt.Sprint(name, "/", kind, "/", step), func(t *testing.T) {
					check(t, compress(t, z, body, step), body)
				})
			}
		}
	}
}

func TestPackedBytesDoNotDependOnWrites(t *testing.T) {
	body := page(20_000, square)
	z := NewWriter(NewCache(1))
	want := bytes.Clone(compress(t, z, body, 1<<30))
	for _, step := range []int{17, 1000, leastText, mostText, mostText + 1} {
		if !bytes.Equal(compress(t, z, body, step), want) {
			t.Errorf("in pieces of %d bytes the body is cut elsewhere", step)
		}
	}
}

func TestTheSameBodyIsCompressedAlikeByAll(t *testing.T) {
	body := page(20_000, square)
	var first []byte
	for i := range 3 {
		got := compress(t, NewWriter(NewCache(1<<20)), body, 64<<10)
		if i == 0 {
			first = bytes.Clone(got)
		}
		if !bytes.Equal(got, first) {
			t.Fatal("two handlers would send one body differently")
		}
	}
}

// segments returns the texts of the segments of a body.
func segments(c *Cache, body []byte) (texts []string) {
	for len(body) > 0 {
		n := 0
		for look := leastText + lookStep; n == 0; look += lookStep {
			if n, _ = c.cut(body[:min(look, len(body))], 0); n == 0 && look >= len(body) {
				n = len(body)
			}
		}
		texts = append(texts, string(body[:n]))
		body = body[n:]
	}
	return texts
}

// changed counts the segments of b that are not among those of a.
func changed(c *Cache, a, b []byte) (different, all int) {
	known := make(map[string]bool)
	for _, s := range segments(c, a) {
		known[s] = true
	}
	texts := segments(c, b)
	for _, s := range texts {
		if !known[s] {
			different++
		}
	}
	return different, len(texts)
}

func TestAChangeDisturbsOnlyItsSegment(t *testing.T) {
	const series = 200_000
	body := page(series, square)
	lines := bytes.SplitAfter(body, []byte("\n"))
	c := NewCache(1)
	tests := []struct {
		name  string
		edit  func(i int, line []byte) []byte // of one line in 20,000
		worst int
	}{
		{"a value", func(i int, line []byte) []byte { return append(bytes.Clone(line[:len(line)-2]), "7\n"...) }, 11},
		{"a longer value", func(i int, line []byte) []byte { return append(bytes.Clone(line[:len(line)-1]), "123456\n"...) }, 22},
		{"a series goes", func(int, []byte) []byte { return nil }, 22},
		{"a series comes", func(i int, line []byte) []byte {
			return append(bytes.Clone(line), fmt.Sprintf("http_requests_total{method=\"PUT\",path=\"%d\"} 1\n", i)...)
		}, 22},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			edited := make([][]byte, len(lines))
			copy(edited, lines)
			for i := 10_000; i < series; i += 20_000 {
				edited[i] = test.edit(i, lines[i])
			}
			different, all := changed(c, body, bytes.Join(edited, nil))
			if all < 100 || different == 0 || different > test.worst {
				t.Errorf("%d of %d segments changed, want up to %d", different, all, test.worst)
			}
		})
	}
}

type failing struct{ after int }

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, errGone
	}
	return len(p), nil
}

var errGone = errors.New("gone")

func TestErrorsOfTheWriterBelow(t *testing.T) {
	body := page(20_000, square)
	z := NewWriter(NewCache(1 << 20))
	for _, after := range []int{0, 5, 10, 1000, 50_000} {
		z.Reset(&failing{after})
		_, err := z.Write(body)
		if !errors.Is(err, errGone) {
			t.Errorf("after %d bytes: Write returns %v", after, err)
		}
		if _, err := z.Write(body); !errors.Is(err, errGone) {
			t.Errorf("after %d bytes: the second Write returns %v", after, err)
		}
		if err := z.Close(); !errors.Is(err, errGone) {
			t.Errorf("after %d bytes: Close returns %v", after, err)
		}
		check(t, compress(t, z, body, 64<<10), body)
	}
}

// keeping fails, and keeps what it was given.
type keeping struct{ given []byte }

func (k *keeping) Write(p []byte) (int, error) {
	if len(p) < 100 { // the header
		return len(p), nil
	}
	k.given = p
	return 0, errGone
}

func TestWhatAFailedWriteWasGivenIsNotUsedAgain(t *testing.T) {
	z := NewWriter(nil)
	for range 3 {
		var w keeping
		z.Reset(&w)
		z.Write(page(20_000, square))
		given := bytes.Clone(w.given)
		compress(t, z, page(10_000, func(int) uint64 { return 3 }), 64<<10)
		if len(given) == 0 || !bytes.Equal(w.given, given) {
			t.Fatalf("of the %d bytes that could not be written, some have changed", len(given))
		}
	}
}

func TestAWriterThatIsPutByRefuses(t *testing.T) {
	z := NewWriter(nil)
	for range 2 {
		if _, err := z.Write([]byte("a")); err == nil {
			t.Error("Write without Reset succeeds")
		}
		if err := z.Close(); err == nil {
			t.Error("Close without Reset succeeds")
		}
		compress(t, z, []byte("a"), 1)
		if err := z.Close(); err == nil {
			t.Error("a second Close succeeds")
		}
		z.Reset(nil)
	}
}

func TestCombine(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, sizes := range [][2]int{{0, 0}, {0, 5}, {5, 0}, {1, 1}, {100, 100_000}, {100_000, 1 << 16}, {3, 1<<20 + 17}} {
		a, b := make([]byte, sizes[0]), make([]byte, sizes[1])
		for _, p := range [][]byte{a, b} {
			for i := range p {
				p[i] = byte(r.Uint32())
			}
		}
		want := crc32.ChecksumIEEE(append(bytes.Clone(a), b...))
		if got := combine(crc32.ChecksumIEEE(a), crc32.ChecksumIEEE(b), len(b)); got != want {
			t.Errorf("of %v bytes: %#x, want %#x", sizes, got, want)
		}
	}
}

func TestNothingIsAllocatedForABodyThatStays(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's pools forget at random")
	}
	z := NewWriter(newRoomyCache())
	body := page(20_000, square)
	var out bytes.Buffer
	out.Grow(len(body))
	serve := func() {
		out.Reset()
		z.Reset(&out)
		z.Write(body)
		z.Close()
	}
	serve()
	serve()
	if n := testing.AllocsPerRun(10, serve); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// change changes the last digit of some values of a page, spread over all of it.
func change(body []byte, some, round int) {
	if some == 0 {
		return
	}
	step := len(body) / some
	for at := step / 2; at < len(body); at += step {
		if n := bytes.IndexByte(body[at:], '\n'); n > 0 {
			body[at+n-1] = '0' + byte(round%10)
		}
	}
}
