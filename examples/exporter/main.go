// Exporter is a whole exporter: a program that measures something else than
// itself, here spool directories, and does nothing besides. It has a registry
// and a server of its own, says which of its collections failed, and ends
// cleanly: SIGINT or SIGTERM lets the scrapes that are under way finish.
//
//	go run ./examples/exporter /tmp /var/spool/cron
//	curl localhost:9876/metrics
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/collectors"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

func main() {
	listen := flag.String("listen", ":9876", "address to listen on")
	flag.Parse()
	dirs := flag.Args()
	if len(dirs) == 0 {
		dirs = []string{os.TempDir()}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, dirs); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx is done.
func run(ctx context.Context, listen string, dirs []string) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	reg := fennel.NewRegistry(fennel.WithLogger(logger))
	reg.MustRegister(collectors.Process(), collectors.Go(), collectors.BuildInfo())
	reg.MustRegister(newSpools(dirs))

	server, err := fennelhttp.Start(listen, reg, fennelhttp.WithLogger(logger))
	if err != nil {
		return err
	}
	logger.Info("serving metrics", "url", server.URL()+"/metrics")

	select {
	case <-ctx.Done():
	case <-server.Done(): // by itself: it has failed
		return server.Err()
	}
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}

// spools is a [fennel.Collector] of what lies in directories.
type spools struct {
	dirs []string
	open func(dir string) fs.FS
	now  func() time.Time
}

func newSpools(dirs []string) *spools {
	return &spools{dirs, os.DirFS, time.Now}
}

// Collect looks into all directories.
func (s *spools) Collect(ctx context.Context, w *fennel.Writer) error {
	dir := fennel.LabelNames("dir")
	files := w.Gauge("spool_files", "Files in the directory and those below.", dir)
	size := w.Gauge("spool_size_bytes", "Size of these files.", dir, fennel.Unit("bytes"))
	oldest := w.Gauge("spool_oldest_file_age_seconds", "Time since the oldest of these files was written.", dir, fennel.Unit("seconds"))
	up := w.Gauge("spool_readable", "Whether the directory could be read: 1 or 0.", dir)

	var errs []error
	for _, d := range s.dirs {
		found, err := look(ctx, s.open(d))
		if err != nil {
			// Half a count would be a wrong one, so there is none. But that
			// there is none is said.
			errs = append(errs, fmt.Errorf("directory %s: %w", d, err))
			up.Write(0, d)
			continue
		}
		up.Write(1, d)
		files.Write(float64(found.files), d)
		size.Write(float64(found.bytes), d)
		if found.files > 0 {
			oldest.Write(s.now().Sub(found.oldest).Seconds(), d)
		}
	}
	return errors.Join(errs...)
}

// content is what is in a directory.
type content struct {
	files  int
	bytes  int64
	oldest time.Time
}

// look walks through a directory.
func look(ctx context.Context, dir fs.FS) (content, error) {
	var c content
	err := fs.WalkDir(dir, ".", func(path string, e fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err() // a walk can be long: it ends when the scrape does
		}
		var info fs.FileInfo
		if err == nil && e.Type().IsRegular() {
			info, err = e.Info()
		}
		if path != "." && errors.Is(err, fs.ErrNotExist) {
			return nil // gone in the meantime, as things in spools do
		}
		if err != nil || info == nil {
			return err
		}
		c.add(info)
		return nil
	})
	return c, err
}

func (c *content) add(f fs.FileInfo) {
	if c.files == 0 || f.ModTime().Before(c.oldest) {
		c.oldest = f.ModTime()
	}
	c.files++
	c.bytes += f.Size()
}
