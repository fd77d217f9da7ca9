package textfile

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/fennelmetrics/fennel/exposition"
)

// Option is an option of [Write] and of [Run]. Where one is given twice the later
// one counts.
type Option interface {
	RunOption
	apply(*file) error
}

// RunOption is an option of [Run].
type RunOption interface{ applyRun(*runner) error }

type option func(*file) error

func (o option) apply(f *file) error      { return o(f) }
func (o option) applyRun(r *runner) error { return o(&r.file) }

type runOption func(*runner) error

func (o runOption) applyRun(r *runner) error { return o(r) }

// Mode sets who may read the file. The default is 0644: everybody, since
// node_exporter is another user. The umask doesn't count. It is an error if there
// are other bits than permissions.
func Mode(m fs.FileMode) Option {
	return option(func(f *file) error {
		if m&^fs.ModePerm != 0 {
			return fmt.Errorf("textfile: Mode: %v has more than permissions", m)
		}
		f.mode = m
		return nil
	})
}

// TempDir sets the directory of the temporary file. It must be on the same file
// system as the file, since nothing can be moved from one to another in one step:
// otherwise it is an error, and nothing is written. The default is the directory of
// the file.
func TempDir(dir string) Option {
	return option(func(f *file) error {
		if dir == "" {
			return errors.New("textfile: TempDir: the name is empty")
		}
		f.tempDir = dir
		return nil
	})
}

// Escaping sets how names are written that the old charset has no room for. The
// default, underscores, is all that node_exporter takes.
func Escaping(e exposition.Escaping) Option {
	return option(func(f *file) error {
		f.format.Escaping = e
		return nil
	})
}

// AnyName allows a file whose name doesn't end in .prom: for readers other than
// node_exporter, which passes over such a file without a word.
func AnyName() Option {
	return option(func(f *file) error {
		f.anyName = true
		return nil
	})
}

// Every sets the interval. The default is 15 seconds; Prometheus sees no more
// than what is there at its scrapes. It is an error if it is not positive.
func Every(d time.Duration) RunOption {
	return runOption(func(r *runner) error {
		if d <= 0 {
			return fmt.Errorf("textfile: Every: %s is no interval: it must be positive", d)
		}
		r.interval = d
		return nil
	})
}

// Grace limits the time for the last write, when the context has ended already.
// The default is 10 seconds. With 0 there is no last write. It is an error if it
// is negative.
func Grace(d time.Duration) RunOption {
	return runOption(func(r *runner) error {
		if d < 0 {
			return fmt.Errorf("textfile: Grace: %s is no time: it must not be negative", d)
		}
		r.grace = d
		return nil
	})
}

// RemoveOnExit removes the file at the end, in place of the last write: for
// services, whose metrics should end when they do.
func RemoveOnExit() RunOption {
	return runOption(func(r *runner) error {
		r.remove = true
		return nil
	})
}

// Logger logs what goes wrong: as errors writes that failed, as warnings those
// that lack what a collector didn't write. Without it, or with nil, nothing is
// logged.
func Logger(l *slog.Logger) RunOption {
	return runOption(func(r *runner) error {
		if l == nil {
			l = slog.New(slog.DiscardHandler)
		}
		r.logger = l
		return nil
	})
}
