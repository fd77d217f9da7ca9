package deflate_test

import (
	"bytes"
	stdflate "compress/flate"
	"io"
	"testing"

	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/deflate"
	"github.com/klauspost/compress/flate"
)

// BenchmarkCompress compresses pages in pieces that are independent of each
// other, with this package and with others.
func BenchmarkCompress(b *testing.B) {
	large := []page{
		newPage("counters", counters(1_000_000), exposition.Format{}),
		newPage("histograms", histograms(10_000), exposition.Format{}),
		newPage("openmetrics", both(100_000), exposition.Format{Syntax: exposition.OpenMetrics100, Created: true}),
	}
	for _, p := range append(large, pages[3:]...) {
		b.Run(p.name, func(b *testing.B) {
			var e deflate.Encoder
			b.Run("8K", func(b *testing.B) { measure(b, p, 8<<10, e.Append) })
			b.Run("64K", func(b *testing.B) { measure(b, p, 64<<10, e.Append) })
			b.Run("128K", func(b *testing.B) { measure(b, p, 128<<10, e.Append) })
			b.Run("256K", func(b *testing.B) { measure(b, p, 256<<10, e.Append) })
			b.Run("klauspost-1", func(b *testing.B) { measure(b, p, 1<<30, klauspost()) })
			b.Run("std-1", func(b *testing.B) { measure(b, p, 1<<30, standard(1)) })
			b.Run("std-6", func(b *testing.B) { measure(b, p, 1<<30, standard(6)) })
		})
	}
}

func measure(b *testing.B, p page, segment int, compress func(dst, text []byte) []byte) {
	body := p.body(b)
	var dst []byte
	var size int
	lines := bytes.Count(body, []byte("\n"))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		size = 0
		for text := body; len(text) > 0; {
			n := min(segment, len(text))
			dst = compress(dst[:0], text[:n])
			text = text[n:]
			size += len(dst)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(lines), "ns/line")
	b.ReportMetric(float64(len(body))/float64(size), "ratio")
}

// klauspost returns the best other package's compressor of a whole page.
func klauspost() func(dst, text []byte) []byte {
	z, _ := flate.NewWriter(nil, 1)
	return func(dst, text []byte) []byte { return compressWith(z, dst, text) }
}

// standard returns compress/flate's compressor of a whole page.
func standard(level int) func(dst, text []byte) []byte {
	z, _ := stdflate.NewWriter(nil, level)
	return func(dst, text []byte) []byte { return compressWith(z, dst, text) }
}

func compressWith(z interface {
	io.WriteCloser
	Reset(io.Writer)
}, dst, text []byte) []byte {
	buf := bytes.NewBuffer(dst)
	z.Reset(buf)
	z.Write(text)
	z.Close()
	return buf.Bytes()
}
