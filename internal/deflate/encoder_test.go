package deflate_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	kflate "github.com/klauspost/compress/flate"

	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/deflate"
)

// lastBlock is an empty block that is the final one.
var lastBlock = []byte{3, 0}

// inflate decodes a stream of blocks, which lastBlock completes, with each
// decoder that there is in Go.
func inflate(t testing.TB, blocks []byte) []byte {
	t.Helper()
	stream := append(slices.Clip(blocks), lastBlock...)
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(stream)))
	if err != nil {
		t.Fatalf("compress/flate: %v, after %d bytes", err, len(text))
	}
	other, err := io.ReadAll(kflate.NewReader(bytes.NewReader(stream)))
	if err != nil {
		t.Fatalf("klauspost/compress/flate: %v, after %d bytes", err, len(other))
	}
	if !bytes.Equal(text, other) {
		t.Fatal("decoders don't agree")
	}
	return text
}

// pieces returns text cut into pieces of size bytes.
func pieces(text []byte, size int) [][]byte { return slices.Collect(slices.Chunk(text, size)) }

// roundTrip compresses text, and returns what became of it.
func roundTrip(t testing.TB, e *deflate.Encoder, text []byte) []byte {
	t.Helper()
	before := bytes.Clone(text)
	out := e.Append(nil, text)
	if !bytes.Equal(text, before) {
		t.Fatal("the text was changed")
	}
	got := inflate(t, out)
	if !bytes.Equal(got, text) {
		i := 0
		for i < len(got) && i < len(text) && got[i] == text[i] {
			i++
		}
		t.Fatalf("%d bytes came back as %d, with a difference at %d", len(text), len(got), i)
	}
	if limit := len(text) + len(text)/4096 + 16; len(out) > limit {
		t.Fatalf("%d bytes became %d", len(text), len(out))
	}
	return out
}

// noise returns n random bytes.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// chosen returns n random bytes of an alphabet.
func chosen(n int, alphabet string, r *rand.Rand) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return b
}

func TestAnyBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	line := `http_requests_total{method="GET",path="/",status="200"} 1`
	texts := map[string][]byte{
		"a byte":          []byte("x"),
		"a newline":       []byte("\n"),
		"newlines":        bytes.Repeat([]byte("\n"), 1000),
		"all bytes":       all,
		"all bytes often": bytes.Repeat(all, 1000),
		"all but one":     bytes.Repeat(all[:255], 3),
		"NUL":             make([]byte, 100_000),
		"noise":           noise(1 << 20),
		"noise in lines":  bytes.Join(pieces(noise(300_000), 100), []byte("\n")),
		"noise, repeated": bytes.Repeat(noise(20_000), 20),
		"hexadecimal":     chosen(1<<20, "0123456789abcdef", r),
		"digits":          chosen(1<<20, "0123456789", r),
		"two symbols":     chosen(1<<20, "ab", r),
		"two controls":    chosen(1<<20, "\x00\x01", r),
		"controls late":   append(bytes.Repeat([]byte(line+"\n"), 10), bytes.Repeat(all, 1000)...),
		"controls early":  append(all[:32:32], bytes.Repeat([]byte(line+"\n"), 10_000)...),
		"CRLF":            bytes.Repeat([]byte(line+"\r\n"), 5000),
		"no newline":      bytes.Repeat([]byte(line), 5000),
		"long lines":      bytes.Repeat(append(bytes.Repeat([]byte(line), 100), '\n'), 20),
		"UTF-8":           bytes.Repeat([]byte("grüße{city=\"Zürich 東京 🚀\"} 7\n"), 5000),
		"not UTF-8":       bytes.Repeat([]byte("x{a=\"\xff\xfe\x80\"} 7\n"), 5000),
		"high bits":       bytes.Repeat([]byte("\x8a\x8a\x8a\n\x0a\x8a\xb0\x30"), 5000),
		"the other noise": append(bytes.Repeat([]byte(line+"\n"), 10_000), noise(400_000)...),
		"some megabytes":  bytes.Repeat([]byte(line+"\n"), 60_000),
	}
	var e deflate.Encoder
	for name, text := range texts {
		t.Run(name, func(t *testing.T) { roundTrip(t, &e, text) })
	}
}

// TestSmallAlphabets has matches of all kinds, lines that are repeated, and ends
// of the text wherever it may end.
func TestSmallAlphabets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var e deflate.Encoder
	for range 3000 {
		alphabet := []string{"\n", "a\n", "0\n", "ab\n", "a0\n", "ab", "\"0}\n ", "\n\x8a\x0b", "\x00", "\x00a", "\x00\x01bc"}[r.IntN(11)]
		word := chosen(1+r.IntN(12), alphabet, r)
		text := bytes.Repeat(word, 1+r.IntN(80))
		for range r.IntN(4) {
			text[r.IntN(len(text))] = alphabet[r.IntN(len(alphabet))]
		}
		text = append(text, chosen(r.IntN(30), alphabet, r)...)
		roundTrip(t, &e, text)
	}
}

// TestLongestMatch has lines whose beginnings are the same for about as long as
// a match can be.
func TestLongestMatch(t *testing.T) {
	var e deflate.Encoder
	for n := 250; n < 270; n++ {
		for _, ends := range [][2]string{{"1", "2"}, {"a", "bcd"}, {"", ""}, {"12345678", "9"}, {"", "x"}} {
			for _, alphabet := range []string{"abcdef", "abcd\x00\x01"} {
				start := string(chosen(n, alphabet, rand.New(rand.NewPCG(uint64(n), 0))))
				roundTrip(t, &e, []byte(strings.Repeat(start+ends[0]+"\n"+start+ends[1]+"\n", 20)))
			}
		}
		for _, c := range []byte{'a', 0} {
			roundTrip(t, &e, bytes.Repeat([]byte{c}, n))
			roundTrip(t, &e, bytes.Repeat([]byte{c}, 2*n))
		}
		roundTrip(t, &e, append(bytes.Repeat([]byte{'\n'}, n), "end"...))
	}
}

// TestFarthestMatch has lines of random bytes that are the same, as far from each
// other as a match may reach back, and farther.
func TestFarthestMatch(t *testing.T) {
	const window = 1 << 15
	var e deflate.Encoder
	for _, d := range []int{window - 1, window, window + 1} {
		for _, bits := range []byte{1, ' ' | 1} { // no newline; no control character, either
			line := noise(d)
			for i, c := range line {
				line[i] = c | bits
			}
			line[0] = '\n'
			copy(line[d-100:], bytes.Repeat([]byte{'a'}, 100)) // so that the next newline is not jumped over
			out := roundTrip(t, &e, bytes.Repeat(line, 2))
			if reached := len(out) < d*3/2; reached != (d <= window) {
				t.Errorf("two lines of %d bytes became %d", d, len(out))
			}
		}
	}
}

// TestFarthestLookUp does the same with what is no line, and not looked up near
// anything else.
func TestFarthestLookUp(t *testing.T) {
	const window = 1 << 15
	var e deflate.Encoder
	seen := bytes.ReplaceAll(noise(2000), []byte("\n"), nil)
	for _, d := range []int{window - 1, window, window + 1} {
		text := bytes.Repeat([]byte{'a'}, 300+d)
		copy(text[300:], seen)
		text = append(text, seen...)
		out := roundTrip(t, &e, text)
		if reached := len(out) < 3000; reached != (d <= window) {
			t.Errorf("%d bytes that are there twice, %d bytes apart, became %d", len(seen), d, len(out))
		}
	}
}

// TestStored checks that what is stored has nothing behind it: it ends on a byte
// boundary anyway.
func TestStored(t *testing.T) {
	var e deflate.Encoder
	if got := len(e.Append(nil, noise(1000))); got != 1005 {
		t.Errorf("1000 random bytes became %d", got)
	}
}

func TestEmptyTextAddsNothing(t *testing.T) {
	var e deflate.Encoder
	if got := e.Append([]byte("abc"), nil); string(got) != "abc" {
		t.Errorf("got %q", got)
	}
}

// TestPieces checks that pieces can be compressed each for itself, and put
// together again.
func TestPieces(t *testing.T) {
	for _, p := range append(pages, append(binaryPages, protobufPages...)...) {
		t.Run(p.name, func(t *testing.T) {
			body := p.body(t)
			var e deflate.Encoder
			for _, size := range []int{100, 5000, 64 << 10, 1 << 30} {
				body := body[:min(len(body), 300*size, 1<<20)]
				var stream []byte
				for _, text := range pieces(body, size) {
					start := len(stream)
					stream = e.Append(stream, text)
					if got := inflate(t, stream[start:]); !bytes.Equal(got, text) {
						t.Fatalf("size %d: a piece does not come back", size)
					}
				}
				if got := inflate(t, stream); !bytes.Equal(got, body) {
					t.Fatalf("size %d: the page does not come back", size)
				}
			}
		})
	}
}

// TestNothingIsRemembered checks that what comes out depends on nothing but the
// text. Digits are looked up where they begin: the text before has "5678" in
// the same place, but behind letters, so that it was looked up there.
func TestNothingIsRemembered(t *testing.T) {
	lines := append([]byte("x12345678 yyyyyyyy (5678)\n"), pages[0].body(t)[:5000]...)
	var used deflate.Encoder
	for _, text := range [][]byte{lines, protobufPages[0].body(t)[:5000]} {
		var fresh deflate.Encoder
		want := fresh.Append(nil, text)
		for _, before := range []string{"abcde5678 yyyyyyyy", string(pages[0].body(t)), string(protobufPages[0].body(t)), string(noise(1000))} {
			used.Append(nil, []byte(before))
			if got := used.Append(nil, text); !bytes.Equal(got, want) {
				t.Errorf("after %.20q, something else is appended for %.20q", before, text)
			}
		}
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	var e deflate.Encoder
	text := pages[0].body(t)[:100_000]
	want := e.Append(nil, text)
	for _, room := range []int{0, 1, 32, len(want), len(want) + 32} {
		dst := append(make([]byte, 0, 3+room), "abc"...)
		got := e.Append(dst, text)
		if string(got[:3]) != "abc" || !bytes.Equal(got[3:], want) {
			t.Errorf("with room for %d bytes, something else is appended", room)
		}
	}
}

// TestNoAllocation promises what Append says: with 32 bytes of room to spare, it
// allocates nothing.
func TestNoAllocation(t *testing.T) {
	var e deflate.Encoder
	for name, text := range map[string][]byte{
		"counters": pages[0].body(t)[:300_000],
		"protobuf": protobufPages[0].body(t)[:300_000],
		"noise":    noise(300_000),
		"short":    []byte("up 1\n"),
	} {
		size := len(e.Append(nil, text))
		dst := make([]byte, 0, size+32)
		if n := testing.AllocsPerRun(10, func() { e.Append(dst, text) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestRatio compares with the fastest good encoder, which may use all of the
// page for each part of it.
func TestRatio(t *testing.T) {
	for _, p := range append(pages, protobufPages...) {
		body := p.body(t)
		limit := len(klauspost()(nil, body))
		for _, size := range []int{64 << 10, 128 << 10, 256 << 10} {
			var e deflate.Encoder
			n := 0
			for _, text := range pieces(body, size) {
				n += len(e.Append(nil, text))
			}
			t.Logf("%-26s %4d KB: %6.2f, klauspost %6.2f", p.name, size>>10, float64(len(body))/float64(n), float64(len(body))/float64(limit))
			if float64(n)*0.9 > float64(limit) {
				t.Errorf("%s in pieces of %d: %d bytes, where klauspost's level 1 has %d", p.name, size, n, limit)
			}
		}
	}
}

// gzipOf returns a gzip file of text, in pieces of size bytes.
func gzipOf(text []byte, size int) []byte {
	var e deflate.Encoder
	file := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}
	for _, piece := range pieces(text, size) {
		file = e.Append(file, piece)
	}
	file = append(file, lastBlock...)
	file = binary.LittleEndian.AppendUint32(file, crc32.ChecksumIEEE(text))
	return binary.LittleEndian.AppendUint32(file, uint32(len(text)))
}

// TestOtherDecoders has all pages, and codes that are as small as can be, decoded
// by programs.
func TestOtherDecoders(t *testing.T) {
	texts := map[string][]byte{
		"one symbol":     []byte(strings.Repeat("\n", 100)),
		"no match":       []byte("abcdefghijklmnopqrstuvwxyz0123456789aaaaaaaaaaa\n"),
		"no distance":    chosen(5000, "abcdefgh", rand.New(rand.NewPCG(1, 1)))[:30],
		"only literals":  chosen(20_000, "0123456789abcdef", rand.New(rand.NewPCG(1, 1))),
		"noise":          noise(200_000),
		"one byte":       {'a'},
		"repeated":       make([]byte, 1<<20),
		"all, and noise": append(bytes.Repeat(pages[3].body(t), 3), noise(50_000)...),
	}
	for _, p := range append(pages, append(binaryPages, protobufPages...)...) {
		texts[p.name] = p.body(t)
	}
	var files, want []byte // one file after another, which is one file, too
	for _, text := range texts {
		for _, size := range []int{1000, 64 << 10, 1 << 30} {
			files = append(files, gzipOf(text, size)...)
			want = append(want, text...)
		}
	}
	for _, command := range [][]string{{"gzip", "-dc"}, {"python3", "-c", inPython}} {
		t.Run(command[0], func(t *testing.T) {
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skipf("%s is not installed: %v", command[0], err)
			}
			c := exec.CommandContext(t.Context(), command[0], command[1:]...)
			c.Stdin = bytes.NewReader(files)
			got, err := c.Output()
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes came back as %d: %v", len(want), len(got), err)
			}
		})
	}
}

// inPython decodes gzip files that follow each other, with zlib.
const inPython = `
import sys, zlib
rest = sys.stdin.buffer.read()
while rest:
    z = zlib.decompressobj(31)
    sys.stdout.buffer.write(z.decompress(rest) + z.flush())
    assert z.eof
    rest = z.unused_data
`

func TestGzip(t *testing.T) {
	text := pages[4].body(t)
	z, err := gzip.NewReader(bytes.NewReader(gzipOf(text, 64<<10)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes came back as %d: %v", len(text), len(got), err)
	}
}

// binaryPages are those that are no text, or are written for the tests' sake
// alone.
var binaryPages = func() (all []page) {
	for s := range exposition.OpenMetrics200 + 1 {
		all = append(all, newPage(fmt.Sprint("mixed, ", s), mixed, exposition.Format{Syntax: s, Created: true}))
	}
	return all
}()

// FuzzAppend compresses anything, in a few pieces, one after another with one
// encoder. It has one decoder and short inputs, of which it makes longer texts: what
// decoders distinguish is as new to the fuzzer as what the encoder does, and to make
// an input of some thousand bytes smaller takes it all of its time.
func FuzzAppend(f *testing.F) {
	f.Add([]byte("a"), uint8(0), uint16(0))
	f.Add([]byte("ab\n"), uint8(200), uint16(100))
	f.Add([]byte("\n"), uint8(255), uint16(0))
	f.Add(noise(100), uint8(2), uint16(300))
	few := newPage("few", both(30), exposition.Format{Syntax: exposition.OpenMetrics100, Created: true})
	fewBinary := newPage("few", both(100), exposition.Format{Syntax: exposition.Protobuf, Created: true})
	for _, p := range []page{few, pages[3], fewBinary, protobufPages[2], protobufPages[4]} {
		f.Add(p.body(f)[:200], uint8(20), uint16(1000))
	}
	decoder := flate.NewReader(nil)
	f.Fuzz(func(t *testing.T, part []byte, times uint8, size uint16) {
		var e deflate.Encoder
		text := variations(part, int(times))
		for _, piece := range pieces(text, int(size)+len(text)/8+1) {
			packed := bytes.NewReader(append(e.Append(nil, piece), lastBlock...))
			decoder.(flate.Resetter).Reset(packed, nil)
			got, err := io.ReadAll(decoder)
			if err != nil || !bytes.Equal(got, piece) || packed.Len() > 0 {
				t.Fatalf("%q came back as %q, with %d bytes behind it, error %v", piece, got, packed.Len(), err)
			}
		}
	})
}

// variations returns part several times, each time with another byte changed.
func variations(part []byte, times int) []byte {
	text := bytes.Repeat(part, min(1+times, 1+10_000/(1+len(part))))
	for i := len(part); i < len(text); i += len(part) + 1 {
		text[i] ^= byte(i)
	}
	return text
}
