package fennel_test

import (
	"math"
	"testing"

	"github.com/fennelmetrics/fennel"
)

func TestUnknownSerial(t *testing.T) {
	for v, text := range map[float64]string{
		0: "0", -1.5: "-1.5", 1 << 60: "1.152921504606847e+18",
		denormal: "5e-324", math.Inf(1): "+Inf", math.Inf(-1): "-Inf",
	} {
		r := fennel.NewRegistry()
		unknown := fennel.NewUnknown("u", "Who knows.", fennel.In(r))
		unknown.Set(v)
		if got := unknown.Value(); got != v {
			t.Errorf("Value() = %v, want %v", got, v)
		}
		if f := gather(t, r)[0]; f.Type != fennel.TypeUnknown || f.Samples[0].Value != v {
			t.Errorf("gathered %+v, want %v", f, v)
		}
		wantSamples(t, r, "u "+text)
	}
}

func TestUnknownIsUntypedInTextAndUnknownInOpenMetrics(t *testing.T) {
	r := fennel.NewRegistry()
	fennel.NewUnknown("u", "Who knows.", fennel.In(r)).Set(math.NaN())
	if got, want := render(t, r, text004), "# HELP u Who knows.\n# TYPE u untyped\nu NaN\n"; got != want {
		t.Errorf("text:\n%swant:\n%s", got, want)
	}
	if got, want := render(t, r, openMetrics), "# TYPE u unknown\n# HELP u Who knows.\nu NaN\n# EOF\n"; got != want {
		t.Errorf("OpenMetrics:\n%swant:\n%s", got, want)
	}
}

func TestUnknownConcurrent(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewUnknownVec[int]("u", "", fennel.In(r), fennel.LabelNames("worker"))
	shared := fennel.NewUnknown("shared", "", fennel.In(r))
	concurrently(func(worker int) {
		for i := range 2000 {
			shared.Set(float64(worker))
			vec.With(worker).Set(float64(i))
		}
	})
	if v := shared.Value(); v < 0 || v >= workers || v != math.Trunc(v) {
		t.Errorf("the shared value %v is none that was set", v)
	}
	for worker, u := range vec.All() {
		if u.Value() != 1999 {
			t.Errorf("worker %d: %v, want 1999", worker, u.Value())
		}
	}
}

func TestNilUnknownDoesNothing(t *testing.T) {
	var u *fennel.Unknown
	u.Set(1)
	if u.Value() != 0 {
		t.Error("a nil unknown has a value")
	}
}

func TestZeroUnknownWorksWithoutBeingExposed(t *testing.T) {
	var u fennel.Unknown
	u.Set(2)
	if got := u.Value(); got != 2 {
		t.Errorf("Value() = %v, want 2", got)
	}
}
