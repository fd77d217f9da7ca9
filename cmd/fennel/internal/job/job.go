// Package job runs a command as if it had been started without anybody in
// between, and measures it.
package job

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"time"
)

// Exit statuses of commands that were not run, as shells and env have them.
const (
	StatusNotRun   = 126 // it is there, but can't be run
	StatusNotFound = 127
)

// Result is what became of a command.
type Result struct {
	Start, End time.Time
	Status     int   // exit status, as a shell has it: 128+n after signal n
	Err        error // why it was not run, or nil

	User, System time.Duration // CPU time, with that of its children it has waited for
	MaxResident  int64         // bytes of the largest of these processes; 0 where that isn't known
}

// Duration returns how long the command took, whatever became of the clock.
func (r *Result) Duration() time.Duration { return r.End.Sub(r.Start) }

// Succeeded reports whether the exit status says so.
func (r *Result) Succeeded() bool { return r.Status == 0 }

// Run runs a command, which has this process's standard input, output and error
// themselves, and passes signals on to it.
func Run(signals *Signals, name string, args ...string) Result {
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if errors.Is(cmd.Err, exec.ErrDot) {
		cmd.Err = nil // a shell would find it there, too
	}
	r := Result{Start: time.Now()}
	if r.Err = cmd.Start(); r.Err != nil {
		r.End, r.Status = time.Now(), StatusNotRun
		if errors.Is(r.Err, exec.ErrNotFound) || errors.Is(r.Err, fs.ErrNotExist) {
			r.Status = StatusNotFound
		}
		return r
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // the state has all that it says
	}()
	signals.forward(cmd.Process, done)
	r.End = time.Now()
	r.Status = status(cmd.ProcessState)
	r.User, r.System = cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime()
	r.MaxResident = maxResident(cmd.ProcessState)
	return r
}
