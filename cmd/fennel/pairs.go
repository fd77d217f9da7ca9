package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// pair is a label that was given as name=value.
type pair struct{ name, value string }

// pairs is a flag that may be given several times. Unlike a map it keeps a name
// that is given twice, for somebody to complain about.
type pairs []pair

// Set implements [kingpin.Value].
func (p *pairs) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return fmt.Errorf("%q is not name=value", s)
	}
	for _, other := range *p {
		if other.name == name {
			return fmt.Errorf("the label %q is there twice", name)
		}
	}
	*p = append(*p, pair{name, value})
	return nil
}

// String implements [kingpin.Value].
func (p *pairs) String() string {
	parts := make([]string, len(*p))
	for i, l := range *p {
		parts[i] = l.name + "=" + l.value
	}
	return strings.Join(parts, ",")
}

// IsCumulative tells kingpin that the flag may be repeated.
func (p *pairs) IsCumulative() bool { return true }

var _ kingpin.Value = (*pairs)(nil)
