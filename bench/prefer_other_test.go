//go:build !linux

package main

import "runtime"

// preferThread gives the goroutine a thread of its own. The system treats it as all
// others: not each has priorities of single threads.
func preferThread() { runtime.LockOSThread() }
