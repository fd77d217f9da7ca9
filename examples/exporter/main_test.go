package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A collector is tested like anything else: with a registry for the test, and
// something in the place of what it collects from.
func Example() {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	disk := map[string]fs.FS{
		"mail": fstest.MapFS{
			"a":     {Data: []byte("hello"), ModTime: noon.Add(-time.Hour)},
			"new/b": {Data: []byte("hi"), ModTime: noon.Add(-time.Minute)},
		},
		"print": fstest.MapFS{},
		"lost":  os.DirFS("/does/not/exist"),
	}
	reg := fennel.NewRegistry()
	reg.MustRegister(&spools{
		dirs: []string{"lost", "mail", "print"},
		open: func(dir string) fs.FS { return disk[dir] },
		now:  func() time.Time { return noon },
	})
	body, err := exposition.Bytes(context.Background(), reg, exposition.Format{})
	fmt.Printf("%ssomething is missing: %v\n", body, fennel.Partial(err))
	// Output:
	// # HELP fennel_collector_errors_total Errors of collectors: failures, panics, families with samples that can't be exposed.
	// # TYPE fennel_collector_errors_total counter
	// fennel_collector_errors_total{collector="*main.spools"} 1
	// # HELP spool_files Files in the directory and those below.
	// # TYPE spool_files gauge
	// spool_files{dir="mail"} 2
	// spool_files{dir="print"} 0
	// # HELP spool_oldest_file_age_seconds Time since the oldest of these files was written.
	// # TYPE spool_oldest_file_age_seconds gauge
	// spool_oldest_file_age_seconds{dir="mail"} 3600
	// # HELP spool_readable Whether the directory could be read: 1 or 0.
	// # TYPE spool_readable gauge
	// spool_readable{dir="lost"} 0
	// spool_readable{dir="mail"} 1
	// spool_readable{dir="print"} 1
	// # HELP spool_size_bytes Size of these files.
	// # TYPE spool_size_bytes gauge
	// spool_size_bytes{dir="mail"} 7
	// spool_size_bytes{dir="print"} 0
	// something is missing: true
}

func TestExporterEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, "127.0.0.1:0", []string{t.TempDir()}); err != nil {
		t.Error(err)
	}
}

func TestAddressThatCannotBeHad(t *testing.T) {
	if err := run(t.Context(), "nowhere", nil); err == nil {
		t.Error("no error")
	}
}
