package exposition

import (
	"slices"

	"github.com/fennelmetrics/fennel/internal/names"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// The content types of the formats, without their escaping parameter.
// [Format.ContentType] gives the one that belongs to a body.
const (
	ContentTypeText004        = "text/plain; version=0.0.4; charset=utf-8"
	ContentTypeText100        = "text/plain; version=1.0.0; charset=utf-8"
	ContentTypeOpenMetrics100 = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	ContentTypeProtobuf       = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
	ContentTypeOpenMetrics200 = "application/openmetrics-text; version=2.0.0; charset=utf-8"

	// ContentTypeReadable is that of all formats that are written for people.
	ContentTypeReadable = "text/plain; charset=utf-8"
)

// Syntax is the wire format that a scrape is written in. The zero value,
// Text004, is the last resort: every scraper reads it.
type Syntax uint8

// New syntaxes are added at the end: a value says nothing about preference.
const (
	Text004        Syntax = iota // Prometheus text format 0.0.4
	Text100                      // Prometheus text format 1.0.0, which has quoted names
	OpenMetrics100               // OpenMetrics 1.0.0
	Protobuf                     // MetricFamily messages of io.prometheus.client, each after its length
	OpenMetrics200               // OpenMetrics 2.0.0, as of its release candidate 0

	syntaxes = iota // how many there are
)

var syntaxNames = [syntaxes]string{
	Text004:        "PrometheusText0.0.4",
	Text100:        "PrometheusText1.0.0",
	OpenMetrics100: "OpenMetricsText1.0.0",
	Protobuf:       "PrometheusProto",
	OpenMetrics200: "OpenMetricsText2.0.0",
}

// String returns the name of the syntax in Prometheus's scrape_protocols
// setting, such as "OpenMetricsText1.0.0". A value out of range gives that of
// Text004.
func (s Syntax) String() string {
	if s >= syntaxes {
		s = Text004
	}
	return syntaxNames[s]
}

// ParseSyntax returns the syntax that String gives as name, and whether there is
// one.
func ParseSyntax(name string) (Syntax, bool) {
	i := slices.Index(syntaxNames[:], name)
	return Syntax(max(i, 0)), i >= 0
}

// Escaping is how names outside the legacy charset are written; see
// https://prometheus.io/docs/instrumenting/escaping_schemes. The zero value,
// EscapeUnderscores, is in force when nothing was negotiated.
type Escaping uint8

// The values are fixed; new schemes are added at the end.
const (
	EscapeUnderscores Escaping = iota // http.status as http_status
	AllowUTF8                         // http.status as it is, in quotes
	EscapeDots                        // http.status as http_dot_status
	EscapeValues                      // http.status as U__http_2e_status

	escapings = iota // how many there are
)

// String returns the value of the escaping parameter that names e, such as
// "allow-utf-8". A value out of range gives "underscores".
func (e Escaping) String() string { return names.Scheme(e).String() }

// Format is what a scrape is written in: a syntax, and an escaping for the
// names that the legacy charset has no room for. Formats may be compared with
// ==, and the zero value is text 0.0.4 with underscores. A Format with a
// field out of range acts as the zero Format.
type Format struct {
	Syntax   Syntax
	Escaping Escaping

	// Created adds, to OpenMetrics 1.0 alone, a line for the time since which
	// each counter, histogram and summary counts: x_created. To a server that
	// doesn't know what to do with it, that is one more series for each of them.
	// Protobuf and OpenMetrics 2.0 have the time in the sample itself, always.
	Created bool

	// Readable is for people: protobuf is written as text, and a browser shows
	// each format instead of saving it.
	Readable bool
}

// ContentType returns the Content-Type header of a body written in f, such as
// "text/plain; version=0.0.4; charset=utf-8". It names the escaping from
// version 1.0.0 on, and under 0.0.4, which knew nothing of it, only where it
// isn't underscores. What is readable is plain text of no version. It doesn't
// allocate.
func (f Format) ContentType() string {
	f = f.known()
	if f.Readable {
		return ContentTypeReadable
	}
	return contentTypes[f.Syntax][f.Escaping]
}

// String returns f for logs and messages, such as
// "OpenMetricsText1.0.0; escaping=allow-utf-8".
func (f Format) String() string {
	f = f.known()
	return f.Syntax.String() + "; escaping=" + f.Escaping.String()
}

// slot is the number under which a family keeps what is prepared for f. What is
// readable, or has lines for times of creation, is prepared alike.
func (f Format) slot() int { return int(f.Syntax)*escapings + int(f.Escaping) }

// There must be a slot for each.
var _ [sample.MaxFormats - syntaxes*escapings]struct{}

// known returns f, or the zero Format if f is out of range.
func (f Format) known() Format {
	if f.Syntax >= syntaxes || f.Escaping >= escapings {
		return Format{}
	}
	return f
}

var contentTypes = [syntaxes][escapings]string{
	Text004: {
		EscapeUnderscores: ContentTypeText004,
		AllowUTF8:         ContentTypeText004 + "; escaping=allow-utf-8",
		EscapeDots:        ContentTypeText004 + "; escaping=dots",
		EscapeValues:      ContentTypeText004 + "; escaping=values",
	},
	Text100: {
		EscapeUnderscores: ContentTypeText100 + "; escaping=underscores",
		AllowUTF8:         ContentTypeText100 + "; escaping=allow-utf-8",
		EscapeDots:        ContentTypeText100 + "; escaping=dots",
		EscapeValues:      ContentTypeText100 + "; escaping=values",
	},
	OpenMetrics100: {
		EscapeUnderscores: ContentTypeOpenMetrics100 + "; escaping=underscores",
		AllowUTF8:         ContentTypeOpenMetrics100 + "; escaping=allow-utf-8",
		EscapeDots:        ContentTypeOpenMetrics100 + "; escaping=dots",
		EscapeValues:      ContentTypeOpenMetrics100 + "; escaping=values",
	},
	Protobuf: {
		EscapeUnderscores: ContentTypeProtobuf + "; escaping=underscores",
		AllowUTF8:         ContentTypeProtobuf + "; escaping=allow-utf-8",
		EscapeDots:        ContentTypeProtobuf + "; escaping=dots",
		EscapeValues:      ContentTypeProtobuf + "; escaping=values",
	},
	OpenMetrics200: {
		EscapeUnderscores: ContentTypeOpenMetrics200 + "; escaping=underscores",
		AllowUTF8:         ContentTypeOpenMetrics200 + "; escaping=allow-utf-8",
		EscapeDots:        ContentTypeOpenMetrics200 + "; escaping=dots",
		EscapeValues:      ContentTypeOpenMetrics200 + "; escaping=values",
	},
}
