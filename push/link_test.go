package push

import (
	"os/exec"
	"strings"
	"testing"
)

// Programs that push, short-lived ones often, start without tables that other
// packages make for compression.
func TestPushNeedsNoOtherModule(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if .Module}}{{.ImportPath}}{{end}}",
		"github.com/fennelmetrics/fennel/push").Output()
	if err != nil {
		t.Skip("can't list packages: ", err)
	}
	for _, path := range strings.Fields(string(out)) {
		if !strings.HasPrefix(path, "github.com/fennelmetrics/fennel") {
			t.Errorf("package push needs %s", path)
		}
	}
}
