package integration

import "syscall"

// dieWithParent makes a server end with the test process, however that ends: a
// panic in a goroutine runs no cleanup.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
