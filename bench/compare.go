package main

import (
	"fmt"
	"io"
	"strings"
)

// A row counts as changed when it did by more than this factor, and when the
// spans of both runs don't meet.
const (
	much      = 1.25 // for times, whose noise is large even as a ratio
	muchExact = 1.01 // for sizes and numbers of allocations
)

// verdict says how a row differs from the recorded one.
type verdict string

const (
	worse  verdict = "worse"
	better verdict = "better"
	same   verdict = "same"
	added  verdict = "new"
	gone   verdict = "gone"
	// unknown is a time that can't be compared: the longest of many, which is chance,
	// or one of another machine where neither a peer nor the limit was measured both
	// times.
	unknown verdict = "unknown"
)

// change is how a row differs from the recorded one.
type change struct {
	row     *row
	verdict verdict
	// against is the peer, or the limit, by which times are divided, or empty for
	// figures as they are.
	against       string
	before, after span
}

// changes compares all rows that Fennel has a figure in.
func changes(before, after *record) []change {
	var all []change
	for i := range rows {
		row := &rows[i]
		name := row.of(columns[0])
		_, was := row.figure(before.results, columns[0])
		_, is := row.figure(after.results, columns[0])
		c := change{row: row}
		switch {
		case !was && !is:
			continue
		case !was:
			c.verdict, c.after = added, spanOf(after.results[name][row.unit])
		case !is:
			c.verdict, c.before = gone, spanOf(before.results[name][row.unit])
		default:
			c.compare(before, after)
		}
		all = append(all, c)
	}
	return all
}

// compare fills in the rest of a change of a row that is in both.
func (c *change) compare(before, after *record) {
	row := c.row
	if row.isWorstCase() {
		c.verdict = unknown
		return
	}
	factor := much
	if row.isExact() {
		factor = muchExact
	}
	if row.isTime() {
		c.against = row.yardstick(before.results, after.results)
		if c.against == "" && before.machine != after.machine {
			c.verdict = unknown
			return
		}
	}
	c.before = row.spanAgainst(before.results, c.against)
	c.after = row.spanAgainst(after.results, c.against)
	switch {
	case c.after.mid > factor*c.before.mid && c.after.low > c.before.high:
		c.verdict = worse
	case c.before.mid > factor*c.after.mid && c.before.low > c.after.high:
		c.verdict = better
	default:
		c.verdict = same
	}
}

// isTime reports whether a row's figures depend on how fast the machine is just
// now.
func (row *row) isTime() bool { return strings.Contains(row.unit, "ns") }

// isWorstCase reports whether they are the longest of many times.
func (row *row) isWorstCase() bool { return strings.HasSuffix(row.unit, "max-ns") }

// isExact reports whether they are sizes or numbers, the same in each run.
func (row *row) isExact() bool {
	return strings.Contains(row.unit, "alloc") || strings.Contains(row.unit, "object") || strings.Contains(row.unit, "B")
}

// yardstick returns by whose time Fennel's is divided: by that of the recorded best
// of the rivals that were measured both times, or else by the limit.
func (row *row) yardstick(before, after results) string {
	best := ""
	for _, p := range rivals {
		v, was := row.figure(before, p)
		w, is := row.figure(after, p)
		if was && is && v > 0 && w > 0 {
			if old, ok := row.figure(before, best); !ok || v < old {
				best = p
			}
		}
	}
	if best != "" {
		return best
	}
	v, _ := row.figure(before, limit)
	w, _ := row.figure(after, limit)
	if v > 0 && w > 0 {
		return limit
	}
	return ""
}

// spanAgainst returns where Fennel's figures lie, divided by those of another
// one. Those of the same run are divided, if there is one for each: what slowed
// down that run, slowed down both.
func (row *row) spanAgainst(r results, other string) span {
	own := r[row.of(columns[0])][row.unit]
	if other == "" {
		return spanOf(own)
	}
	theirs := r[row.of(other)][row.unit]
	median := spanOf(theirs).mid
	var ratios []float64
	for i, v := range own {
		by := median
		if len(theirs) == len(own) && theirs[i] > 0 {
			by = theirs[i]
		}
		ratios = append(ratios, v/by)
	}
	return spanOf(ratios)
}

// writeChanges writes the rows that differ, and returns how many are worse. That
// rows are gone counts only if all were to be measured.
func writeChanges(w io.Writer, before, after *record, whole bool) int {
	fmt.Fprintf(w, "\nCompared with %s, %s. %s\n", before.date, before.machine, before.others)
	if before.versions != after.versions {
		fmt.Fprintf(w, "The versions were others: %s.\n", before.versions)
	}
	fmt.Fprint(w, "\n| | work | figure | recorded | now | change |\n|---|---|---|--:|--:|--:|\n")
	count := make(map[verdict]int)
	for _, c := range changes(before, after) {
		if c.verdict == gone && !whole {
			continue
		}
		count[c.verdict]++
		if c.verdict != same && c.verdict != unknown {
			c.writeTo(w)
		}
	}
	fmt.Fprintf(w, "\nRows: %d worse, %d better, %d the same, %d new, %d gone; %d can't be compared.\n",
		count[worse], count[better], count[same], count[added], count[gone], count[unknown])
	return count[worse]
}

// writeTo writes a line of the table of changes.
func (c *change) writeTo(w io.Writer) {
	figure, format := "fennel", c.row.format
	if c.against != "" {
		figure, format = "fennel ÷ "+c.against, ratio
	}
	was, is, by := format(c.before.mid), format(c.after.mid), ""
	switch {
	case c.verdict == added:
		was = "–"
	case c.verdict == gone:
		is = "–"
	case c.before.mid > 0:
		by = "×" + number(c.after.mid/c.before.mid)
	}
	fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", c.verdict, c.row.title, figure, was, is, by)
}
