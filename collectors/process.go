package collectors

import (
	"context"
	"fmt"
	"math"

	"github.com/fennelmetrics/fennel"
)

// quantity is one of the things that can be said of a process.
type quantity int

const (
	cpuSeconds quantity = iota
	openFDs
	maxFDs
	virtualBytes
	virtualMaxBytes
	residentBytes
	startSeconds
	numQuantities
)

// quantities describes them: the names that all Prometheus clients use.
var quantities = [numQuantities]struct {
	typ              fennel.Type
	name, help, unit string
}{
	cpuSeconds:      {fennel.TypeCounter, "process_cpu_seconds_total", "CPU time that the process has used, in user and in system mode.", "seconds"},
	openFDs:         {fennel.TypeGauge, "process_open_fds", "File descriptors that are open.", ""},
	maxFDs:          {fennel.TypeGauge, "process_max_fds", "File descriptors that may be open at once.", ""},
	virtualBytes:    {fennel.TypeGauge, "process_virtual_memory_bytes", "Size of the virtual memory.", "bytes"},
	virtualMaxBytes: {fennel.TypeGauge, "process_virtual_memory_max_bytes", "Size that the virtual memory may have; 2^64 if it is not limited.", "bytes"},
	residentBytes:   {fennel.TypeGauge, "process_resident_memory_bytes", "Physical memory that the process holds.", "bytes"},
	startSeconds:    {fennel.TypeGauge, "process_start_time_seconds", "When the process was started, in seconds since 1970.", "seconds"},
}

// unlimited is the value of a limit that isn't there. Other clients expose the
// kernel's number for it, the largest integer, and so alerts and graphs know it;
// +Inf would be a break in every series.
const unlimited = float64(math.MaxUint64)

// self stands for the process that the collector runs in.
const self = 0

// readings is what could be found out about a process.
type readings struct {
	value [numQuantities]float64
	known [numQuantities]bool
}

func (r *readings) set(q quantity, value float64) {
	r.value[q], r.known[q] = value, true
}

// setLimit sets a quantity to a limit of which infinite means that there is
// none.
func (r *readings) setLimit(q quantity, limit, infinite uint64) {
	if limit >= infinite {
		r.set(q, unlimited)
		return
	}
	r.set(q, float64(limit))
}

// process is the collector that [Process] returns.
type process struct {
	namespace string
	pid       func() (int, error) // nil for this process
	mount     string              // of the proc filesystem
	noFDs     bool

	families [numQuantities]family
	system   system
}

// ProcessOption is an option of [Process].
type ProcessOption func(*process)

// Namespace prefixes all names with this word and an underscore, so that
// several processes can be measured side by side: with "db" there is
// db_process_cpu_seconds_total and so on.
func Namespace(name string) ProcessOption {
	return func(p *process) { p.namespace = name }
}

// PID measures another process than this one. pid is called at each scrape,
// perhaps by several goroutines at once, so that a process that was started
// anew is followed: see [PIDFile]. While there is no such process nothing is
// written, and that is no error; an error of pid is one.
//
// Other processes can be measured on Linux and on Windows, as far as the system
// lets this one look at them.
func PID(pid func() (int, error)) ProcessOption {
	return func(p *process) { p.pid = pid }
}

// ProcFS says where the proc filesystem is mounted, by default at /proc. In a
// container it can be the host's. Only Linux has one that is read.
func ProcFS(mount string) ProcessOption {
	return func(p *process) { p.mount = mount }
}

// WithoutOpenFDs leaves out process_open_fds. Linux before 6.2 and most other
// systems know the number only by listing all descriptors: a microsecond for
// each, which is too dear for a process that has very many. A scrape that does not
// ask for this metric doesn't count them in any case.
func WithoutOpenFDs() ProcessOption {
	return func(p *process) { p.noFDs = true }
}

// Process returns a collector of the standard metrics of a process:
//
//	process_cpu_seconds_total         user and system time
//	process_open_fds                  on Windows: handles
//	process_max_fds                   the soft limit
//	process_virtual_memory_bytes      on Windows: private bytes
//	process_virtual_memory_max_bytes  the soft limit
//	process_resident_memory_bytes
//	process_start_time_seconds        since 1970
//
// Linux has all of them, Windows all but the limit of the memory. The other
// Unixes have the CPU time, the limits, the moment in which the program's
// packages were initialized for the start time, and, Darwin, FreeBSD, Solaris
// and their kin, the number of descriptors; their memory can't be read without
// cgo. Elsewhere there is nothing. A limit that isn't there is 2^64, as with
// other clients.
//
// What the system does not have, or does not permit to be read, is left out.
// Collect returns what else went wrong as an error, after it has written what
// it could read.
//
// There are no process_network_* metrics. What other clients expose under
// these names is the traffic of the whole network namespace, often that of the
// machine or the pod, for Linux does not count it by process.
//
// The start time on Linux is counted from the boot: if the clock is set, it
// moves along.
func Process(opts ...ProcessOption) fennel.Collector {
	p := &process{mount: "/proc"}
	for _, opt := range opts {
		opt(p)
	}
	for q, d := range quantities {
		p.families[q] = newFamily(d.typ, p.prefix()+d.name, d.help, d.unit)
	}
	return p
}

func (p *process) prefix() string {
	if p.namespace == "" {
		return ""
	}
	return p.namespace + "_"
}

// String names the collector for errors.
func (p *process) String() string { return p.prefix() + "process" }

// Describe implements [fennel.Describer].
func (p *process) Describe() []fennel.Desc {
	var descs []fennel.Desc
	for _, q := range available {
		if q != openFDs || !p.noFDs {
			descs = append(descs, p.families[q].Desc)
		}
	}
	return descs
}

// Collect implements [fennel.Collector].
func (p *process) Collect(ctx context.Context, w *fennel.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	pid, err := p.find()
	if err != nil {
		return err
	}
	var r readings
	countFDs := !p.noFDs && w.Wants(p.families[openFDs].Name)
	err = p.system.read(ctx, p.mount, pid, countFDs, &r)
	for q := range p.families {
		if r.known[q] {
			p.families[q].number(w, r.value[q])
		}
	}
	return err
}

// find returns the number of the process to measure, or self.
func (p *process) find() (int, error) {
	if p.pid == nil {
		return self, nil
	}
	pid, err := p.pid()
	if err != nil {
		return 0, fmt.Errorf("finding the process: %w", err)
	}
	if pid <= 0 {
		return 0, fmt.Errorf("finding the process: %d is not the number of a process", pid)
	}
	return pid, nil
}
