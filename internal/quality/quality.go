// Package quality reads the q parameter of the headers with which clients say what
// they want (RFC 9110, section 12.4.2).
package quality

import "strings"

// Value is a q: the greater, the more wanted. A q of 0.7 is Least + 0.7 * one.
type Value uint32

const (
	Unstated Value = iota
	Refused        // q=0
	Least          // q is malformed or greater than 1, or too small to tell
	Most     = Least + one

	one = 1e9
)

// Parse reads a number from 0 to 1. It takes more digits than the three of the
// grammar, and none before the point, since Java's "q=.2" is common.
func Parse(s string) Value {
	whole, fraction, _ := strings.Cut(s, ".")
	var v Value
	switch {
	case whole == "1":
		v = one
	case whole == "0", whole == "" && fraction != "":
	default:
		return Least
	}
	zero, scale := v == 0, Value(one/10)
	for i := range len(fraction) {
		d := fraction[i] - '0'
		if d > 9 {
			return Least
		}
		v += Value(d) * scale
		zero = zero && d == 0
		scale /= 10
	}
	switch {
	case v > one:
		return Least
	case zero:
		return Refused
	}
	return Least + v
}
