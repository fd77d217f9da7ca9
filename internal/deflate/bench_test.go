package deflate_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	kflate "github.com/klauspost/compress/flate"

	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/deflate"
)

// BenchmarkCompress compresses pages, and what is none: with this package, in
// pieces of some sizes, and as a whole with others.
func BenchmarkCompress(b *testing.B) {
	for _, p := range append([]page{
		newPage("1M counters", counters(1_000_000), exposition.Format{}),
		newPage("10k histograms", histograms(10_000), exposition.Format{}),
		newPage("100k openmetrics", both(100_000), exposition.Format{Syntax: exposition.OpenMetrics100, Created: true}),
		newPage("protobuf 1M counters", counters(1_000_000), exposition.Format{Syntax: exposition.Protobuf}),
		newPage("protobuf 10k histograms", histograms(10_000), exposition.Format{Syntax: exposition.Protobuf}),
		newPage("protobuf 10k natives", natives(10_000), exposition.Format{Syntax: exposition.Protobuf}),
		newPage("protobuf mixed", mixed, exposition.Format{Syntax: exposition.Protobuf}),
		fixedPage("hexadecimal", chosen(1<<20, "0123456789abcdef", rand.New(rand.NewPCG(1, 1)))),
		fixedPage("noise", noise(1<<20)),
		fixedPage("JSON", documents()),
	}, pages[3:]...) {
		b.Run(p.name, func(b *testing.B) {
			for _, size := range []int{64, 128, 256} {
				var e deflate.Encoder
				b.Run(fmt.Sprintf("%dK", size), func(b *testing.B) { measure(b, p, size<<10, e.Append) })
			}
			b.Run("klauspost-1", func(b *testing.B) { measure(b, p, 1<<30, klauspost()) })
			b.Run("std-1", func(b *testing.B) { measure(b, p, 1<<30, standard(1)) })
			b.Run("std-6", func(b *testing.B) { measure(b, p, 1<<30, standard(6)) })
		})
	}
}

// measure compresses a page in pieces of size bytes, and reports the time that a
// line takes and how many times smaller the page got.
func measure(b *testing.B, p page, size int, compress func(dst, text []byte) []byte) {
	body := p.body(b)
	var dst []byte
	total := 0
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		total = 0
		for start := 0; start < len(body); start += size {
			dst = compress(dst[:0], body[start:min(start+size, len(body))])
			total += len(dst)
		}
	}
	lines := max(1, bytes.Count(body, []byte("\n")))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(lines), "ns/line")
	b.ReportMetric(float64(len(body))/float64(total), "ratio")
}

// documents returns JSON of a few megabytes.
func documents() []byte {
	r := rand.New(rand.NewPCG(7, 8))
	var buf bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&buf, `{"id":%d,"user":{"name":"%s","active":%t},"tags":["%s","%s"],"score":%.3f}`+"\n",
			i, chosen(3+r.IntN(9), "aeioulnrst", r), r.IntN(2) == 0, chosen(5, "abc", r), chosen(5, "abc", r), r.Float64()*100)
	}
	return buf.Bytes()
}

func fixedPage(name string, body []byte) page {
	return page{name, func(testing.TB) []byte { return body }}
}

// compressor is what other packages have.
type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

// klauspost returns the compressor of the fastest good other package.
func klauspost() func(dst, text []byte) []byte {
	z, _ := kflate.NewWriter(nil, 1)
	return whole(z)
}

// standard returns that of the standard library.
func standard(level int) func(dst, text []byte) []byte {
	z, _ := flate.NewWriter(nil, level)
	return whole(z)
}

func whole(z compressor) func(dst, text []byte) []byte {
	return func(dst, text []byte) []byte {
		buf := bytes.NewBuffer(dst)
		z.Reset(buf)
		z.Write(text)
		z.Close()
		return buf.Bytes()
	}
}
