package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/push"
)

var pushText = exposition.Format{Syntax: exposition.Text004, Escaping: exposition.AllowUTF8}

// pushedRegistry returns a registry with a gauge for each name.
func pushedRegistry(value float64, names ...string) *fennel.Registry {
	reg := fennel.NewRegistry()
	for _, name := range names {
		fennel.NewGauge(name, "Pushed.", fennel.In(reg)).Set(value)
	}
	return reg
}

func newGroup(t *testing.T, url, job string, opts ...push.Option) *push.Group {
	t.Helper()
	g, err := push.New(url, job, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// only returns the values of the series whose name, without labels, is one of
// these.
func only(values map[string]float64, names ...string) map[string]float64 {
	maps.DeleteFunc(values, func(series string, _ float64) bool {
		name, _, _ := strings.Cut(series, "{")
		return !slices.Contains(names, name)
	})
	return values
}

// All ways to send the same, and PUT, POST and DELETE.
func TestPushgatewayMethods(t *testing.T) {
	gateway := startPushgateway(t)
	for name, opts := range map[string][]push.Option{
		"default":           nil,
		"protobuf, plain":   {push.Uncompressed()},
		"protobuf, snappy":  {push.Snappy()},
		"text, gzip":        {push.Format(pushText)},
		"text, plain":       {push.Format(pushText), push.Uncompressed()},
		"text, snappy":      {push.Format(pushText), push.Snappy()},
		"text, underscores": {push.Format(exposition.Format{})},
	} {
		t.Run(name, func(t *testing.T) {
			checkMethods(t, gateway, opts)
		})
	}
}

func checkMethods(t *testing.T, gateway *pushgateway, opts []push.Option) {
	ctx := t.Context()
	group := newGroup(t, gateway.URL, "backup", append(opts, push.Grouping("instance", "db1"))...)
	other := newGroup(t, gateway.URL, "backup", append(opts, push.Grouping("instance", "db2"))...)
	has := func(want map[string]float64) {
		t.Helper()
		got := only(gateway.metrics(t, text100Accept).values(), "one", "two")
		if d := diff(got, want); d != "" {
			t.Error(d)
		}
	}
	series := func(name, instance string) string {
		return fmt.Sprintf(`%s{instance="%s", job="backup"}`, name, instance)
	}
	do := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	do(group.Push(ctx, pushedRegistry(1, "one", "two")), other.Push(ctx, pushedRegistry(5, "one")))
	has(map[string]float64{series("one", "db1"): 1, series("two", "db1"): 1, series("one", "db2"): 5})
	do(group.Add(ctx, pushedRegistry(2, "two")))
	has(map[string]float64{series("one", "db1"): 1, series("two", "db1"): 2, series("one", "db2"): 5})
	do(group.Push(ctx, pushedRegistry(3, "two")))
	has(map[string]float64{series("two", "db1"): 3, series("one", "db2"): 5})
	do(group.Push(ctx, fennel.NewRegistry()))
	has(map[string]float64{series("one", "db2"): 5})
	do(group.Add(ctx, fennel.NewRegistry()))
	has(map[string]float64{series("one", "db2"): 5})
	do(group.Delete(ctx), other.Delete(ctx), other.Delete(ctx))
	gateway.awaitGroups(t, 0)
}

// Jobs and values of every kind arrive as they are.
func TestPushgatewayValues(t *testing.T) {
	gateway := startPushgateway(t)
	values := []string{"plain", " ", "a b", "/", "//", "a/b", ".", "..", "a/../b", "+", "a+b", "%2F", "%", "?", "#x", "&=;", `\`,
		`"quoted"`, "\n", "\t", "@base64", "=", "==", "ü", "日本", "🚀", "-_.~", "10.0.0.1:9091", "[::1]:80", strings.Repeat("long/", 200)}
	for _, value := range values {
		group := newGroup(t, gateway.URL, value, push.Grouping("value", value), push.Grouping("empty", ""))
		if err := group.Push(t.Context(), pushedRegistry(1, "x")); err != nil {
			t.Errorf("%q: %v", value, err)
			continue
		}
		want := map[string]string{"job": value, "value": value, "empty": ""}
		if got := gateway.keys(t); len(got) != 1 || !maps.Equal(got[0], want) {
			t.Errorf("%q: groups are %q, want %q", value, got, want)
		}
		if err := group.Delete(t.Context()); err != nil {
			t.Errorf("%q: %v", value, err)
		}
		gateway.awaitGroups(t, 0)
	}
}

// What a gateway makes of names outside the old charset, with its flag and
// without: the facts that package push has in its documentation.
func TestPushgatewayNames(t *testing.T) {
	for _, tt := range []struct {
		flags        []string
		text         string // the error for text
		key          string // of the group
		flagIsNeeded bool
	}{
		{nil, "--push.enable-utf8-names", "U__http_2e_host", true},
		{[]string{pushgatewayUTF8}, "", "http.host", false},
	} {
		gateway := startPushgateway(t, tt.flags...)
		reg := fennel.NewRegistry()
		fennel.NewGaugeVec[string]("disk.free", "Free.", fennel.In(reg), fennel.LabelNames("mount.point")).With("/").Set(7)
		series := func(name, label, job string) map[string]float64 {
			return map[string]float64{fmt.Sprintf(`{"%s", job="%s", "%s"="/"}`, name, job, label): 7}
		}

		if err := newGroup(t, gateway.URL, "protobuf").Push(t.Context(), reg); err != nil {
			t.Errorf("%v: protobuf: %v", tt.flags, err)
		}
		want := series("disk.free", "mount.point", "protobuf")
		err := newGroup(t, gateway.URL, "text", push.Format(pushText)).Push(t.Context(), reg)
		switch {
		case tt.text == "" && err == nil:
			maps.Copy(want, series("disk.free", "mount.point", "text"))
		case tt.text == "" || err == nil || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), "invalid metric name"):
			t.Errorf("%v: text: %v, want %q", tt.flags, err, tt.text)
		}
		for _, accept := range []string{text100Accept, protobufAccept} {
			got := gateway.metrics(t, accept).values()
			maps.DeleteFunc(got, func(series string, _ float64) bool { return !strings.Contains(series, "disk") })
			if d := diff(got, want); d != "" {
				t.Errorf("%v: %s", tt.flags, d)
			}
		}

		underscores := newGroup(t, gateway.URL, "escaped", push.Format(exposition.Format{Syntax: exposition.Protobuf}))
		if err := underscores.Push(t.Context(), reg); err != nil {
			t.Errorf("%v: underscores: %v", tt.flags, err)
		}
		if got := gateway.metrics(t, text100Accept).values(); got[`disk_free{job="escaped", mount_point="/"}`] != 7 {
			t.Errorf("%v: underscores: %v", tt.flags, got)
		}

		named := newGroup(t, gateway.URL, "named", push.Grouping("http.host", "a/b"))
		if err := named.Push(t.Context(), pushedRegistry(1, "x")); err != nil {
			t.Errorf("%v: grouping label: %v", tt.flags, err)
		}
		wantKey := map[string]string{"job": "named", tt.key: "a/b"}
		if keys := gateway.keys(t); !slices.ContainsFunc(keys, func(k map[string]string) bool { return maps.Equal(k, wantKey) }) {
			t.Errorf("%v: groups are %v, want %v among them", tt.flags, keys, wantKey)
		}
	}
}

// A gateway's words get through.
func TestPushgatewayRefuses(t *testing.T) {
	gateway := startPushgateway(t)
	if err := newGroup(t, gateway.URL, "a").Push(t.Context(), pushedRegistry(1, "x")); err != nil {
		t.Fatal(err)
	}
	reg := fennel.NewRegistry()
	fennel.NewCounter("x", "Pushed.", fennel.In(reg))
	err := newGroup(t, gateway.URL, "b", push.Retry(3)).Push(t.Context(), reg)
	var refused *push.Error
	if !errors.As(err, &refused) || refused.StatusCode != 400 || refused.Attempts != 1 || !strings.Contains(refused.Body, "pushed metrics are invalid or inconsistent") {
		t.Errorf("error %v", err)
	}
}

// All types, as Prometheus would see them.
func TestPushgatewayTypes(t *testing.T) {
	gateway := startPushgateway(t)
	reg := fennel.NewRegistry()
	in := fennel.In(reg)
	counter := fennel.NewCounter("c_total", "C.", in)
	counter.AddWithExemplar(3, fennel.Label{Name: "trace_id", Value: "abc"})
	histogram := fennel.NewHistogram("h", "H.", in, fennel.Buckets(1, 2))
	histogram.Observe(0.5)
	histogram.Observe(5)
	fennel.NewSummary("s", "S.", in).Observe(2)
	fennel.NewInfo("i_info", "I.", struct {
		V string `label:"v"`
	}{"1"}, in)
	fennel.NewStateSet("st", "St.", []string{"on", "off"}, in).Set("on")
	fennel.NewUnknown("u", "U.", in).Set(-1)
	many := fennel.NewGaugeVec[int]("many", "More than a page.", in, fennel.LabelNames("n"))
	for i := range 1000 {
		many.With(i).Set(float64(i))
	}
	for _, format := range []exposition.Format{{Syntax: exposition.Protobuf}, pushText} {
		if err := newGroup(t, gateway.URL, "j", push.Format(format)).Push(t.Context(), reg); err != nil {
			t.Fatal(err)
		}
		got := gateway.metrics(t, text100Accept)
		values := only(got.values(), "c_total", "h_bucket", "h_sum", "h_count", "s_sum", "s_count", "i_info", "st", "u", "many")
		if len(values) != 1+5+2+1+2+1+1000 {
			t.Errorf("%s: %d series arrived", format, len(values))
		}
		for series, want := range map[string]float64{
			`c_total{job="j"}`:             3,
			`h_bucket{job="j", le="1.0"}`:  1,
			`h_bucket{job="j", le="+Inf"}`: 2,
			`h_sum{job="j"}`:               5.5,
			`s_sum{job="j"}`:               2,
			`i_info{job="j", v="1"}`:       1,
			`st{job="j", st="on"}`:         1,
			`st{job="j", st="off"}`:        0,
			`u{job="j"}`:                   -1,
			`many{job="j", n="999"}`:       999,
		} {
			if v, ok := values[series]; !ok || v != want {
				t.Errorf("%s: %s is %v (%t), want %v", format, series, v, ok, want)
			}
		}
	}
}

// nativeGatherer has one native histogram: 0, 1.5, 1.5 and 3 at schema 0.
type nativeGatherer struct{}

func (nativeGatherer) Visit(_ context.Context, _ *sample.Request, v sample.Visitor) error {
	f := &sample.Family{Name: "latency_seconds", Help: "L.", Kind: sample.Histogram, Legal: true}
	b := &sample.Batch{Ends: []uint32{0}, Counts: []uint64{4}, Sums: []float64{6}}
	native := b.AddNative()
	native.ZeroThreshold, native.ZeroCount = 0.001, 1
	native.Positive = append(native.Positive, sample.NativeBucket{Index: 1, Count: 2}, sample.NativeBucket{Index: 2, Count: 1})
	return v.Visit(f, b)
}

// Native histograms go through a gateway, and on to a Prometheus.
func TestPushgatewayNativeHistogram(t *testing.T) {
	gateway := startPushgateway(t)
	if err := newGroup(t, gateway.URL, "j").Push(t.Context(), nativeGatherer{}); err != nil {
		t.Fatal(err)
	}
	p := startPrometheus(t, target{Name: "gateway", Addr: gateway.Addr, Protocol: protobuf, Extra: map[string]any{
		"scrape_native_histograms": true, "honor_labels": true,
	}})
	got := p.query(t, `latency_seconds{job="j"}`)
	if len(got) != 1 || got[0].Histogram == nil || got[0].Histogram.Count != 4 || got[0].Histogram.Sum != 6 || len(got[0].Histogram.Buckets) != 3 {
		t.Errorf("Prometheus has %+v", got)
	}
}

// Run pushes, and leaves behind what it is told to.
func TestPushgatewayRun(t *testing.T) {
	gateway := startPushgateway(t)
	reg := fennel.NewRegistry()
	gauge := fennel.NewGauge("x", "X.", fennel.In(reg))
	for _, deleted := range []bool{false, true} {
		var opts []push.RunOption
		want := 1
		if deleted {
			opts, want = append(opts, push.DeleteOnExit()), 0
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		gauge.Set(1)
		go func() {
			done <- newGroup(t, gateway.URL, "run").Run(ctx, reg, append(opts, push.Every(20*time.Millisecond))...)
		}()
		gateway.await(t, 10*time.Second, "pushed to", func(context.Context) bool {
			return gateway.metrics(t, text100Accept).values()[`x{job="run"}`] == 1
		})
		gauge.Set(2)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		gateway.awaitGroups(t, want)
		if got := gateway.metrics(t, text100Accept).values()[`x{job="run"}`]; !deleted && got != 2 {
			t.Errorf("the last push is %v, want 2", got)
		}
	}
}
