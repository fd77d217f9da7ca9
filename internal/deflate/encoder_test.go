package deflate_test

import (
	"bytes"
	stdflate "compress/flate"
	"io"
	"testing"

	"github.com/fennelmetrics/fennel/internal/deflate"
)

func TestPages(t *testing.T) {
	for _, p := range pages {
		var e deflate.Encoder
		body := p.body(t)
		for _, n := range []int{64 << 10, 128 << 10, 1 << 30} {
			var dst []byte
			for text := body; len(text) > 0; {
				k := min(n, len(text))
				dst = e.Append(dst, text[:k])
				text = text[k:]
			}
			got, err := io.ReadAll(stdflate.NewReader(bytes.NewReader(append(dst, 3, 0))))
			if err != nil || !bytes.Equal(got, body) {
				t.Fatal(p.name, n, err, len(got), len(body))
			}
		}
	}
}
