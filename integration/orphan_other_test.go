//go:build !linux

package integration

import "syscall"

// dieWithParent does nothing where the system has no such thing.
func dieWithParent() *syscall.SysProcAttr {
	return nil
}
