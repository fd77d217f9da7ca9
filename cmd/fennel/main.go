// Fennel is the command of the Fennel metrics library:
//
//	fennel demo      serve a demonstration
//	fennel run       run a batch job and export how it went
//	fennel push      send metrics to a Pushgateway
//	fennel delete    delete a group from a Pushgateway
//	fennel serve     serve the text files of a directory
//
// See fennel --help.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
)

const help = "Tools of the Fennel metrics library for Prometheus: https://github.com/fennelmetrics/fennel"

// usage is kingpin's, followed by examples: those of the command that was
// chosen, which are its HelpLong, or those of all.
var usage = kingpin.DefaultUsageTemplate + `
Examples:
{{with .Context.SelectedCommand}}{{.HelpLong}}{{else}}  fennel demo           serve a demonstration until Ctrl-C
  fennel run --job=backup --textfile=/var/lib/node_exporter/backup.prom -- tar -czf /backup/home.tgz /home
  fennel push --gateway=pushgateway:9091 --job=backup metrics.prom
  fennel delete --gateway=pushgateway:9091 --job=backup
  fennel serve --dir=/var/lib/node_exporter
  fennel run --help     say more about a command
  eval "$(fennel --completion-script-bash)"    complete commands and flags; there is one for zsh, too
{{end}}`

func main() {
	app := kingpin.New("fennel", help).UsageTemplate(usage).UsageWriter(os.Stdout)
	app.HelpFlag.Short('h')
	app.Version(version(debug.ReadBuildInfo()))
	demo := newDemoCommand(app)
	run := newRunCommand(app)
	push := newPushCommand(app)
	remove := newDeleteCommand(app)
	serve := newServeCommand(app)
	args := nameInput(os.Args[1:])
	chosen, err := app.Parse(args)
	if err == nil && chosen == run.FullCommand() {
		err = run.checkDashes(args)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "fennel: error: %v, try --help\n", err)
		os.Exit(usageStatus(args))
	}
	if chosen == run.FullCommand() {
		os.Exit(run.run(os.Stderr)) // which has its own way with signals
	}

	if chosen == push.FullCommand() {
		// As long as nothing is sent, a signal ends this as it ends any program that
		// waits for its input.
		app.FatalIfError(push.prepare(os.Stdin), "")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Who asks twice means it: the second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	switch chosen {
	case demo.FullCommand():
		err = demo.run(ctx, os.Stdout, os.Stderr)
	case push.FullCommand():
		err = push.run(ctx)
	case remove.FullCommand():
		err = remove.run(ctx)
	case serve.FullCommand():
		err = serve.run(ctx, os.Stdout, os.Stderr)
	}
	app.FatalIfError(err, "")
}

// usageStatus is the exit status after wrong flags. That of "fennel run" must not
// be taken for the job's.
func usageStatus(args []string) int {
	if len(args) > 0 && args[0] == "run" {
		return statusFailed
	}
	return 1
}

// standardInput is what stands for - among names of files.
const standardInput = "<stdin>"

// nameInput writes the - of "fennel push" in a way that kingpin, which makes nothing
// of it, passes on. What comes after -- is none of its business.
func nameInput(args []string) []string {
	if len(args) == 0 || args[0] != "push" {
		return args
	}
	args = slices.Clone(args)
	for i, a := range args {
		switch a {
		case "--":
			return args
		case "-":
			args[i] = standardInput
		}
	}
	return args
}
