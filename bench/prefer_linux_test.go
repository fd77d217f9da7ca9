package main

import (
	"runtime"
	"syscall"
)

// preferThread gives the goroutine a thread of its own, which the system runs before
// others where that is allowed. The thread ends with the goroutine.
func preferThread() {
	runtime.LockOSThread()
	syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), -20)
}
