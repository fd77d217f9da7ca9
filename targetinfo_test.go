package fennel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

func setTarget(t *testing.T, r *fennel.Registry, labels ...fennel.Label) {
	t.Helper()
	if err := r.SetTargetInfo(labels...); err != nil {
		t.Fatal(err)
	}
}

func TestTargetInfoComesFirst(t *testing.T) {
	declared, collected, set := fennel.NewRegistry(), fennel.NewRegistry(), fennel.NewRegistry()
	fennel.NewInfo("target_info", "Target metadata", struct {
		S string `label:"service.name"`
	}{"x"}, fennel.In(declared))
	register(t, collected, func(w *fennel.Writer) error {
		w.Info("target_info", "Target metadata", fennel.LabelNames("service.name")).Write("x")
		w.Gauge("z", "").Write(1)
		return nil
	})
	setTarget(t, set, label("service.name", "x"))
	for _, r := range []*fennel.Registry{declared, collected, set} {
		fennel.NewGauge("a", "", fennel.In(r)).Set(1)
		register(t, r, func(w *fennel.Writer) error { w.Gauge("b", "").Write(1); return nil })
		for _, g := range []fennel.Gatherer{r, fennel.Merge(r), fennel.Merge(fennel.NewRegistry(), foreign{r}), fennel.Merge(declared, collected, set, r)} {
			for syntax, want := range map[exposition.Syntax]string{
				exposition.Text004:        "# HELP target_info Target metadata\n# TYPE target_info gauge\ntarget_info{service_name=\"x\"} 1\n# TYPE a gauge\na 1\n",
				exposition.OpenMetrics100: "# TYPE target info\n# HELP target Target metadata\ntarget_info{service_name=\"x\"} 1\n# TYPE a gauge\na 1\n",
			} {
				body, err := exposition.Bytes(t.Context(), g, exposition.Format{Syntax: syntax})
				if err != nil && !fennel.Partial(err) {
					t.Fatal(err)
				}
				if got := string(body); !strings.HasPrefix(got, want) {
					t.Errorf("body:\n%swant it to begin with:\n%s", got, want)
				}
			}
		}
		if families, _ := gatherPartial(t, r); families[0].Name != "target_info" || families[1].Name != "a" {
			t.Errorf("gathered %s", names(families))
		}
		wantSamples(t, fennel.Only(r, "target"), `target_info{"service.name"="x"} 1`)
	}
	if d := set.Descs(); d[0].Name != "target_info" || d[1].Name != "a" {
		t.Errorf("descriptions %+v", d)
	}
}

func TestSetTargetInfoReplaces(t *testing.T) {
	r := fennel.NewRegistry()
	v := r.View("v_", shard("1"))
	setTarget(t, r)
	setTarget(t, r, label("b", "1"), label("a", "\"\n"))
	wantSamples(t, r, `target_info{a="\"\n",b="1"} 1`)
	wantSamples(t, v)
	setTarget(t, v, label("c", "2"))
	for _, r := range []*fennel.Registry{r, v} {
		wantSamples(t, r, `target_info{c="2"} 1`)
	}
	setTarget(t, r, label("c", "3"))
	wantSamples(t, v)
	wantSamples(t, r, `target_info{c="3"} 1`)
	setTarget(t, v)
	wantSamples(t, r)
	if len(r.Descs())+len(v.Descs()) != 0 {
		t.Error("it is still described")
	}
	setTarget(t, r, label("d", ""))
	if !r.Forget("target_info") || r.Forget("target_info") {
		t.Error("it is not forgotten once")
	}
	setTarget(t, r, label("d", ""))
	wantSamples(t, r, `target_info{d=""} 1`)
	setTarget(t, nil, label("__", "\xff"))
}

func TestSetTargetInfoSaysWhatIsWrong(t *testing.T) {
	legacy := fennel.WithLegacyNames()
	for name, c := range map[string]struct {
		labels []fennel.Label
		want   string
	}{
		"empty name":      {[]fennel.Label{label("", "x")}, "a label name is empty"},
		"reserved":        {[]fennel.Label{label("__a", "x")}, `label "__a" is reserved`},
		"twice":           {[]fennel.Label{label("a", "x"), label("b", ""), label("a", "y")}, `label "a" is there twice`},
		"name, bytes":     {[]fennel.Label{label("a\xff", "x")}, "is not valid UTF-8"},
		"value, bytes":    {[]fennel.Label{label("a", "\xff")}, `the value of constant label "a" is not valid UTF-8`},
		"escaped alike":   {[]fennel.Label{label("a.b", ""), label("a_b", "")}, `"a.b" and "a_b"`},
		"not the charset": {[]fennel.Label{label("é", "x")}, "legacy names only"},
	} {
		t.Run(name, func(t *testing.T) {
			r := fennel.NewRegistry()
			if name == "not the charset" {
				r = fennel.NewRegistry(legacy)
			}
			setTarget(t, r, label("kept", "1"))
			err := r.SetTargetInfo(c.labels...)
			var refused *fennel.DeclarationError
			if !errors.As(err, &refused) || refused.Metric != "target_info" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			wantSamples(t, r, `target_info{kept="1"} 1`)
		})
	}
}

func TestSetTargetInfoClashes(t *testing.T) {
	target := label("a", "1")
	r := fennel.NewRegistry()
	fennel.NewInfo("target_info", "Target metadata", struct{}{}, fennel.In(r), fennel.ConstLabels(target))
	for _, labels := range [][]fennel.Label{{target}, {}} {
		if err := r.SetTargetInfo(labels...); err == nil || !strings.Contains(err.Error(), "SetTargetInfo can't change that one") {
			t.Errorf("error %v", err)
		}
	}
	wantSamples(t, r, `target_info{a="1"} 1`)

	r = fennel.NewRegistry()
	setTarget(t, r, target)
	wantRefusal(t, func() {
		fennel.NewInfo("target_info", "Target metadata", struct{}{}, fennel.In(r), fennel.ConstLabels(target))
	}, "the Go types that they are made of")
	wantRefusal(t, func() { fennel.NewGauge("target_info", "", fennel.In(r)) }, "they differ in type")
	fennel.NewGauge("target", "", fennel.In(r))
	if body := render(t, r, openMetrics); !strings.Contains(body, "# TYPE target_info gauge\n") {
		t.Errorf("with a gauge target the body is:\n%s", body)
	}

	r = fennel.NewRegistry()
	r.MustRegister(&described{descs: []fennel.Desc{{Name: "target_info", Type: fennel.TypeInfo}}})
	if err := r.SetTargetInfo(target); err == nil || !strings.Contains(err.Error(), `both expose the name "target_info"`) {
		t.Errorf("error %v", err)
	}
}

func TestTargetInfoThroughMerge(t *testing.T) {
	a, b, g := twoRegistries()
	setTarget(t, a, label("a", "1"))
	setTarget(t, b, label("a", "1"))
	wantSamples(t, g, `target_info{a="1"} 1`) // said twice, served once
	setTarget(t, b, label("b", "2"))
	fennel.NewGauge("a", "", fennel.In(a))
	wantSamples(t, g, `target_info{a="1"} 1`, `target_info{b="2"} 1`, "a 0")
}

// No scrape misses it while it is replaced.
func TestSetTargetInfoConcurrent(t *testing.T) {
	r := fennel.NewRegistry()
	setTarget(t, r, label("a", "1"))
	concurrently(func(worker int) {
		for range 50 {
			if err := r.SetTargetInfo(label([]string{"a", "b"}[worker%2], "1")); err != nil {
				t.Error(err)
			}
			if families := gather(t, r); len(families) != 1 || len(families[0].Samples) != 1 {
				t.Errorf("gathered %+v", families)
			}
		}
	})
}
