//go:build !unix && !windows

package textfile

// syncDir does nothing: this system has no such thing.
func syncDir(string) error { return nil }

// otherFileSystem reports false: this system doesn't tell.
func otherFileSystem(error) bool { return false }
