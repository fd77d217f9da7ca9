package exposition

import (
	"fmt"
	"mime"
	"testing"

	"github.com/fennelmetrics/fennel/internal/names"
)

// formats yields every Format there is.
func formats(yield func(Format) bool) {
	for s := range Syntax(syntaxes) {
		for e := range Escaping(escapings) {
			if !yield(Format{Syntax: s, Escaping: e}) {
				return
			}
		}
	}
}

func TestContentType(t *testing.T) {
	tests := map[Format]string{
		{}: "text/plain; version=0.0.4; charset=utf-8",
		{Syntax: Text004, Escaping: EscapeUnderscores}:        "text/plain; version=0.0.4; charset=utf-8",
		{Syntax: Text004, Escaping: AllowUTF8}:                "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8",
		{Syntax: Text004, Escaping: EscapeDots}:               "text/plain; version=0.0.4; charset=utf-8; escaping=dots",
		{Syntax: Text004, Escaping: EscapeValues}:             "text/plain; version=0.0.4; charset=utf-8; escaping=values",
		{Syntax: Text100, Escaping: EscapeUnderscores}:        "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
		{Syntax: Text100, Escaping: AllowUTF8}:                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
		{Syntax: Text100, Escaping: EscapeDots}:               "text/plain; version=1.0.0; charset=utf-8; escaping=dots",
		{Syntax: Text100, Escaping: EscapeValues}:             "text/plain; version=1.0.0; charset=utf-8; escaping=values",
		{Syntax: OpenMetrics100, Escaping: EscapeUnderscores}: "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
		{Syntax: OpenMetrics100, Escaping: AllowUTF8}:         "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
		{Syntax: OpenMetrics100, Escaping: EscapeDots}:        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots",
		{Syntax: OpenMetrics100, Escaping: EscapeValues}:      "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values",

		{Syntax: Protobuf, Escaping: EscapeUnderscores}:       "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores",
		{Syntax: Protobuf, Escaping: AllowUTF8}:               "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=allow-utf-8",
		{Syntax: Protobuf, Escaping: EscapeDots}:              "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=dots",
		{Syntax: Protobuf, Escaping: EscapeValues}:            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=values",
		{Syntax: OpenMetrics200, Escaping: EscapeUnderscores}: "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping=underscores",
		{Syntax: OpenMetrics200, Escaping: AllowUTF8}:         "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping=allow-utf-8",
		{Syntax: OpenMetrics200, Escaping: EscapeDots}:        "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping=dots",
		{Syntax: OpenMetrics200, Escaping: EscapeValues}:      "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping=values",

		{Created: true, Syntax: OpenMetrics100}:                 "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
		{Readable: true}:                                        "text/plain; charset=utf-8",
		{Readable: true, Syntax: Protobuf, Escaping: AllowUTF8}: "text/plain; charset=utf-8",

		// Out of range.
		{Syntax: syntaxes, Escaping: AllowUTF8}:       "text/plain; version=0.0.4; charset=utf-8",
		{Syntax: OpenMetrics100, Escaping: escapings}: "text/plain; version=0.0.4; charset=utf-8",
		{Syntax: 255, Escaping: 255}:                  "text/plain; version=0.0.4; charset=utf-8",
	}
	for f, want := range tests {
		if got := f.ContentType(); got != want {
			t.Errorf("Format{%d, %d}.ContentType() = %q, want %q", f.Syntax, f.Escaping, got, want)
		}
	}
	for f := range formats {
		if _, ok := tests[f]; !ok {
			t.Errorf("no test for %v", f)
		}
		if _, _, err := mime.ParseMediaType(f.ContentType()); err != nil {
			t.Errorf("%q: %v", f.ContentType(), err)
		}
		if n := testing.AllocsPerRun(100, func() { f.ContentType() }); n != 0 {
			t.Errorf("%v.ContentType(): %v allocations, want 0", f, n)
		}
	}
}

// A scraper that asks for the content type of a format gets that format.
func TestContentTypeNegotiatesItself(t *testing.T) {
	for f := range formats {
		if got := Negotiate([]string{f.ContentType()}, OpenMetrics200); got != f {
			t.Errorf("Negotiate(%q) = %v, want %v", f.ContentType(), got, f)
		}
	}
}

func TestParseSyntax(t *testing.T) {
	names := map[string]Syntax{
		"PrometheusText0.0.4": Text004, "PrometheusText1.0.0": Text100, "OpenMetricsText1.0.0": OpenMetrics100,
		"PrometheusProto": Protobuf, "OpenMetricsText2.0.0": OpenMetrics200,
	}
	if len(names) != syntaxes {
		t.Errorf("%d syntaxes are tested, there are %d", len(names), syntaxes)
	}
	for name, want := range names {
		if got, ok := ParseSyntax(name); got != want || !ok || got.String() != name {
			t.Errorf("ParseSyntax(%q) = %v, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "prometheusproto", "PrometheusProto ", "OpenMetricsText0.0.1"} {
		if got, ok := ParseSyntax(name); got != Text004 || ok {
			t.Errorf("ParseSyntax(%q) = %v, %v", name, got, ok)
		}
	}
}

func TestFormatString(t *testing.T) {
	tests := map[Format]string{
		{}:                                      "PrometheusText0.0.4; escaping=underscores",
		{Syntax: Text100, Escaping: EscapeDots}: "PrometheusText1.0.0; escaping=dots",
		{Syntax: OpenMetrics100, Escaping: AllowUTF8}: "OpenMetricsText1.0.0; escaping=allow-utf-8",
		{Syntax: 200, Escaping: AllowUTF8}:            "PrometheusText0.0.4; escaping=underscores",
		{Syntax: OpenMetrics100, Escaping: 200}:       "PrometheusText0.0.4; escaping=underscores",
	}
	for f, want := range tests {
		if got := f.String(); got != want {
			t.Errorf("Format{%d, %d}.String() = %q, want %q", f.Syntax, f.Escaping, got, want)
		}
	}
	if got := Syntax(200).String(); got != "PrometheusText0.0.4" {
		t.Errorf("Syntax(200).String() = %q", got)
	}
	if got := Escaping(200).String(); got != "underscores" {
		t.Errorf("Escaping(200).String() = %q", got)
	}
}

// Encoders convert one into the other.
func TestEscapingIsScheme(t *testing.T) {
	tests := map[Escaping]names.Scheme{
		EscapeUnderscores: names.Underscores,
		AllowUTF8:         names.AllowUTF8,
		EscapeDots:        names.Dots,
		EscapeValues:      names.Values,
	}
	if len(tests) != escapings {
		t.Errorf("%d escapings are tested, there are %d", len(tests), escapings)
	}
	for e, s := range tests {
		if names.Scheme(e) != s {
			t.Errorf("%v is %d, names has %d", e, e, s)
		}
	}
}

func ExampleFormat_ContentType() {
	fmt.Println(Format{}.ContentType())
	fmt.Println(Format{Syntax: OpenMetrics100, Escaping: AllowUTF8}.ContentType())
	// Output:
	// text/plain; version=0.0.4; charset=utf-8
	// application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8
}
