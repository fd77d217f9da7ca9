package exposition

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// edges are numbers around all powers of 2 and of 10.
func edges(yield func(uint64) bool) {
	near := func(n uint64) bool { return yield(n-1) && yield(n) && yield(n+1) }
	for i := range 64 {
		if !near(1 << i) {
			return
		}
	}
	for n, i := uint64(1), 0; i < 20; n, i = n*10, i+1 {
		if !near(n) || !yield(n*9) || !yield(n+n/10) {
			return
		}
	}
}

func TestIntegersAsStrconv(t *testing.T) {
	check := func(n uint64) {
		if got, want := string(appendUint([]byte("x "), n)), "x "+strconv.FormatUint(n, 10); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		if got, want := string(appendInt(nil, int64(n))), strconv.FormatInt(int64(n), 10); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	for n := range uint64(100_000) { // all groups of four digits, behind a digit and alone
		check(n)
		check(n * 10_000)
	}
	for n := range edges {
		check(n)
	}
	for range 10_000 {
		check(rand.Uint64() >> rand.IntN(64))
	}
}

// TestFloatsAsStrconv checks all that is not a whole number below 1e15, which strconv
// would write with an exponent.
func TestFloatsAsStrconv(t *testing.T) {
	check := func(v float64) {
		t.Helper()
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return
		}
		if got, want := string(appendFloat(nil, v)), strconv.FormatFloat(v, 'g', -1, 64); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	for i := range 300_000 {
		v := float64(i) / 1000
		for _, v := range []float64{v, -v, v + 999_700, math.Nextafter(v, 1), math.Nextafter(v, -1), v / 10, v * 1e4} {
			check(v)
		}
	}
	for range 100_000 {
		check(math.Float64frombits(rand.Uint64()))
		check(math.Round(rand.NormFloat64()*1e6) / math.Pow10(rand.IntN(12)))
	}
	for _, v := range []float64{math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 5e-324, 999999.999, 1e6 + .5} {
		check(v)
	}
}

func TestSpreadIsAVarint(t *testing.T) {
	check := func(v uint64) {
		if v >= 1<<56 {
			return
		}
		want := binary.AppendUvarint(nil, v)
		n := sizeOfVarint(v)
		got := binary.LittleEndian.AppendUint64(nil, spread(v, n))
		if n != len(want) || string(got[:n]) != string(want) {
			t.Fatalf("%d: got %x, %d bytes, want %x", v, got, n, want)
		}
	}
	check(0)
	for n := range edges {
		check(n)
	}
	for range 10_000 {
		check(rand.Uint64() >> rand.IntN(64))
	}
}

func TestTimestampsAreMinimal(t *testing.T) {
	for _, seconds := range []int64{0, 1, 127, 128, 1<<28 - 1, 1 << 28, 1_700_000_000, 9_223_372_036} {
		for _, rest := range []int64{0, 1, 127, 128, 1<<14 - 1, 1 << 14, 1<<21 - 1, 1 << 21, 1<<28 - 1, 1 << 28, 999_999_999} {
			if seconds > (math.MaxInt64-rest)/1_000_000_000 {
				continue
			}
			var want []byte
			if seconds > 0 {
				want = binary.AppendUvarint(append(want, timeSeconds), uint64(seconds))
			}
			if rest > 0 {
				want = binary.AppendUvarint(append(want, timeNanos), uint64(rest))
			}
			want = append([]byte{exemplarTime, byte(len(want))}, want...)
			if got := appendTimestamp(nil, exemplarTime, seconds*1e9+rest); string(got) != string(want) {
				t.Errorf("%d.%09d: got %x, want %x", seconds, rest, got, want)
			}
		}
	}
}

// A length is right whatever the guess was for which there is room.
func TestLengthsFitWhateverWasGuessed(t *testing.T) {
	for _, size := range []int{0, 1, 127, 128, 129, 1<<14 - 1, 1 << 14, 1 << 21} {
		for _, guess := range []int{0, 127, 128, 1 << 14, 1 << 21} {
			content := make([]byte, size)
			for i := range content {
				content[i] = byte(i)
			}
			dst, room, start := openWide([]byte("before"), familyMetric, guess)
			got := shutWide(append(dst, content...), room, start)
			want := append(binary.AppendUvarint([]byte("before\x22"), uint64(size)), content...)
			if string(got) != string(want) {
				t.Errorf("%d bytes, guessed %d: %d bytes, want %d", size, guess, len(got), len(want))
			}
		}
	}
}
