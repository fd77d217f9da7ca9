package textfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// Write writes what g gathers into the file at path, in one step: see the package
// comment. The name must end in .prom, unless [AnyName] is given, and the
// directory must exist. It is safe for concurrent use.
//
// If some collectors failed, what there is is written all the same, and the error
// is the *[fennel.GatherError]: [fennel.Partial] tells. After any other error the
// old file is there, but for one that says that the new one is. An error wraps
// what the operating system said, so that [errors.Is] finds [fs.ErrNotExist] and
// [fs.ErrPermission], and names the file.
//
// A collector that hangs holds Write up until ctx ends; with a deadline it is left
// out shortly before that.
func Write(ctx context.Context, path string, g fennel.Gatherer, opts ...Option) error {
	f := newFile(path)
	for _, o := range opts {
		if o == nil {
			continue
		}
		if err := o.apply(&f); err != nil {
			return err
		}
	}
	if err := f.check(g); err != nil {
		return err
	}
	return f.write(ctx, g)
}

// file is what is written, and how.
type file struct {
	path    string
	tempDir string
	mode    fs.FileMode
	format  exposition.Format
	anyName bool
	tidy    bool // old temporary files were looked for
}

func newFile(path string) file {
	return file{path: path, tempDir: filepath.Dir(path), mode: 0o644}
}

const suffix = ".prom"

// check says what is wrong before anything is done.
func (f *file) check(g fennel.Gatherer) error {
	switch {
	case f.path == "":
		return errors.New("textfile: the path is empty")
	case g == nil:
		return errors.New("textfile: there is nothing to write: the Gatherer is nil")
	case !f.anyName && !strings.HasSuffix(f.path, suffix):
		return fmt.Errorf("textfile: the name %q doesn't end in %s: node_exporter would not read it", f.path, suffix)
	}
	return nil
}

func (f *file) write(ctx context.Context, g fennel.Gatherer) error {
	if err := context.Cause(ctx); err != nil {
		return f.failed(err)
	}
	if err := f.replaceable(); err != nil {
		return err
	}
	t, err := f.createTemp()
	if err != nil {
		return err
	}
	defer t.discard()
	partial := exposition.Write(ctx, t, untimed{g}, f.format)
	if partial != nil && !fennel.Partial(partial) {
		return f.failed(partial)
	}
	if err := t.complete(f.mode); err != nil {
		return f.failed(err)
	}
	if err := f.replace(ctx, t); err != nil {
		return err
	}
	if !f.tidy {
		f.tidy = true
		f.removeOld(t.made)
	}
	if err := syncDir(filepath.Dir(f.path)); err != nil {
		return fmt.Errorf("textfile: %s is there, but may be gone after a crash of the machine: %w", f.path, err)
	}
	return partial
}

// replaceable says if there is something at the path that no file should take the
// place of.
func (f *file) replaceable() error {
	info, err := os.Lstat(f.path)
	if err != nil || info.Mode().IsRegular() || info.Mode()&fs.ModeSymlink != 0 {
		return nil // another error will come back where it matters
	}
	if info.IsDir() {
		return fmt.Errorf("textfile: %s is a directory: name a file in it", f.path)
	}
	return fmt.Errorf("textfile: %s is no regular file, and is not replaced", f.path)
}

// replace puts the temporary file in the place of the old one.
func (f *file) replace(ctx context.Context, t *temp) error {
	if err := context.Cause(ctx); err != nil {
		return f.failed(err)
	}
	err := rename(ctx, t.Name(), f.path)
	if otherFileSystem(err) {
		return fmt.Errorf("%w: TempDir %s is on another file system", f.failed(err), f.tempDir)
	}
	if err != nil {
		return f.failed(err)
	}
	t.kept = true
	return nil
}

// failed returns the error of a write that has changed nothing. What the operating
// system says of the temporary file is said of the file: nobody knows the other.
func (f *file) failed(err error) error {
	var link *os.LinkError
	var path *fs.PathError
	switch {
	case errors.As(err, &link):
		err = &fs.PathError{Op: link.Op, Path: f.path, Err: link.Err}
	case errors.As(err, &path):
		err = &fs.PathError{Op: path.Op, Path: f.path, Err: path.Err}
	default:
		return fmt.Errorf("textfile: %s is as it was: %w", f.path, err)
	}
	return fmt.Errorf("textfile: %w", err)
}
