package fennel_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
)

func newVec(t testing.TB) (*fennel.Registry, *fennel.CounterVec[request]) {
	t.Helper()
	r := fennel.NewRegistry()
	return r, fennel.NewCounterVec[request]("c_total", "", fennel.In(r))
}

func TestVecSerial(t *testing.T) {
	r, vec := newVec(t)
	if _, ok := vec.Get(request{"GET", 200}); ok || vec.Len() != 0 {
		t.Error("the vec is not empty at first")
	}
	c := vec.With(request{"GET", 200})
	c.Inc()
	if got, ok := vec.Get(request{"GET", 200}); !ok || got != c || vec.With(request{"GET", 200}) != c {
		t.Error("the same labels name different counters")
	}
	vec.With(request{"GET", 500}).Add(5)
	vec.With(request{"DELETE", 200})
	wantSamples(t, r,
		`c_total{method="DELETE",status="200"} 0`,
		`c_total{method="GET",status="200"} 1`,
		`c_total{method="GET",status="500"} 5`)
	if !vec.Delete(request{"GET", 200}) || vec.Delete(request{"GET", 200}) || vec.Len() != 2 {
		t.Error("Delete does not delete once")
	}
	wantSamples(t, r, `c_total{method="DELETE",status="200"} 0`, `c_total{method="GET",status="500"} 5`)
	if n := vec.Clear(); n != 2 || vec.Len() != 0 || vec.Clear() != 0 {
		t.Errorf("Clear() = %d, want 2 and then 0", n)
	}
	wantSamples(t, r)
}

func TestVecConcurrent(t *testing.T) {
	const each, sets = 2000, 50
	_, vec := newVec(t)
	concurrently(func(worker int) {
		for i := range each {
			vec.With(request{"GET", i % sets}).Inc()
			vec.With(request{strconv.Itoa(worker), i}).Inc()
		}
	})
	if n := vec.Len(); n != sets+workers*each {
		t.Errorf("%d series, want %d", n, sets+workers*each)
	}
	for labels, c := range vec.All() {
		want := 1.0
		if labels.Method == "GET" {
			want = workers * each / sets
		}
		if c.Value() != want {
			t.Errorf("%+v has %v, want %v", labels, c.Value(), want)
		}
	}
}

func TestVecCreateExposesZeros(t *testing.T) {
	r, vec := newVec(t)
	vec.With(request{"GET", 200}).Inc()
	vec.Create(request{"GET", 200}, request{"PUT", 200})
	vec.Create()
	wantSamples(t, r, `c_total{method="GET",status="200"} 1`, `c_total{method="PUT",status="200"} 0`)
}

func TestVecHandleAfterDelete(t *testing.T) {
	r, vec := newVec(t)
	old := vec.With(request{"GET", 200})
	old.Inc()
	vec.Delete(request{"GET", 200})
	old.Inc()
	if old.Value() != 2 {
		t.Errorf("the old handle has %v, want 2", old.Value())
	}
	wantSamples(t, r)
	created := vec.With(request{"GET", 200})
	if created == old {
		t.Error("the old counter has come back")
	}
	created.Add(5)
	old.Inc()
	wantSamples(t, r, `c_total{method="GET",status="200"} 5`)
	if vec.Len() != 1 {
		t.Errorf("%d series, want 1", vec.Len())
	}
}

// A series may come and go any number of times between two scrapes, and in the
// middle of many others.
func TestVecSeriesComeAndGoAmongMany(t *testing.T) {
	r, vec := newVec(t)
	const n = 1000
	for i := range n {
		vec.With(request{"GET", i}).Add(float64(i))
	}
	gather(t, r)
	for round := range 3 {
		for i := round; i < n; i += 3 {
			vec.Delete(request{"GET", i})
			vec.With(request{"GET", i}).Add(float64(2 * i))
			vec.Delete(request{"GET", i})
			vec.With(request{"GET", i}).Add(float64(3 * i))
		}
		if got := len(gather(t, r)[0].Samples); got != n {
			t.Errorf("round %d: %d samples, want %d", round, got, n)
		}
	}
	for _, s := range gather(t, r)[0].Samples {
		if i, _ := strconv.Atoi(s.Label("status")); s.Value != float64(3*i) {
			t.Errorf("status %d has %v, want %d", i, s.Value, 3*i)
		}
	}
}

func TestVecKeepsSamplesSortedByValues(t *testing.T) {
	r := fennel.NewRegistry()
	vec := fennel.NewGaugeVec[[2]string]("g", "", fennel.In(r), fennel.LabelNames("z", "a"))
	values := []string{"", "\n", " ", "!", `"`, "#", ",", "A", "\\", "]", "a", "aa", "a\n", `a"`, `a\`, "b", "ÿ", "世"}
	var want [][2]string
	for _, v := range slices.Backward(values) {
		for _, w := range values {
			vec.With([2]string{v, w})
			want = append(want, [2]string{v, w})
			if len(want)%50 == 0 {
				gather(t, r) // so that the rest comes into pages that are there
			}
		}
	}
	slices.SortFunc(want, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for i, s := range gather(t, r)[0].Samples {
		if got := [2]string{s.Label("z"), s.Label("a")}; got != want[i] {
			t.Fatalf("sample %d has %q, want %q", i, got, want[i])
		}
	}
	i := 0
	for labels := range vec.All() {
		if labels != want[i] {
			t.Fatalf("All yields %q as number %d, want %q", labels, i, want[i])
		}
		i++
	}
	if i != len(want) {
		t.Errorf("All yields %d, want %d", i, len(want))
	}
}

func TestVecDeletePartial(t *testing.T) {
	method := func(v string) fennel.Label { return fennel.Label{Name: "method", Value: v} }
	status := func(v string) fennel.Label { return fennel.Label{Name: "status", Value: v} }
	for _, c := range []struct {
		name  string
		match []fennel.Label
		want  int
	}{
		{"nothing", nil, 0},
		{"one label", []fennel.Label{method("GET")}, 2},
		{"an integer", []fennel.Label{status("200")}, 2},
		{"both labels", []fennel.Label{status("200"), method("PUT")}, 1},
		{"the same twice", []fennel.Label{method("GET"), method("GET")}, 2},
		{"a contradiction", []fennel.Label{method("GET"), method("PUT")}, 0},
		{"no such value", []fennel.Label{method("HEAD")}, 0},
		{"no such label", []fennel.Label{method("GET"), {Name: "other", Value: "x"}}, 0},
		{"an empty value", []fennel.Label{method("")}, 1},
	} {
		_, vec := newVec(t)
		vec.Create(request{"GET", 200}, request{"GET", 500}, request{"PUT", 200}, request{"", 404})
		if n := vec.DeletePartial(c.match...); n != c.want || vec.Len() != 4-c.want {
			t.Errorf("%s: removed %d, %d left, want %d removed", c.name, n, vec.Len(), c.want)
		}
		for labels := range vec.All() {
			if c.name == "one label" && labels.Method == "GET" {
				t.Errorf("%+v is left", labels)
			}
		}
	}
}

func TestVecDeleteFunc(t *testing.T) {
	r, vec := newVec(t)
	for i := range 600 {
		vec.With(request{"GET", i})
	}
	n := vec.DeleteFunc(func(labels request) bool {
		vec.With(request{"PUT", labels.Status}) // no lock is held
		return labels.Status != 7
	})
	if n != 599 || vec.Len() != 601 {
		t.Errorf("%d removed, %d left, want 599 and 601", n, vec.Len())
	}
	if n := len(gather(t, r)[0].Samples); n != 601 {
		t.Errorf("%d samples, want 601", n)
	}
}

func TestVecDeleteFuncDoesNotCountWhatOthersDeleted(t *testing.T) {
	_, vec := newVec(t)
	vec.Create(request{"a", 1}, request{"b", 1})
	n := vec.DeleteFunc(func(labels request) bool { vec.Clear(); return true })
	if n != 0 || vec.Len() != 0 {
		t.Errorf("%d removed, want 0", n)
	}
}

func TestVecAllWhileCreatingAndDeleting(t *testing.T) {
	_, vec := newVec(t)
	vec.Create(request{"a", 1}, request{"b", 1}, request{"c", 1}, request{"d", 1})
	var seen []string
	for labels := range vec.All() {
		seen = append(seen, labels.Method)
		vec.Delete(request{"c", 1})
		vec.With(request{"bb", 1})
	}
	if got := strings.Join(seen, " "); got != "a b d" {
		t.Errorf("seen: %s, want what was there at the start and still is", got)
	}
	for range vec.All() {
		break
	}
}

func TestVecConcurrentIterationCreationAndDeletion(t *testing.T) {
	r, vec := newVec(t)
	vec.With(request{"kept", 1}).Add(42)
	concurrently(func(worker int) {
		for i := range 200 {
			labels := request{strconv.Itoa(worker % 2), i}
			switch worker % 4 {
			case 0, 1:
				vec.With(labels).Inc()
				vec.Delete(labels)
			case 2:
				vec.DeleteFunc(func(l request) bool { return l.Method == "0" && l.Status%2 == 0 })
				vec.DeletePartial(fennel.Label{Name: "method", Value: "1"}, fennel.Label{Name: "status", Value: strconv.Itoa(i)})
			case 3:
				checkKept(t, vec)
				gather(t, r)
			}
		}
	})
	for i := range 200 {
		vec.Delete(request{"0", i})
		vec.Delete(request{"1", i})
	}
	wantSamples(t, r, `c_total{method="kept",status="1"} 42`)
	if vec.Len() != 1 {
		t.Errorf("%d series, want 1", vec.Len())
	}
}

// checkKept checks that an iteration sees the series that is never deleted,
// once, and all others in order.
func checkKept(t *testing.T, vec *fennel.CounterVec[request]) {
	t.Helper()
	kept, last := 0, ""
	for labels, c := range vec.All() {
		if labels.Method == "kept" {
			kept++
			if c.Value() != 42 {
				t.Errorf("the kept counter has %v, want 42", c.Value())
			}
		}
		if text := fmt.Sprintf("%s\x00%d", labels.Method, labels.Status); text <= last {
			t.Errorf("%q comes after %q", text, last)
		} else {
			last = text
		}
	}
	if kept != 1 {
		t.Errorf("the kept counter was seen %d times", kept)
	}
}

func TestVecClearWhileCreating(t *testing.T) {
	r, vec := newVec(t)
	concurrently(func(worker int) {
		for i := range 500 {
			if worker == 0 {
				vec.Clear()
				continue
			}
			vec.With(request{strconv.Itoa(worker), i}).Inc()
		}
	})
	n := vec.Len()
	if got := vec.Clear(); got != n || vec.Len() != 0 {
		t.Errorf("Clear() = %d, Len was %d, is %d", got, n, vec.Len())
	}
	wantSamples(t, r)
}

func TestNilVecDoesNothing(t *testing.T) {
	var vec *fennel.CounterVec[request]
	labels := request{"GET", 200}
	vec.With(labels).Inc()
	vec.Create(labels)
	if c, ok := vec.Get(labels); c != nil || ok || vec.With(labels) != nil {
		t.Error("a nil vec has a metric")
	}
	deleted := vec.DeleteFunc(func(request) bool { return true }) + vec.DeletePartial(fennel.Label{}) + vec.Clear()
	if vec.Delete(labels) || deleted != 0 || vec.Len() != 0 {
		t.Error("a nil vec deletes")
	}
	vec.Replace(func(*fennel.CounterVec[request]) { t.Error("a nil vec asks for metrics") })
	for range vec.All() {
		t.Error("a nil vec yields")
	}
}
