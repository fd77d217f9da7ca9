package gzip

import (
	"bytes"
	"os/exec"
	"testing"
)

// TestOtherDecoders has zlib and gzip decode bodies with new, kept and found
// segments.
func TestOtherDecoders(t *testing.T) {
	decoders := map[string][]string{
		"zlib": {"python3", "-c", "import sys, zlib\nd = zlib.decompressobj(31)\nsys.stdout.buffer.write(d.decompress(sys.stdin.buffer.read()))\nassert d.eof and not d.unused_data"},
		"gzip": {"gzip", "-dc"},
	}
	for name, command := range decoders {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skipf("%s is not installed: %v", command[0], err)
			}
			z := NewWriter(NewCache(1 << 20))
			for _, body := range [][]byte{nil, []byte("a 1\n"), page(10_000, square), page(10_000, square), page(10_000, square)} {
				cmd := exec.Command(command[0], command[1:]...)
				cmd.Stdin = bytes.NewReader(compress(t, z, body, 64<<10))
				got, err := cmd.Output()
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("%d bytes become %d, error %v", len(body), len(got), err)
				}
			}
		})
	}
}
