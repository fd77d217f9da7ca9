package promtext

import (
	"fmt"
	"io"
	"os"
	"time"
)

// maxSize is how large a text may be, in bytes: about a million series. In memory it
// takes up to thirty times as much, and nobody should run out of that over a file
// that was never meant to hold metrics.
const maxSize = 64 << 20

// Read parses what r has. Errors are those of r, and as of [Parse].
func Read(name string, r io.Reader) (*File, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSize {
		return nil, &Error{File: name, Problem: fmt.Sprintf("it is larger than %d MiB", maxSize>>20)}
	}
	return Parse(name, text)
}

// ReadFile parses a file that is a regular one: others, a pipe say, might have
// nothing to read for ever. It returns, too, when the file was changed last, if it
// could be read, even if what it holds is wrong.
func ReadFile(path string) (*File, time.Time, error) {
	// Before it is opened, which a pipe would hold up.
	if info, err := os.Stat(path); err != nil {
		return nil, time.Time{}, err
	} else if !info.Mode().IsRegular() {
		return nil, time.Time{}, fmt.Errorf("%s is no regular file", path)
	}
	open, err := os.Open(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer open.Close()
	info, err := open.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	f, err := Read(path, open)
	return f, info.ModTime(), err
}
