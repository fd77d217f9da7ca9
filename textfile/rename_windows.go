package textfile

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

const (
	errorLockViolation    syscall.Errno = 33
	errorNotSameDevice    syscall.Errno = 17
	errorSharingViolation syscall.Errno = 32
)

// rename waits for readers: on Windows a file that somebody has open can't be
// replaced, and reading one takes a moment only.
func rename(ctx context.Context, from, to string) error {
	limit := time.Now().Add(5 * time.Second)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := os.Rename(from, to)
		if !busy(err) || time.Now().After(limit) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// busy reports whether somebody may have the file open. Windows says the same
// where access is denied for good.
func busy(err error) bool {
	return errors.Is(err, errorSharingViolation) || errors.Is(err, errorLockViolation) ||
		errors.Is(err, syscall.ERROR_ACCESS_DENIED)
}

func otherFileSystem(err error) bool { return errors.Is(err, errorNotSameDevice) }

// syncDir does nothing: Windows has no such thing.
func syncDir(string) error { return nil }
