package fennel_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/fennelmetrics/fennel"
)

type build struct {
	Version string `label:"version"`
	Release bool   `label:"release"`
	Major   uint8  `label:"major"`
}

func TestInfoSerial(t *testing.T) {
	r := fennel.NewRegistry()
	info := fennel.NewInfo("build_info", "Of the program.", build{"1.2", true, 1}, fennel.In(r))
	want := `# TYPE build info
# HELP build Of the program.
build_info{version="1.2",release="true",major="1"} 1
# EOF
`
	if got := render(t, r, openMetrics); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	info.Set(build{"1.3\n\"", false, 255})
	wantSamples(t, r, `build_info{version="1.3\n\"",release="false",major="255"} 1`)
	if v, ok := info.Value(); !ok || v != (build{"1.3\n\"", false, 255}) {
		t.Errorf("Value() = %v, %v", v, ok)
	}
	if f := gather(t, r)[0]; f.Type != fennel.TypeInfo || f.Samples[0].Value != 1 || f.Samples[0].Label("major") != "255" {
		t.Errorf("gathered %+v", f)
	}
}

func TestInfoDeclaredAgainHasTheNewValue(t *testing.T) {
	r := fennel.NewRegistry()
	first := fennel.NewInfo("build_info", "", build{Version: "1"}, fennel.In(r))
	if second := fennel.NewInfo("build_info", "", build{Version: "2"}, fennel.In(r)); second != first {
		t.Error("the second is another info")
	}
	if v, _ := first.Value(); v.Version != "2" {
		t.Errorf("Value() = %v, want version 2", v)
	}
}

func TestInfoVecExposesWhatWasSet(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewInfoVec[request, build]("build_info", "", fennel.In(r),
		fennel.ConstLabels(fennel.Label{Name: "a", Value: "0"}))
	vec.With(request{"GET", 1})
	vec.With(request{"PUT", 2}).Set(build{"2", false, 2})
	vec.With(request{"HEAD", 3}).Set(build{"3", false, 3})
	wantSamples(t, r,
		`build_info{a="0",method="HEAD",status="3",version="3",release="false",major="3"} 1`,
		`build_info{a="0",method="PUT",status="2",version="2",release="false",major="2"} 1`)
	if _, ok := vec.With(request{"GET", 1}).Value(); ok {
		t.Error("an info that was not set has a value")
	}
	if n := len(gather(t, r)[0].Samples); n != 2 {
		t.Errorf("%d samples gathered, want 2", n)
	}
}

func TestInfoWithoutLabels(t *testing.T) {
	r := fennel.NewRegistry()
	info := fennel.NewInfo("up_info", "", struct{}{}, fennel.In(r))
	wantSamples(t, r, "up_info 1")
	info.Set(struct{}{})
	vec := fennel.NewInfoVec[string, struct{}]("k_info", "", fennel.In(r), fennel.LabelNames("k"))
	vec.With("a").Set(struct{}{})
	wantSamples(t, r, `k_info{k="a"} 1`, "up_info 1")
}

func TestInfoStringsAreCloned(t *testing.T) {
	r := fennel.NewRegistry()
	buffer := []byte("1.0")
	info := fennel.NewInfo("build_info", "", build{Version: unsafe.String(&buffer[0], len(buffer))}, fennel.In(r))
	copy(buffer, "9.9")
	if v, _ := info.Value(); v.Version != "1.0" {
		t.Errorf("Value() = %v", v)
	}
	wantSamples(t, r, `build_info{version="1.0",release="false",major="0"} 1`)
}

func TestInfoMendsWhatIsNotUTF8(t *testing.T) {
	r := fennel.NewRegistry()
	info := fennel.NewInfo("build_info", "", build{Version: "a\xffb"}, fennel.In(r))
	if v, _ := info.Value(); v.Version != "a\uFFFDb" {
		t.Errorf("Value() = %q", v.Version)
	}
	wantSamples(t, r, "build_info{version=\"a\uFFFDb\",release=\"false\",major=\"0\"} 1")
	if got := own(t, r, "fennel_mended_labels_total", "build_info"); got != 1 {
		t.Errorf("%v label sets mended, want 1", got)
	}
}

func TestInfoIsRefused(t *testing.T) {
	type other build
	in := func() fennel.InfoOption { return fennel.In(fennel.NewRegistry()) }
	for _, c := range []struct {
		metric  string
		declare func()
		part    string
	}{
		{"build", func() { fennel.NewInfo("build", "", build{}, in()) }, `must end in _info: call it "build_info"`},
		{"_info", func() { fennel.NewInfo("_info", "", build{}, in()) }, "must end in _info"},
		{"x_info", func() { fennel.NewInfo("x_info", "", 7, in()) }, "int"},
		{"x_info", func() { fennel.NewInfo("x_info", "", struct{ A string }{}, in()) }, "field A has no tag"},
		{"x_info", func() { fennel.NewInfo("x_info", "", build{}, in(), fennel.LabelNames("a")) }, "label names"},
		{"x_info", func() {
			fennel.NewInfo("x_info", "", build{}, in(), fennel.ConstLabels(fennel.Label{Name: "version", Value: "1"}))
		}, `label "version" is there twice`},
		{"x_info", func() { fennel.NewInfoVec[build, other]("x_info", "", in()) }, `label "version" is there twice`},
	} {
		refused(t, c.metric, c.declare, c.part)
	}
}

// An info must be a struct, so the option that names an array's elements is no
// way out: the message must not send the user there.
func TestInfoOfAnArrayIsRefusedWithAMendThatWorks(t *testing.T) {
	_, err := fennel.Try(func() any {
		return fennel.NewInfo("x_info", "", [1]string{"a"}, fennel.In(fennel.NewRegistry()))
	})
	if err == nil || strings.Contains(err.Error(), "LabelNames") {
		t.Errorf("the error is: %v; want it to ask for a struct", err)
	}
}

// A record of one Go type must never be taken for one of another.
func TestInfoOfAnotherGoTypeIsRefused(t *testing.T) {
	type number struct {
		Version int64 `label:"version"`
	}
	type text struct {
		Version string `label:"version"`
	}
	r := fennel.NewRegistry()
	fennel.NewInfo("x_info", "", text{"1"}, fennel.In(r))
	refused(t, "x_info", func() { fennel.NewInfo("x_info", "", number{1}, fennel.In(r)) }, "Go types", "text", "number")
	refused(t, "x_info", func() { fennel.NewInfoVec[text, struct{}]("x_info", "", fennel.In(r)) }, "they differ in")
	refused(t, "x_info", func() { fennel.NewInfoVec[struct{}, number]("x_info", "", fennel.In(r)) }, "they differ in")
	wantSamples(t, r, `x_info{version="1"} 1`)
}

func TestInfoConcurrent(t *testing.T) {
	r := fennel.NewRegistry()
	info := fennel.NewInfo("build_info", "", build{Version: "0"}, fennel.In(r))
	concurrently(func(worker int) {
		text := strings.Repeat(string(rune('a'+worker)), worker+1)
		for range 500 {
			info.Set(build{text, true, uint8(worker)})
			if v, _ := info.Value(); v.Version != "0" && len(v.Version) != int(v.Major)+1 {
				t.Errorf("torn: %+v", v)
			}
			s := gather(t, r)[0].Samples[0]
			if v, major := s.Label("version"), s.Label("major"); v != "0" && string(rune('0'+len(v)-1)) != major {
				t.Errorf("gathered torn: %q, %q", v, major)
			}
		}
	})
}

func TestNilAndZeroInfoDoNothing(t *testing.T) {
	var none *fennel.Info[build]
	var zero fennel.Info[build]
	for _, info := range []*fennel.Info[build]{none, &zero} {
		info.Set(build{Version: "1"})
		if _, ok := info.Value(); ok {
			t.Error("it has a value")
		}
	}
}
