package exposition

import "testing"

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
