//go:build !windows

package textfile

import (
	"context"
	"os"
)

func rename(_ context.Context, from, to string) error { return os.Rename(from, to) }
