package series

import (
	"math/bits"
	"unsafe"
)

// Compare orders two label texts with the same names by their values, in the
// order of the names.
func Compare(a, b string) int {
	i := common(a, b)
	if i == min(len(a), len(b)) {
		return len(a) - len(b)
	}
	escaped := escapesNext(a[:i])
	return rank(a[i:], escaped) - rank(b[i:], escaped)
}

// common returns how many bytes two texts begin with alike.
func common(a, b string) int {
	n := min(len(a), len(b))
	p, q := unsafe.Pointer(unsafe.StringData(a)), unsafe.Pointer(unsafe.StringData(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := load64(p, i) ^ load64(q, i); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// escapesNext reports whether what follows s is the second half of an escape:
// whether s ends in an odd number of backslashes.
func escapesNext(s string) bool {
	odd := false
	for i := len(s) - 1; i >= 0 && s[i] == '\\'; i-- {
		odd = !odd
	}
	return odd
}

// rank says where the byte at the start of a rendered value sorts: the end of
// the value before everything else, an escape as what it stands for.
func rank(s string, escaped bool) int {
	c := s[0]
	switch {
	case escaped && c == 'n':
		return '\n'
	case escaped:
		return int(c)
	case c == '"':
		return -1
	case c == '\\' && len(s) > 1:
		return rank(s[1:], true)
	}
	return int(c)
}
