package job

import (
	"context"
	"os"
	"os/signal"
	"time"
)

// Signals are the signals that are for the command and not for this process:
// SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, and on Windows Ctrl-C. A SIGHUP
// or SIGINT that this process was told to ignore, by nohup say, it ignores still, and
// so does the command. Of the others a Go program doesn't get to know that: the
// command has their defaults.
//
// The command is in the process group of this process, so that it has the terminal
// as if it had been started by itself. When keys of the terminal send SIGINT or
// SIGQUIT, it gets them from there, and is not sent them a second time.
//
// SIGPIPE is caught, too, and dropped: that nobody reads the standard error any more
// must not end this process, as it does by default, before it is done. The command
// has the default.
type Signals struct {
	ch   chan os.Signal
	pipe chan os.Signal // nobody reads it
}

// Listen begins to catch signals.
func Listen() *Signals {
	s := &Signals{make(chan os.Signal, 16), make(chan os.Signal, 1)}
	for _, sig := range dropped {
		signal.Notify(s.pipe, sig)
	}
	for _, sig := range forwarded {
		if !signal.Ignored(sig) {
			signal.Notify(s.ch, sig)
		}
	}
	return s
}

// Stop ends that.
func (s *Signals) Stop() {
	signal.Stop(s.ch)
	signal.Stop(s.pipe)
}

// forward passes signals on until done is closed. What came too late for the
// command is dropped: it was for the command.
func (s *Signals) forward(p *os.Process, done <-chan struct{}) {
	for {
		select {
		case sig := <-s.ch:
			if !fromTerminal(sig) {
				_ = p.Signal(sig) // an error: it has just ended
			}
		case <-done:
			for len(s.ch) > 0 {
				<-s.ch
			}
			return
		}
	}
}

// grace is how long work after the command may take when a signal has come.
const grace = 3 * time.Second

// Context returns a context for what is to be done after the command: it ends some
// seconds after the next signal, whichever, or with the function that comes with it.
//
// It doesn't end at once, since that signal may be the one that has ended the
// command: who sends one to both, a terminal or systemd, may see it arrive here when
// the command is over already.
func (s *Signals) Context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-s.ch:
		case <-ctx.Done():
			return
		}
		limit := time.NewTimer(grace)
		defer limit.Stop()
		select {
		case <-limit.C:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
