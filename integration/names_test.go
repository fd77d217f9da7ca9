package integration

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// escapingCase is a way in which a Prometheus can be set up to take names.
type escapingCase struct {
	job        string
	validation string
	scheme     string
	protocol   string
	want       exposition.Format
}

// escapings are all of them. What the configuration says of escaping is only
// asked for in the versions 1.0.0 and later: in the older ones names arrive with
// underscores whatever it says. Protobuf borrows it from OpenMetrics, which is
// asked for beside it.
var escapings = []escapingCase{
	{"om-legacy-underscores", "legacy", "underscores", om100, exposition.Format{Syntax: exposition.OpenMetrics100, Escaping: exposition.EscapeUnderscores}},
	{"om-legacy-dots", "legacy", "dots", om100, exposition.Format{Syntax: exposition.OpenMetrics100, Escaping: exposition.EscapeDots}},
	{"om-legacy-values", "legacy", "values", om100, exposition.Format{Syntax: exposition.OpenMetrics100, Escaping: exposition.EscapeValues}},
	{"om-utf8-values", "utf8", "values", om100, exposition.Format{Syntax: exposition.OpenMetrics100, Escaping: exposition.EscapeValues}},
	{"om-utf8", "utf8", "allow-utf-8", om100, exposition.Format{Syntax: exposition.OpenMetrics100, Escaping: exposition.AllowUTF8}},
	{"text-legacy-underscores", "legacy", "underscores", text100, exposition.Format{Syntax: exposition.Text100, Escaping: exposition.EscapeUnderscores}},
	{"text-legacy-dots", "legacy", "dots", text100, exposition.Format{Syntax: exposition.Text100, Escaping: exposition.EscapeDots}},
	{"text-legacy-values", "legacy", "values", text100, exposition.Format{Syntax: exposition.Text100, Escaping: exposition.EscapeValues}},
	{"text-utf8-dots", "utf8", "dots", text100, exposition.Format{Syntax: exposition.Text100, Escaping: exposition.EscapeDots}},
	{"text-utf8", "utf8", "allow-utf-8", text100, exposition.Format{Syntax: exposition.Text100, Escaping: exposition.AllowUTF8}},
	{"old-legacy-dots", "legacy", "dots", text004, exposition.Format{}},
	{"old-om-legacy-values", "legacy", "values", om001, exposition.Format{Syntax: exposition.OpenMetrics100}},
	{"om2-legacy-underscores", "legacy", "underscores", om200, exposition.Format{Syntax: exposition.OpenMetrics200, Escaping: exposition.EscapeUnderscores}},
	{"om2-legacy-dots", "legacy", "dots", om200, exposition.Format{Syntax: exposition.OpenMetrics200, Escaping: exposition.EscapeDots}},
	{"om2-legacy-values", "legacy", "values", om200, exposition.Format{Syntax: exposition.OpenMetrics200, Escaping: exposition.EscapeValues}},
	{"om2-utf8", "utf8", "allow-utf-8", om200, in200},
	{"proto-legacy-dots", "legacy", "dots", protobuf, exposition.Format{Syntax: exposition.Protobuf, Escaping: exposition.EscapeDots}},
	{"proto-legacy-values", "legacy", "values", protobuf, exposition.Format{Syntax: exposition.Protobuf, Escaping: exposition.EscapeValues}},
	{"proto-utf8", "utf8", "allow-utf-8", protobuf, inProtobuf},
}

// escapedSeries are some of the series of the registry in these tests, spelled by
// hand as each scheme demands.
var escapedSeries = map[exposition.Escaping][]string{
	exposition.AllowUTF8: {
		`{"http.requests served_total", "a:b"="x:y", "mood 😱"="😱", "sensor.id"="kitchen", "花火"="花"}`,
		`{"wait.length_bucket", "a:b"="x:y", le="+Inf", "mood 😱"="😱", "sensor.id"="kitchen", "花火"="花"}`,
		`{"circuit.breaker", "circuit.breaker"="closed"}`,
		`{"花火"}`,
		`job:requests:rate5m`,
		`no_help_bytes`,
	},
	exposition.EscapeUnderscores: {
		`http_requests_served_total{__="花", a_b="x:y", mood__="😱", sensor_id="kitchen"}`,
		`wait_length_bucket{__="花", a_b="x:y", le="+Inf", mood__="😱", sensor_id="kitchen"}`,
		`circuit_breaker{circuit_breaker="closed"}`,
		`__`,
		`job:requests:rate5m`,
		`no_help_bytes`,
	},
	exposition.EscapeDots: {
		`http_dot_requests__served__total{____="花", a__b="x:y", mood____="😱", sensor_dot_id="kitchen"}`,
		`wait_dot_length__bucket{____="花", a__b="x:y", le="+Inf", mood____="😱", sensor_dot_id="kitchen"}`,
		`circuit_dot_breaker{circuit_dot_breaker="closed"}`,
		`____`,
		`job:requests:rate5m`,
		`no_help_bytes`,
	},
	exposition.EscapeValues: {
		`U__http_2e_requests_20_served__total{U___82b1__706b_="花", U__a_3a_b="x:y", U__mood_20__1f631_="😱", U__sensor_2e_id="kitchen"}`,
		`U__wait_2e_length__bucket{U___82b1__706b_="花", U__a_3a_b="x:y", U__mood_20__1f631_="😱", U__sensor_2e_id="kitchen", le="+Inf"}`,
		`U__circuit_2e_breaker{U__circuit_2e_breaker="closed"}`,
		`U___82b1__706b_`,
		`job:requests:rate5m`,
		`no_help_bytes`,
	},
}

// TestNames lets Prometheus scrape names of all kinds, set up for each escaping
// scheme.
func TestNames(t *testing.T) {
	r := fennel.NewRegistry()
	addNames(r)
	addGauges(r)
	x := show(t, r, fennelhttp.WithOpenMetrics200())
	var targets []target
	for _, c := range escapings {
		scrape := x.target(c.job, c.protocol)
		scrape.Extra = map[string]any{
			"metric_name_validation_scheme": c.validation,
			"metric_name_escaping_scheme":   c.scheme,
		}
		if c.protocol == protobuf {
			scrape.Extra["scrape_protocols"] = protobufFirst
		}
		targets = append(targets, scrape)
	}
	p := setup{Interval: time.Second, Features: []string{featureOpenMetrics2}}.start(t, targets...)
	for _, c := range escapings {
		t.Run(c.job, func(t *testing.T) { c.check(t, p, x, r) })
	}
}

// check checks what a job has scraped.
func (c escapingCase) check(t *testing.T, p *prometheus, x *exhibit, r *fennel.Registry) {
	if got := x.exchanged(c.job); got.content != c.want.ContentType() {
		t.Errorf("Accept %q is answered with %q, want %q", got.accept, got.content, c.want.ContentType())
	}
	checkHeld(t, p, c.job, reading{}.expect(t, r, c.want))
	held := p.scraped(t, c.job)
	for _, series := range escapedSeries[c.want.Escaping] {
		if want := expect(t, r, c.want); want.composite() { // the server adds the suffix
			series = strings.Replace(series, "__bucket{", "_bucket{", 1)
		}
		if _, ok := held[series]; !ok {
			t.Errorf("no series %s", series)
		}
	}
}

// TestEscapedAlike sees to it that the names of two metrics, or of two labels,
// never come out alike under any scheme.
func TestEscapedAlike(t *testing.T) {
	for _, pair := range [][]string{{"a.b", "a_b"}, {"a b", "a.b"}, {"花", "火"}, {"a_dot_b", "a.b"}, {"U__a_2e_b", "a.b"}} {
		r := fennel.NewRegistry()
		_, err := fennel.Try(func() int {
			fennel.NewGauge(pair[0], "", fennel.In(r))
			fennel.NewGauge(pair[1], "", fennel.In(r))
			return 0
		})
		if err == nil || !strings.Contains(err.Error(), pair[0]) || !strings.Contains(err.Error(), pair[1]) {
			t.Errorf("metrics %q: error %v, want one that names both", pair, err)
		}
		_, err = fennel.Try(func() int {
			fennel.NewGaugeVec[[2]string]("labels", "", fennel.LabelNames(pair...), fennel.In(r))
			return 0
		})
		if err == nil || slices.ContainsFunc(pair, func(name string) bool { return !strings.Contains(err.Error(), name) }) {
			t.Errorf("labels %q: error %v, want one that names both", pair, err)
		}
	}
}
