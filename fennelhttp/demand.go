package fennelhttp

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/fennelmetrics/fennel/exposition"
)

// demand is what a request asks for.
type demand struct {
	names  []string // of families; nil for all
	format exposition.Format
	coding *coding // nil for none
	coded  bool    // middleware compresses
}

// demand reads a request. The error is the client's.
func (h *handler) demand(w http.ResponseWriter, r *http.Request) (d demand, err error) {
	q := parseQuery(r.URL.RawQuery)
	d.names = q.names
	d.format, err = h.format(r.Header["Accept"], &q)
	d.coded = len(w.Header()["Content-Encoding"]) > 0
	if !d.coded {
		d.coding = choose(h.codings, r.Header["Accept-Encoding"]).serving(&d)
	}
	return d, err
}

// format returns the format that the header and the query ask for.
func (h *handler) format(accept []string, q *query) (exposition.Format, error) {
	f := exposition.Negotiate(accept, h.extra...)
	f.Created = h.created
	if !q.readable {
		return f, nil
	}
	f.Readable = true
	if !slices.ContainsFunc(accept, mentionsEscaping) {
		f.Escaping = exposition.AllowUTF8 // people read it
	}
	if q.syntax == "" {
		return f, nil
	}
	syntax, ok := exposition.ParseSyntax(q.syntax)
	if !ok {
		return f, fmt.Errorf("there is no format %.100q; use one of %s", q.syntax, strings.Join(syntaxNames(), ", "))
	}
	f.Syntax = syntax
	return f, nil
}

func mentionsEscaping(line string) bool { return strings.Contains(strings.ToLower(line), "escaping") }

// syntaxNames returns the names of all formats.
func syntaxNames() (names []string) {
	for s := exposition.Syntax(0); ; s++ {
		name := s.String()
		if slices.Contains(names, name) { // the one of values out of range
			return names
		}
		names = append(names, name)
	}
}

// announce sets the header of the answer. Its values are one allocation.
func (d *demand) announce(header http.Header) {
	values := &[...]string{d.format.ContentType(), "Accept, Accept-Encoding", ""}
	header["Content-Type"] = values[0:1:1]
	if header["Vary"] == nil {
		header["Vary"] = values[1:2:2]
	} else {
		header.Add("Vary", values[1])
	}
	if d.coding != nil {
		values[2] = d.coding.name
		header["Content-Encoding"] = values[2:3:3]
	}
	if d.format.Readable {
		header.Set("X-Content-Type-Options", "nosniff")
	}
}
