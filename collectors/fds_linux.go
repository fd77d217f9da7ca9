package collectors

import (
	"context"
	"encoding/binary"
	"os"
	"syscall"
)

// readFDs counts the open descriptors of a process, which are what is in
// dir/fd. The one that counting them takes is not counted.
func readFDs(ctx context.Context, dir string, own bool, r *readings) error {
	path := dir + "/fd"
	var st syscall.Stat_t
	real := onProc(path)
	// Since Linux 6.2 the directory's size is the number.
	if real && syscall.Stat(path, &st) == nil && st.Size > 0 {
		r.set(openFDs, float64(st.Size))
		return nil
	}
	n, err := countNumbers(ctx, path)
	if err != nil {
		return err
	}
	if real && own {
		n--
	}
	r.set(openFDs, float64(n))
	return nil
}

// onProc reports whether path is on a real proc filesystem.
func onProc(path string) bool {
	const magic = 0x9fa0
	var st syscall.Statfs_t
	return syscall.Statfs(path, &st) == nil && st.Type == magic
}

// countNumbers counts the entries of a directory whose names begin with a
// digit. It makes no strings of them, for there may be a million.
func countNumbers(ctx context.Context, path string) (int, error) {
	d, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer d.Close()
	buf := make([]byte, 16<<10)
	total := 0
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := syscall.ReadDirent(int(d.Fd()), buf)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, &os.PathError{Op: "readdirent", Path: path, Err: err}
		case n <= 0:
			return total, nil
		default:
			total += countEntries(buf[:n])
		}
	}
}

// countEntries counts in what the kernel calls struct linux_dirent64.
func countEntries(buf []byte) (n int) {
	const length, name = 16, 19 // offsets
	for len(buf) > name {
		size := int(binary.NativeEndian.Uint16(buf[length:]))
		if size <= name || size > len(buf) {
			return n
		}
		if c := buf[name]; '0' <= c && c <= '9' {
			n++
		}
		buf = buf[size:]
	}
	return n
}
