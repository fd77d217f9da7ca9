package fennelhttp

import (
	"net/url"
	"strings"
)

// wantedNames returns the values of the name[] parameters of a query, without
// empty ones.
//
// [url.ParseQuery] is not used because it drops what it finds malformed: a
// filter that was lost would let a scrape for one family have all. Here, a name
// that can't be decoded stands for itself, and so for nothing in all
// likelihood; and other parameters cost nothing and can't hurt.
func wantedNames(query string) []string {
	var names []string
	for query != "" {
		var param string
		param, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(param, "=")
		if unescaped(key) != "name[]" || value == "" {
			continue
		}
		names = append(names, unescaped(value))
	}
	return names
}

// unescaped decodes a part of a query, or returns it as it is.
func unescaped(s string) string {
	if text, err := url.QueryUnescape(s); err == nil {
		return text
	}
	return s
}
