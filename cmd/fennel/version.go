package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version says which fennel this is, in the form of Prometheus' own tools, from
// what the go command has put into the binary.
func version(info *debug.BuildInfo, ok bool) string {
	v, revision, modified := "unknown", "unknown", ""
	if ok {
		if info.Main.Version != "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = " and changes"
			}
		}
	}
	return fmt.Sprintf("fennel, version %s (revision: %s%s)\n  go version:  %s\n  platform:    %s/%s",
		v, revision, modified, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
