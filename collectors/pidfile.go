package collectors

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// PIDFile returns a function for [PID] that reads the number of the process
// from the first line of a file, which it opens anew each time. It returns an
// error if there is no such file, or no number in it.
func PIDFile(path string) func() (int, error) {
	return func() (int, error) {
		content, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		line, _, _ := strings.Cut(string(content), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return 0, fmt.Errorf("%s: the first line is %.40q and not the number of a process", path, line)
		}
		return pid, nil
	}
}
