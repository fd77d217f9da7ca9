package fennelhttp

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Programs that serve plain HTTP to everybody link neither the server's side of
// TLS nor bcrypt: half a megabyte.
func TestProgramsLinkWhatTheyUse(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	program := filepath.Join(t.TempDir(), "exporter")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "github.com/fennelmetrics/fennel/examples/exporter")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("can't build it: %v\n%s", err, out)
	}
	symbols, err := exec.Command("go", "tool", "nm", program).Output()
	if err != nil {
		t.Skip("can't read it: ", err)
	}
	for symbol, want := range map[string]bool{
		"fennelhttp.Start": true,
		"golang.org/x/crypto/bcrypt.CompareHashAndPassword":            false,
		"golang.org/x/crypto/blowfish.":                                false,
		"crypto/tls.(*Conn).serverHandshake":                           false,
		"github.com/fennelmetrics/fennel/fennelhttp.parseCertificates": false,
	} {
		if got := strings.Contains(string(symbols), symbol); got != want {
			t.Errorf("%s is linked: %v", symbol, got)
		}
	}
}
