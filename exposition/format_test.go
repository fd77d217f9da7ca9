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
			if !yield(Format{s, e}) {
				return
			}
		}
	}
}

func TestContentType(t *testing.T) {
	tests := map[Format]string{
		{}:                                  "text/plain; version=0.0.4; charset=utf-8",
		{Text004, EscapeUnderscores}:        "text/plain; version=0.0.4; charset=utf-8",
		{Text004, AllowUTF8}:                "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8",
		{Text004, EscapeDots}:               "text/plain; version=0.0.4; charset=utf-8; escaping=dots",
		{Text004, EscapeValues}:             "text/plain; version=0.0.4; charset=utf-8; escaping=values",
		{Text100, EscapeUnderscores}:        "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
		{Text100, AllowUTF8}:                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
		{Text100, EscapeDots}:               "text/plain; version=1.0.0; charset=utf-8; escaping=dots",
		{Text100, EscapeValues}:             "text/plain; version=1.0.0; charset=utf-8; escaping=values",
		{OpenMetrics100, EscapeUnderscores}: "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
		{OpenMetrics100, AllowUTF8}:         "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
		{OpenMetrics100, EscapeDots}:        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots",
		{OpenMetrics100, EscapeValues}:      "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values",

		// Out of range.
		{syntaxes, AllowUTF8}:       "text/plain; version=0.0.4; charset=utf-8",
		{OpenMetrics100, escapings}: "text/plain; version=0.0.4; charset=utf-8",
		{255, 255}:                  "text/plain; version=0.0.4; charset=utf-8",
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
		if got := Negotiate([]string{f.ContentType()}); got != f {
			t.Errorf("Negotiate(%q) = %v, want %v", f.ContentType(), got, f)
		}
	}
}

func TestFormatString(t *testing.T) {
	tests := map[Format]string{
		{}:                          "PrometheusText0.0.4; escaping=underscores",
		{Text100, EscapeDots}:       "PrometheusText1.0.0; escaping=dots",
		{OpenMetrics100, AllowUTF8}: "OpenMetricsText1.0.0; escaping=allow-utf-8",
		{200, AllowUTF8}:            "PrometheusText0.0.4; escaping=underscores",
		{OpenMetrics100, 200}:       "PrometheusText0.0.4; escaping=underscores",
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
