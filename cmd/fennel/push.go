package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fennelmetrics/fennel/cmd/fennel/internal/promtext"
	"github.com/fennelmetrics/fennel/push"
)

const pushExamples = `  fennel push --gateway=pushgateway:9091 --job=backup metrics.prom
  echo "backup_files 42" | fennel push --gateway=pushgateway:9091 --job=backup --label=instance=db1
  fennel push --add --gateway=https://pushgateway --gateway.username=ci --gateway.password-file=secret --job=build *.prom

Without --add, all that the group had before goes: also what "fennel run" has said of a run of the same job.
`

// pushCommand is "fennel push".
type pushCommand struct {
	*kingpin.CmdClause

	gateway gatewayFlags
	job     string
	labels  pairs
	add     bool
	files   []string

	group   *push.Group
	metrics *promtext.Set
}

func newPushCommand(app *kingpin.Application) *pushCommand {
	c := &pushCommand{CmdClause: app.Command("push",
		"Send metrics in the text format to a Pushgateway, where they replace all of the group that the job and the labels name. "+
			"They are checked first: if anything is wrong, nothing is sent.").
		HelpLong(pushExamples)}
	c.Arg("file", "File in the text format; - is the standard input, and so is none.").StringsVar(&c.files)
	c.Flag("job", "Name of the job.").Required().StringVar(&c.job)
	c.Flag("label", "Label of the group, beside the job. (repeatable)").PlaceHolder("NAME=VALUE").SetValue(&c.labels)
	c.Flag("add", "Leave the metrics of the group that have other names.").BoolVar(&c.add)
	c.gateway.add(c.CmdClause, true)
	c.Validate(func(*kingpin.CmdClause) error { return c.gateway.check(c.job, c.labels) })
	return c
}

// prepare makes everything ready to be pushed. What is wrong with the gateway's
// flags it says before it waits for input.
func (c *pushCommand) prepare(stdin io.Reader) (err error) {
	if c.group, err = c.gateway.group(c.job, c.labels); err != nil {
		return err
	}
	c.metrics, err = c.read(stdin)
	return err
}

// run pushes what was prepared.
func (c *pushCommand) run(ctx context.Context) error {
	if c.add {
		return c.group.Add(ctx, c.metrics)
	}
	return c.group.Push(ctx, c.metrics)
}

// read reads all files. None of them is left out.
func (c *pushCommand) read(stdin io.Reader) (*promtext.Set, error) {
	names := c.files
	if len(names) == 0 {
		names = []string{standardInput}
	}
	var files []*promtext.File
	for _, name := range names {
		f, err := readFile(name, stdin)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	set, err := promtext.Join(files...)
	if err != nil {
		return nil, err
	}
	if set.Len() == 0 {
		return nil, fmt.Errorf("there are no metrics in %q; to empty a group, use fennel delete", names)
	}
	return set, nil
}

// readFile reads a file, which may be a pipe.
func readFile(name string, stdin io.Reader) (*promtext.File, error) {
	if name == standardInput {
		return promtext.Read(name, stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return promtext.Read(name, f)
}

const deleteExamples = `  fennel delete --gateway=pushgateway:9091 --job=backup --label=instance=db1
`

// deleteCommand is "fennel delete".
type deleteCommand struct {
	*kingpin.CmdClause

	gateway gatewayFlags
	job     string
	labels  pairs
}

func newDeleteCommand(app *kingpin.Application) *deleteCommand {
	c := &deleteCommand{CmdClause: app.Command("delete",
		"Delete the group that the job and the labels name from a Pushgateway, and no other. It is no error if there is none.").
		HelpLong(deleteExamples)}
	c.Flag("job", "Name of the job.").Required().StringVar(&c.job)
	c.Flag("label", "Label of the group, beside the job. (repeatable)").PlaceHolder("NAME=VALUE").SetValue(&c.labels)
	c.gateway.add(c.CmdClause, true)
	c.Validate(func(*kingpin.CmdClause) error { return c.gateway.check(c.job, c.labels) })
	return c
}

func (c *deleteCommand) run(ctx context.Context) error {
	group, err := c.gateway.group(c.job, c.labels)
	if err != nil {
		return err
	}
	return group.Delete(ctx)
}
