//go:build unix && !linux && !openbsd

package collectors

import "syscall"

// rlimitAS is the limit of the virtual memory.
const rlimitAS = syscall.RLIMIT_AS
