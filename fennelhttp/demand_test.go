package fennelhttp

import (
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// dottedRegistry has a name that the old charset has no room for.
func dottedRegistry() *fennel.Registry {
	reg := fennel.NewRegistry()
	fennel.NewCounter("http.requests_total", "Requests.", fennel.In(reg)).Add(2)
	return reg
}

const (
	fromBrowser    = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	fromPrometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
	asksFor200     = "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.5"
)

func TestDebugShowsAnyFormatAsText(t *testing.T) {
	for _, test := range []struct {
		query, accept string
		want          string // a part of the body
		not           string // none of it
	}{
		{"debug=text", fromBrowser, "\n{\"http.requests_total\"} 2\n", "# EOF"},
		{"debug=text", fromPrometheus, "\n{\"http.requests_total\"} 2\n# EOF\n", ""},
		{"debug=text", "text/plain;version=0.0.4;escaping=underscores", "\nhttp_requests_total 2\n", "{\"http"},
		{"debug=text", "text/plain; version=0.0.4; ESCAPING=values", "\nU__http_2e_requests__total 2\n", "{\"http"},
		{"debug=text&format=PrometheusText0.0.4", fromPrometheus, "{\"http.requests_total\"} 2\n", "# EOF"},
		{"debug=text&format=PrometheusText1.0.0", fromBrowser, "{\"http.requests_total\"} 2\n", "# EOF"},
		{"debug=text&format=OpenMetricsText1.0.0", fromBrowser, "{\"http.requests_total\"} 2\n# EOF\n", ""},
		{"format=OpenMetricsText2.0.0&debug=text", fromBrowser, "{\"http.requests_total\"} 2 st@", ""},
		{"debug=text&format=PrometheusProto", fromBrowser, `name: "http.requests_total"`, "\x00"},
		{"debug=text&format=PrometheusProto", "application/json;escaping=dots,text/plain", `name: "http_requests_total"`, "\x00"},
		{"debug=text&format=PrometheusProto&name[]=nope", fromBrowser, "", "http"},
		{"debug=text&format=PrometheusProto&name[]=http.requests_total", fromBrowser, "http.requests_total", "fennel"},
		{"debug=%74ext&%66ormat=OpenMetricsText%31.0.0&format=x", fromBrowser, "# EOF\n", ""},
	} {
		h := Handler(dottedRegistry())
		for _, method := range []string{"GET", "HEAD"} {
			w := serve(h, request(method, "/?"+test.query, "Accept", test.accept))
			header := w.Header()
			if w.Code != 200 || header.Get("Content-Type") != "text/plain; charset=utf-8" || header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s ?%s: status %d, header %v", method, test.query, w.Code, header)
			}
			body := w.Body.String()
			if method == "GET" && (!strings.Contains(body, test.want) || test.not != "" && strings.Contains(body, test.not)) {
				t.Errorf("?%s, Accept: %s: got\n%s\nwant %q in it, not %q", test.query, test.accept, body, test.want, test.not)
			}
		}
	}
}

func TestDebugIsCompressedAndCounted(t *testing.T) {
	h := Handler(dottedRegistry())
	w := serve(h, request("GET", "/?debug=text&format=PrometheusProto", "Accept-Encoding", "gzip"))
	if got := gunzip(t, w.Body.Bytes()); w.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(got, "http.requests_total") {
		t.Errorf("header %v, body\n%s", w.Header(), got)
	}
	if got := h.(*handler).self.scrapes.With(outcome{"PrometheusProto", "200"}).Value(); got != 1 {
		t.Errorf("counted %v times", got)
	}
}

func TestUnknownFormatIsRefused(t *testing.T) {
	for _, name := range []string{"nope", "prometheusproto", "%20", "%3Cscript%3E", strings.Repeat("x", 10_000)} {
		w := serve(Handler(untouched(t)), request("GET", "/?debug=text&format="+name))
		body := w.Body.String()
		if w.Code != 400 || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%.20s: status %d, header %v", name, w.Code, w.Header())
		}
		for _, known := range []string{"PrometheusText0.0.4", "PrometheusText1.0.0", "OpenMetricsText1.0.0", "PrometheusProto", "OpenMetricsText2.0.0"} {
			if strings.Count(body, known) != 1 {
				t.Errorf("%.20s: %q doesn't list %s once", name, body, known)
			}
		}
		if len(body) > 400 {
			t.Errorf("%.20s: a body of %d bytes", name, len(body))
		}
	}
}

// Without debug=text the query has no say, so that no scraper is led astray.
func TestFormatIsNegotiatedWithoutDebug(t *testing.T) {
	for _, query := range []string{"format=PrometheusProto", "format=nope", "debug=1&format=PrometheusProto", "debug=", "debug", "debug=TEXT", "xdebug=text"} {
		w := serve(Handler(dottedRegistry()), request("GET", "/?"+query, "Accept", fromBrowser))
		if got := w.Header().Get("Content-Type"); w.Code != 200 || got != "text/plain; version=0.0.4; charset=utf-8" {
			t.Errorf("?%s: status %d, Content-Type: %s", query, w.Code, got)
		}
		if w.Header()["X-Content-Type-Options"] != nil || !strings.Contains(w.Body.String(), "http_requests_total 2\n") {
			t.Errorf("?%s: %v\n%s", query, w.Header(), w.Body)
		}
	}
}

func TestProtobufIsServedToThoseWhoAskForIt(t *testing.T) {
	const accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," + fromPrometheus
	w := serve(bare(dottedRegistry()), request("GET", "/", "Accept", accept))
	const want = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=allow-utf-8"
	if got := w.Header().Get("Content-Type"); got != want {
		t.Errorf("Content-Type: %s", got)
	}
	length, body := w.Body.Bytes()[0], w.Body.Bytes()[1:]
	if int(length) != len(body) || !strings.Contains(string(body), "\x0a\x13http.requests_total") {
		t.Errorf("a message of %d bytes: %q", length, body)
	}
}

func TestOpenMetrics200IsAnOption(t *testing.T) {
	for _, test := range []struct {
		opts   []HandlerOption
		accept string
		want   string
	}{
		{nil, asksFor200, "application/openmetrics-text; version=1.0.0"},
		{[]HandlerOption{WithOpenMetrics200()}, asksFor200, "application/openmetrics-text; version=2.0.0"},
		{[]HandlerOption{WithOpenMetrics200()}, "application/openmetrics-text", "application/openmetrics-text; version=1.0.0"},
		{[]HandlerOption{WithOpenMetrics200()}, fromPrometheus, "application/openmetrics-text; version=1.0.0"},
	} {
		w := serve(Handler(dottedRegistry(), test.opts...), request("GET", "/", "Accept", test.accept))
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s with %d options is answered with %s, want %s", test.accept, len(test.opts), got, test.want)
		}
		if got := strings.Contains(w.Body.String(), "} 2 st@"); got != strings.Contains(test.want, "2.0.0") {
			t.Errorf("%s with %d options: got\n%s", test.accept, len(test.opts), w.Body)
		}
	}
}

func TestCreatedLinesAreAnOption(t *testing.T) {
	for _, test := range []struct {
		opts   []HandlerOption
		accept string
		want   bool
	}{
		{nil, fromPrometheus, false},
		{[]HandlerOption{WithCreatedLines()}, fromPrometheus, true},
		{[]HandlerOption{WithCreatedLines()}, fromBrowser, false},
	} {
		body := serve(bare(someRegistry(), test.opts...), request("GET", "/", "Accept", test.accept)).Body.String()
		if got := strings.Contains(body, "\njobs_created 1"); got != test.want {
			t.Errorf("%s with %d options: got\n%s", test.accept, len(test.opts), body)
		}
	}
}
