package native

import (
	"encoding/binary"
	"math"
	"testing"
)

// FuzzBuckets lets several Buckets count anything, limits each at every step,
// and merges them: all counts are where they belong, whatever the options.
func FuzzBuckets(f *testing.F) {
	f.Add(int8(3), 0x1p-128, uint8(10), 1e-3, uint8(2), []byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add(int8(8), 0.0, uint8(1), 0.0, uint8(1), []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 1, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f, 63})
	f.Add(int8(0), 1.5, uint8(3), 1e300, uint8(3), []byte("the zero bucket widens over a great many of the others"))
	f.Fuzz(func(t *testing.T, schema int8, threshold float64, most uint8, widest float64, parts uint8, data []byte) {
		start := MinSchema + int(uint8(schema))%(MaxSchema-MinSchema+1)
		if !(threshold >= 0 && widest >= 0) || math.IsInf(threshold, 0) || math.IsInf(widest, 0) {
			t.Skip()
		}
		limits := Limits{int(most) + 1, widest}
		all := make([]*Buckets, parts%4+1)
		seen := make([][]observation, len(all))
		for i := range all {
			all[i] = made(start, threshold)
		}
		var observed []observation
		for i := 0; len(data) >= 9; i, data = i+1, data[9:] {
			o := observation{math.Float64frombits(binary.LittleEndian.Uint64(data)), 1 << (data[8] & 31)}
			if o.v != o.v {
				continue
			}
			observed = append(observed, o)
			b := all[i%len(all)]
			seen[i%len(all)] = append(seen[i%len(all)], o)
			b.Add(o.v, o.n)
			b.Limit(limits)
			limited(t, b, limits, threshold)
		}
		merged := new(Buckets)
		for i, b := range all {
			check(t, b, false, seen[i])
			if i == 0 {
				merged.CopyFrom(b)
			} else {
				merged.Merge(b, limits.Threshold)
			}
		}
		check(t, merged, true, observed)
		merged.Limit(limits)
		check(t, merged, true, observed)
		limited(t, merged, limits, threshold)
	})
}

func limited(t *testing.T, b *Buckets, l Limits, threshold float64) {
	t.Helper()
	if b.Populated() > l.Buckets && b.Schema() > MinSchema {
		t.Fatalf("%d buckets of schema %d, want at most %d", b.Populated(), b.Schema(), l.Buckets)
	}
	if b.Threshold() > max(threshold, l.Threshold) {
		t.Fatalf("the zero bucket is %v wide, at most %v is allowed", b.Threshold(), l.Threshold)
	}
}
