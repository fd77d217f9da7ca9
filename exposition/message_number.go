package exposition

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// oneNumber reports whether each sample of the batch is its labels, one number, and
// perhaps the time since which it counts.
func (e *messageEncoder) oneNumber(b *sample.Batch) bool {
	return e.prepared.number != 0 && !e.mixed && !e.escaped && len(e.exemplars) == 0 && b.Times == nil
}

// numbers appends a run of such samples, which is what most of a scrape is.
func (e *messageEncoder) numbers(f *sample.Family, b *sample.Batch) error {
	dst, p, start := e.metrics, e.prepared, b.Start
	for i, end := range b.Ends {
		value, created := b.Values[i], int64(0)
		if f.Kind == sample.Counter {
			value += float64(b.Whole[i])
			if len(b.Created) > 0 {
				created = b.Created[i]
			}
		}
		if n := p.put(dst, b.Text[start:end], value, created); n > 0 {
			dst = dst[:len(dst)+n]
		} else {
			dst = e.sample(dst, f, b, i)
		}
		if start = end; len(dst) < e.limit {
			continue
		}
		e.metrics = dst
		if err := e.endMessage(); err != nil {
			return err
		}
		dst = e.metrics
	}
	e.metrics = dst
	return nil
}

// slack is how much more room than for its labels there has to be for a metric: for
// the lengths, the number and the time, and for what is too much of the last word.
const slack = 64

// put writes a metric behind dst and returns how long it is. It writes words, and what
// is too much of one is written over by what follows. It returns 0 for the few that
// have something long or odd, and for the last one of a batch, behind whose labels
// there need not be a word to be read: these are not for put.
func (p *preparedMessage) put(dst, labels []byte, value float64, created int64) int {
	var low, high uint64
	var stamp int
	if created > 0 {
		if low, high, stamp = stampOf(counterCreated, created); stamp == 0 {
			return 0
		}
	}
	size := p.extra + len(labels) + numberSize + stamp
	if cap(dst)-len(dst) < p.room+len(labels)+slack || size >= 0x4000 {
		return 0
	}
	length, width := uint64(size), 1
	if size >= 0x80 {
		length, width = length&0x7f|0x80|length>>7<<8, 2
	}
	out := unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), len(dst))
	store64(out, 0, familyMetric|length<<8)
	out = unsafe.Add(out, 1+width)
	n := p.putLabels(out, labels)
	if n < 0 {
		return 0
	}
	store64(out, n, uint64(p.number)|uint64(numberSize-2+stamp)<<8|numberValue<<16)
	store64(out, n+3, math.Float64bits(value))
	store64(out, n+numberSize, low)
	store64(out, n+numberSize+8, high)
	return 1 + width + size
}

// numberSize is the length of a field that holds nothing but a value.
const numberSize = 11

// putLabels writes label text without backslashes as LabelPairs and returns how long
// they are, or -1 if that is not for put. There must be room for p.room bytes more
// than the text has, and slack.
//
// It reads no farther than a word behind the text, and writes no farther than there is
// room, even if the text is none: of that, no more is taken than is left.
func (p *preparedMessage) putLabels(out unsafe.Pointer, labels []byte) int {
	left := len(labels)
	if cap(labels)-left < 8 {
		return -1
	}
	text, at, n := unsafe.Pointer(unsafe.SliceData(labels)), 0, 0
	for i := range p.pairs {
		pair := &p.pairs[i]
		if left -= pair.skip; left <= 0 {
			return -1
		}
		start := n
		store64(out, n, pair.low)
		store64(out, n+8, pair.high)
		for j := 16; j < pair.size; j += 8 { // a name of more than ten bytes
			store64(out, n+j, load64(unsafe.Pointer(unsafe.StringData(pair.words)), j))
		}
		n, at = n+pair.size, at+pair.skip
		size := copyUntilQuote(unsafe.Add(out, n), text, at, left)
		if size >= pair.room || size >= left {
			return -1
		}
		store8(out, n-1, byte(size))
		store8(out, start+1, byte(pair.size-2+size))
		n, at, left = n+size, at+size+1, left-size-1
	}
	if left > 0 {
		return -1
	}
	return n
}

// copyUntilQuote copies what stands at an offset of src, before the first of at most
// so many bytes that is a quote, and returns how much that is. It copies words, and so
// up to 7 bytes too much.
func copyUntilQuote(dst, src unsafe.Pointer, at, limit int) int {
	for i := 0; i < limit; i += 8 {
		word := load64(src, at+i)
		store64(dst, i, word)
		x := word ^ '"'*ones // 0 where a quote is
		if x = (x - ones) &^ x & (0x80 * ones); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	return math.MaxInt
}

const ones = 0x01010101_01010101

func load64(p unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, i))[:])
}

func store64(p unsafe.Pointer, i int, v uint64) {
	binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(p, i))[:], v)
}

func store8(p unsafe.Pointer, i int, v byte) { *(*byte)(unsafe.Add(p, i)) = v }
