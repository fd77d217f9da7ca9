package collectors

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestThisProcess(t *testing.T) {
	got, err := gather(t, Process())
	if err != nil {
		t.Fatal(err)
	}
	if len(available) == 0 {
		if len(got) != 0 {
			t.Errorf("on %s there is nothing to know, but got %v", runtime.GOOS, got)
		}
		return
	}
	now := float64(time.Now().Unix())
	plausible := map[string][2]float64{
		"process_cpu_seconds_total":        {0, 3600},
		"process_open_fds":                 {3, 1e6},
		"process_max_fds":                  {16, unlimited},
		"process_virtual_memory_bytes":     {1 << 20, 1 << 50},
		"process_virtual_memory_max_bytes": {1 << 20, unlimited},
		"process_resident_memory_bytes":    {1 << 20, 1 << 40},
		"process_start_time_seconds":       {now - 3600, now + 2},
	}
	for name, f := range got {
		limits, ok := plausible[name]
		if v := f.Samples[0].Value; !ok || v < limits[0] || v > limits[1] {
			t.Errorf("%s is %v", name, v)
		}
	}
}

func TestOwnNumber(t *testing.T) {
	byNumber, err := gather(t, Process(PID(func() (int, error) { return os.Getpid(), nil })))
	if err != nil {
		t.Fatal(err)
	}
	itself, err := gather(t, Process())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"process_start_time_seconds", "process_max_fds", "process_open_fds"} {
		if f, ok := itself[name]; ok && f.Samples[0].Value != byNumber[name].Samples[0].Value {
			t.Errorf("%s: %v by number, %v by itself", name, byNumber[name].Samples, f.Samples)
		}
	}
}

func TestPIDFails(t *testing.T) {
	lost := errors.New("lost")
	for _, test := range []struct {
		name string
		pid  func() (int, error)
		want string
	}{
		{"error", func() (int, error) { return 0, lost }, "collector process: finding the process: lost"},
		{"zero", func() (int, error) { return 0, nil }, "0 is not the number of a process"},
		{"negative", func() (int, error) { return -3, nil }, "-3 is not the number of a process"},
		{"no file", PIDFile(filepath.Join(t.TempDir(), "none")), "none"},
	} {
		got, err := gather(t, Process(PID(test.pid)))
		if err == nil || !strings.Contains(err.Error(), test.want) || len(got) != 0 {
			t.Errorf("%s: got %v, %v", test.name, got, err)
		}
	}
}

func TestPIDFile(t *testing.T) {
	for _, test := range []struct {
		content string
		pid     int
		problem string
	}{
		{"123\n", 123, ""},
		{" 42 \r\n", 42, ""},
		{"7\n/var/lib/db\n5432\n", 7, ""}, // as PostgreSQL writes it
		{"", 0, `the first line is ""`},
		{"gone\n", 0, `the first line is "gone"`},
	} {
		path := filepath.Join(t.TempDir(), "pid")
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		pid, err := PIDFile(path)()
		switch {
		case pid != test.pid:
			t.Errorf("%q: got %d", test.content, pid)
		case test.problem == "" && err != nil, test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%q: error %v", test.content, err)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, test := range []struct {
		limit, infinite uint64
		want            float64
	}{
		{1024, 1<<64 - 1, 1024},
		{1<<64 - 1, 1<<64 - 1, unlimited},
		{1<<63 - 1, 1<<63 - 1, unlimited},
		{1<<64 - 3, 1<<63 - 1, unlimited}, // Solaris
	} {
		var r readings
		r.setLimit(maxFDs, test.limit, test.infinite)
		if r.value[maxFDs] != test.want || !r.known[maxFDs] {
			t.Errorf("limit %d: got %v", test.limit, r.value[maxFDs])
		}
	}
}
