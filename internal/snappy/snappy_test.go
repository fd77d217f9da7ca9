package snappy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
)

// check fails unless what text becomes is text again, and is never much longer. It
// returns how long it is.
func check(t *testing.T, text []byte) int {
	t.Helper()
	packed := Encode(text)
	got, err := io.ReadAll(snappy.NewReader(bytes.NewReader(packed)))
	if err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%d bytes become %d, and %d again, error %v", len(text), len(packed), len(got), err)
	}
	if chunks := (len(text) + maxChunk - 1) / maxChunk; len(packed) > len(streamStart)+chunks*headSize+len(text) {
		t.Fatalf("%d bytes become %d", len(text), len(packed))
	}
	return len(packed)
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func TestAnyBytes(t *testing.T) {
	line := `http_requests_total{method="GET",path="/",status="200"} 1` + "\n"
	for name, text := range map[string][]byte{
		"nothing":        nil,
		"a byte":         {0},
		"three":          []byte("abc"),
		"NUL":            make([]byte, 200_000),
		"a long run":     bytes.Repeat([]byte("x"), maxChunk),
		"noise":          noise(300_000),
		"lines":          []byte(strings.Repeat(line, 10_000)),
		"noise, twice":   bytes.Repeat(noise(20_000), 2),
		"a full chunk":   bytes.Repeat([]byte("0123456789abcdef"), maxChunk/16),
		"one byte more":  append(bytes.Repeat([]byte("0123456789abcdef"), maxChunk/16), 'x'),
		"far repetition": append(append([]byte("the beginning"), noise(maxChunk-26)...), "the beginning"...),
	} {
		t.Run(name, func(t *testing.T) { check(t, text) })
	}
}

// Literals and copies of all lengths around those at which their form changes, and
// copies from all distances around it, too.
func TestLengthsAndDistances(t *testing.T) {
	bytesOfNoise := noise(70_000)
	for _, n := range []int{1, 2, 59, 60, 61, 62, 255, 256, 257, 258, 5000} {
		check(t, append(bytesOfNoise[:n:n], bytes.Repeat([]byte("x"), 100)...))
	}
	for n := 4; n < 300; n++ {
		for _, distance := range []int{n, n + 1, 2046, 2047, 2048, 2049, 60_000} {
			text := bytesOfNoise[:max(n, distance):max(n, distance)]
			text = append(text, text[len(text)-distance:][:n]...)
			check(t, append(text, "end"...))
		}
	}
}

func TestSmallAlphabets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		text := make([]byte, r.IntN(400))
		alphabet := 1 + r.IntN(4)
		for i := range text {
			text[i] = byte(r.IntN(alphabet))
		}
		check(t, text)
	}
}

func TestMetricsBecomeSmall(t *testing.T) {
	var page bytes.Buffer
	for i := range 10_000 {
		fmt.Fprintf(&page, "http_requests_total{method=\"GET\",path=\"/api/v1/items/%06d\",status=\"200\"} %d\n", i, i*i)
	}
	if n := check(t, page.Bytes()); n > page.Len()/3 {
		t.Errorf("%d bytes become %d", page.Len(), n)
	}
}

// The sum is checked by a formula of its own: decoders of one origin may agree on a
// wrong one.
func TestChecksum(t *testing.T) {
	text := []byte("some text that is no secret")
	packed := Encode(text)[len(streamStart):]
	sum := crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli))
	turned := uint32((uint64(sum)<<32 | uint64(sum)) >> 15)
	if got, want := binary.LittleEndian.Uint32(packed[4:]), turned+0xa282ead8; got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte("abcdabcdabcd"), byte(3))
	f.Add(noise(100), byte(1))
	f.Fuzz(func(t *testing.T, text []byte, times byte) {
		check(t, bytes.Repeat(text, min(1+int(times), 1+200_000/(1+len(text)))))
	})
}
