package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fennelmetrics/fennel/cmd/fennel/internal/job"
	"github.com/fennelmetrics/fennel/cmd/fennel/internal/promtext"
	"github.com/fennelmetrics/fennel/textfile"
)

const runExamples = `  fennel run --job=backup --textfile=/var/lib/node_exporter/backup.prom -- tar -czf /backup/home.tgz /home
  fennel run --job=backup --label=instance=db1 --gateway=pushgateway:9091 -- pg_dump -f dump.sql shop

Metrics, all of them gauges:
  fennel_run_start_timestamp_seconds         when the command began
  fennel_run_end_timestamp_seconds           when it ended
  fennel_run_duration_seconds                how long it took
  fennel_run_exit_code                       its exit status, 128+n if signal n ended it
  fennel_run_success                         1 if the exit status is 0, 0 otherwise
  fennel_run_last_success_timestamp_seconds  end of the last run that succeeded; one that fails leaves it as it was
  fennel_run_cpu_seconds{mode}               CPU time in mode user and system, with that of its children
  fennel_run_max_resident_memory_bytes       memory of the largest of these processes at its largest, and no less
                                             than fennel itself needs; not on Windows

In a text file they have the label job_name, since job is node_exporter's own; on a gateway the job is in the group's
key. Metrics of a group that the command has pushed itself stay, since these are added.

The command has the standard input, output and error, and the process group. SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1
and SIGUSR2 are passed on to it, but not to what it has started; what keys of a terminal send it gets from there. Under
systemd, KillMode=mixed keeps it from getting SIGTERM twice. A signal after its end leaves three seconds to write and
push the metrics. SIGHUP and SIGINT are ignored, by the command too, if fennel was told to, as by nohup; for other signals
the command has the defaults.

The exit status is that of the command: 128+n after signal n, 127 if there is no such command, 126 if it can't be run,
and 125 if fennel itself fails before that. With --fail-on-export-error it is 125, too, if the command succeeded and
its metrics were lost.
`

// statusFailed is the exit status where it must not be taken for the command's.
const statusFailed = 125

// runCommand is "fennel run".
type runCommand struct {
	*kingpin.CmdClause

	gateway  gatewayFlags
	textfile string
	job      string
	labels   pairs
	strict   bool
	command  []string
}

func newRunCommand(app *kingpin.Application) *runCommand {
	c := &runCommand{CmdClause: app.Command("run",
		"Run a batch job, and write to a text file or push to a Pushgateway how that went. Its input, output, signals and exit status are passed through.").
		HelpLong(runExamples)}
	c.Flag("job", "Name of the job.").Required().StringVar(&c.job)
	c.Flag("label", "Label of all metrics; on a gateway, of the group. (repeatable)").PlaceHolder("NAME=VALUE").SetValue(&c.labels)
	c.Flag("textfile", "File for node_exporter's textfile collector, whose name ends in .prom. It is written by this job alone.").PlaceHolder("PATH").StringVar(&c.textfile)
	c.Flag("fail-on-export-error", "Fail if the metrics can't be written or pushed.").BoolVar(&c.strict)
	c.gateway.add(c.CmdClause, false)
	c.Arg("command", "The command and its arguments, after --.").Required().StringsVar(&c.command)
	c.Validate(func(*kingpin.CmdClause) error { return c.check() })
	return c
}

// check says what is wrong with the flags. Whatever may be different at another
// time, a missing directory say, must not keep the job from running.
func (c *runCommand) check() error {
	switch {
	case c.job == "":
		return errors.New("--job is empty")
	case c.gateway.url == "" && c.textfile == "":
		return errors.New("--textfile or --gateway must say where the metrics go")
	case c.textfile != "" && !strings.HasSuffix(c.textfile, ".prom"):
		return fmt.Errorf("--textfile is %s, but must end in .prom: node_exporter would not read it", c.textfile)
	}
	for _, l := range c.labels {
		if l.name == "mode" || l.name == jobLabel {
			return fmt.Errorf("--label must not be %q: there is such a label already", l.name)
		}
	}
	if err := checkReport(c.job, c.labels); err != nil {
		return err
	}
	if c.gateway.url == "" {
		return nil
	}
	return c.gateway.check(c.job, c.labels)
}

// checkDashes says if the command does not begin after --: what looks like a flag of
// fennel in it, or like a file to expand, would not arrive as it is.
func (c *runCommand) checkDashes(args []string) error {
	i := slices.Index(args, "--")
	if i < 0 || !slices.Equal(args[i+1:], c.command) {
		return errors.New("the command and its arguments must all come after --")
	}
	return nil
}

// run runs the command and returns the exit status.
func (c *runCommand) run(stderr io.Writer) int {
	signals := job.Listen()
	defer signals.Stop()
	result := job.Run(signals, c.command[0], c.command[1:]...)
	if result.Err != nil {
		fmt.Fprintf(stderr, "fennel: run: %v\n", result.Err)
	}
	ctx, cancel := signals.Context()
	defer cancel()
	err := c.export(ctx, &result)
	if err == nil {
		return result.Status
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(stderr, "fennel: run: %s\n", strings.TrimSuffix(line, "\n"))
	}
	if c.strict && result.Succeeded() {
		return statusFailed
	}
	return result.Status
}

// export brings the metrics to where they are wanted. One place that fails does
// not keep them from another.
func (c *runCommand) export(ctx context.Context, result *job.Result) error {
	var errs []error
	if c.textfile != "" {
		errs = append(errs, c.write(ctx, result))
	}
	if c.gateway.url != "" {
		errs = append(errs, c.push(ctx, result))
	}
	return errors.Join(errs...)
}

// write writes the text file.
func (c *runCommand) write(ctx context.Context, result *job.Result) error {
	last, err := c.lastSuccess()
	r := report{Result: result, lastSuccess: last}
	if failed := textfile.Write(ctx, c.textfile, r.registry(c.job, c.labels)); failed != nil {
		return fmt.Errorf("the metrics could not be written: %w", failed)
	}
	return err
}

// lastSuccess reads from the old file when the job succeeded last; 0 if it doesn't
// say so.
func (c *runCommand) lastSuccess() (float64, error) {
	f, _, err := promtext.ReadFile(c.textfile)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("the time of the last success is lost: %w", err)
	}
	last, _ := f.Value(lastSuccessName)
	return last, nil
}

// push adds the metrics to those on the gateway, where the time of the last success
// stays as it is if there is no new one.
func (c *runCommand) push(ctx context.Context, result *job.Result) error {
	group, err := c.gateway.group(c.job, c.labels)
	if err != nil {
		return fmt.Errorf("the metrics could not be pushed: %w", err)
	}
	r := report{Result: result}
	if err := group.Add(ctx, r.registry("", nil)); err != nil {
		return fmt.Errorf("the metrics could not be pushed: %w", err)
	}
	return nil
}
