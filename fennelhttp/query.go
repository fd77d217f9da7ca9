package fennelhttp

import (
	"net/url"
	"strings"
)

// query is what the query of a URL asks for.
type query struct {
	names    []string // of families; nil for all
	readable bool     // debug=text
	syntax   string   // format; "" for the one that is negotiated
}

// parseQuery reads the parameters that matter. Of name[] all count, of others
// the first; empty ones don't.
//
// [url.ParseQuery] is not used because it drops what it finds malformed: a
// filter that was lost would let a scrape for one family have all. Here, a name
// that can't be decoded stands for itself, and so for nothing in all
// likelihood; and other parameters cost nothing and can't hurt.
func parseQuery(text string) (q query) {
	for text != "" {
		var param string
		param, text, _ = strings.Cut(text, "&")
		key, value, _ := strings.Cut(param, "=")
		if value == "" {
			continue
		}
		switch unescaped(key) {
		case "name[]":
			q.names = append(q.names, unescaped(value))
		case "debug":
			q.readable = q.readable || unescaped(value) == "text"
		case "format":
			if q.syntax == "" {
				q.syntax = unescaped(value)
			}
		}
	}
	return q
}

// unescaped decodes a part of a query, or returns it as it is.
func unescaped(s string) string {
	if text, err := url.QueryUnescape(s); err == nil {
		return text
	}
	return s
}
