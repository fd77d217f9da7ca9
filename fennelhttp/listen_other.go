//go:build !unix

package fennelhttp

import (
	"errors"
	"io/fs"
	"net"
	"os"
)

// isRefused reports whether nobody listens, as far as one can tell.
func isRefused(err error) bool { return !os.IsTimeout(err) && !errors.Is(err, fs.ErrPermission) }

// listenPrivately listens on a Unix socket. Its permissions follow later.
func listenPrivately(path string, _ fs.FileMode) (net.Listener, error) {
	return net.Listen("unix", path)
}

// listenSystemd returns an error.
func listenSystemd(string) (net.Listener, error) {
	return nil, errors.New("there is no socket activation on this system")
}
