package exposition

import (
	"slices"

	"github.com/fennelmetrics/fennel/internal/quality"
)

// Negotiate returns the format that the lines of an Accept header ask for:
//
//	f := exposition.Negotiate(r.Header["Accept"])
//	w.Header().Set("Content-Type", f.ContentType())
//
// The clause with the highest q that can be served wins, and of equals the one
// that stands first. Wildcards mean text 0.0.4. Protobuf is asked for by its
// media type with proto=io.prometheus.client.MetricFamily and
// encoding=delimited, both. OpenMetrics 2.0 is served only if extra has it, and
// only to a clause with just that version: without a flag of its own, a server
// that asked for OpenMetrics can't read it. A clause that is malformed, or
// asks for what is not served, is passed over, and a q that is malformed or
// greater than 1 puts its clause last, which is what Prometheus 2.49.0 meant by
// "*/*;q=2". What a clause with q=0 names is not chosen through any clause that
// is no more specific (RFC 9110, section 12.5.1). When nothing is left the
// answer is the zero Format, never a refusal, as
// https://prometheus.io/docs/instrumenting/content_negotiation wants it.
//
// The escaping is that of the winning clause. Where that has none, protobuf,
// OpenMetrics and text 1.0.0 take the escaping of the best clause that has one,
// because a scraper that reads UTF-8 names in one format reads them in the
// others: Prometheus names no escaping beside protobuf, so that names would
// change with the format otherwise. Text 0.0.4 doesn't: Prometheus names an
// escaping beside "text/plain;version=0.0.4", but leaves it out there on purpose.
// Where no clause has one, names are escaped with underscores, but not in
// OpenMetrics 2.0, whose grammar has names in UTF-8.
//
// Negotiate takes time in proportion to the length of the header, whatever is
// in it, and doesn't allocate unless a quoted value holds a backslash.
func Negotiate(accept []string, extra ...Syntax) Format {
	p := poll{openMetrics200: slices.Contains(extra, OpenMetrics200)}
	for _, line := range accept {
		for line != "" {
			var text string
			text, line = cut(line, ',')
			if c, ok := parseClause(text); ok {
				p.add(c)
			}
		}
	}
	return p.result()
}

// poll gathers what the clauses of a header ask for. Which of them count is
// known at the end only, since a refusal may stand behind what it refuses, so
// it keeps the best clause of each syntax and specificity.
type poll struct {
	best    [syntaxes][specificities]vote
	barred  [syntaxes]int // the specificities below this one are refused
	lender  vote          // the best clause with an escaping
	clauses int

	openMetrics200 bool // it is served
}

// vote is one clause's wish. The zero value is no vote.
type vote struct {
	quality   quality.Value
	order     int // of the clause in the header
	escaping  Escaping
	hasEscape bool
}

func (v vote) beats(w vote) bool {
	if v.quality != w.quality {
		return v.quality > w.quality
	}
	return v.order < w.order
}

func (p *poll) add(c clause) {
	p.clauses++
	level := c.specificity()
	if c.quality == quality.Refused {
		for s := range Syntax(syntaxes) {
			if c.covers(s) {
				p.barred[s] = max(p.barred[s], level+1)
			}
		}
		return
	}
	v := vote{c.quality, p.clauses, c.escaping, c.hasEscape}
	if v.hasEscape && v.beats(p.lender) {
		p.lender = v
	}
	s, ok := c.syntax()
	if s == OpenMetrics200 && !p.openMetrics200 {
		return
	}
	if ok && v.beats(p.best[s][level]) {
		p.best[s][level] = v
	}
}

func (p *poll) result() Format {
	var f Format
	var best vote
	for s := range Syntax(syntaxes) {
		for _, v := range p.best[s][p.barred[s]:] {
			if v.beats(best) {
				f.Syntax, best = s, v
			}
		}
	}
	switch {
	case best.hasEscape || f.Syntax == Text004:
		f.Escaping = best.escaping
	case p.lender.hasEscape:
		f.Escaping = p.lender.escaping
	case f.Syntax == OpenMetrics200:
		f.Escaping = AllowUTF8
	}
	return f
}
