package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel/exposition"
)

// oddities is what promtool must say of the metrics of [everything], which break
// its rules on purpose.
var oddities = []string{
	"consts_total no help text",
	"job:requests:rate5m metric names should not contain ':'",
	"no_help_bytes no help text",
	`no_suffix counter metrics should have "_total" suffix`,
	"stamped_twice metric not unique", // two samples with different times
	`traced_events counter metrics should have "_total" suffix`,
}

// TestLint lets promtool check all metrics of [everything]. It does not take
// names in quotes, so they are escaped.
func TestLint(t *testing.T) {
	body, err := exposition.Bytes(t.Context(), everything(t), exposition.Format{})
	if err != nil {
		t.Fatal(err)
	}
	issues := strings.Split(strings.TrimSpace(checkMetrics(t, body)), "\n")
	if !slices.Equal(issues, oddities) {
		t.Errorf("promtool check metrics:\n%s\nwant:\n%s", strings.Join(issues, "\n"), strings.Join(oddities, "\n"))
	}
}
