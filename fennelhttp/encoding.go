package fennelhttp

import (
	"strings"

	"github.com/fennelmetrics/fennel/internal/quality"
)

// choose returns the coding in which a body is best sent, by the lines of an
// Accept-Encoding header (RFC 9110, section 12.5.3), or nil for none. Those on
// offer are given by preference.
//
// Of them and identity, which is no coding, the one with the highest q is
// chosen, of equals the one that stands first, and identity last. A coding that
// isn't named has the q of "*"; without that, identity is acceptable and wanted
// less than all that is named, and other codings aren't acceptable. Where a
// coding is named twice, the higher q counts. A malformed clause is passed over;
// a q that is malformed or greater than 1 puts its clause last, as in the Accept
// header.
//
// The answer is never 406, Not Acceptable: a scrape in a coding that the client
// said it doesn't want is of more use than none, and nobody but a test sends
// such headers. So nil may mean a client that refuses all there is. But one that
// refuses identity by name gets a coding that it doesn't refuse, and the last on
// offer, which is the most common one, if it names none: it would rather have
// any coding than none.
func choose(offered []*coding, lines []string) *coding {
	if len(lines) == 0 || len(offered) == 0 {
		return nil
	}
	var best *coding
	var wanted quality.Value
	rest := qualityOf("*", lines)
	for i := len(offered) - 1; i >= 0; i-- {
		q := qualityOf(offered[i].name, lines)
		if q == quality.Unstated {
			q = rest
		}
		if q != quality.Refused && (best == nil || q > wanted || q == wanted && q != quality.Unstated) {
			best, wanted = offered[i], q
		}
	}
	plain := qualityOf("identity", lines)
	if plain == quality.Refused {
		return best
	}
	if plain == quality.Unstated {
		plain = rest
	}
	if wanted == quality.Unstated || wanted < plain {
		return nil
	}
	return best
}

// qualityOf returns the highest q that a coding is named with.
func qualityOf(name string, lines []string) quality.Value {
	highest := quality.Unstated
	for _, line := range lines {
		for more := true; more; {
			var clause string
			clause, line, more = strings.Cut(line, ",")
			coding, q, ok := parseCoding(clause)
			if ok && (strings.EqualFold(coding, name) || name == "gzip" && strings.EqualFold(coding, "x-gzip")) {
				highest = max(highest, q)
			}
		}
	}
	return highest
}

// parseCoding reads one clause of an Accept-Encoding header.
func parseCoding(clause string) (coding string, q quality.Value, ok bool) {
	coding, params, _ := strings.Cut(clause, ";")
	coding = strings.Trim(coding, " \t")
	if coding == "" || strings.ContainsAny(coding, " \t\"=") {
		return "", quality.Unstated, false
	}
	// There should be no other parameter than q, but where there is, it says
	// nothing about q.
	for params != "" {
		var param string
		param, params, _ = strings.Cut(params, ";")
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.Trim(name, " \t"), "q") {
			return coding, quality.Parse(strings.Trim(value, " \t")), true
		}
	}
	return coding, quality.Most, true
}
