package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	info := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	tests := map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"installed": {info("v1.2.3"), "fennel, version v1.2.3 (revision: unknown)"},
		"built in a checkout": {
			info("(devel)", debug.BuildSetting{Key: "vcs.revision", Value: "abc"}, debug.BuildSetting{Key: "vcs.modified", Value: "false"}),
			"fennel, version (devel) (revision: abc)",
		},
		"built in a checkout with changes": {
			info("", debug.BuildSetting{Key: "vcs.revision", Value: "abc"}, debug.BuildSetting{Key: "vcs.modified", Value: "true"}),
			"fennel, version unknown (revision: abc and changes)",
		},
		"no build info": {nil, "fennel, version unknown (revision: unknown)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, _, _ := strings.Cut(version(test.info, test.info != nil), "\n")
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
