package fennelhttp

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// timeoutHeader is how Prometheus says after how many seconds, a decimal number,
// it will take no more. The clock runs from before it connects until it has the
// last byte.
const timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// withTimeout returns a context that ends a little before the scraper gives up,
// if it says when. What is no time, or as good as none, is passed over.
func withTimeout(ctx context.Context, header http.Header) (context.Context, context.CancelFunc) {
	lines := header[timeoutHeader]
	if len(lines) == 0 {
		return ctx, func() {}
	}
	timeout := parseTimeout(lines[0])
	if timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout-timeoutMargin(timeout))
}

// parseTimeout returns 0 for what is passed over. That a decimal number is digits and
// a point is not left to [strconv.ParseFloat], which few servers have linked: it is 14
// kB.
func parseTimeout(s string) time.Duration {
	whole, fraction, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseUint(whole, 10, 32)
	if err != nil {
		return 0
	}
	timeout := time.Duration(seconds) * time.Second
	for i, unit := 0, time.Second/10; i < len(fraction); i, unit = i+1, unit/10 {
		digit := fraction[i] - '0'
		if digit > 9 {
			return 0
		}
		timeout += time.Duration(digit) * unit
	}
	if timeout > maxTimeout {
		return 0
	}
	return timeout
}

// maxTimeout is more than anybody can mean.
const maxTimeout = 24 * time.Hour

// timeoutMargin is the time that is kept for the network and for the last piece:
// a twentieth, but 10 ms to 500 ms, and no more than half.
func timeoutMargin(timeout time.Duration) time.Duration {
	return min(max(timeout/20, 10*time.Millisecond), 500*time.Millisecond, timeout/2)
}
