// Textout writes the same metrics in each format, without any server: for a
// file, a test, a page of one's own.
//
//	go run ./examples/textout
//	go run ./examples/textout -accept 'application/openmetrics-text;version=1.0.0'
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

func main() {
	accept := flag.String("accept", "", "write only the format that this Accept header asks for")
	flag.Parse()

	reg := fennel.NewRegistry()
	measure(reg)
	if err := write(os.Stdout, reg, *accept); err != nil {
		log.Fatal(err)
	}
}

// write writes the metrics in the format that was asked for, or in all.
func write(out io.Writer, g fennel.Gatherer, accept string) error {
	if accept == "" {
		return writeAll(out, g)
	}
	return exposition.Write(context.Background(), out, g, exposition.Negotiate([]string{accept}))
}

// measure gives the registry something to say.
func measure(reg *fennel.Registry) {
	in := fennel.In(reg)
	fennel.NewCounter("pages_printed_total", "Pages that were printed.", in).AddUint(42)
	sizes := fennel.NewHistogram("print_job_size_bytes", "Size of jobs.",
		fennel.Unit("bytes"), fennel.Buckets(1000, 1e6), in)
	sizes.Observe(700)
	sizes.Observe(25_000)
	// A name outside of the old charset. Formats that know no such names get
	// it escaped; so do scrapers.
	fennel.NewGaugeVec[string]("toner.level", "How full a cartridge is; 1 is full.",
		fennel.LabelNames("ink colour"), in).With("cyan").Set(0.25)
}

// writeAll writes the metrics in all formats.
func writeAll(out io.Writer, g fennel.Gatherer) error {
	for _, f := range []exposition.Format{
		{}, // the zero Format is text 0.0.4, which everything reads
		{Syntax: exposition.Text100, Escaping: exposition.AllowUTF8},
		{Syntax: exposition.OpenMetrics100, Escaping: exposition.EscapeDots},
	} {
		// Bytes for small registries. Write needs no memory for the whole.
		body, err := exposition.Bytes(context.Background(), g, f)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Content-Type: %s\n\n%s\n", f.ContentType(), body)
	}
	return nil
}
