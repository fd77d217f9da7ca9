// Package textdir gathers metrics from the text files of a directory.
package textdir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/cmd/fennel/internal/promtext"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// Dir is a directory. It is a [fennel.Gatherer] of what the files in it hold whose
// names end in .prom, and of two metrics about them. It is safe for concurrent use,
// and reads the files each time.
//
// Files that can't be read or are wrong are left out, and so is what doesn't fit to
// the files before, in the order of their names. The errors of a
// *[fennel.GatherError] name them.
type Dir string

// Visit implements [fennel.Gatherer].
func (d Dir) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	all, err := d.read(ctx)
	if err != nil {
		return err
	}
	set, err := join(ctx, all)
	if err != nil {
		return err
	}
	if err := set.Visit(ctx, r, v); err != nil {
		return err
	}
	var errs []error
	for _, f := range all {
		if f.err != nil {
			errs = append(errs, f.err)
		}
	}
	if len(errs) > 0 {
		return &fennel.GatherError{Errors: errs}
	}
	return nil
}

// join puts the files together, and notes which don't fit.
func join(ctx context.Context, all []*file) (*promtext.Set, error) {
	set, misfits, err := joinOnce(ctx, all)
	if err != nil || len(misfits) == 0 {
		return set, err
	}
	for _, misfit := range misfits {
		for _, f := range all {
			if f.path == misfit.File {
				f.err = errors.Join(f.err, misfit)
			}
		}
	}
	set, _, err = joinOnce(ctx, all) // to say that, too
	return set, err
}

func joinOnce(ctx context.Context, all []*file) (*promtext.Set, promtext.Errors, error) {
	// What is said about the files comes first, so that none can take its place.
	about, err := describe(ctx, all)
	if err != nil {
		return nil, nil, err
	}
	files := []*promtext.File{about}
	for _, f := range all {
		if f.File != nil {
			files = append(files, f.File)
		}
	}
	set, err := promtext.Join(files...)
	var misfits promtext.Errors
	errors.As(err, &misfits)
	return set, misfits, nil
}

// describe says in metrics which files there are. It does so in a file more.
func describe(ctx context.Context, all []*file) (*promtext.File, error) {
	reg := fennel.NewRegistry()
	in, names := fennel.In(reg), fennel.LabelNames("file")
	mtimes := fennel.NewGaugeVec[string]("fennel_serve_file_mtime_seconds", "Unix time when the file was written.", in, names)
	errs := fennel.NewGaugeVec[string]("fennel_serve_file_error", "1 if the file, or a part of it, was left out; 0 otherwise.", in, names)
	for _, f := range all {
		if !f.mtime.IsZero() {
			mtimes.With(f.name).Set(float64(f.mtime.UnixMilli()) / 1000)
		}
		failed := errs.With(f.name)
		if f.err != nil {
			failed.Set(1)
		}
	}
	text, err := exposition.Bytes(ctx, reg, exposition.Format{})
	if err != nil {
		return nil, err
	}
	return promtext.Parse("the metrics about the files", text)
}

// file is a file of the directory.
type file struct {
	*promtext.File // nil if it can't be read
	path           string
	name           string
	mtime          time.Time
	err            error
}

// read reads all files, in the order of their names.
func (d Dir) read(ctx context.Context) ([]*file, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	var all []*file
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !strings.HasSuffix(e.Name(), ".prom") {
			continue
		}
		f := &file{path: filepath.Join(string(d), e.Name()), name: strings.ToValidUTF8(e.Name(), "\uFFFD")}
		if f.File, f.mtime, f.err = promtext.ReadFile(f.path); errors.Is(f.err, fs.ErrNotExist) {
			continue // it was there a moment ago
		}
		all = append(all, f)
	}
	return all, nil
}
