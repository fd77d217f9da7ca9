package push

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fennelmetrics/fennel/internal/names"
)

// label is a label of a group's key.
type label struct{ name, value string }

// check says what is wrong with a label of [Grouping].
func (l label) check() error {
	wrong := func(problem string) error { return fmt.Errorf("push: grouping label %q %s", l.name, problem) }
	switch {
	case l.name == "":
		return errors.New("push: a grouping label has no name")
	case !utf8.ValidString(l.name):
		return wrong("has a name that is not UTF-8")
	case l.name == "job":
		return wrong("is the job, which is an argument of New")
	case strings.HasPrefix(l.name, "__"):
		return wrong("is reserved: names must not begin with __")
	case strings.HasPrefix(l.name, "U__"):
		// The gateway tells it from an escaped name only by a flag of its own.
		return wrong("looks like an escaped name, and a gateway with --push.enable-utf8-names would unescape it: choose one that doesn't begin with U__")
	case !utf8.ValidString(l.value):
		return wrong(fmt.Sprintf("has a value that is not UTF-8: %q", l.value))
	}
	return nil
}

// groupPath returns the path of a group behind the gateway's, such as
// "/metrics/job/backup/instance/db1". The key is sorted by name.
func groupPath(job string, key []label) (string, error) {
	switch {
	case job == "":
		return "", errors.New("push: the job is empty: a group needs a name of its job")
	case !utf8.ValidString(job):
		return "", fmt.Errorf("push: the job %q is not UTF-8", job)
	}
	path := appendLabel([]byte("/metrics"), label{"job", job})
	for i, l := range key {
		if i > 0 && key[i-1].name == l.name {
			return "", fmt.Errorf("push: grouping label %q is given twice", l.name)
		}
		path = appendLabel(path, l)
	}
	return string(path), nil
}

// appendLabel appends "/name/value", or "/name@base64/value" for a value that
// would not get through as it is: servers and proxies take %2F apart, resolve
// "..", and join what is empty.
func appendLabel(dst []byte, l label) []byte {
	dst = append(dst, '/')
	dst = append(dst, names.Values.Label(l.name)...)
	if plain(l.value) {
		dst = append(dst, '/')
		return append(dst, l.value...)
	}
	dst = append(dst, "@base64/"...)
	if l.value == "" {
		return append(dst, '=') // an empty part of a path would be lost
	}
	return base64.URLEncoding.AppendEncode(dst, []byte(l.value))
}

// plain reports whether a value can stand in a path as it is.
func plain(value string) bool {
	if value == "" || value == "." || value == ".." {
		return false
	}
	for i := range len(value) {
		switch c := value[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}

// withJob returns the key with the job in its place.
func withJob(key []label, job string) []label {
	return sorted(append(slices.Clone(key), label{"job", job}))
}

// sorted sorts a key by name, in place.
func sorted(key []label) []label {
	slices.SortStableFunc(key, func(a, b label) int { return strings.Compare(a.name, b.name) })
	return key
}

// exotic reports whether a name of the key has to be escaped.
func exotic(key []label) bool {
	return slices.ContainsFunc(key, func(l label) bool { return !names.LegalLabel(l.name) })
}
