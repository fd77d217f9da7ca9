package collectors

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	fakeStat = "26231 (vim) R 5392 7446 5392 34835 7446 4218880 32533 309516 26 82 1677 44 158 99 20 0 1 0 82375 56274944 1981 18446744073709551615 4194304 6294284 140736914091744 0 0 0 0 0 12288 1870679807 0 0 0 17 0 0 0 31 0 0\n"

	fakeLimits = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max open files            2048                 4096                 files
Max address space         8589934592           unlimited            bytes
`
	fakeBoot = "cpu  301854 612 111922 8979004 3552 2 3944 0 0 0\nintr 8885917 17\nctxt 38014093\nbtime 1418183276\nprocesses 26442\n"
)

// fakeProc makes a proc filesystem of these files and returns its path.
func fakeProc(t *testing.T, files map[string]string) string {
	t.Helper()
	mount := t.TempDir()
	for name, content := range files {
		path := filepath.Join(mount, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return mount
}

// with returns the files of a healthy process, changed: "" takes one away.
func with(changes ...string) map[string]string {
	files := map[string]string{
		"stat": fakeBoot, "self/stat": fakeStat, "self/limits": fakeLimits,
		"self/fd/0": "x", "self/fd/1": "x", "self/fd/10": "x",
	}
	for i := 0; i < len(changes); i += 2 {
		files[changes[i]] = changes[i+1]
		if changes[i+1] == "" {
			delete(files, changes[i])
		}
	}
	return files
}

func TestFakeProc(t *testing.T) {
	page := float64(os.Getpagesize())
	all := map[string]float64{
		"process_cpu_seconds_total":        17.21,
		"process_open_fds":                 3,
		"process_max_fds":                  2048,
		"process_virtual_memory_bytes":     56274944,
		"process_virtual_memory_max_bytes": 8589934592,
		"process_resident_memory_bytes":    1981 * page,
		"process_start_time_seconds":       1418184099.75,
	}
	for _, test := range []struct {
		name    string
		files   map[string]string
		lacks   string // prefixes, without process_
		problem string
	}{
		{"healthy", with(), "", ""},
		{"odd name", with("self/stat", strings.Replace(fakeStat, "(vim)", "(a) b (1 2 3)\n)", 1)), "", ""},
		{"no limits", with("self/limits", ""), "max_fds virtual_memory_max", ""},
		{"no descriptors", with("self/fd/0", "", "self/fd/1", "", "self/fd/10", ""), "open_fds", ""},
		{"no boot time", with("stat", ""), "start_time", ""},
		{"bad boot time", with("stat", "cpu 1 2 3\n"), "start_time", "stat: there is no line btime"},
		{"bad stat", with("self/stat", "1 (a) R 1 2"), "cpu virtual_memory_bytes resident start_time", "self/stat: only 3 fields follow the name"},
		{"bad number", with("self/stat", strings.Replace(fakeStat, "1677", "x", 1)), "cpu virtual_memory_bytes resident start_time", `self/stat: field 14: strconv.ParseUint: parsing "x"`},
		{"bad limits", with("self/limits", "Max open files \nMax address space 1\n"), "max_fds virtual_memory_max", "self/limits: Max open files: there is no value"},
		{"two are bad", with("self/limits", "Max open files many", "stat", "btime soon\n"), "max_fds virtual_memory_max start_time", "many"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := gather(t, Process(ProcFS(fakeProc(t, test.files))))
			if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
				t.Errorf("error %v, want %q", err, test.problem)
			}
			for name, value := range all {
				f, ok := got[name]
				lacks := false
				for _, prefix := range strings.Fields(test.lacks) {
					lacks = lacks || strings.HasPrefix(name, "process_"+prefix)
				}
				if ok == lacks || ok && f.Samples[0].Value != value {
					t.Errorf("%s: got %v, want %v, lacking %v", name, f.Samples, value, lacks)
				}
			}
		})
	}
}

func TestUnlimited(t *testing.T) {
	limits := strings.NewReplacer("2048", "unlimited", "8589934592", "unlimited").Replace(fakeLimits)
	got, err := gather(t, Process(ProcFS(fakeProc(t, with("self/limits", limits)))))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"process_max_fds", "process_virtual_memory_max_bytes"} {
		if v := got[name].Samples[0].Value; v != 18446744073709551615 {
			t.Errorf("%s is %v", name, v)
		}
	}
}

func TestOptions(t *testing.T) {
	mount := fakeProc(t, with("77/stat", fakeStat))
	pid := func() (int, error) { return 77, nil }
	got, err := gather(t, Process(ProcFS(mount), WithoutOpenFDs()), Process(ProcFS(mount), Namespace("db"), PID(pid)))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := got["process_open_fds"]; ok {
		t.Error("process_open_fds is there")
	}
	if len(got) != 6+4 || got["db_process_cpu_seconds_total"].Samples[0].Value != 17.21 {
		t.Errorf("got %v", got)
	}
}

func TestVanished(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	ended := PID(func() (int, error) { return cmd.Process.Pid, nil })
	for _, test := range []struct {
		name    string
		opts    []ProcessOption
		problem string
	}{
		{"another that has ended", []ProcessOption{ended}, ""},
		{"the same, in a fake", []ProcessOption{ended, ProcFS(fakeProc(t, with()))}, ""},
		{"no proc filesystem, own", []ProcessOption{ProcFS(t.TempDir())}, "is a proc filesystem mounted at"},
		{"no proc filesystem, another", []ProcessOption{ended, ProcFS(t.TempDir())}, "is a proc filesystem mounted at"},
	} {
		got, err := gather(t, Process(test.opts...))
		if len(got) != 0 {
			t.Errorf("%s: got %v", test.name, got)
		}
		if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
}

func TestPardon(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, true},
		{&fs.PathError{Op: "open", Path: "/proc/1/limits", Err: syscall.EACCES}, true},
		{&fs.PathError{Op: "open", Path: "/proc/1/limits", Err: syscall.EPERM}, true},
		{&fs.PathError{Op: "open", Path: "/proc/1/stat", Err: syscall.ENOENT}, true},
		{&fs.PathError{Op: "read", Path: "/proc/1/stat", Err: syscall.ESRCH}, true},
		{&fs.PathError{Op: "open", Path: "/proc/1/stat", Err: syscall.EMFILE}, false},
		{context.Canceled, false},
	} {
		if got := pardon(test.err) == nil; got != test.want {
			t.Errorf("%v: got %v", test.err, got)
		}
	}
}

func TestCountNumbers(t *testing.T) {
	dir := t.TempDir()
	for i := range 1500 { // more than one call returns
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "other"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := countNumbers(t.Context(), dir); n != 1500 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := countNumbers(ctx, dir); err != context.Canceled {
		t.Errorf("canceled: %v", err)
	}
}

func TestOwnDescriptors(t *testing.T) {
	count := func() float64 {
		var r readings
		if err := readFDs(t.Context(), "/proc/self", true, &r); err != nil {
			t.Fatal(err)
		}
		return r.value[openFDs]
	}
	before := count()
	listed, err := countNumbers(t.Context(), "/proc/self/fd")
	if err != nil || float64(listed-1) != before {
		t.Errorf("counted %v, listed %d without the list's own, %v", before, listed-1, err)
	}
	for range 10 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	if after := count(); after != before+10 {
		t.Errorf("%v before, %v with 10 more", before, after)
	}
}

func TestClockWasSet(t *testing.T) {
	for _, test := range []struct {
		steady, wall time.Duration
		want         bool
	}{
		{0, 0, false},
		{time.Hour, time.Hour + 3*time.Millisecond, false},
		{time.Hour, time.Hour + time.Second, true},
		{time.Hour, 0, true},
		{time.Minute, 50 * 365 * 24 * time.Hour, true}, // a board without a battery finds out
	} {
		if got := clockWasSet(test.steady, test.wall); got != test.want {
			t.Errorf("%v, %v: got %v", test.steady, test.wall, got)
		}
	}
}

func TestBootTimeIsKept(t *testing.T) {
	mount := fakeProc(t, with())
	var b bootTime
	check := func(want float64) {
		t.Helper()
		if got, err := b.seconds(mount); got != want || err != nil {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	check(1418183276)
	if err := os.WriteFile(mount+"/stat", []byte("btime 1500000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	check(1418183276)
	b.asked = time.Time{}
	check(1500000000)
}
