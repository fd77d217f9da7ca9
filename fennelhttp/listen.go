package fennelhttp

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// WithListener serves on a listener of one's own instead of an address; the
// address must be "". From then on the server owns it, and closes it at its
// end. If [Start] returns an error it is still the caller's.
func WithListener(l net.Listener) ServerOption {
	return option(func(c *config) {
		c.listener = l
		if l == nil {
			c.fail(errors.New("WithListener: the listener is nil"))
		}
	})
}

// WithSocketMode sets the permissions of a Unix socket's file; who may write to
// it may connect. Without it they are what the process's umask leaves. It is an
// error of [Start] for other addresses, and if there are other bits in it.
func WithSocketMode(mode fs.FileMode) ServerOption {
	return option(func(c *config) {
		c.socketMode = &mode
		if mode&^fs.ModePerm != 0 {
			c.fail(fmt.Errorf("WithSocketMode(%v): permissions are from 0 to 0777", mode))
		}
	})
}

// The kinds of addresses, beside those of TCP.
const (
	unixPrefix    = "unix:"
	systemdPrefix = "systemd:"
)

// listen is the one place where connections come from.
func listen(addr string, c *config) (net.Listener, error) {
	path, isUnix := strings.CutPrefix(addr, unixPrefix)
	name, isSystemd := strings.CutPrefix(addr, systemdPrefix)
	switch {
	case c.socketMode != nil && (!isUnix || strings.HasPrefix(path, "@")):
		return nil, errors.New("WithSocketMode is for addresses such as unix:/run/metrics.sock")
	case c.listener != nil && addr != "":
		return nil, errors.New("WithListener replaces the address, which must be empty")
	case c.listener != nil:
		return c.listener, nil
	case addr == "":
		// net.Listen would take any port that is free.
		return nil, errors.New(`the address is empty: give a port, as in ":9100"`)
	case isUnix:
		return listenUnix(path, c.socketMode)
	case isSystemd:
		return listenSystemd(name)
	}
	return net.Listen("tcp", addr)
}

// listenUnix listens on a Unix socket. Its file is removed when the listener is
// closed.
func listenUnix(path string, mode *fs.FileMode) (net.Listener, error) {
	if path == "" {
		return nil, errors.New("the path of the socket is empty")
	}
	if strings.HasPrefix(path, "@") { // Linux: there is no file
		return net.Listen("unix", path)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	if mode == nil {
		return net.Listen("unix", path)
	}
	l, err := listenPrivately(path, *mode)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, *mode); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// removeStale removes the file of a socket on which nobody listens any more, as a
// process leaves behind that was killed. It removes nothing else.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return &fs.PathError{Op: "listen", Path: path, Err: errors.New("the file is there, and it is not a socket")}
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return &net.OpError{Op: "listen", Net: "unix", Addr: &net.UnixAddr{Name: path, Net: "unix"}, Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	if !isRefused(err) {
		return err
	}
	return os.Remove(path)
}
