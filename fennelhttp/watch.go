package fennelhttp

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fennelmetrics/fennel"
)

// watched is a value that is made from files, and made anew when they change. It
// is safe for concurrent use.
//
// There is no goroutine. Who asks for the value has a look at the files, but
// for all of those together there is a pause between two looks, and nobody waits
// for a file that somebody else is reading. A look reads all of the files: they
// are few and small, and their times and sizes may lie.
type watched[T any] struct {
	what   string                   // it is made from files of this kind
	list   func() ([]string, error) // the paths of the files
	parse  func([]file) (T, error)
	pause  time.Duration
	log    logFunc
	usable *fennel.Gauge // 1 if the value is that of the files

	value atomic.Pointer[T]

	mu        sync.Mutex // of who looks
	looked    time.Time
	digest    [sha256.Size]byte // of the files that the value is from
	complaint string            // that was logged last, for files that are still so
}

// file is a file's name and contents.
type file struct {
	path string
	text []byte
}

// watch makes the value for the first time, and returns the error if it can't
// be made.
func watch[T any](c *config, what string, list func() ([]string, error), parse func([]file) (T, error)) (*watched[T], error) {
	w := &watched[T]{what: what, list: list, parse: parse, pause: c.limits.look, log: c.log}
	if _, err := w.look(); err != nil {
		return nil, err
	}
	c.watched = append(c.watched, w)
	return w, nil
}

// watcher is a watched value of any type.
type watcher interface {
	reportTo(*fennel.GaugeVec[string])
}

// reportTo makes w show in a metric whether its value is up to date. It is called
// before there is anybody else who asks.
func (w *watched[T]) reportTo(vec *fennel.GaugeVec[string]) {
	w.usable = vec.With(w.what)
	w.usable.Set(1)
}

// get returns the value: of the files as they are, or as they were when they
// could last be used.
func (w *watched[T]) get() T {
	if w.mu.TryLock() {
		if time.Since(w.looked) >= w.pause {
			w.refresh()
		}
		w.mu.Unlock()
	}
	return *w.value.Load()
}

// refresh has a look, and says what came of it.
func (w *watched[T]) refresh() {
	changed, err := w.look()
	if err != nil {
		w.usable.Set(0)
		if complaint := err.Error(); complaint != w.complaint {
			w.complaint = complaint
			w.log(context.Background(), slog.LevelError, "changed files can't be used; what they held before is kept", "files", w.what, "error", err)
		}
		return
	}
	w.usable.Set(1)
	if changed || w.complaint != "" {
		w.complaint = ""
		w.log(context.Background(), slog.LevelInfo, "changed files are in use", "files", w.what)
	}
}

// look makes the value anew if the files have changed.
func (w *watched[T]) look() (changed bool, err error) {
	w.looked = time.Now()
	paths, err := w.list()
	if err != nil {
		return false, err
	}
	files, err := readFiles(paths)
	if err != nil {
		return false, err
	}
	digest := digestOf(files)
	if digest == w.digest {
		return false, nil
	}
	value, err := w.parse(files)
	if err != nil {
		return false, err
	}
	w.digest = digest
	w.value.Store(&value)
	return true, nil
}

func readFiles(paths []string) ([]file, error) {
	files := make([]file, len(paths))
	for i, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if len(text) == 0 {
			return nil, &os.PathError{Op: "read", Path: path, Err: errors.New("the file is empty")}
		}
		files[i] = file{path, text}
	}
	return files, nil
}

// digestOf tells files from others, so that their contents, keys perhaps, need
// not be kept.
func digestOf(files []file) (sum [sha256.Size]byte) {
	hash := sha256.New()
	var size [8]byte
	for _, f := range files {
		for _, part := range [][]byte{[]byte(f.path), f.text} {
			binary.BigEndian.PutUint64(size[:], uint64(len(part)))
			hash.Write(size[:])
			hash.Write(part)
		}
	}
	hash.Sum(sum[:0])
	return sum
}

// fixed is the list of files that are always the same.
func fixed(paths ...string) func() ([]string, error) {
	return func() ([]string, error) { return paths, nil }
}
