//go:build unix && !linux

package collectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// system finds out about this process.
type system struct{}

var available = availableHere()

// started is about when the process was started. The systems tell it exactly
// only through structures that differ with each of their versions.
var started = time.Now()

// fdDirs are the directories of this process' descriptors on the systems on
// which they are real: elsewhere they have a fixed set of device nodes.
var fdDirs = map[string]string{
	"darwin":    "/dev/fd",
	"ios":       "/dev/fd",
	"freebsd":   "/dev/fd",
	"dragonfly": "/dev/fd",
	"solaris":   "/proc/self/fd",
	"illumos":   "/proc/self/fd",
}

func availableHere() []quantity {
	all := []quantity{cpuSeconds, maxFDs, startSeconds}
	if fdDirs[runtime.GOOS] != "" {
		all = append(all, openFDs)
	}
	if rlimitAS >= 0 {
		all = append(all, virtualMaxBytes)
	}
	return all
}

// read finds out about this process. Its parts fail independently.
func (*system) read(ctx context.Context, _ string, pid int, countFDs bool, r *readings) error {
	if pid != self && pid != os.Getpid() {
		return fmt.Errorf("process %d: on %s only the own process can be measured: drop the option PID", pid, runtime.GOOS)
	}
	r.set(startSeconds, float64(started.UnixNano())/1e9)
	var errs []error
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		errs = append(errs, os.NewSyscallError("getrusage", err))
	} else {
		r.set(cpuSeconds, float64(used.Utime.Nano()+used.Stime.Nano())/1e9)
	}
	errs = append(errs, readLimit(syscall.RLIMIT_NOFILE, maxFDs, r))
	if rlimitAS >= 0 {
		errs = append(errs, readLimit(rlimitAS, virtualMaxBytes, r))
	}
	if dir := fdDirs[runtime.GOOS]; dir != "" && countFDs {
		errs = append(errs, readFDs(ctx, dir, r))
	}
	return errors.Join(errs...)
}

// readLimit reads a soft limit.
func readLimit(which int, q quantity, r *readings) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(which, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	// The systems' infinities are this and, in two's complement, -1 to -3.
	r.setLimit(q, uint64(limit.Cur), 1<<63-1)
	return nil
}

// readFDs counts the descriptors in dir. The one that counting them takes is
// not counted; if it is not in the list at all, then the list is not real, as
// on FreeBSD where fdescfs is not mounted, and nothing is said.
func readFDs(ctx context.Context, dir string, r *readings) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	own, seen, total := strconv.Itoa(int(d.Fd())), false, 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		names, err := d.Readdirnames(512)
		for _, name := range names {
			if name == own {
				seen = true
			} else {
				total++
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if seen {
		r.set(openFDs, float64(total))
	}
	return nil
}
