package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"syscall"
)

// system finds out about processes. It keeps what it needs at the next scrape.
type system struct{ boot bootTime }

var available = []quantity{cpuSeconds, openFDs, maxFDs, virtualBytes, virtualMaxBytes, residentBytes, startSeconds}

// ticksPerSecond is the unit of times in the proc filesystem. The kernel's
// interface has it fixed at 100 on all platforms that Go knows.
const ticksPerSecond = 100

// read finds out about a process. Its parts fail independently.
func (s *system) read(ctx context.Context, mount string, pid int, countFDs bool, r *readings) error {
	dir := mount + "/self" // not Getpid: it may be another namespace's filesystem
	if pid != self {
		dir = mount + "/" + strconv.Itoa(pid)
	}
	buf := make([]byte, 4096)
	st, err := readStat(dir, buf, r)
	if errors.Is(err, fs.ErrNotExist) && (pid == self || !exists(mount+"/self")) {
		return fmt.Errorf("is a proc filesystem mounted at %s? %w", mount, err)
	}
	errs := []error{pardon(err), pardon(readLimits(dir, buf, r))}
	if err == nil {
		errs = append(errs, pardon(s.readStart(mount, st.start, r)))
	}
	if countFDs {
		errs = append(errs, pardon(readFDs(ctx, dir, pid == self || pid == os.Getpid(), r)))
	}
	return errors.Join(errs...)
}

// pardon forgives that something can't be read because it is not there, be it
// that the process has ended or that the kernel lacks it, or not permitted.
func pardon(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// readStat reads dir/stat.
func readStat(dir string, buf []byte, r *readings) (stat, error) {
	path := dir + "/stat"
	text, err := readFile(path, buf)
	if err != nil {
		return stat{}, err
	}
	s, err := parseStat(text)
	if err != nil {
		return stat{}, fmt.Errorf("%s: %w", path, err)
	}
	r.set(cpuSeconds, float64(s.user+s.system)/ticksPerSecond)
	r.set(virtualBytes, float64(s.virtual))
	r.set(residentBytes, float64(s.resident)*float64(os.Getpagesize()))
	return s, nil
}

// readStart makes a time of what the kernel says, ticks since the boot.
func (s *system) readStart(mount string, ticks uint64, r *readings) error {
	boot, err := s.boot.seconds(mount)
	if err != nil {
		return err
	}
	r.set(startSeconds, boot+float64(ticks)/ticksPerSecond)
	return nil
}

// stat is the part of /proc/<pid>/stat that is of interest.
type stat struct {
	user, system, start uint64 // ticks
	virtual             uint64 // bytes
	resident            uint64 // pages
}

// parseStat parses the fields that follow the program's name, which is in
// parentheses and may itself have any character.
func parseStat(text []byte) (s stat, err error) {
	fields := [...]struct {
		index int // counted from the process state, as 0
		value *uint64
	}{{11, &s.user}, {12, &s.system}, {19, &s.start}, {20, &s.virtual}, {21, &s.resident}}
	next, i := 0, 0
	for field := range bytes.FieldsSeq(text[bytes.LastIndexByte(text, ')')+1:]) {
		if i == fields[next].index {
			if *fields[next].value, err = strconv.ParseUint(string(field), 10, 64); err != nil {
				return stat{}, fmt.Errorf("field %d: %w", i+3, err)
			}
			if next++; next == len(fields) {
				return s, nil
			}
		}
		i++
	}
	return stat{}, fmt.Errorf("only %d fields follow the name", i)
}

// readLimits reads dir/limits, which looks like this:
//
//	Limit                     Soft Limit           Hard Limit           Units
//	Max open files            1024                 524288               files
func readLimits(dir string, buf []byte, r *readings) error {
	path := dir + "/limits"
	text, err := readFile(path, buf)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(text) {
		for _, limit := range [...]struct {
			title string
			what  quantity
		}{{"Max open files", maxFDs}, {"Max address space", virtualMaxBytes}} {
			soft, ok := bytes.CutPrefix(line, []byte(limit.title))
			if !ok {
				continue
			}
			n, err := parseLimit(soft)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", path, limit.title, err)
			}
			r.setLimit(limit.what, n, math.MaxUint64)
		}
	}
	return nil
}

// parseLimit parses the first field of a line.
func parseLimit(line []byte) (uint64, error) {
	for field := range bytes.FieldsSeq(line) {
		if string(field) == "unlimited" {
			return math.MaxUint64, nil
		}
		return strconv.ParseUint(string(field), 10, 64)
	}
	return 0, errors.New("there is no value")
}

// readFile reads a file into buf, and no more of it than fits there.
func readFile(path string, buf []byte) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n, err := io.ReadFull(f, buf)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return buf[:n], nil
}
