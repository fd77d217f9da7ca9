package exposition

import (
	"iter"

	"github.com/fennelmetrics/fennel/internal/native"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// nativeOf returns the native part of histogram i, or nil. A schema that no format
// has room for is as none: then there is the sum of its buckets at least.
func nativeOf(b *sample.Batch, i int) *sample.Native {
	n := b.Native(i)
	if n != nil && (n.Schema < native.MinSchema || n.Schema > native.MaxSchema) {
		return nil
	}
	return n
}

// maxGap is how many empty buckets are written as such between two that are not.
// A new span costs more than two zeros.
const maxGap = 2

// spans yields the runs of adjacent buckets: how far each begins behind the end
// of the one before, or behind 0, and how long it is.
func spans(buckets []sample.NativeBucket) iter.Seq2[int32, uint32] {
	return func(yield func(offset int32, length uint32) bool) {
		end := int32(0) // of the run before
		for len(buckets) > 0 {
			start, n := buckets[0].Index, 1
			for n < len(buckets) && buckets[n].Index-buckets[n-1].Index <= maxGap+1 {
				n++
			}
			next := buckets[n-1].Index + 1
			if !yield(start-end, uint32(next-start)) {
				return
			}
			end, buckets = next, buckets[n:]
		}
	}
}

// counts yields the counts of all buckets in these runs, empty ones included.
func counts(buckets []sample.NativeBucket) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i, b := range buckets {
			if i > 0 {
				if gap := b.Index - buckets[i-1].Index - 1; gap <= maxGap {
					for range gap {
						if !yield(0) {
							return
						}
					}
				}
			}
			if !yield(b.Count) {
				return
			}
		}
	}
}
