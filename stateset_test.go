package fennel_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
)

type phase string

const (
	starting phase = "starting"
	running  phase = "running"
	stopped  phase = "stopped"
)

var phases = []phase{starting, running, stopped}

func TestStateSetSerial(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(s *fennel.StateSet[phase])
		want []phase
	}{
		{"the first at the start", func(*fennel.StateSet[phase]) {}, []phase{starting}},
		{"one", func(s *fennel.StateSet[phase]) { s.Set(stopped) }, []phase{stopped}},
		{"one after the other", func(s *fennel.StateSet[phase]) { s.Set(stopped); s.Set(running) }, []phase{running}},
		{"two", func(s *fennel.StateSet[phase]) { s.Enable(stopped, true) }, []phase{starting, stopped}},
		{"on twice", func(s *fennel.StateSet[phase]) { s.Enable(starting, true) }, []phase{starting}},
		{"none", func(s *fennel.StateSet[phase]) { s.Enable(starting, false) }, nil},
		{"off twice", func(s *fennel.StateSet[phase]) { s.Enable(stopped, false) }, []phase{starting}},
		{"unknown", func(s *fennel.StateSet[phase]) { s.Set("lost"); s.Enable("lost", true) }, []phase{starting}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := fennel.NewRegistry()
			set := fennel.NewStateSet("s", "", phases, fennel.In(r))
			c.do(set)
			if got := set.States(); !slices.Equal(got, c.want) {
				t.Errorf("States() = %q, want %q", got, c.want)
			}
			var lines []string
			for i, p := range phases {
				on := slices.Contains(c.want, p)
				if state := (fennel.State{Name: string(p), On: on}); set.Enabled(p) != on || family(t, gather(t, r), "s").Samples[0].States[i] != state {
					t.Errorf("state %q is not %v", p, on)
				}
				lines = append(lines, fmt.Sprintf(`s{s=%q} %d`, p, map[bool]int{true: 1}[on]))
			}
			wantSamples(t, r, lines...)
		})
	}
}

func TestStateSetCountsUnknownStates(t *testing.T) {
	r := fennel.NewRegistry()
	set := fennel.NewStateSet("s", "", phases, fennel.In(r))
	set.Set("lost")
	set.Enable("lost", false)
	if set.Enabled("lost") {
		t.Error("a state that was not declared is on")
	}
	wantDropped(t, r, "s", "unknown_state", 2)
}

func TestStateSetHasUpTo64States(t *testing.T) {
	states := make([]string, 65)
	for i := range states {
		states[i] = fmt.Sprint("state ", i)
	}
	r := fennel.NewRegistry()
	set := fennel.NewStateSet("s", "", states[:64], fennel.In(r))
	set.Set(states[63])
	set.Enable(states[0], true)
	if got := set.States(); !slices.Equal(got, []string{"state 0", "state 63"}) {
		t.Errorf("States() = %q", got)
	}
	refused(t, "t", func() { fennel.NewStateSet("t", "", states, fennel.In(r)) }, "at most 64 states, not 65")
}

func TestStateSetIsExposedWithItsNameAsALabel(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewStateSetVec[request]("job phase", "", []phase{running, "a\"b\n"}, fennel.In(r))
	vec.With(request{"GET", 200}).Set("a\"b\n")
	want := `# TYPE "job phase" stateset
{"job phase",method="GET",status="200","job phase"="running"} 0
{"job phase",method="GET",status="200","job phase"="a\"b\n"} 1
# EOF
`
	if got := render(t, r, openMetrics); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestStateSetIsRefused(t *testing.T) {
	in := func() fennel.StateSetOption { return fennel.In(fennel.NewRegistry()) }
	for _, c := range []struct {
		name    string
		states  []string
		options []fennel.StateSetOption
		part    string
	}{
		{"s", nil, nil, "at least one state"},
		{"s", []string{"a", "b", "a"}, nil, `state "a" is there twice`},
		{"s", []string{"\xff"}, nil, "not valid UTF-8"},
		{"s", []string{"a"}, []fennel.StateSetOption{fennel.ConstLabels(fennel.Label{Name: "s"})}, `label "s" is reserved`},
		{"a.b", []string{"a"}, []fennel.StateSetOption{fennel.ConstLabels(fennel.Label{Name: "a_b"})}, `label "a_b" is reserved`},
		{"a:b", []string{"a"}, []fennel.StateSetOption{fennel.ConstLabels(fennel.Label{Name: "a_b"})}, `label "a_b" is reserved`},
		{"s", []string{"a"}, []fennel.StateSetOption{fennel.LabelNames("k")}, "label names"},
	} {
		refused(t, c.name, func() { fennel.NewStateSet(c.name, "", c.states, append(c.options, in())...) }, c.part)
	}
}

// A stateset writes its states into a label of its own name, and labels of such
// names are Prometheus' own.
func TestStateSetIsNotNamedLikeAReservedLabel(t *testing.T) {
	for _, name := range []string{"__name__", "__s", "@_name__", "-name-"} {
		r := fennel.NewRegistry()
		refused(t, name, func() { fennel.NewStateSet(name, "", []string{"a"}, fennel.In(r)) }, "reserved")
	}
}

func TestStateSetOfAnotherGoTypeIsRefused(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewStateSet("s", "", phases, fennel.In(r))
	refused(t, "s", func() {
		fennel.NewStateSet("s", "", []string{"starting", "running", "stopped"}, fennel.In(r))
	}, "Go types", "phase", "string")
}

func TestStateSetKeepsACopyOfTheStates(t *testing.T) {
	r := fennel.NewRegistry()
	states := slices.Clone(phases)
	set := fennel.NewStateSet("s", "", states, fennel.In(r))
	states[1] = "changed"
	set.Set(running)
	set.Set("changed")
	wantSamples(t, r, `s{s="starting"} 0`, `s{s="running"} 1`, `s{s="stopped"} 0`)
}

func TestStateSetConcurrent(t *testing.T) {
	r := fennel.NewRegistry()
	exclusive := fennel.NewStateSet("one", "", phases, fennel.In(r))
	letters := strings.Split("abcdefgh", "")
	shared := fennel.NewStateSet("many", "", letters, fennel.In(r))
	concurrently(func(worker int) {
		for i := range 1001 {
			exclusive.Set(phases[i%len(phases)])
			shared.Enable(letters[worker], i%2 == 0)
			if n := len(exclusive.States()); n != 1 {
				t.Errorf("%d states on, want always 1", n)
			}
			shared.Set("unknown")
		}
	})
	if got := shared.States(); !slices.Equal(got, letters) {
		t.Errorf("States() = %q, want all on", got)
	}
	wantDropped(t, r, "many", "unknown_state", workers*1001)
}

func TestNilAndZeroStateSetDoNothing(t *testing.T) {
	var none *fennel.StateSet[phase]
	var zero fennel.StateSet[phase]
	for _, set := range []*fennel.StateSet[phase]{none, &zero} {
		set.Set(running)
		set.Enable(running, true)
		if set.Enabled(running) || len(set.States()) != 0 {
			t.Error("a state is on")
		}
	}
}
