package textfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// temp is the temporary file.
type temp struct {
	*os.File
	made time.Time // by the clock of the file system
	kept bool      // it is the file now
}

const (
	tempSuffix = ".tmp"
	maxName    = 200 // of the file in that of the temporary one; systems have room for 255
)

// tempPrefix is how the names of all temporary files of this path begin. Not even
// the longest name of a file makes one that is too long.
func (f *file) tempPrefix() string {
	name := filepath.Base(f.path)
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "") // some systems take no other names
	}
	return "." + name + "."
}

func (f *file) createTemp() (*temp, error) {
	t, err := os.CreateTemp(f.tempDir, f.tempPrefix()+"*"+tempSuffix)
	if err != nil {
		err = f.failed(err)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = fmt.Errorf("%w: the directory %s must exist", err, f.tempDir)
		case errors.Is(err, fs.ErrPermission):
			err = fmt.Errorf("%w: new files in the directory %s must be allowed", err, f.tempDir)
		}
		return nil, err
	}
	made := &temp{File: t}
	if info, err := t.Stat(); err == nil {
		made.made = info.ModTime()
	}
	return made, nil
}

// complete brings all that was written to the disk.
func (t *temp) complete(mode fs.FileMode) error {
	if err := t.Chmod(mode); err != nil {
		return err
	}
	if err := t.Sync(); err != nil {
		return err
	}
	return t.Close()
}

// discard leaves nothing behind, unless the file was kept.
func (t *temp) discard() {
	if t.kept {
		return
	}
	_ = t.Close() // it may be closed
	_ = os.Remove(t.Name())
}

// abandoned is the age at which the temporary file of another write has nobody
// any more.
const abandoned = time.Hour

// removeOld removes temporary files of this path that killed programs have left.
// That it can't is no error: it is no part of what was asked for.
func (f *file) removeOld(now time.Time) {
	dir, err := os.Open(f.tempDir)
	if err != nil {
		return
	}
	names, err := dir.Readdirnames(-1)
	_ = dir.Close()
	if err != nil {
		return
	}
	for _, name := range names {
		if !f.isTemp(name) {
			continue
		}
		path := filepath.Join(f.tempDir, name)
		info, err := os.Lstat(path)
		if err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > abandoned {
			_ = os.Remove(path)
		}
	}
}

// isTemp reports whether createTemp makes such names.
func (f *file) isTemp(name string) bool {
	name, begins := strings.CutPrefix(name, f.tempPrefix())
	number, ends := strings.CutSuffix(name, tempSuffix)
	return begins && ends && number != "" && strings.Trim(number, "0123456789") == ""
}
