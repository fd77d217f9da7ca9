package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// What stands between these lines of a page is a table that this program wrote.
const (
	begin = "<!-- bench:begin -->\n"
	end   = "<!-- bench:end -->\n"
)

// page is a file into which a table goes, such as the README.
type page struct {
	file  string
	table string // short or full
}

// tables are what can go into a page, by name.
var tables = map[string]func(io.Writer, results){
	"short": writeShort,
	"full":  writeTable,
}

// parsePage parses the value of a flag, such as "../README.md=short".
func parsePage(s string) (page, error) {
	file, table, _ := strings.Cut(s, "=")
	if file == "" || tables[table] == nil {
		return page{}, fmt.Errorf("%q is not a file, =, and short or full", s)
	}
	return page{file, table}, nil
}

// content returns what stands between the lines.
func (p page) content(r *record) string {
	var b bytes.Buffer
	tables[p.table](&b, r.results)
	r.caption(&b)
	return b.String()
}

// update replaces the table of the page.
func (p page) update(r *record) error {
	old, err := os.ReadFile(p.file)
	if err != nil {
		return err
	}
	before, _, after, err := splitPage(string(old))
	if err != nil {
		return fmt.Errorf("%s: %w", p.file, err)
	}
	return os.WriteFile(p.file, []byte(before+p.content(r)+after), 0o644)
}

// splitPage returns what stands before the table, the table, and what stands
// after it. The lines that enclose it are not of the table.
func splitPage(text string) (before, table, after string, err error) {
	if strings.Count(text, begin) != 1 || strings.Count(text, end) != 1 {
		return "", "", "", fmt.Errorf("there must be one line %q, and one line %q", begin[:len(begin)-1], end[:len(end)-1])
	}
	before, rest, _ := strings.Cut(text, begin)
	table, after, ok := strings.Cut(rest, end)
	if !ok {
		return "", "", "", fmt.Errorf("%q stands above %q", end[:len(end)-1], begin[:len(begin)-1])
	}
	return before + begin, table, end + after, nil
}
