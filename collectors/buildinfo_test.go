package collectors

import (
	"runtime"
	"testing"

	"github.com/fennelmetrics/fennel"
)

func TestBuildInfo(t *testing.T) {
	got, err := gather(t, BuildInfo())
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	f := got["go_build_info"]
	if f.Type != fennel.TypeInfo || f.Samples[0].Label("path") != "github.com/fennelmetrics/fennel" {
		t.Errorf("got %+v", f)
	}
}

func TestVersion(t *testing.T) {
	given := []fennel.Label{{Name: "version", Value: "1.2.3"}, {Name: "branch", Value: "main"}, {Name: "region", Value: "eu"}}
	got, err := gather(t, Version("my-gizmo", given...))
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	s := got["my_gizmo_build_info"].Samples[0]
	for name, want := range map[string]string{
		"version": "1.2.3", "branch": "main", "region": "eu",
		"goversion": runtime.Version(), "goos": runtime.GOOS, "goarch": runtime.GOARCH,
	} {
		if v := s.Label(name); v != want {
			t.Errorf("%s is %q, not %q", name, v, want)
		}
	}
	if s.Label("revision") == "" || s.Label("tags") == "" || len(s.Labels) != 8 {
		t.Errorf("labels %v", s.Labels)
	}
}

func TestVersionWithBadLabel(t *testing.T) {
	err := fennel.NewRegistry().Register(Version("gizmo", fennel.Label{Name: "__x", Value: "y"}))
	if err == nil {
		t.Error("a reserved label was taken")
	}
}
