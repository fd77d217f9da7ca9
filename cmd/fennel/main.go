// Fennel is the command of the Fennel metrics library. So far it has a
// demonstration:
//
//	fennel demo
//
// See fennel --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
)

const help = "Tools of the Fennel metrics library for Prometheus: https://github.com/fennelmetrics/fennel"

// usage is kingpin's, followed by examples: those of the command that was
// chosen, which are its HelpLong, or those of all.
var usage = kingpin.DefaultUsageTemplate + `
Examples:
{{with .Context.SelectedCommand}}{{.HelpLong}}{{else}}  fennel demo           serve a demonstration until Ctrl-C
  fennel demo --help    say more about it
{{end}}`

func main() {
	app := kingpin.New("fennel", help).UsageTemplate(usage).UsageWriter(os.Stdout)
	app.HelpFlag.Short('h')
	app.Version(version(debug.ReadBuildInfo()))
	demo := newDemoCommand(app)
	chosen := kingpin.MustParse(app.Parse(os.Args[1:]))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Who asks twice means it: the second signal ends the program at once.
	context.AfterFunc(ctx, stop)

	var err error
	switch chosen {
	case demo.FullCommand():
		err = demo.run(ctx, os.Stdout, os.Stderr)
	}
	app.FatalIfError(err, "%s", chosen)
}
