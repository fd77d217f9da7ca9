package textfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/fennelmetrics/fennel"
)

// runner writes at an interval.
type runner struct {
	file
	metrics  fennel.Gatherer
	interval time.Duration
	grace    time.Duration
	remove   bool // the file, at the end
	logger   *slog.Logger
	failures int // writes since the last that did not fail
}

// Run writes g into the file at path, as [Write] does, now and at an interval until
// ctx ends. Then it writes once more, so that the last values are there, and
// returns: ctx has ended, but the last write has a [Grace] of its own.
//
// A write begins only when the one before has ended, which is given the time of
// an interval: collectors that need longer are left out. One that fails is logged,
// and the next comes in its time.
//
// The error is that of the last write, or of the removal, and nil if it went well.
// Run returns at once if an option or the name is wrong.
func Run(ctx context.Context, path string, g fennel.Gatherer, opts ...RunOption) error {
	r := &runner{
		file:     newFile(path),
		metrics:  g,
		interval: 15 * time.Second,
		grace:    10 * time.Second,
		logger:   slog.New(slog.DiscardHandler),
	}
	for _, o := range opts {
		if o == nil {
			continue
		}
		if err := o.applyRun(r); err != nil {
			return err
		}
	}
	if err := r.check(g); err != nil {
		return err
	}
	return r.run(ctx)
}

func (r *runner) run(ctx context.Context) error {
	tick := time.NewTicker(r.interval)
	defer tick.Stop()
	var err error
	for ctx.Err() == nil {
		err = r.once(ctx, r.interval)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	switch {
	case r.remove:
		return r.removeFile()
	case r.grace == 0:
		return err
	}
	return r.once(context.WithoutCancel(ctx), r.grace)
}

// once writes once, and notes how that went.
func (r *runner) once(ctx context.Context, limit time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := r.write(limited, r.metrics)
	log := r.logger.With("path", r.path)
	switch {
	case err == nil || fennel.Partial(err):
		if r.failures > 0 {
			log.InfoContext(ctx, "metrics are written again", "failed", r.failures)
		}
		r.failures = 0
		if err != nil {
			log.WarnContext(ctx, "metrics are written in part", "error", err)
		}
	case ctx.Err() != nil: // which is why it was cut short, and the last write is to come
	default:
		r.failures++
		log.ErrorContext(ctx, "metrics could not be written", "failed", r.failures, "error", err)
	}
	return err
}

// removeFile removes the file, and nothing that no write would have replaced.
func (r *runner) removeFile() error {
	err := r.replaceable()
	if err == nil {
		err = os.Remove(r.path)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	r.logger.Error("the file could not be removed", "path", r.path, "error", err)
	return fmt.Errorf("textfile: the file could not be removed: %w", err)
}
