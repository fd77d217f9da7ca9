package integration

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/fennelmetrics/fennel/exposition"
)

// piecewise notes how large the largest piece is that is written.
type piecewise struct {
	largest, total int
}

// Write implements [io.Writer].
func (p *piecewise) Write(b []byte) (int, error) {
	p.largest, p.total = max(p.largest, len(b)), p.total+len(b)
	return len(b), nil
}

// TestLargeFamily writes a family of 100k series in each format: it comes in
// pieces, and takes next to no memory.
func TestLargeFamily(t *testing.T) {
	r := many(100000)
	for _, s := range everyProtocol {
		var p piecewise
		least := uint64(1 << 62)
		for range 3 { // the first fills the pools
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			p = piecewise{}
			if err := exposition.Write(t.Context(), &p, r, s.format); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		if p.total < 2<<20 || p.largest > 256<<10 {
			t.Errorf("%v: pieces of up to %d bytes, %d in all", s.format, p.largest, p.total)
		}
		if least > 1<<20 {
			t.Errorf("%v: %d bytes were allocated to write %d", s.format, least, p.total)
		}
	}
}

// TestLargeMessages sees to it that a large family comes in several messages, of
// which readers have to hold one at a time, and that these are whole.
func TestLargeMessages(t *testing.T) {
	const n = 100000
	var written bytes.Buffer
	if err := exposition.Write(t.Context(), &written, many(n), inProtobuf); err != nil {
		t.Fatal(err)
	}
	body := written.Bytes()
	messages, largest := 0, uint64(0)
	for r := bufio.NewReader(bytes.NewReader(body)); ; messages++ {
		size, err := binary.ReadUvarint(r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			_, err = r.Discard(int(size))
		}
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, size)
	}
	if messages < 4 || largest > 1100<<10 {
		t.Errorf("%d messages of up to %d bytes for %d, want several", messages, largest, len(body))
	}
	families, err := decodeMessages(body)
	if err != nil {
		t.Fatal(err)
	}
	if families = dropOwn(families); len(families) != 1 || len(families[0].Metric) != n {
		t.Errorf("%d families, of which the first has %d metrics, want 1 of %d", len(families), len(families[0].Metric), n)
	}
}
