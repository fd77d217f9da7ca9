package fennelhttp

import "strings"

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
	var wanted weight
	rest := weightOf("*", lines)
	for i := len(offered) - 1; i >= 0; i-- {
		w := weightOf(offered[i].name, lines)
		if w == unnamed {
			w = rest
		}
		if w != refused && (best == nil || w > wanted || w == wanted && w != unnamed) {
			best, wanted = offered[i], w
		}
	}
	plain := weightOf("identity", lines)
	if plain == refused {
		return best
	}
	if plain == unnamed {
		plain = rest
	}
	if wanted == unnamed || wanted < plain {
		return nil
	}
	return best
}

// weightOf returns the highest q that a coding is named with.
func weightOf(name string, lines []string) weight {
	highest := unnamed
	for _, line := range lines {
		for more := true; more; {
			var clause string
			clause, line, more = strings.Cut(line, ",")
			coding, w, ok := parseCoding(clause)
			if ok && (strings.EqualFold(coding, name) || name == "gzip" && strings.EqualFold(coding, "x-gzip")) {
				highest = max(highest, w)
			}
		}
	}
	return highest
}

// weight is the q of a coding: the greater, the more wanted. A q of 0.7 is
// least + 700.
type weight int

const (
	unnamed weight = iota
	refused        // q=0
	least          // q is malformed or greater than 1
)

// parseCoding reads one clause of an Accept-Encoding header.
func parseCoding(clause string) (coding string, w weight, ok bool) {
	coding, params, _ := strings.Cut(clause, ";")
	coding = strings.Trim(coding, " \t")
	if coding == "" || strings.ContainsAny(coding, " \t\"=") {
		return "", unnamed, false
	}
	// There should be no other parameter than q, but where there is, it says
	// nothing about q.
	for params != "" {
		var param string
		param, params, _ = strings.Cut(params, ";")
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.Trim(name, " \t"), "q") {
			return coding, parseWeight(strings.Trim(value, " \t")), true
		}
	}
	return coding, least + 1000, true
}

// parseWeight reads a number from 0 to 1. It takes more digits than the three
// of the grammar, and none before the point.
func parseWeight(s string) weight {
	whole, fraction, _ := strings.Cut(s, ".")
	var w weight
	switch {
	case whole == "1":
		w = 1000
	case whole == "0", whole == "" && fraction != "":
	default:
		return least
	}
	tiny := false // but not 0
	for i, scale := 0, weight(100); i < len(fraction); i, scale = i+1, scale/10 {
		d := fraction[i] - '0'
		if d > 9 {
			return least
		}
		w += weight(d) * scale
		tiny = tiny || d > 0
	}
	switch {
	case w > 1000:
		return least
	case w == 0 && !tiny:
		return refused
	}
	return least + w
}
