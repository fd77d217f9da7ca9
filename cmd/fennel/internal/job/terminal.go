//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package job

import (
	"os"
	"syscall"
	"unsafe"
)

// inForeground reports whether this process is of the group that gets the signals
// of its terminal's keys.
func inForeground() bool {
	terminal, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return false // it has none
	}
	defer terminal.Close()
	var group int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, terminal.Fd(), syscall.TIOCGPGRP, uintptr(unsafe.Pointer(&group)))
	return errno == 0 && int(group) == syscall.Getpgrp()
}
