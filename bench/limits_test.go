package main

import (
	"bytes"
	stdgzip "compress/gzip"
	"hash/crc32"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// The benchmarks here measure what the machine can do at best, to compare all
// others with, in the same run.

// BenchmarkAtomicAdd adds to words on cache lines of their own, as a counter does
// that nobody else updates, and to one word that all share.
func BenchmarkAtomicAdd(b *testing.B) {
	add := func(c *cell) func() {
		return func() {
			for range batchSize {
				c.Add(1)
			}
		}
	}
	b.Run("own", func(b *testing.B) {
		race(b, 2, batchSize, work{limit, func() func(int) func() {
			cells := make([]cell, 64)
			return func(id int) func() { return add(&cells[id%len(cells)]) }
		}})
	})
	b.Run("shared", func(b *testing.B) {
		race(b, 3, batchSize, work{limit, func() func(int) func() { return each(add(new(cell))) }})
	})
}

// BenchmarkEmptyHandler has a handler that writes nothing serve the same client
// as all others.
func BenchmarkEmptyHandler(b *testing.B) {
	b.Run(limit, func(b *testing.B) {
		c, r := newClient(), request(text)
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			w.Write(nil)
		})
		for b.Loop() {
			c.scrape(h, r)
		}
	})
}

// BenchmarkBody takes the body of a scrape, lying ready, and makes of it what a
// scrape may have to.
func BenchmarkBody(b *testing.B) {
	const n = 1_000_000
	lines := sync.OnceValue(func() *parts { return newParts(n, fill) })
	run := func(name string, measure func(*testing.B, *parts)) {
		b.Run(strconv.Itoa(n)+"/"+limit+"/"+name, func(b *testing.B) { measure(b, lines()) })
	}
	run("shuffled", func(b *testing.B, l *parts) {
		rand.New(rand.NewPCG(5, 6)).Shuffle(len(l.order), func(i, j int) { l.order[i], l.order[j] = l.order[j], l.order[i] })
		c := newClient()
		for b.Loop() {
			l.write(c)
		}
	})
	run("copy", func(b *testing.B, l *parts) {
		dst := make([]byte, len(l.body))
		for b.Loop() {
			copy(dst, l.body)
		}
	})
	run("crc32", func(b *testing.B, l *parts) {
		for b.Loop() {
			crc32.ChecksumIEEE(l.body)
		}
	})
	run("maphash", func(b *testing.B, l *parts) {
		seed := maphash.MakeSeed()
		for b.Loop() {
			maphash.Bytes(seed, l.body)
		}
	})
	for _, level := range []int{1, 6} {
		run("gzip-"+strconv.Itoa(level), func(b *testing.B, l *parts) {
			z, _ := stdgzip.NewWriterLevel(nil, level)
			compress(b, z, l.body)
		})
	}
}

// compressor is a gzip.Writer, of the standard library or another.
type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

// compress measures the compression of a body.
func compress(b *testing.B, z compressor, body []byte) {
	c := newClient()
	for b.Loop() {
		c.size = 0
		z.Reset(c)
		z.Write(body)
		z.Close()
	}
	b.ReportMetric(float64(c.size), "body-B")
}

// scrapeLimits measures what is left of a scrape if all is ready: prefixes in a
// row to which values are appended, and the compression of the body.
func scrapeLimits(b *testing.B, n int, fill func(system, int)) {
	lines := sync.OnceValue(func() *parts { return newParts(n, fill) })
	b.Run(text, func(b *testing.B) {
		l, c := lines(), newClient()
		for b.Loop() {
			l.write(c)
		}
	})
	b.Run(gzipped, func(b *testing.B) {
		z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		compress(b, z, lines().body)
	})
}

// parts is a body taken apart.
type parts struct {
	body     []byte
	prefixes []byte
	ends     []int
	whole    []uint64  // the values, and what is left of them
	rest     []float64 // here
	order    []int32   // in which the lines are written
	buf      []byte
}

// newParts takes apart what the first peer answers.
func newParts(n int, fill func(system, int)) *parts {
	s := peers[0].new()
	fill(s, n)
	var body bytes.Buffer
	c := newClient()
	c.body = &body
	c.scrape(s.handler(), request(text))
	l := &parts{body: body.Bytes()}
	for line := range strings.Lines(body.String()) {
		value := strings.LastIndexByte(line, ' ') + 1
		if line[0] == '#' {
			value = len(line)
		}
		v, _ := strconv.ParseFloat(strings.TrimSpace(line[value:]), 64)
		l.order = append(l.order, int32(len(l.order)))
		l.prefixes = append(l.prefixes, line[:value]...)
		l.ends = append(l.ends, len(l.prefixes))
		l.whole = append(l.whole, uint64(v))
		l.rest = append(l.rest, v-float64(uint64(v)))
	}
	return l
}

// write writes the lines, in pieces that stay in the cache.
func (l *parts) write(c *client) {
	buf := l.buf[:0]
	for _, i := range l.order {
		start := 0
		if i > 0 {
			start = l.ends[i-1]
		}
		buf = append(buf, l.prefixes[start:l.ends[i]]...)
		if l.rest[i] == 0 {
			buf = strconv.AppendUint(buf, l.whole[i], 10)
		} else {
			buf = strconv.AppendFloat(buf, float64(l.whole[i])+l.rest[i], 'g', -1, 64)
		}
		buf = append(buf, '\n')
		if len(buf) >= 64<<10 {
			c.Write(buf)
			buf = buf[:0]
		}
	}
	c.Write(buf)
	l.buf = buf
}
