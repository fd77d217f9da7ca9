package fennel_test

import (
	"math"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

// FuzzNative declares a histogram with any options and observes anything: either
// it is refused, or nothing is lost.
func FuzzNative(f *testing.F) {
	f.Add(1.1, 0, 0.0, 0, 0.0, int64(0), false, []byte("observe these bytes as 10 values and read now and then, please"))
	f.Add(0.0, 8, 1.0, 5, 100.0, int64(1), true, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 251, 252, 253, 128, 129, 0, 7, 7})
	f.Add(0.0, -4, -1.0, 1, 1e300, int64(1), false, []byte{200, 100, 50, 0, 25, 12, 6, 3, 0, 1, 255, 254})
	f.Fuzz(func(t *testing.T, factor float64, schema int, threshold float64, most int, widest float64, reset int64, only bool, data []byte) {
		option := fennel.Native{Factor: factor, Schema: schema, ZeroThreshold: threshold,
			MaxBuckets: most, MaxZeroThreshold: widest, MinReset: time.Duration(reset), Only: only}
		r := fennel.NewRegistry()
		h, err := fennel.Try(func() *fennel.Histogram { return fennel.NewHistogram("h", "", option, fennel.In(r)) })
		if err != nil {
			return
		}
		var count, want uint64
		var sum, wantSum float64
		var last fennel.Sample
		read := func() {
			s := family(t, gather(t, r), "h").Samples[0]
			if n := nativeTotal(s.Native); n != s.Count {
				t.Fatalf("%d native, %d classic", n, s.Count)
			}
			if !s.Created.Equal(last.Created) {
				count, sum = count+last.Count, sum+last.Sum
			}
			last = s
		}
		for _, b := range data {
			if b%8 == 0 {
				read()
				continue
			}
			// Sums of these are exact.
			v := math.Copysign(math.Ldexp(1, int(b>>2)-32), float64(b&2)-1)
			h.ObserveN(v, uint64(b))
			want, wantSum = want+uint64(b), wantSum+v*float64(b)
		}
		read()
		if count += last.Count; count != want {
			t.Fatalf("counted %d, want %d", count, want)
		}
		if sum += last.Sum; math.Abs(sum-wantSum) > 1e-9*math.Abs(wantSum)+1e-3 {
			t.Fatalf("summed up %v, want %v", sum, wantSum)
		}
	})
}
