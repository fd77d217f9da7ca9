package collectors

import (
	"cmp"
	"context"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/names"
)

// unknown is the value of a label for what the program was not told.
const unknown = "unknown"

// buildInfo is the collector that [BuildInfo] and [Version] return.
type buildInfo struct {
	family family
	values []string
}

// BuildInfo returns a collector of go_build_info, an info with what the program
// was linked with about its main module: the labels path, version and checksum.
// They are "unknown" in a program that was built without module support. The
// version is "(devel)" if neither a tag nor a commit was known.
func BuildInfo() fennel.Collector {
	b := &buildInfo{
		family: newFamily(fennel.TypeInfo, "go_build_info", "What is known about the program's main module.", "", "path", "version", "checksum"),
		values: []string{unknown, unknown, unknown},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.values = []string{info.Main.Path, info.Main.Version, info.Main.Sum}
	}
	return b
}

// Version returns a collector of <program>_build_info, an info that tells a
// program's versions apart, as Prometheus' own programs have it. Its labels are
//
//	version    of the main module
//	revision   of the source, with -modified if that had changes
//	branch     "unknown" unless it is given
//	goversion  goos  goarch
//	tags       that it was built with
//
// The values are those that the go command stamps into a program, or "unknown".
// Labels that are given stand instead of those of the same name, or beside
// them; so values that come by the linker's -X flag find their way:
//
//	collectors.Version("gizmo", fennel.Label{Name: "branch", Value: branch})
//
// Characters of program that don't fit in a metric name become underscores.
func Version(program string, labels ...fennel.Label) fennel.Collector {
	all := stamps()
	for _, l := range labels {
		if i := slices.IndexFunc(all, func(s fennel.Label) bool { return s.Name == l.Name }); i >= 0 {
			all[i] = l
			continue
		}
		all = append(all, l)
	}
	b := new(buildInfo)
	keys := make([]string, len(all))
	for i, l := range all {
		keys[i] = l.Name
		b.values = append(b.values, l.Value)
	}
	name := names.Underscores.Metric(program + "_build_info")
	b.family = newFamily(fennel.TypeInfo, name, "What "+program+" was built from, and for which system.", "", keys...)
	return b
}

// stamps returns what the go command has stamped into the program.
func stamps() []fennel.Label {
	version, settings := "", make(map[string]string)
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
	}
	revision := cmp.Or(settings["vcs.revision"], unknown)
	if settings["vcs.modified"] == "true" {
		revision += "-modified"
	}
	return []fennel.Label{
		{Name: "version", Value: cmp.Or(version, unknown)},
		{Name: "revision", Value: revision},
		{Name: "branch", Value: unknown},
		{Name: "goversion", Value: runtime.Version()},
		{Name: "goos", Value: runtime.GOOS},
		{Name: "goarch", Value: runtime.GOARCH},
		{Name: "tags", Value: cmp.Or(settings["-tags"], unknown)},
	}
}

// String names the collector for errors.
func (b *buildInfo) String() string { return b.family.Name }

// Describe implements [fennel.Describer].
func (b *buildInfo) Describe() []fennel.Desc { return []fennel.Desc{b.family.Desc} }

// Collect implements [fennel.Collector].
func (b *buildInfo) Collect(_ context.Context, w *fennel.Writer) error {
	b.family.info(w, b.values...)
	return nil
}
