package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// limit is the column of what the machine can do at best.
const limit = "limit"

// columns are the peers, Fennel first, and the limit.
var columns = []string{"fennel", "client_golang", "vm", "otel", limit}

// rivals are the peers but Fennel.
var rivals = columns[1 : len(columns)-1]

// of returns the name of a peer's benchmark.
func (row *row) of(peer string) string { return strings.Replace(row.key, "*", peer, 1) }

// figure returns what a peer has in this row, and whether there is something.
func (row *row) figure(r results, peer string) (float64, bool) {
	return r.median(row.of(peer), row.unit)
}

// writeTable writes all rows that have a figure as a Markdown table.
func writeTable(w io.Writer, r results) {
	fmt.Fprintln(w, "| work | fennel | client_golang | vm | otel | limit | budget | fennel ÷ budget | best rival ÷ fennel |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, row := range rows {
		if cells, ok := row.cells(r); ok {
			own, found := row.figure(r, columns[0])
			writeLine(w, cells, row.allowed(), row.used(own, found), row.advantage(r))
		}
	}
}

// losses is how many rows the short table shows in which Fennel is worse than
// a rival, if there are so many: the worst of them, chosen or not.
const losses = 3

// writeShort writes the rows that were chosen for the short table, and some that
// speak against Fennel.
func writeShort(w io.Writer, r results) {
	fmt.Fprintln(w, "| work | fennel | client_golang | vm | otel | limit | best rival ÷ fennel |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|")
	lost := worst(r)
	for _, row := range rows {
		if row.in != short && !slices.Contains(lost, row.title) {
			continue
		}
		if cells, ok := row.cells(r); ok {
			writeLine(w, cells, row.advantage(r))
		}
	}
}

// worst returns the titles of the rows in which Fennel is the furthest behind.
func worst(r results) []string {
	var lost []row
	for _, row := range rows {
		if f, ok := row.factor(r); ok && f < 1 {
			lost = append(lost, row)
		}
	}
	slices.SortStableFunc(lost, func(a, b row) int {
		x, _ := a.factor(r)
		y, _ := b.factor(r)
		return cmp.Compare(x, y)
	})
	var titles []string
	for _, row := range lost[:min(losses, len(lost))] {
		titles = append(titles, row.title)
	}
	return titles
}

func writeLine(w io.Writer, cells []string, more ...string) {
	fmt.Fprintln(w, "| "+strings.Join(append(cells, more...), " | ")+" |")
}

// cells returns the title and what is in the columns, and whether there is a
// figure at all. A rival's is in bold where it is better than Fennel's.
func (row *row) cells(r results) ([]string, bool) {
	cells := []string{row.title}
	own, compared := row.figure(r, columns[0])
	found := false
	for _, c := range columns {
		v, ok := row.figure(r, c)
		cell := "–"
		if ok {
			found = true
			cell = row.format(v)
		}
		if ok && compared && slices.Contains(rivals, c) && beats(v, own) {
			cell = "**" + cell + "**"
		}
		cells = append(cells, cell)
	}
	return cells, found
}

// beats reports whether a rival's figure is better by what can be seen.
func beats(rival, own float64) bool { return rival < 0.99*own }

// allowed returns the cell of the budget.
func (row *row) allowed() string {
	switch row.budget {
	case 0:
		return ""
	case none:
		return "0"
	}
	return "≤ " + row.format(row.budget)
}

// used returns how much of the budget is used, in bold if it is too much.
func (row *row) used(own float64, ok bool) string {
	switch {
	case !ok || row.budget == 0:
		return ""
	case row.budget == none && own == 0:
		return "met"
	case row.budget == none:
		return "**missed**"
	case own > row.budget:
		return fmt.Sprintf("**%.2f**", own/row.budget)
	}
	return fmt.Sprintf("%.2f", own/row.budget)
}

// factor returns how many times better Fennel is than the best rival, below 1 if
// it is worse, and whether that can be said.
func (row *row) factor(r results) (float64, bool) {
	own, ok := row.figure(r, columns[0])
	best := math.Inf(1)
	for _, p := range rivals {
		if v, ok := row.figure(r, p); ok {
			best = min(best, v)
		}
	}
	switch {
	case !ok || own == 0 || math.IsInf(best, 1):
		return 0, false
	case best < own && !beats(best, own):
		return 1, true
	}
	return best / own, true
}

// advantage returns the cell of the factor.
func (row *row) advantage(r results) string {
	f, ok := row.factor(r)
	if !ok {
		return ""
	}
	return "×" + ratio(f)
}

// ratio formats a ratio to two digits, or more if it is large.
func ratio(f float64) string {
	switch {
	case f >= 1000:
		return count(f)
	case f >= 10:
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.2g", f)
}

// nanos formats a time.
func nanos(v float64) string { return scaled(v, 1000, "ns", "µs", "ms", "s") }

// size formats a size.
func size(v float64) string { return scaled(v, 1000, "B", "kB", "MB", "GB") }

// count formats a number of things.
func count(v float64) string {
	return strings.ReplaceAll(scaled(v, 1000, "", "k", "M", "G"), " ", "")
}

func scaled(v, step float64, units ...string) string {
	for v >= step && len(units) > 1 {
		v /= step
		units = units[1:]
	}
	return number(v) + " " + units[0]
}

// number formats to three digits.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.2f", v), ".00")
}
