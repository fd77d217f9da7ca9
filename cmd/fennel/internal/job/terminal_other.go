//go:build unix && !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package job

// inForeground reports false: on these systems nobody has tried.
func inForeground() bool { return false }
