// Package exposition writes metrics in the formats that Prometheus reads, and
// chooses the one that a scraper asked for.
//
// [Write] streams a registry to an io.Writer, [Bytes] returns it whole:
//
//	body, err := exposition.Bytes(ctx, fennel.Default, exposition.Format{})
//
// The zero [Format] is text 0.0.4, which everything understands. [Negotiate]
// returns the best one for the Accept header of a request; the Content-Type of
// the answer is [Format.ContentType].
//
// Families come in the order of their names, their samples in the order of the
// label values. Families without samples are left out. A metric keeps its name
// in every format: what OpenMetrics 1.0 demands of names is met by the choice
// of type, never by renaming. So a counter whose name does not end in _total is
// written there as of unknown type, as client_golang does it, too. So is a
// counter x_total beside another metric named x, and an info x_info beside one
// becomes a gauge: without their suffix both would be called x. The text formats
// have no infos and statesets and write them as gauges; they call unknown
// untyped.
//
// Known gaps: OpenMetrics forbids _sum and _count for histograms with negative
// bounds, so they are left out there, and only there.
package exposition
