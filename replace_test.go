package fennel_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
)

func TestVecReplaceSerial(t *testing.T) {
	r, vec := newVec(t)
	old := vec.With(request{"GET", 200})
	old.Add(5)
	vec.With(request{"PUT", 200}).Add(6)
	for round := range 3 {
		if round > 0 {
			gather(t, r) // so that what is replaced was scraped, or was not
		}
		vec.Replace(func(next *fennel.CounterVec[request]) {
			if next.Len() != 0 {
				t.Error("it is not empty at first")
			}
			next.Create(request{"GET", 200}, request{"HEAD", round})
			next.With(request{"GET", 200}).Inc()
			if round == 2 {
				gather(t, r)
				next.Delete(request{"HEAD", round})
				next.With(request{"HEAD", round}).Add(7)
			}
			if vec.Len() != 2 {
				t.Errorf("the old ones are %d while the new ones are made, want 2", vec.Len())
			}
		})
		old.Inc()
		last := map[bool]string{false: "0", true: "7"}[round == 2]
		wantSamples(t, r, `c_total{method="GET",status="200"} 1`, `c_total{method="HEAD",status="`+strconv.Itoa(round)+`"} `+last)
		if c, ok := vec.Get(request{"GET", 200}); !ok || c == old || vec.Len() != 2 {
			t.Error("the old counter is still there")
		}
	}
	if old.Value() != 8 {
		t.Errorf("the old handle has %v, want 8", old.Value())
	}
	vec.With(request{"GET", 200}).Inc()
	vec.Delete(request{"HEAD", 2})
	vec.With(request{"A", 1})
	wantSamples(t, r, `c_total{method="A",status="1"} 0`, `c_total{method="GET",status="200"} 2`)
	vec.Replace(func(*fennel.CounterVec[request]) {})
	wantSamples(t, r)
}

func TestVecReplaceIsSeenByAllWhoShareTheMetric(t *testing.T) {
	r := fennel.NewRegistry()
	view := r.View("app_", shard("3"))
	vec := fennel.NewGaugeVec[request]("g", "", fennel.In(view))
	again := fennel.NewGaugeVec[[2]string]("g", "", fennel.In(view), fennel.LabelNames("method", "status"))
	direct := fennel.NewGaugeVec[request]("app_g", "", fennel.In(r), fennel.ConstLabels(shard("3")))
	other := fennel.NewGaugeVec[request]("app_g", "", fennel.In(r), fennel.ConstLabels(shard("4")))
	again.With([2]string{"old", "1"})
	other.With(request{"other", 1}).Set(9)
	vec.Replace(func(next *fennel.GaugeVec[request]) {
		next.With(request{"new", 1}).Set(4)
		next.With(request{"new", 2}).Set(5)
	})
	for labels, g := range again.All() {
		if want := labels[1]; labels[0] != "new" || g.Value() != map[string]float64{"1": 4, "2": 5}[want] {
			t.Errorf("%q has %v", labels, g.Value())
		}
	}
	if again.Len() != 2 || direct.Len() != 2 || vec.Len() != 2 {
		t.Errorf("%d, %d and %d series, want 2", again.Len(), direct.Len(), vec.Len())
	}
	one, _ := vec.Get(request{"new", 1})
	if g, ok := again.Get([2]string{"new", "1"}); !ok || g != one || direct.With(request{"new", 1}) != one {
		t.Error("they are not the same gauges")
	}
	if v, ok := fennel.SampleValue(t.Context(), r, "app_g", shard("3"), label("method", "new"), label("status", "2")); !ok || v != 5 {
		t.Errorf("the sample is %v, %v, want 5", v, ok)
	}
	if again.DeletePartial(label("status", "2")) != 1 || again.DeleteFunc(func(l [2]string) bool { return l[0] == "old" }) != 0 {
		t.Error("deleting goes by what was there before")
	}
	wantSamples(t, r, `app_g{shard="3",method="new",status="1"} 4`, `app_g{shard="4",method="other",status="1"} 9`)
	wantSamples(t, view, `app_g{shard="3",method="new",status="1"} 4`)
}

func TestVecReplaceThatPanicsChangesNothing(t *testing.T) {
	r, vec := newVec(t)
	vec.With(request{"GET", 200}).Inc()
	func() {
		defer func() {
			if recover() != "no" {
				t.Error("the panic was swallowed")
			}
		}()
		vec.Replace(func(next *fennel.CounterVec[request]) {
			next.With(request{"PUT", 200})
			panic("no")
		})
	}()
	vec.With(request{"GET", 200}).Inc()
	wantSamples(t, r, `c_total{method="GET",status="200"} 2`)
}

// What was handed to fill is nobody's after it: not to be used, and harmless.
func TestVecReplaceIsDoneWithItsVec(t *testing.T) {
	r, vec := newVec(t)
	var kept *fennel.CounterVec[request]
	vec.Replace(func(next *fennel.CounterVec[request]) {
		kept = next
		next.Create(request{"a", 1}, request{"b", 2})
	})
	kept.With(request{"c", 3})
	kept.Delete(request{"a", 1})
	kept.Clear()
	kept.Replace(func(next *fennel.CounterVec[request]) { next.Create(request{"d", 4}) })
	wantSamples(t, r, `c_total{method="a",status="1"} 0`, `c_total{method="b",status="2"} 0`)
	if vec.Clear() != 2 {
		t.Error("they are not two")
	}
}

func TestVecReplaceWithin(t *testing.T) {
	r, vec := newVec(t)
	vec.Replace(func(next *fennel.CounterVec[request]) {
		next.Create(request{"gone", 1})
		next.Replace(func(next *fennel.CounterVec[request]) { next.Create(request{"inner", 1}) })
		next.Create(request{"outer", 1})
		vec.Replace(func(next *fennel.CounterVec[request]) { next.Create(request{"replaced", 1}) })
		wantSamples(t, r, `c_total{method="replaced",status="1"} 0`)
	})
	wantSamples(t, r, `c_total{method="inner",status="1"} 0`, `c_total{method="outer",status="1"} 0`)
	if vec.Clear() != 2 || vec.Len() != 0 {
		t.Error("they are not two")
	}
}

// Every scrape has all of one generation and nothing of another, whatever others
// create and delete meanwhile.
func TestVecReplaceConcurrent(t *testing.T) {
	const generations, size = 60, 1500
	r := fennel.NewRegistry()
	vec := fennel.NewGaugeVec[request]("g", "", fennel.In(r))
	replace := func(generation int) {
		vec.Replace(func(next *fennel.GaugeVec[request]) {
			for i := range size {
				next.With(request{"x", i*7919%size + generation%3}).Set(float64(generation))
			}
		})
	}
	replace(0)
	var scrapers, others sync.WaitGroup
	stop := make(chan struct{})
	running := func() bool {
		select {
		case <-stop:
			return false
		default:
			return true
		}
	}
	for range 2 {
		scrapers.Go(func() {
			for running() {
				checkGeneration(t, r, size)
			}
		})
	}
	for n := range 2 {
		others.Go(func() {
			for i := 0; running(); i++ {
				labels := request{"other" + strconv.Itoa(n), i % 50}
				vec.With(labels).Set(-1)
				if i%2 == 0 {
					vec.Delete(labels)
				}
			}
		})
	}
	for generation := range generations {
		replace(generation)
	}
	close(stop)
	scrapers.Wait()
	others.Wait()
	vec.DeleteFunc(func(l request) bool { return l.Method != "x" })
	if checkGeneration(t, r, size) != generations-1 || vec.Len() != size {
		t.Errorf("%d series, want %d of the last generation", vec.Len(), size)
	}
	if n := vec.Clear(); n != size {
		t.Errorf("Clear() = %d, want %d", n, size)
	}
}

// checkGeneration scrapes, and checks that what is not others' is one generation.
func checkGeneration(t *testing.T, r *fennel.Registry, size int) (generation float64) {
	t.Helper()
	n, generation := 0, -1.0
	for _, s := range gather(t, r)[0].Samples {
		if s.Label("method") != "x" {
			continue
		}
		if n++; n > 1 && s.Value != generation {
			t.Errorf("generations %v and %v in one scrape", generation, s.Value)
			break
		}
		generation = s.Value
	}
	if n != size {
		t.Errorf("%d series of generation %v, want %d", n, generation, size)
	}
	return generation
}
