package fennel

import (
	"fmt"
	"math"
	"time"

	"github.com/fennelmetrics/fennel/internal/native"
)

// Native is an option of [NewHistogram] and [NewHistogramVec] that gives a
// histogram native buckets: bounds that grow by the same factor each, wherever
// something is observed, so that there is nothing to choose beforehand. See
// https://prometheus.io/docs/specs/native_histograms.
//
// The zero value is a good choice. It has buckets that grow by 9 %, 160 of them
// at most, and the classic buckets beside them, for servers and formats that
// have no native ones:
//
//	latency := fennel.NewHistogram("http_request_duration_seconds", "…", fennel.Native{})
//
// Where there would be more than MaxBuckets, the zero bucket widens as far as
// MaxZeroThreshold allows, and then the resolution is halved, as often as it
// takes. No observation is ever lost by that.
//
// The sum, the count and all buckets of such a histogram always fit together: each
// observation that is read is in all of them.
type Native struct {
	// Factor is how much larger one bucket's bound may be than the one before,
	// as in 1.1. The finest of the schemas that are not coarser is 2^(1/256),
	// the coarsest 65536. 0 leaves the choice to Schema.
	Factor float64
	// Schema is the same as the specification has it: bounds grow by
	// 2^(2^-Schema). It goes from -4 to 8, and 0 means 3, which is a factor of
	// 1.09; for schema 0 say Factor: 2.
	Schema int
	// ZeroThreshold is the largest absolute value that is counted as if it were
	// 0. The default is 2^-128; a negative one lets only 0 itself be 0.
	ZeroThreshold float64
	// MaxBuckets is how many buckets may have observations, the zero bucket
	// apart. The default is 160. At the coarsest schema, with observations from
	// one end of all numbers to the other, there may be up to 266 in any case.
	MaxBuckets int
	// MaxZeroThreshold is up to where the zero bucket may widen. By default it
	// does not.
	MaxZeroThreshold float64
	// MinReset lets a histogram that had to become coarser return to its own
	// resolution, once this much time has passed since it began to count. It is
	// reset, as by [Histogram.Reset], by the first scrape after that, and at the
	// very moment that this has read it. So with one scraper nothing is lost.
	// With several, each of the others misses what was observed since it
	// scraped last; and so does every one if the scrape fails on its way.
	// Whatever gathers the registry scrapes it, [Gather] for one. By default no
	// histogram is ever reset.
	//
	// In client_golang, a histogram is reset by an observation, and what was
	// observed since the last scrape is never seen.
	MinReset time.Duration
	// Only leaves the classic buckets away. The formats that have no native
	// buckets then show the sum, the count and the +Inf bucket.
	Only bool
}

func (n Native) forHistogram(o *options) {
	o.native, o.declareNative = (*nativeChoice)(&n), declareNative
}

// nativeChoice is a Native that is no option: what all declarations have must not link
// what that option needs.
type nativeChoice Native

// defaults of what is 0 in a Native.
const (
	defaultSchema        = 3
	defaultZeroThreshold = 0x1p-128
	defaultMaxBuckets    = 160
)

// nativeRule is what a Native comes down to.
type nativeRule struct {
	schema    int
	threshold float64
	limits    native.Limits
	minReset  time.Duration
}

// rule fills in the defaults. The option has passed the checks.
func (n *nativeChoice) rule() nativeRule {
	r := nativeRule{
		schema:    n.Schema,
		threshold: n.ZeroThreshold,
		limits:    native.Limits{Buckets: n.MaxBuckets, Threshold: n.MaxZeroThreshold},
		minReset:  n.MinReset,
	}
	switch {
	case n.Factor != 0:
		r.schema = native.SchemaOf(n.Factor)
	case n.Schema == 0:
		r.schema = defaultSchema
	}
	switch {
	case r.threshold == 0:
		r.threshold = defaultZeroThreshold
	case r.threshold < 0:
		r.threshold = 0
	}
	if r.limits.Buckets == 0 {
		r.limits.Buckets = defaultMaxBuckets
	}
	return r
}

// checkNative returns what is wrong with the native buckets.
func (d *declaration) checkNative(bool) string {
	n := d.native
	switch {
	case n == nil:
		return ""
	case n.Factor != 0 && n.Schema != 0:
		return fmt.Sprintf("native buckets have a factor, %v, and a schema, %d: drop one", n.Factor, n.Schema)
	case n.Factor != 0 && !(n.Factor > 1 && n.Factor <= math.MaxFloat64):
		return fmt.Sprintf("the factor of native buckets is %v: it must be greater than 1 and finite, such as 1.1", n.Factor)
	case n.Schema < native.MinSchema || n.Schema > native.MaxSchema:
		return fmt.Sprintf("the schema of native buckets is %d: it must be from %d to %d", n.Schema, native.MinSchema, native.MaxSchema)
	case math.IsNaN(n.ZeroThreshold) || math.IsInf(n.ZeroThreshold, 0):
		return fmt.Sprintf("the zero threshold is %v: it must be finite, or negative for none", n.ZeroThreshold)
	case !(n.MaxZeroThreshold >= 0 && n.MaxZeroThreshold <= math.MaxFloat64):
		return fmt.Sprintf("the largest zero threshold is %v: it must be finite and not negative", n.MaxZeroThreshold)
	case n.MaxZeroThreshold != 0 && n.MaxZeroThreshold < n.rule().threshold:
		return fmt.Sprintf("the largest zero threshold, %v, is below that which the zero bucket begins with, %v: raise it or leave it 0",
			n.MaxZeroThreshold, n.rule().threshold)
	case n.MaxBuckets < 0:
		return fmt.Sprintf("the limit is %d native buckets: it must be positive, or 0 for %d", n.MaxBuckets, defaultMaxBuckets)
	case n.MinReset < 0:
		return fmt.Sprintf("the time between resets is %v: it must not be negative", n.MinReset)
	case n.Only && len(d.bounds) > 0:
		return "it has native buckets only, and the option Buckets beside that: drop Only or Buckets"
	}
	return ""
}

// sameNative reports whether two declarations have equal native buckets. Whether
// there are classic ones, too, is a matter of their bounds.
func (d *declaration) sameNative(e *declaration) bool {
	if d.native == nil || e.native == nil {
		return d.native == e.native
	}
	return d.native.rule() == e.native.rule()
}

// describeNative says to a person which native buckets there are.
func (d *declaration) describeNative() string {
	r := d.native.rule()
	s := fmt.Sprintf("native buckets of schema %d, at most %d, zero threshold %v", r.schema, r.limits.Buckets, r.threshold)
	if r.limits.Threshold > 0 {
		s += fmt.Sprintf(" up to %v", r.limits.Threshold)
	}
	if r.minReset > 0 {
		s += fmt.Sprintf(", reset after %v", r.minReset)
	}
	return s
}
