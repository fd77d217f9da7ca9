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
// There are five syntaxes: text 0.0.4 and 1.0.0, OpenMetrics 1.0 and 2.0, and
// protobuf. Prometheus asks for protobuf where it wants native histograms or
// start times. OpenMetrics 2.0, which is not final yet, has all of that in text;
// it is served only to who asks for it by number, and only if the program says so.
//
// Families come in the order of their names, their samples in the order of the
// label values. Families without samples are left out. A metric keeps its name
// in every format: what OpenMetrics 1.0 demands of names is met by the choice
// of type, never by renaming. So a counter whose name does not end in _total is
// written there as of unknown type, as client_golang does it, too. So is a
// counter x_total beside another metric named x, and an info x_info beside one
// becomes a gauge: without their suffix both would be called x. The text formats
// and protobuf have no infos and statesets and write them as gauges; they call
// unknown untyped. The text formats have no gauge histograms either: they write
// the buckets as a histogram, and counts and sums as gauges.
//
// What a format has no room for is left out there:
//
//	                    text       OpenMetrics 1.0         OpenMetrics 2.0   protobuf
//	native buckets      no         no                      yes               yes
//	exemplars           no         one a line, 128 runes   all               one a bucket, all native ones
//	times of creation   no         Format.Created          yes               yes
//	timestamps          ms         ns                      ns                ms
//	counters            exact      exact                   exact             float64
//
// A histogram that has native buckets alone is shown by the others with its
// count and sum, and one bucket up to +Inf.
//
// Known gaps: OpenMetrics 1.0 forbids _sum and _count for histograms with
// negative bounds, so they are left out there, and only there.
package exposition
