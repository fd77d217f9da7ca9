package fennelhttp

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program with plain metrics.
const hello = `package main

import (
	"net/http"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

func main() {
	fennel.NewCounter("hello_total", "Hellos.").Inc()
	fennel.NewGaugeVec[string]("hello_degrees", "Temperature.", fennel.LabelNames("room")).With("here").Set(20)
	latency := fennel.NewHistogram("hello_seconds", "Time.")
	latency.Observe(1)
	defer latency.Timer().Stop()
	fennel.NewSummary("hello_bytes", "Size.").Observe(1)
	http.Handle("/metrics", fennelhttp.Handler(fennel.Default))
	http.ListenAndServe(":8080", nil)
}
`

// A program that asks for what a plain one can do without.
const greedy = `package main

import (
	"log/slog"
	"net/http"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

func main() {
	fennel.NewHistogram("hello_seconds", "Time.", fennel.Native{}).Observe(1)
	fennel.NewSummary("hello_bytes", "Size.", fennel.Quantiles(0.5)).Observe(1)
	fennel.NewGaugeFunc("hello_ratio", "Ratio.", func() float64 { return 1 })
	http.Handle("/metrics", fennelhttp.Handler(fennel.Default, fennelhttp.WithCompressionLevel(6),
		fennelhttp.WithLogger(slog.Default()), fennelhttp.WithBasicAuth(nil)))
	http.ListenAndServe(":8080", nil)
}
`

// Programs link what they use, and not all that the library has. What is optional
// hangs on its option, as a function or behind an interface that nothing else fills.
func TestProgramsLinkWhatTheyUse(t *testing.T) {
	const library = "github.com/fennelmetrics/fennel"
	few, all := symbolsOf(t, hello), symbolsOf(t, greedy)
	for _, symbol := range []string{
		library + ".(*collection).start",                     // collectors and callbacks
		library + ".(*roster).merge",                         // what they write
		library + ".(*nativeRecord).observe",                 // native histograms
		library + "/internal/native.(*Buckets).Add",          //
		library + "/internal/sketch.(*Sketch).Add",           // quantiles
		"github.com/klauspost/compress/gzip.(*Writer).Write", // levels of compression
		"golang.org/x/crypto/bcrypt.CompareHashAndPassword",  // passwords
		"log/slog.(*Logger).log",                             // logging
	} {
		if strings.Contains(few, symbol) {
			t.Errorf("%s is linked into every program", symbol)
		}
		if !strings.Contains(all, symbol) {
			t.Errorf("%s is not linked into any program: has it another name now?", symbol)
		}
	}
}

// Programs that serve plain HTTP to everybody link neither the server's side of
// TLS nor bcrypt: half a megabyte.
func TestPlainServersLinkNoTLS(t *testing.T) {
	symbols := symbolsOf(t, "github.com/fennelmetrics/fennel/examples/exporter")
	for symbol, want := range map[string]bool{
		"fennelhttp.Start": true,
		"golang.org/x/crypto/bcrypt.CompareHashAndPassword":            false,
		"golang.org/x/crypto/blowfish.":                                false,
		"crypto/tls.(*Conn).serverHandshake":                           false,
		"github.com/fennelmetrics/fennel/fennelhttp.parseCertificates": false,
	} {
		if got := strings.Contains(symbols, symbol); got != want {
			t.Errorf("%s is linked: %v", symbol, got)
		}
	}
}

// symbolsOf builds a program, a package or the text of one, and returns the symbols
// that are linked into it.
func symbolsOf(t *testing.T, program string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds a program")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("it builds a program: ", err)
	}
	dir := t.TempDir()
	if strings.HasPrefix(program, "package ") {
		file := filepath.Join(dir, "main.go")
		if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		program = file
	}
	binary := filepath.Join(dir, "program.exe")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, program)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("can't build it: %v\n%s", err, out)
	}
	symbols, err := exec.Command("go", "tool", "nm", binary).Output()
	if err != nil {
		t.Fatal("can't read it: ", err)
	}
	return string(symbols)
}
