package push

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// collect returns a registry with one collector.
func collect(write func(w *fennel.Writer)) *fennel.Registry {
	reg := fennel.NewRegistry()
	reg.MustRegister(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error {
		write(w)
		return nil
	}))
	return reg
}

// What a gateway refuses, or would overwrite without a word, is found before
// anything is sent.
func TestRefusedBeforeSending(t *testing.T) {
	in := func(declare func(fennel.MetricOption)) *fennel.Registry {
		reg := fennel.NewRegistry()
		declare(fennel.In(reg))
		return reg
	}
	tests := map[string]struct {
		metrics fennel.Gatherer
		opts    []Option
		want    []string
	}{
		"grouping label": {
			in(func(in fennel.MetricOption) {
				fennel.NewCounterVec[string]("a_total", "A.", in, fennel.LabelNames("instance")).With("x")
			}),
			[]Option{Grouping("instance", "i")},
			[]string{`metric "a_total"`, `label "instance"`, "grouping label"},
		},
		"constant label": {
			in(func(in fennel.MetricOption) {
				fennel.NewGauge("b", "B.", in, fennel.ConstLabels(fennel.Label{Name: "zone", Value: "z"}))
			}),
			[]Option{Grouping("zone", "z")},
			[]string{`metric "b"`, `label "zone"`},
		},
		"job": {
			in(func(in fennel.MetricOption) {
				fennel.NewGaugeVec[string]("c", "C.", in, fennel.LabelNames("job")).With("x")
			}),
			nil,
			[]string{`metric "c"`, `label "job"`, "rename the label"},
		},
		"le": {
			in(func(in fennel.MetricOption) { fennel.NewHistogram("d", "D.", in) }),
			[]Option{Grouping("le", "1")},
			[]string{`metric "d"`, `label "le"`},
		},
		"quantile": {
			collect(func(w *fennel.Writer) {
				w.Summary("e", "E.", []float64{0.5}).Write(fennel.SummaryValue{Count: 1, Sum: 1, Quantiles: []float64{1}})
			}),
			[]Option{Grouping("quantile", "1")},
			[]string{`metric "e"`, `label "quantile"`},
		},
		"stateset": {
			in(func(in fennel.MetricOption) {
				fennel.NewStateSet("phase", "P.", []string{"on", "off"}, in)
			}),
			[]Option{Grouping("phase", "x")},
			[]string{`metric "phase"`, `label "phase"`},
		},
		"samples with other labels each": {
			collect(func(w *fennel.Writer) {
				w.Gauge("f", "F.", fennel.LabelNames("x")).Write(1, "1")
				w.Gauge("f", "F.", fennel.LabelNames("host")).Write(1, "1")
			}),
			[]Option{Grouping("host", "h")},
			[]string{`metric "f"`, `label "host"`},
		},
		"escaped alike": {
			in(func(in fennel.MetricOption) {
				fennel.NewGaugeVec[string]("g", "G.", in, fennel.LabelNames("http.host")).With("x")
			}),
			[]Option{Grouping("http_host", "h"), Format(exposition.Format{Syntax: exposition.Text004})},
			[]string{`metric "g"`, `label "http.host"`},
		},
		"alike but for the escaping": { // and alike again when both are scraped
			in(func(in fennel.MetricOption) {
				fennel.NewGaugeVec[string]("i", "I.", in, fennel.LabelNames("http.host")).With("x")
			}),
			[]Option{Grouping("http.host", "h"), Format(exposition.Format{Syntax: exposition.Text004})},
			[]string{`metric "i"`, `label "http.host"`},
		},
		"timestamp": {
			collect(func(w *fennel.Writer) {
				n := w.Gauge("h", "H.", fennel.LabelNames("x"))
				n.Write(1, "1")
				n.At(time.Unix(1e9, 0)).Write(1, "2")
			}),
			nil,
			[]string{`metric "h"`, "timestamp"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv := startGateway(t, nil)
			g := must(t, srv.URL, "j", tt.opts...)
			for _, push := range []func(context.Context, fennel.Gatherer) error{g.Push, g.Add} {
				wantText(t, push(t.Context(), tt.metrics), append(tt.want, "push: ")...)
			}
			if got := srv.requests(t); len(got) > 0 {
				t.Errorf("sent all the same: %+v", got)
			}
		})
	}
}

// Labels that only look like those of the key are none.
func TestNotRefused(t *testing.T) {
	reg := fennel.NewRegistry()
	in := fennel.In(reg)
	fennel.NewGaugeVec[[3]string]("g", "G.", in, fennel.LabelNames("instance", "jobs", "http.host")).With([3]string{})
	fennel.NewHistogram("h", "H.", in)
	fennel.NewGaugeVec[string]("l", "L.", in, fennel.LabelNames("le")).With("job")
	fennel.NewGaugeVec[string]("job", "J.", in, fennel.LabelNames("x")).With("zone")
	srv := startGateway(t, nil)
	g := must(t, srv.URL, "j", inText, Grouping("zone", "z"), Grouping("http_host", "h"))
	if err := g.Push(t.Context(), reg); err != nil {
		t.Error(err)
	}
	if got := srv.only(t); !strings.Contains(got.Body, `g{instance="",jobs="","http.host"=""} 0`) {
		t.Errorf("sent:\n%s", got.Body)
	}
}

// Collectors are asked once, however often the result is sent.
func TestGathersOnce(t *testing.T) {
	asked := 0
	reg := collect(func(w *fennel.Writer) {
		asked++
		w.Gauge("a", "A.").Write(1)
	})
	srv := startGateway(t, nil)
	if err := must(t, srv.URL, "j").Push(t.Context(), reg); err != nil || asked != 1 {
		t.Errorf("collected %d times, %v", asked, err)
	}
}
