package integration

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
)

// seriesName returns the one way in which this package spells a series, so that
// what was written, parsed and stored compare: name, then labels by name, all
// quoted as Go does it.
//
//	http_requests_total{method="GET", status="200"}
//	{"http.requests", method="GET"}
//
// The labels include __name__ if there is one; those named in without are left
// out, and so are empty ones, which to Prometheus are the same as none.
func seriesName(labels map[string]string, without ...string) string {
	name := labels["__name__"]
	var pairs []string
	if name != "" && !isLegacy(name) {
		pairs = append(pairs, strconv.Quote(name))
		name = ""
	}
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if label == "__name__" || labels[label] == "" || slices.Contains(without, label) {
			continue
		}
		pairs = append(pairs, labelName(label)+"="+strconv.Quote(labels[label]))
	}
	if len(pairs) == 0 && name != "" {
		return name
	}
	return name + "{" + strings.Join(pairs, ", ") + "}"
}

// isLegacy reports whether a metric can be written without quotes.
func isLegacy(name string) bool {
	return model.LegacyValidation.IsValidMetricName(name)
}

// labelName returns the label's name, quoted if need be.
func labelName(name string) string {
	if model.LegacyValidation.IsValidLabelName(name) {
		return name
	}
	return strconv.Quote(name)
}

// diff says how two sets of values by series differ, one series a line; it is
// empty if they don't. NaN equals NaN, and 0 is not -0.
func diff(got, want map[string]float64) string {
	var b strings.Builder
	for _, series := range slices.Sorted(maps.Keys(want)) {
		v, ok := got[series]
		switch {
		case !ok:
			fmt.Fprintf(&b, "%.300s: missing, want %v\n", series, want[series])
		case !same(v, want[series]):
			fmt.Fprintf(&b, "%.300s: got %v, want %v\n", series, v, want[series])
		}
	}
	for _, series := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[series]; !ok {
			fmt.Fprintf(&b, "%.300s: unexpected, got %v\n", series, got[series])
		}
	}
	return b.String()
}

// same reports whether two values are the same, of which all NaN are.
func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}
