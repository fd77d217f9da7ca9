package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"unsafe"
)

// system finds out about processes.
type system struct{}

var available = []quantity{cpuSeconds, openFDs, maxFDs, virtualBytes, residentBytes, startSeconds}

// maxHandles is the number of handles that any process may have.
const maxHandles = 1 << 24

// Every process has kernel32 from the start, so no other file of this name can
// be loaded in its stead.
var (
	kernel32              = syscall.NewLazyDLL("kernel32.dll")
	getProcessMemoryInfo  = kernel32.NewProc("K32GetProcessMemoryInfo")
	getProcessHandleCount = kernel32.NewProc("GetProcessHandleCount")
)

// memoryCounters is PROCESS_MEMORY_COUNTERS_EX.
type memoryCounters struct {
	size                       uint32
	pageFaultCount             uint32
	peakWorkingSetSize         uintptr
	workingSetSize             uintptr
	quotaPeakPagedPoolUsage    uintptr
	quotaPagedPoolUsage        uintptr
	quotaPeakNonPagedPoolUsage uintptr
	quotaNonPagedPoolUsage     uintptr
	pagefileUsage              uintptr
	peakPagefileUsage          uintptr
	privateUsage               uintptr
}

// read finds out about a process. Its parts fail independently.
func (*system) read(_ context.Context, _ string, pid int, countFDs bool, r *readings) error {
	h, err := open(pid)
	if err != nil {
		return pardon(err)
	}
	if pid != self {
		defer syscall.CloseHandle(h)
	}
	r.set(maxFDs, maxHandles)
	errs := []error{pardon(readTimes(h, r)), pardon(readMemory(h, r))}
	if countFDs {
		errs = append(errs, pardon(readHandles(h, r)))
	}
	return errors.Join(errs...)
}

// open returns a handle of a process.
func open(pid int) (syscall.Handle, error) {
	if pid == self {
		return syscall.GetCurrentProcess() // a constant, not to be closed
	}
	const access = 0x1000 | 0x0010 // PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_VM_READ
	h, err := syscall.OpenProcess(access, false, uint32(pid))
	if err != nil {
		return 0, fmt.Errorf("process %d: %w", pid, os.NewSyscallError("OpenProcess", err))
	}
	return h, nil
}

// pardon forgives that a process is gone or may not be looked at.
func pardon(err error) error {
	const invalidParameter = syscall.Errno(87) // OpenProcess: there is no such process
	if errors.Is(err, invalidParameter) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

func readTimes(h syscall.Handle, r *readings) error {
	var start, exit, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(h, &start, &exit, &kernel, &user); err != nil {
		return os.NewSyscallError("GetProcessTimes", err)
	}
	r.set(startSeconds, float64(start.Nanoseconds())/1e9)
	r.set(cpuSeconds, seconds(kernel)+seconds(user))
	return nil
}

// seconds returns a duration, which counts units of 100 ns.
func seconds(t syscall.Filetime) float64 {
	return float64(uint64(t.HighDateTime)<<32|uint64(t.LowDateTime)) / 1e7
}

func readMemory(h syscall.Handle, r *readings) error {
	m := memoryCounters{size: uint32(unsafe.Sizeof(memoryCounters{}))}
	ok, _, err := getProcessMemoryInfo.Call(uintptr(h), uintptr(unsafe.Pointer(&m)), uintptr(m.size))
	if ok == 0 {
		return os.NewSyscallError("GetProcessMemoryInfo", err)
	}
	r.set(virtualBytes, float64(m.privateUsage))
	r.set(residentBytes, float64(m.workingSetSize))
	return nil
}

func readHandles(h syscall.Handle, r *readings) error {
	var n uint32
	ok, _, err := getProcessHandleCount.Call(uintptr(h), uintptr(unsafe.Pointer(&n)))
	if ok == 0 {
		return os.NewSyscallError("GetProcessHandleCount", err)
	}
	r.set(openFDs, float64(n))
	return nil
}
