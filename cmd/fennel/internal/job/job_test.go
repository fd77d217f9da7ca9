//go:build unix

package job

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A shell finds commands in the working directory if the path says so.
func TestRunFindsCommandsAsAShellDoes(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "here"), []byte("#!/bin/sh\nexit 5\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("PATH", "."+string(os.PathListSeparator)+os.Getenv("PATH"))
	signals := Listen()
	defer signals.Stop()
	for name, want := range map[string]int{"here": 5, "./here": 5, "nowhere": StatusNotFound} {
		r := Run(signals, name)
		if r.Status != want || (r.Err != nil) != (want > 5) || r.Succeeded() || r.End.Before(r.Start) {
			t.Errorf("%s: %+v, want the status %d", name, r, want)
		}
	}
}

// A signal that was for the command is not left over for what comes after it.
func TestRunUsesUpSignals(t *testing.T) {
	signals := Listen()
	defer signals.Stop()
	if r := Run(signals, "sh", "-c", "kill -USR1 $PPID; while :; do sleep 0.01; done"); r.Status != 128+int(syscall.SIGUSR1) {
		t.Fatalf("the command got no signal: %+v", r)
	}
	if len(signals.ch) > 0 {
		t.Error("a signal is left over")
	}
	ctx, cancel := signals.Context()
	defer cancel()
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
}

// What comes after the command has some time left after a signal, and after more.
func TestContextEndsAfterTheNextSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := &Signals{ch: make(chan os.Signal, 16)}
		ctx, cancel := signals.Context()
		defer cancel()
		time.Sleep(time.Hour)
		signals.ch <- syscall.SIGINT
		signals.ch <- syscall.SIGINT
		time.Sleep(grace - time.Nanosecond)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Error("it has ended too early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if ctx.Err() == nil {
			t.Error("it has not ended")
		}
	})
}
