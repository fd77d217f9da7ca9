package textfile_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/textfile"
)

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "") // in life the directory of node_exporter's textfile collector
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	reg := fennel.NewRegistry()
	size := fennel.NewGauge("backup_size_bytes", "Size of the last backup.", fennel.In(reg))
	size.Set(1.5e9)

	path := filepath.Join(dir, "backup.prom")
	if err := textfile.Write(context.Background(), path, reg); err != nil {
		fmt.Println(err) // and backup.prom is as it was
		return
	}
	text, _ := os.ReadFile(path)
	fmt.Print(string(text))
	// Output:
	// # HELP backup_size_bytes Size of the last backup.
	// # TYPE backup_size_bytes gauge
	// backup_size_bytes 1500000000
}

func ExampleWrite_name() {
	err := textfile.Write(context.Background(), "backup.txt", fennel.Default)
	fmt.Println(err)
	// Output:
	// textfile: the name "backup.txt" doesn't end in .prom: node_exporter would not read it
}

func ExampleRun() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "indexer.prom")

	reg := fennel.NewRegistry()
	indexed := fennel.NewCounter("documents_indexed_total", "Documents indexed.", fennel.In(reg))

	ctx, cancel := context.WithCancel(context.Background())
	written := make(chan error)
	go func() { written <- textfile.Run(ctx, path, reg) }()
	indexed.Add(3) // the work
	cancel()       // and its end, after which the last values are written
	if err := <-written; err != nil {
		fmt.Println(err)
		return
	}
	text, _ := os.ReadFile(path)
	fmt.Print(string(text))
	// Output:
	// # HELP documents_indexed_total Documents indexed.
	// # TYPE documents_indexed_total counter
	// documents_indexed_total 3
}
