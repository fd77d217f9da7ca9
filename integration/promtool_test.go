package integration

import (
	"bytes"
	"errors"
	"os/exec"
	"testing"
)

// lintIssues is promtool's exit status for "one or more lint issues detected".
const lintIssues = 3

// checkMetrics runs promtool check metrics over a body in the text format 0.0.4
// and returns what it says, one issue a line: nothing, if all is well. If it can't
// parse the body, the test fails.
func checkMetrics(t *testing.T, body []byte) string {
	t.Helper()
	ctx, cancel := beforeDeadline(t, t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, promtoolProgram.path(t), "check", "metrics")
	cmd.Stdin = bytes.NewReader(body)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == lintIssues {
		err = nil
	}
	if err != nil {
		t.Fatalf("promtool check metrics: %v\n%s", err, out)
	}
	return string(out)
}
