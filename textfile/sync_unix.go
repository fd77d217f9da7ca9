//go:build unix

package textfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// syncDir brings a directory to the disk, so that a rename in it lasts. A directory
// in which one may write but not read can't be, and neither can those of some file
// systems.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

func otherFileSystem(err error) bool { return errors.Is(err, syscall.EXDEV) }
