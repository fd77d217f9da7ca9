//go:build !unix && !windows

package collectors

import "context"

// system finds out nothing.
type system struct{}

// available says that there is nothing to be known here.
var available []quantity

func (*system) read(context.Context, string, int, bool, *readings) error { return nil }
