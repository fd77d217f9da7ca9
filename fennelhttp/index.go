package fennelhttp

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// index is the page at "/" of a server, for people who follow a port to see
// what is there. Other paths are not found. The link is relative, so that it
// leads on through a proxy, too.
type index struct {
	page   string
	limits limits
}

const indexPage = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Metrics</title></head>
<body><a href="LINK">Metrics</a></body>
</html>
`

// newIndex returns the page that links to a path. A quote, or the like, that is
// not for HTML is not for URLs, either.
func newIndex(path string, l limits) index {
	link := url.URL{Path: strings.TrimPrefix(path, "/")}
	return index{strings.Replace(indexPage, "LINK", strings.ReplaceAll(link.String(), "&", "&amp;"), 1), l}
}

// ServeHTTP implements [http.Handler].
func (i index) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/" && !isFavicon(r.URL.Path):
		serveError(w, r, i.limits, http.StatusNotFound, "404 page not found")
	case !allowed(w, r, i.limits):
	case r.URL.Path != "/":
		serveNothing(w, r, i.limits)
	default:
		limit(w, r, i.limits)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, i.page) // the client's loss if that fails
	}
}
