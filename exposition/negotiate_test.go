package exposition

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var (
	text004      = Format{}
	text004UTF8  = Format{Syntax: Text004, Escaping: AllowUTF8}
	text100      = Format{Syntax: Text100, Escaping: EscapeUnderscores}
	text100UTF8  = Format{Syntax: Text100, Escaping: AllowUTF8}
	openMetrics1 = Format{Syntax: OpenMetrics100, Escaping: EscapeUnderscores}
	openMetrics8 = Format{Syntax: OpenMetrics100, Escaping: AllowUTF8}
	protobuf1    = Format{Syntax: Protobuf, Escaping: EscapeUnderscores}
	protobuf8    = Format{Syntax: Protobuf, Escaping: AllowUTF8}
)

type negotiateTest struct {
	name   string
	accept string
	want   Format
}

// prometheusTests holds what each version of Prometheus sends.
// With the exact answer.
var prometheusTests = []struct {
	name, accept string
	want         Format
	contentType  string
}{
	{"2.5 to 2.33",
		"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		openMetrics1, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"},
	{"2.34 to 2.39, 2.41 to 2.48",
		"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		openMetrics1, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"},
	{"2.40",
		"application/openmetrics-text;version=1.0.0;q=0.75,application/openmetrics-text;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		openMetrics1, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"},
	{"2.40, protobuf",
		"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.75,application/openmetrics-text;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		protobuf1, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"},
	{"2.41 to 2.48, protobuf",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		protobuf1, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"},
	{"2.49.0, which meant q=0.2 by q=2",
		"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=2",
		openMetrics1, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"},
	{"2.49.0, protobuf",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=1",
		// 1 is a valid q, and the highest: */* is what this header asks for.
		text004, "text/plain; version=0.0.4; charset=utf-8"},
	{"2.49.1 to 2.55",
		"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		openMetrics1, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"},
	{"2.49.1 to 2.55, protobuf",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		protobuf1, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"},
	{"2.55, utf8-names",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;escaping=allow-utf-8;q=0.3,*/*;q=0.2",
		openMetrics8, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
	{"3.0 to 3.2, with the escaping twice",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;escaping=allow-utf-8;q=0.3,*/*;q=0.2",
		openMetrics8, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
	{"3.3",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;escaping=allow-utf-8;q=0.3,*/*;q=0.2",
		openMetrics8, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
	{"3.4 to 3.14",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		openMetrics8, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
	{"3.4 to 3.14, protobuf",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		protobuf8, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=allow-utf-8"},
	{"3.4 to 3.14, legacy names",
		"application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=underscores;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		openMetrics1, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"},
	{"the next one, with OpenMetrics 2.0 on top",
		"application/openmetrics-text;version=2.0.0;escaping=allow-utf-8;q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		openMetrics8, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
	{"the next one, one step higher",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.7,application/openmetrics-text;version=0.0.1;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3",
		openMetrics8, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
	{"3.4 to 3.14, text 1.0.0 alone",
		"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.5",
		text100UTF8, "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
	{"3.4 to 3.14, text 0.0.4 first: it stays with underscores",
		"text/plain;version=0.0.4;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.3",
		text004, "text/plain; version=0.0.4; charset=utf-8"},
	{"3.0 to 3.3, text 0.0.4 alone",
		"text/plain;version=0.0.4;escaping=allow-utf-8;q=0.6,*/*;q=0.5",
		text004UTF8, "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"},
	{"3.4 to 3.14, OpenMetrics 0.0.1 first: it borrows the escaping",
		"application/openmetrics-text;version=0.0.1;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.4",
		openMetrics8, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
	{"2.55, protobuf and utf8-names",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.4,application/openmetrics-text;version=0.0.1;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;escaping=allow-utf-8;q=0.2,*/*;q=0.1",
		protobuf8, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=allow-utf-8"},
	{"3.0 to 3.2, protobuf",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;escaping=allow-utf-8;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;escaping=allow-utf-8;q=0.2,*/*;q=0.1",
		protobuf8, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=allow-utf-8"},
	{"3.4 to 3.14, protobuf, legacy names",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=underscores;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		protobuf1, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"},
	{"3.4 to 3.14, protobuf alone: nobody names an escaping",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,*/*;q=0.5",
		protobuf1, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"},
	{"the next one, protobuf",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		protobuf8, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=allow-utf-8"},
}

func TestNegotiatePrometheus(t *testing.T) {
	for _, tt := range prometheusTests {
		got := Negotiate([]string{tt.accept})
		if got != tt.want || got.ContentType() != tt.contentType {
			t.Errorf("%s: Negotiate(%q)\n got %v, %s\nwant %v, %s", tt.name, tt.accept, got, got.ContentType(), tt.want, tt.contentType)
		}
	}
}

// A server that can read OpenMetrics 2.0 asks for it by number. It gets it from
// who serves it, and no other clause does.
func TestNegotiateOpenMetrics200(t *testing.T) {
	const om2, om1 = "application/openmetrics-text;version=2.0.0", "application/openmetrics-text;version=1.0.0"
	om2Underscores, om2UTF8 := Format{Syntax: OpenMetrics200}, Format{Syntax: OpenMetrics200, Escaping: AllowUTF8}
	tests := []struct {
		name, accept string
		with         Format // if it is served
		without      Format
	}{
		{"Prometheus", om2 + ";q=0.7," + om1 + ";escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.4", om2UTF8, openMetrics8},
		{"Prometheus, legacy names", om2 + ";q=0.7," + om1 + ";escaping=underscores;q=0.6,*/*;q=0.4", om2Underscores, openMetrics1},
		{"alone: its names are UTF-8", om2, om2UTF8, text004},
		{"with a wildcard: likewise", om2 + ",*/*;q=0.1", om2UTF8, text004},
		{"its own escaping", om2 + ";escaping=underscores," + om1 + ";escaping=allow-utf-8;q=0.5", om2Underscores, openMetrics8},
		{"an unknown escaping is none", om2 + ";escaping=rot13", om2UTF8, text004},
		{"missing parts", "application/openmetrics-text;version=2", om2UTF8, text004},
		{"not wanted most", om2 + ";q=0.1," + om1 + ";q=0.2", openMetrics1, openMetrics1},
		{"no version", "application/openmetrics-text", openMetrics1, openMetrics1},
		{"version 0.0.1", "application/openmetrics-text;version=0.0.1", openMetrics1, openMetrics1},
		{"another version", "application/openmetrics-text;version=2.0.1", text004, text004},
		{"yet another", "application/openmetrics-text;version=2.1", text004, text004},
		{"a wildcard", "*/*", text004, text004},
		{"an application wildcard", "application/*", text004, text004},
		{"text of that version", "text/plain;version=2.0.0", text004, text004},
		{"refused", om2 + ";q=0", text004, text004},
		{"refused beside itself", om2 + ";q=0," + om2, text004, text004},
		{"OpenMetrics refused, but for it", "application/openmetrics-text;q=0," + om2 + ";q=0.1", om2UTF8, text004},
		{"OpenMetrics 1.0 refused", om1 + ";q=0," + om2 + ";q=0.1,application/openmetrics-text", om2UTF8, text004},
		{"it alone is refused", om2 + ";q=0,application/openmetrics-text;q=0.1", openMetrics1, openMetrics1},
		{"all applications refused, but for it", "application/*;q=0," + om2 + ";q=0.1", om2UTF8, text004},
		{"everything refused, but for it", "*/*;q=0," + om2 + ";q=0.1", om2UTF8, text004},
	}
	for _, tt := range tests {
		if got := Negotiate([]string{tt.accept}, OpenMetrics200); got != tt.with {
			t.Errorf("%s: Negotiate(%q)\n got %v\nwant %v", tt.name, tt.accept, got, tt.with)
		}
		for _, extra := range [][]Syntax{nil, {Protobuf, OpenMetrics100}} {
			if got := Negotiate([]string{tt.accept}, extra...); got != tt.without {
				t.Errorf("%s: Negotiate(%q, %v)\n got %v\nwant %v", tt.name, tt.accept, extra, got, tt.without)
			}
		}
	}
}

func TestNegotiateProtobuf(t *testing.T) {
	const media, proto, delimited = "application/vnd.google.protobuf", ";proto=io.prometheus.client.MetricFamily", ";encoding=delimited"
	const om = "application/openmetrics-text"
	runNegotiate(t, []negotiateTest{
		{"both parameters", media + proto + delimited, protobuf1},
		{"in the other order", media + delimited + proto, protobuf1},
		{"quoted", media + `;proto="io.prometheus.client.MetricFamily";encoding="delimited"`, protobuf1},
		{"quoted, with backslashes", media + `;proto="io.prometheus.client.Metric\Family";encoding="\delimited"`, protobuf1},
		{"upper case", "Application/VND.Google.Protobuf;PROTO=io.prometheus.client.MetricFamily;Encoding=delimited", protobuf1},
		{"blanks", media + " ; proto = io.prometheus.client.MetricFamily ;\tencoding\t=\tdelimited ", protobuf1},
		{"the first of two", media + proto + ";proto=other" + delimited + ";encoding=text", protobuf1},
		{"an empty one, then another", media + ";proto=" + proto + delimited, protobuf1},
		{"a version says nothing", media + proto + delimited + ";version=7", protobuf1},
		{"its own escaping", media + proto + delimited + ";escaping=values," + om + ";escaping=dots;q=0.1", Format{Syntax: Protobuf, Escaping: EscapeValues}},
		{"borrowed", media + proto + delimited + "," + om + ";escaping=dots;q=0.1", Format{Syntax: Protobuf, Escaping: EscapeDots}},
		{"borrowed from text", media + proto + delimited + ",text/plain;escaping=dots;q=0.1", Format{Syntax: Protobuf, Escaping: EscapeDots}},
		{"by q", media + proto + delimited + ";q=0.1," + om + ";q=0.2", openMetrics1},
		{"ties by order", om + "," + media + proto + delimited, openMetrics1},

		{"no parameters", media + "," + om + ";q=0.1", openMetrics1},
		{"no proto", media + delimited + "," + om + ";q=0.1", openMetrics1},
		{"no encoding", media + proto + "," + om + ";q=0.1", openMetrics1},
		{"empty", media + ";proto=;encoding=," + om + ";q=0.1", openMetrics1},
		{"another message", media + ";proto=io.prometheus.write.v2.Request" + delimited + "," + om + ";q=0.1", openMetrics1},
		{"a message in lower case", media + ";proto=io.prometheus.client.metricfamily" + delimited + "," + om + ";q=0.1", openMetrics1},
		{"another encoding", media + proto + ";encoding=text," + om + ";q=0.1", openMetrics1},
		{"an encoding in upper case", media + proto + ";encoding=Delimited," + om + ";q=0.1", openMetrics1},
		{"the first of two is another", media + ";proto=other" + proto + delimited + "," + om + ";q=0.1", openMetrics1},
		{"another type", "application/x-protobuf" + proto + delimited + "," + om + ";q=0.1", openMetrics1},
		{"no wildcard means it", "application/*," + om + ";q=0.1", openMetrics1},
		{"the parameters on another type", "text/plain" + proto + delimited, text004},

		{"refused", media + proto + delimited + ";q=0," + media + proto + delimited, text004},
		{"refused without parameters, but for itself", media + ";q=0," + media + proto + delimited, protobuf1},
		{"refused in part is refused", media + proto + ";q=0," + media + proto + delimited, text004},
		{"the other part", media + delimited + ";q=0," + media + proto + delimited, text004},
		{"another message is refused", media + ";proto=other" + delimited + ";q=0," + media + proto + delimited, protobuf1},
		{"another encoding is refused", media + proto + ";encoding=text;q=0," + media + proto + delimited, protobuf1},
		{"all applications refused, but for it", "application/*;q=0," + media + proto + delimited, protobuf1},
		{"everything refused, but for it", "*/*;q=0," + media + proto + delimited, protobuf1},
	})
}

func TestNegotiateOthers(t *testing.T) {
	runNegotiate(t, []negotiateTest{
		{"curl", "*/*", text004},
		{"Firefox", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", text004},
		{"Chrome", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7", text004},
		{"Java", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", text004},
		{"vmagent", "text/plain;version=0.0.4;q=1,*/*;q=0.1", text004},
		{"Telegraf", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3", protobuf1},
		{"nothing", "", text004},
	})
}

func TestNegotiateQuality(t *testing.T) {
	const om, text1 = "application/openmetrics-text", "text/plain;version=1.0.0"
	runNegotiate(t, []negotiateTest{
		{"the higher wins, first", om + ";q=0.2," + text1 + ";q=0.1", openMetrics1},
		{"the higher wins, last", text1 + ";q=0.1," + om + ";q=0.2", openMetrics1},
		{"the default is 1", text1 + ";q=0.999," + om, openMetrics1},
		{"1.000 is 1", text1 + "," + om + ";q=1.000", text100},
		{"1. is 1", text1 + ";q=0.9," + om + ";q=1.", openMetrics1},
		{"ties by order", text1 + ";q=0.5," + om + ";q=0.50", text100},
		{"ties by order, the other way", om + ";q=0.5," + text1 + ";q=0.5", openMetrics1},
		{"a wildcard first wins a tie", "*/*," + om, text004},
		{"a wildcard last loses a tie", om + ",*/*", openMetrics1},
		{"a wildcard with a higher q wins", om + ";q=0.1,*/*;q=0.2", text004},
		{"more digits than allowed", text1 + ";q=0.33333," + om + ";q=0.33334", openMetrics1},
		{"no digit before the point", text1 + ";q=.1," + om + ";q=.2", openMetrics1},
		{"upper case", text1 + ";Q=0.1," + om + ";Q=0.2", openMetrics1},
		{"quoted", text1 + `;q="0.1",` + om + `;q="\0.2"`, openMetrics1},
		{"the first of two", text1 + ";q=0.1;q=0.9," + om + ";q=0.2", openMetrics1},
		{"before the version", "text/plain;q=0.9;version=1.0.0," + om + ";q=0.8", text100},

		{"a word is last", text1 + ";q=banana," + om + ";q=0.001", openMetrics1},
		{"empty is last", text1 + ";q=," + om + ";q=0.001", openMetrics1},
		{"without = is last", text1 + ";q," + om + ";q=0.001", openMetrics1},
		{"greater than 1 is last", text1 + ";q=2," + om + ";q=0.001", openMetrics1},
		{"1.001 is last", text1 + ";q=1.001," + om + ";q=0.001", openMetrics1},
		{"negative is last", text1 + ";q=-1," + om + ";q=0.001", openMetrics1},
		{"a point alone is last", text1 + ";q=.," + om + ";q=0.001", openMetrics1},
		{"an exponent is last", text1 + ";q=1e-1," + om + ";q=0.001", openMetrics1},
		{"NaN is last", text1 + ";q=NaN," + om + ";q=0.001", openMetrics1},
		{"two points are last", text1 + ";q=0.5.5," + om + ";q=0.001", openMetrics1},
		{"last is better than nothing", text1 + ";q=banana", text100},
		{"last ties by order", om + ";q=2," + text1 + ";q=banana", openMetrics1},
	})
}

func TestNegotiateRefusal(t *testing.T) {
	const om = "application/openmetrics-text"
	runNegotiate(t, []negotiateTest{
		{"refused", om + ";q=0", text004},
		{"refused, in full", om + ";q=0.000", text004},
		{"refused beside a wildcard", om + ";q=0, */*", text004},
		{"a wildcard doesn't bring text back", "text/plain;q=0, */*, " + om + ";q=0.1", openMetrics1},
		{"nor does the other wildcard", "text/*;q=0, */*, " + om + ";q=0.1", openMetrics1},
		{"nor one that stands first", "*/*, " + om + ";q=0.1, text/plain;q=0", openMetrics1},
		{"nor an unversioned clause", "text/plain;version=0.0.4;q=0, text/plain, " + om + ";q=0.1", openMetrics1},
		{"nothing else to serve", "text/plain;q=0, */*", text004},
		{"everything", "*/*;q=0", text004},
		{"everything but", "*/*;q=0, " + om + ";q=0.1", openMetrics1},
		{"every text but", "text/*;q=0, text/plain;version=1.0.0;q=0.1", text100},
		{"every application but", "application/*;q=0, " + om + ";q=0.1, */*;q=0.01", openMetrics1},
		{"every version but", om + ";q=0, " + om + ";version=1.0.0;q=0.1", openMetrics1},
		{"the version that another clause comes to", om + ";version=1.0.0;q=0, " + om + ";version=0.0.1, text/plain;version=1.0.0;q=0.1", text100},
		{"a version not served", om + ";version=0.0.1;q=0, " + om + ";version=1.0.0;q=0.1", openMetrics1},
		{"another version of text", "text/plain;version=0.0.4;q=0, text/plain;version=1.0.0;q=0.1", text100},
		{"and the other way", "text/plain;version=1.0.0;q=0, text/plain;version=0.0.4;q=0.1, " + om + ";q=0.01", text004},
		{"something else", "text/html;q=0, " + om + ";q=0.1", openMetrics1},
		{"whatever the escaping", om + ";version=1.0.0;escaping=allow-utf-8;q=0, " + om + ";version=0.0.1, text/plain;version=1.0.0;q=0.1", text100},
		{"a refused clause lends no escaping", "text/plain;version=1.0.0;escaping=allow-utf-8;q=0, " + om, openMetrics1},
	})
}

func TestNegotiateVersion(t *testing.T) {
	const om = "application/openmetrics-text"
	tests := []negotiateTest{
		{"unknown text", "text/plain;version=2.0.0, " + om + ";q=0.1", openMetrics1},
		{"0.0.1 of text", "text/plain;version=0.0.1, " + om + ";q=0.1", openMetrics1},
		{"quoted", `text/plain;version="1.0.0"`, text100},
		{"quoted, with backslashes", `text/plain;version="\1.0\.0"`, text100},
		{"leading zeros", "text/plain;version=01.00.000", text100},
		{"missing parts of text", "text/plain;version=1", text100},
		{"0 is not absent", "text/plain;version=0, " + om + ";q=0.1", openMetrics1},
		{"the first of two", "text/plain;version=1.0.0;version=0.0.4", text100},
		{"on a wildcard", "*/*;version=9", text004},
	}
	for _, v := range []string{"1", "1.0", "1.0.0", "0.0.1", `"1.0"`, "", `""`} {
		tests = append(tests, negotiateTest{"served", om + ";version=" + v + ", text/plain;q=0.1", openMetrics1})
	}
	for _, v := range []string{"2.0.0", "2", "1.0.1", "1.1.0", "0.0.4", "0", "0.0.0", "1.0.0.0", "1.", ".1", "1..0", "1.0.x",
		"v1.0.0", "+1.0.0", "-1.0.0", "1_0.0.0", "0x1", "1e0", "latest", "18446744073709551617.0.0", "4294967297", `" 1.0.0"`, `"1.0.0 "`} {
		tests = append(tests, negotiateTest{"not served", om + ";version=" + v + ", text/plain;q=0.1", text004})
	}
	runNegotiate(t, tests)
}

func TestNegotiateEscaping(t *testing.T) {
	const om = "application/openmetrics-text"
	runNegotiate(t, []negotiateTest{
		{"its own", om + ";escaping=dots, text/plain;version=1.0.0;escaping=values;q=0.5", Format{Syntax: OpenMetrics100, Escaping: EscapeDots}},
		{"its own, underscores", om + ";escaping=underscores, text/plain;version=1.0.0;escaping=values;q=0.5", openMetrics1},
		{"case and quotes", om + `;Escaping="Allow-UTF-8"`, openMetrics8},
		{"backslashes", om + `;escaping="\d\ots"`, Format{Syntax: OpenMetrics100, Escaping: EscapeDots}},
		{"unknown", om + ";escaping=rot13", openMetrics1},
		{"unknown, then known", om + ";escaping=rot13;escaping=dots", Format{Syntax: OpenMetrics100, Escaping: EscapeDots}},
		{"the first of two", om + ";escaping=dots;escaping=values", Format{Syntax: OpenMetrics100, Escaping: EscapeDots}},
		{"borrowed from text", om + ", text/plain;version=1.0.0;escaping=values;q=0.5", Format{Syntax: OpenMetrics100, Escaping: EscapeValues}},
		{"borrowed for an unknown one", om + ";escaping=rot13, text/plain;version=1.0.0;escaping=values;q=0.5", Format{Syntax: OpenMetrics100, Escaping: EscapeValues}},
		{"borrowed by text 1.0.0", "text/plain;version=1.0.0, " + om + ";escaping=dots;q=0.5", Format{Syntax: Text100, Escaping: EscapeDots}},
		{"borrowed from what isn't served", "application/vnd.google.protobuf;escaping=allow-utf-8, " + om + ";q=0.5", openMetrics8},
		{"borrowed from the best", om + ", a/b;escaping=dots;q=0.1, a/b;escaping=values;q=0.2", Format{Syntax: OpenMetrics100, Escaping: EscapeValues}},
		{"borrowed from the first of equals", om + ", a/b;escaping=dots;q=0.1, a/b;escaping=values;q=0.1", Format{Syntax: OpenMetrics100, Escaping: EscapeDots}},
		{"not borrowed from a malformed clause", om + ", a/b;escaping=dots;=;q=0.1", openMetrics1},
		{"not borrowed by text 0.0.4", "text/plain, " + om + ";escaping=dots;q=0.5", text004},
		{"not borrowed by text/*", "text/*, " + om + ";escaping=dots;q=0.5", text004},
		{"not borrowed by */*", "*/*, " + om + ";escaping=dots;q=0.5", text004},
		{"not borrowed by the last resort", "a/b;escaping=dots", text004},
		{"text 0.0.4's own", "text/plain;version=0.0.4;escaping=dots", Format{Syntax: Text004, Escaping: EscapeDots}},
		{"text's own", "text/plain;escaping=allow-utf-8", text004UTF8},
		{"the wildcard's own", "*/*;escaping=allow-utf-8", text004UTF8},
	})
}

func TestNegotiateGrammar(t *testing.T) {
	const om = "application/openmetrics-text"
	tests := []negotiateTest{
		{"upper case", "APPLICATION/OpenMetrics-TEXT;VERSION=1.0.0;ESCAPING=DOTS", Format{Syntax: OpenMetrics100, Escaping: EscapeDots}},
		{"blanks", " \t" + om + " \t; \tversion=1.0.0 \t; \tescaping=dots \t, \t*/* ", Format{Syntax: OpenMetrics100, Escaping: EscapeDots}},
		{"blanks around =", om + ";version = 1.0.0;escaping\t=\tdots", Format{Syntax: OpenMetrics100, Escaping: EscapeDots}},
		{"empty parameters", om + ";;version=1.0.0; ;escaping=dots;", Format{Syntax: OpenMetrics100, Escaping: EscapeDots}},
		{"empty clauses", ",, ,\t," + om + ",,", openMetrics1},
		{"unknown parameters", om + `;a=b;c="d e";f;g=;version=1.0.0`, openMetrics1},
		{"a comma in quotes", om + `;a="b,text/plain;q=1,c";q=0.5`, openMetrics1},
		{"a semicolon in quotes", om + `;a=";version=7;q=0";version=1.0.0`, openMetrics1},
		{"a quote in quotes", om + `;a="\",*/*,\"";version=1.0.0`, openMetrics1},
		{"a backslash in quotes", om + `;a="\\";version=1.0.0`, openMetrics1},
		{"an empty string", om + `;a="";version=1.0.0`, openMetrics1},
		{"beyond ASCII in quotes", om + `;a="é";version=1.0.0`, openMetrics1},
		{"the longest type doesn't match", om + "x", text004},
		{"nor does the shortest", "application/openmetrics", text004},
		{"an application wildcard is not served", "application/*, text/plain;version=1.0.0;q=0.1", text100},
	}
	// Each of these is malformed, so the clause behind it is served.
	for _, s := range []string{
		"*", "*/", "/*", "/", "text", "text/", "/plain", "text/plain/plain", "text /plain", "text/ plain", "text plain", `"text/plain"`,
		"text/plain;=", "text/plain;=1.0.0", "text/plain;a b=c", "text/plain;a=b c", "text/plain;version=0.0.4 x", "text/plain;version==0.0.4",
		`text/plain;a="b"c`, `text/plain;a="b" c`, `text/plain;a=b"c"`, `text/plain;a=b"c,d"`, `text/plain;"a"=b`, "text/plain;a=(b)", "text/plain;é=a",
		"text/plain;a=é", "text/plain;a=http://b", ";;;", "*/*version=1", "text/pl\u0101in", "te\u017ft/plain", "text/plain\u00a0",
	} {
		tests = append(tests, negotiateTest{"malformed", s + ", " + om + ";q=0.1", openMetrics1})
	}
	// A quote left open swallows the rest of its line.
	for _, s := range []string{`text/plain;a="b`, `"`, `text/plain;a="b\`, `text/plain;a="b\"`, `text/plain;version="1.0.0`} {
		tests = append(tests, negotiateTest{"open quote", s + ", " + om + ";q=0.1", text004})
	}
	runNegotiate(t, tests)
}

func runNegotiate(t *testing.T, tests []negotiateTest) {
	t.Helper()
	for _, tt := range tests {
		if got := Negotiate([]string{tt.accept}); got != tt.want {
			t.Errorf("%s: Negotiate(%q)\n got %v\nwant %v", tt.name, tt.accept, got, tt.want)
		}
	}
}

func TestNegotiateLines(t *testing.T) {
	const om = "application/openmetrics-text"
	tests := []struct {
		accept []string
		want   Format
	}{
		{nil, text004},
		{[]string{}, text004},
		{[]string{"", ""}, text004},
		{[]string{"*/*;q=0.1", om}, openMetrics1},
		{[]string{"text/plain;version=1.0.0", om}, text100},
		{[]string{om, "text/plain;version=1.0.0;escaping=dots;q=0.1"}, Format{Syntax: OpenMetrics100, Escaping: EscapeDots}},
		{[]string{om + ";version=1.0.0", ";q=0"}, openMetrics1}, // a clause ends with its line
		{[]string{`text/plain;a="`, om + `;a="`, om}, openMetrics1},
		{[]string{"*/*", om + ";q=0.1", "text/plain;q=0"}, openMetrics1},
	}
	for _, tt := range tests {
		if got := Negotiate(tt.accept); got != tt.want {
			t.Errorf("Negotiate(%q)\n got %v\nwant %v", tt.accept, got, tt.want)
		}
	}
}

// overrides are the vectors on which Python is not followed.
var overrides = map[string]struct {
	want Format
	why  string
}{
	"om_bare":                   {openMetrics1, "the answer names its escaping from 1.0.0 on"},
	"version_empty":             {openMetrics1, "the answer names its escaping from 1.0.0 on"},
	"version_no_equals":         {openMetrics1, "the answer names its escaping from 1.0.0 on"},
	"space_around_equals":       {openMetrics1, "blanks around = are borne with, and the answer names its escaping"},
	"upper_param":               {openMetrics1, "parameter names are case-insensitive: this is version 0.0.1; the answer names its escaping"},
	"comma_in_quotes":           {openMetrics1, "a comma in quotes doesn't end the clause: this is version 1.0.0; the answer names its escaping"},
	"om_escaping_no_version":    {openMetrics8, "an escaping is honoured without a version as well"},
	"om_escaping_upper":         {Format{Syntax: OpenMetrics100, Escaping: EscapeDots}, "escaping values are case-insensitive"},
	"upper_type":                {openMetrics1, "media types are case-insensitive"},
	"text_escaping_old_version": {text004UTF8, "an escaping that the clause for 0.0.4 asks for itself is honoured, as client_golang does"},
	"om_0.0.1":                  {openMetrics1, "Prometheus 2.5 to 2.33 ask for 0.0.1 and read 1.0.0"},
	"version_twice":             {openMetrics1, "the first version is 0.0.1, which is answered with 1.0.0"},
	"om_1":                      {openMetrics1, "missing parts of a version are 0"},
	"om_1.0":                    {openMetrics1, "missing parts of a version are 0"},
	"om_01.0.0":                 {openMetrics1, "this is 1.0.0, and the answer names the version served, not that asked for"},
	"om_2.0.0":                  {text004, "a version that is not served is not echoed"},
	"om_1.1.0":                  {text004, "a version that is not served is not echoed"},
	"om_99":                     {text004, "a version that is not served is not echoed"},
	"om_1.0.0.1":                {text004, "a version that is not served is not echoed"},
	"om_1_0.0.0":                {text004, "not a version"},
	"version_2.x":               {text004, "not a version"},
	"space_in_version":          {text004, "a blank doesn't stand in a token: the clause is malformed"},
	"text_2.0.0":                {text004, "a version that is not served is not answered with another"},
	"version_word":              {text004, "not a version, where Python fails the scrape"},
	"version_v1":                {text004, "not a version, where Python fails the scrape"},
	"version_dots":              {text004, "not a version, where Python fails the scrape"},
	"version_double_equals":     {text004, "the clause is malformed, where Python fails the scrape"},
	"version_quoted":            {openMetrics1, "a quoted version is a version, where Python fails the scrape"},
	"text_1_before_om":          {openMetrics1, "the higher q wins, not the first clause"},
	"om_before_text_1":          {text100, "the higher q wins, not the first clause"},
	"text_0.0.4_before_om":      {text004, "text 0.0.4 is as good a choice as any other when its q is higher"},
	"om_q0":                     {text004, "q=0 refuses"},
	"prometheus_2.49_native":    {protobuf1, "protobuf is served"},
	"prometheus_2.40_native":    {protobuf1, "protobuf is served"},
	"prometheus_3_native":       {protobuf8, "protobuf is served, with the names of the other formats"},
	"telegraf":                  {protobuf1, "protobuf is served"},
}

// What Python's choose_encoder answers, but for the overrides.
func TestNegotiatePython(t *testing.T) {
	data, err := os.ReadFile("testdata/negotiate.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		ID     string
		Accept *string
		Expect struct {
			ContentType string `json:"content_type"`
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	used := 0
	for _, v := range vectors {
		var accept []string
		if v.Accept != nil {
			accept = []string{*v.Accept}
		}
		want := v.Expect.ContentType
		if o, ok := overrides[v.ID]; ok {
			used++
			if want == o.want.ContentType() {
				t.Errorf("%s: Python gives what is wanted, the override is not needed", v.ID)
			}
			want = o.want.ContentType()
		}
		if got := Negotiate(accept).ContentType(); got != want {
			t.Errorf("%s: %q\n got %s\nwant %s", v.ID, accept, got, want)
		}
	}
	if used != len(overrides) {
		t.Errorf("%d of %d overrides have a vector", used, len(overrides))
	}
}

func TestNegotiateDoesNotAllocate(t *testing.T) {
	for _, tt := range prometheusTests {
		accept := []string{tt.accept}
		if n := testing.AllocsPerRun(100, func() { Negotiate(accept, OpenMetrics200) }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", tt.name, n)
		}
	}
}

// A header of 2 MB takes some tens of milliseconds. Were the time quadratic,
// it would take many times the limit.
func TestNegotiateIsLinear(t *testing.T) {
	const size, limit = 4 << 20, 20 * time.Second
	for _, unit := range []string{
		",", ";", `"`, `\`, "=", "/", " ", "a", ".", "0", "*/*,", "a/b;", `""`, `"\`, `,"`, `;"`, `\"`,
		`text/plain;version="1.0.0",`, ";q=1", ";version=1", ";escaping=a", `;a="\"`, "a/b;q=0.1,", "*/*;q=0,", "1.",
	} {
		long := strings.Repeat(unit, size/len(unit))
		for _, accept := range []string{long, "text/plain;" + long, "text/plain;version=" + long, "text/plain;q=0." + long, `text/plain;version="` + long} {
			start := time.Now()
			Negotiate([]string{accept})
			if d := time.Since(start); d > limit {
				t.Errorf("%d bytes of %.20q… took %v", size, accept, d)
			}
		}
	}
}

func ExampleNegotiate() {
	f := Negotiate([]string{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"})
	fmt.Println(f.ContentType())
	f = Negotiate([]string{"text/html,*/*;q=0.8"})
	fmt.Println(f.ContentType())
	// Output:
	// application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8
	// text/plain; version=0.0.4; charset=utf-8
}

func BenchmarkNegotiate(b *testing.B) {
	for _, tt := range prometheusTests {
		if tt.name != "3.4 to 3.14" && tt.name != "2.5 to 2.33" {
			continue
		}
		b.Run(tt.name, func(b *testing.B) {
			accept := []string{tt.accept}
			b.ReportAllocs()
			for b.Loop() {
				Negotiate(accept)
			}
		})
	}
}
