//go:build unix

package fennelhttp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// isRefused reports whether nobody listens.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// listenPrivately listens on a Unix socket whose file has at no time more
// permissions than mode, where the system lets that be said beforehand, as Linux
// does.
func listenPrivately(path string, mode fs.FileMode) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, conn syscall.RawConn) error {
		return conn.Control(func(fd uintptr) {
			_ = syscall.Fchmod(int(fd), uint32(mode.Perm())) // others have no such thing
		})
	}}
	return config.Listen(context.Background(), "unix", path)
}

// firstSocket is the file descriptor of the first socket that is passed on.
const firstSocket = 3

// listenSystemd listens on a socket that systemd, or who does the same, passed to
// this process: see sd_listen_fds(3). The socket is duplicated, so that it can
// be asked for again after the server's end.
func listenSystemd(name string) (net.Listener, error) {
	fd, err := passedSocket(os.Getenv, os.Getpid(), name)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	duplicate, err := duplicateSocket(fd)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(duplicate), systemdPrefix+name)
	defer f.Close() // the listener has a duplicate of its own
	return net.FileListener(f)
}

// duplicateSocket returns a duplicate that no child process inherits, not even one
// that is started at this moment: it would keep the port.
func duplicateSocket(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	duplicate, err := syscall.Dup(fd)
	if err != nil {
		return 0, os.NewSyscallError("dup", err)
	}
	syscall.CloseOnExec(duplicate)
	return duplicate, nil
}

// passedSocket returns the file descriptor of the socket of this name, or of
// the only one if there is no name.
func passedSocket(getenv func(string) string, pid int, name string) (int, error) {
	if getenv("LISTEN_PID") != strconv.Itoa(pid) {
		return 0, errors.New("no socket was passed to this process: LISTEN_PID is not its ID; is it started by a systemd socket unit?")
	}
	count, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || count < 1 {
		return 0, fmt.Errorf("no socket was passed to this process: LISTEN_FDS is %q", getenv("LISTEN_FDS"))
	}
	names := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	if len(names) != count {
		names = slices.Repeat([]string{"unknown"}, count) // as sd_listen_fds_with_names does
	}
	found, fd := 0, 0
	for i, n := range names {
		if name == "" || n == name {
			found, fd = found+1, firstSocket+i
		}
	}
	if found != 1 {
		return 0, fmt.Errorf("%d sockets were passed to this process under this name, of %q: "+
			`it must be one; name them by FileDescriptorName= and use the address "systemd:NAME"`, found, names)
	}
	return fd, nil
}
