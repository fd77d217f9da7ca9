package integration

import (
	"math"
	"strings"
)

// nastyCase is a case that once went wrong somewhere, or easily might.
type nastyCase struct {
	name, help, unit string
	nameA, valueA    string
	nameB, valueB    string
	value            float64
	seconds, nanos   int64
}

// nasty are the seeds of the fuzz tests, which run with every type.
var nasty = []nastyCase{
	{name: "requests_total", help: "Requests.", nameA: "method", valueA: "GET", value: 3},
	{name: "build_info", help: "Build.", nameA: "version", valueA: "v1.2.3", value: 1},
	{name: "job_seconds_total", help: "Time.", unit: "seconds", value: 0.25, seconds: 1700000000, nanos: 123456789},
	{name: "size_bytes", help: "Size.", unit: "bytes", nameA: "a", valueA: "1", nameB: "b", valueB: "2", value: -0.5, seconds: 1},
	{name: "http.status code", help: "UTF-8.", nameA: "sensor.id", valueA: "a", nameB: "花火", valueB: "火花"},
	{name: "花火_秒_total", help: "花火", unit: "秒", nameA: "é", valueA: "é", value: 2},
	{name: "🔥", nameA: "rule:sum", valueA: ":", nameB: "_", valueB: "_"},
	{name: "rule:sum", help: "Colons.", nameA: "a:b", valueA: "c", nameB: "a", valueB: ""},
	{name: "quote\"back\\slash\nline_info", help: "quote\"back\\slash\nline\\n", nameA: "quote\"back\\slash\nline", valueA: "quote\"back\\slash\nline\\n", nameB: "b", valueB: `\`},
	{name: `\"`}, {name: `\n`}, {name: `\\`},
	{name: "unit_back\\slash", unit: "back\\slash", value: 7},
	{name: "unit_quo\"te", unit: "quo\"te", value: 7},
	{name: "unit_a\x00b", unit: "a\x00b", value: 7},
	{name: "unit_a{b}", unit: "a{b}", value: 7},
	{name: "unit_μs", unit: "μs", value: 7},
	{name: "nul\x00_info", help: "nul\x00", nameA: "nul\x00", valueA: "\x00", nameB: "n", valueB: "\x00\x00"},
	{name: "nul_value_info", help: "\x00", nameA: "n", valueA: "\x00", nameB: "m", valueB: "a\x00b\x00"},
	{name: "control_info", help: "\r\t\v\f\x7f\u0085\u2028", nameA: "\r\t", valueA: "\r\t\v\f\x7f\u0085\u2028\ufeff", value: 1},
	{name: "blank_help", help: "  \t leading and trailing \t ", value: 1},
	{name: "only_blank_help", help: " ", value: 1},
	{name: " ", help: "A blank name.", nameA: " ", valueA: " ", value: 1},
	{name: "0starts", nameA: "0", valueA: "0", nameB: "1", valueB: "1", value: 1},
	{name: "U__looks_2e_escaped", nameA: "U__looks_2e_escaped", valueA: "x", value: 1},
	{name: "a_dot_b", nameA: "a_dot_b", valueA: "x", nameB: "a.c", valueB: "y", value: 1},
	{name: "hidden", nameA: "-name-", valueA: "taken over", value: 1},
	{name: "hidden", nameA: "..name..", valueA: "taken over", value: 1},
	{name: "hidden", nameA: "..address..", valueA: "reserved", value: 1},
	{name: "-name-"}, {name: "..name.."}, {name: "__name__"}, {name: "__address__"}, {name: "le"}, {name: "quantile"},
	{name: "#", help: "#", nameA: "#", valueA: "#", value: 1},
	{name: "# EOF", help: "# EOF", nameA: "}", valueA: "} 1 # EOF", nameB: "{", valueB: "\n# EOF\n", value: 1},
	{name: "TYPE", help: "HELP", nameA: "TYPE", valueA: "HELP", value: 1},
	{name: "mended", nameA: "a", valueA: "\xff\xfe", nameB: "b", valueB: "a\xc3", value: 1},
	{name: "invalid\xff", help: "\xff", value: 1},
	{name: "surrogate_info", nameA: "a", valueA: "\xed\xa0\x80", nameB: "b", valueB: "\U0010ffff", value: 1},
	{name: "reserved", nameA: "le", valueA: "1", nameB: "quantile", valueB: "0.5", value: 1},
	{name: "state", nameA: "state", valueA: "on", value: 1},
	{name: "twice", nameA: "a.b", valueA: "1", nameB: "a_b", valueB: "2", value: 1},
	{name: "foo_created", value: 1}, {name: "0created", value: 1}, {name: "foo_bucket", value: 1}, {name: "foo_total_total", value: 1},
	{name: "_total"}, {name: "_info"}, {name: ""}, {name: "total"}, {name: "._total"}, {name: "__"},
	{name: "nan", value: math.NaN()}, {name: "inf", value: math.Inf(1)}, {name: "minus_inf", value: math.Inf(-1)},
	{name: "minus_zero", value: math.Copysign(0, -1)}, {name: "tiny", value: math.SmallestNonzeroFloat64},
	{name: "huge", value: math.MaxFloat64}, {name: "exact", value: 1 << 60}, {name: "beyond", value: 1e15 + 0.5},
	{name: "long_info", nameA: "long", valueA: strings.Repeat("long \\ \" \n ", 1000), value: 1},
	{name: "before_1970", value: 1, seconds: -1}, {name: "in_1970", value: 1},
	{name: "a_nanosecond", value: 1, nanos: 1}, {name: "a_millisecond", value: 1, nanos: 999999},
	{name: "year_2262", value: 1, seconds: 9223372036}, {name: "year_3000", value: 1, seconds: 32503680000},
	{name: "year_9999", value: 1, seconds: 253402300799, nanos: 999999999},
	{name: "rounded_up", value: 1, seconds: 9223372036, nanos: -58},
	{name: "overflow", value: 1, seconds: math.MaxInt64, nanos: math.MaxInt64},
}
