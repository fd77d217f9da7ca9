package collectors

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// bootTime knows when the system was started. The kernel tells it at the end of
// a long file that takes it very long to write on large machines, so it is read
// again only when it may have changed: when somebody has set the clock.
type bootTime struct {
	mu    sync.Mutex
	boot  float64   // seconds since 1970
	asked time.Time // when it was read; zero if it was not
}

// seconds returns the time of the boot in seconds since 1970.
func (b *bootTime) seconds(mount string) (float64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.asked.IsZero() && !clockWasSet(now.Sub(b.asked), now.Round(0).Sub(b.asked.Round(0))) {
		return b.boot, nil
	}
	path := mount + "/stat"
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	boot, err := parseBootTime(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	b.boot, b.asked = boot, now
	return boot, nil
}

// clockWasSet reports whether the time that passed differs between the steady
// clock and the one on the wall.
func clockWasSet(steady, wall time.Duration) bool {
	return (wall - steady).Abs() > time.Second/2
}

func parseBootTime(text []byte) (float64, error) {
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte("btime ")); ok {
			return strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
		}
	}
	return 0, fmt.Errorf("there is no line btime")
}
