// Package docs_test keeps what the pages in this directory say in step with the
// code: the Go that they show is found in functions that are compiled, here or in
// the modules that the pages speak of, and every name of the libraries that people
// come from has its row.
package docs_test

import (
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// migrations are the pages whose tables say what stands here for a name elsewhere.
var migrations = []struct {
	page string
	list string // the file of these names
	// sections says that the names of a package are in sections of that name: two
	// packages may have the same ones.
	sections bool
}{
	{"from-python.md", "testdata/prometheus_client.txt", false},
	{"from-client-golang.md", "testdata/client_golang.txt", true},
}

// here is the heading of the column of tables that has the Go of this library.
const here = "Fennel"

// Where a row has no Go it says why in one of these ways.
var reasons = []string{"not there yet", "not needed"}

// compiled is Go code that some module's tests compile: that of this directory, and
// that of the modules in contrib.
func compiled(t *testing.T) *code {
	t.Helper()
	c := new(code)
	for _, pattern := range []string{"*_test.go", "../contrib/*/*_test.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			c.add(read(t, path))
		}
	}
	for _, name := range []string{"main", "demo", "run", "push", "gateway", "serve"} {
		c.command += read(t, "../cmd/fennel/"+name+".go")
	}
	return c
}

func TestRowsAreCompiled(t *testing.T) {
	c := compiled(t)
	for _, name := range []string{"from-python.md", "from-client-golang.md", "../README.md"} {
		p := parse(name, read(t, name))
		rows := 0
		for _, r := range p.rows {
			column := slices.Index(r.header, here)
			if column < 0 {
				continue
			}
			rows++
			cell := r.cells[column]
			if slices.ContainsFunc(reasons, func(s string) bool { return strings.HasPrefix(cell, s) }) {
				continue
			}
			snippets := spans(cell)
			for _, s := range snippets {
				if !c.has(s) {
					t.Errorf("%s:%d: %q is not compiled anywhere", name, r.line, s)
				}
			}
			if len(snippets) == 0 {
				t.Errorf("%s:%d: the cell %q has no code, and doesn't begin with one of %q", name, r.line, cell, reasons)
			}
		}
		if rows < 10 {
			t.Errorf("%s: only %d rows", name, rows)
		}
	}
}

func TestTextIsCompiled(t *testing.T) {
	c := compiled(t)
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) < 3 {
		t.Fatal(pages, err)
	}
	for _, name := range append(pages, "../README.md") {
		p := parse(name, read(t, name))
		for _, b := range p.blocks {
			// The README's program is compiled by .ci/run.
			if b.language == "go" && !strings.HasPrefix(b.text, "package ") && !c.has(b.text) {
				t.Errorf("%s:%d: this is not compiled anywhere:\n%s", name, b.line, b.text)
			}
			for line := range strings.Lines(b.text) {
				if b.language == "sh" && strings.HasPrefix(line, "fennel ") && !c.has(strings.TrimSpace(line)) {
					t.Errorf("%s:%d: there is no such command or flag: %s", name, b.line, line)
				}
			}
		}
		for _, s := range spans(p.prose) {
			if ownName.MatchString(s) && !c.has(s) {
				t.Errorf("%s: %q is not compiled anywhere", name, s)
			}
		}
	}
}

// ownName is how code begins that has a name of this module.
var ownName = regexp.MustCompile(`^(&?(fennel|fennelhttp|exposition|textfile|zstd|fennelfasthttp|webconfig)\.[A-Z]|fennel [a-z])`)

func TestEveryNameHasARow(t *testing.T) {
	for _, m := range migrations {
		p := parse(m.page, read(t, m.page))
		for line := range strings.Lines(read(t, m.list)) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			pkg, names, _ := strings.Cut(strings.TrimSpace(line), ": ")
			section := ""
			if m.sections {
				section = pkg
			}
			known := p.words(section)
			for _, n := range strings.Fields(names) {
				if !known[n] {
					t.Errorf("%s: %s has no row for %s", m.page, pkg, n)
				}
			}
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	pages, _ := filepath.Glob("*.md")
	for _, name := range append(pages, "../README.md", "../CONTRIBUTING.md") {
		p := parse(name, read(t, name))
		for _, r := range p.rows {
			p.prose += strings.Join(r.cells, "\n")
		}
		for _, m := range link.FindAllStringSubmatch(span.ReplaceAllString(p.prose, ""), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// The checks above are of use only if they find what is wrong.
func TestChecksFindWhatIsWrong(t *testing.T) {
	c := new(code)
	c.add("package p\nfunc f(reg *R) {\n\tg := fennel.NewGauge(name, \"h; i\", // why\n\t\tfennel.In(reg))\n\tg.Set(1)\n\tg.Set(2)\n}\n")
	c.command = `app.Command("run", "…").Flag("job", "…")`
	for snippet, want := range map[string]bool{
		`fennel.NewGauge(name, "h; i", fennel.In(reg))`: true,
		`fennel.NewGauge(…)`:                            true,
		`fennel.NewGauge(…, fennel.In(reg))`:            true,
		`g.Set(1); g.Set(2)`:                            true,
		"g.Set(1)\ng.Set(2)":                            true,
		`g := fennel.NewGauge(…,); g.Set(1)`:            true,
		`*R`:                                            true,
		`fennel.NewGadget(…)`:                           false,
		`fennel.NewGauge(name, fennel.In(reg))`:         false,
		`fennel.New`:                                    false,
		`g.Set(1…2)`:                                    false, // an ellipsis stays within a statement
		`why`:                                           false, // that is a comment
		`h`:                                             false, // and that a text
		`g.Set("1)`:                                     false,
		``:                                              false,
		`fennel run --job=x -- true --foo`:              true,
		`fennel walk`:                                   false,
		`fennel run --jobs=x`:                           false,
	} {
		if got := c.has(snippet); got != want {
			t.Errorf("%q is compiled: %v, want %v", snippet, got, want)
		}
	}

	p := parse("x.md", "# X\nSee `a.B`.\n\n## Y\n| Go | Fennel |\n|---|---|\n| `C.D` and `E(f, g)` | `h`, `i` |\n\n```go\nj()\n```\n")
	if len(p.rows) != 1 || p.rows[0].line != 7 || fmt.Sprint(spans(p.rows[0].cells[1])) != "[h i]" {
		t.Errorf("the rows are %+v", p.rows)
	}
	if w := p.words("Y"); len(w) != 5 || !w["D"] || !w["E"] || w["h"] {
		t.Errorf("the words are %v", w)
	}
	if len(p.blocks) != 1 || p.blocks[0] != (block{9, "go", "j()\n"}) || !slices.Contains(spans(p.prose), "a.B") {
		t.Errorf("the blocks are %+v, and the text is %q", p.blocks, p.prose)
	}
}

// code is Go code as tokens, each between two NULs, and the source of the command.
type code struct{ tokens, command string }

func (c *code) add(source string) {
	tokens, _ := tokenize(source)
	c.tokens += tokens
}

// has reports whether a snippet is a part of the code. An ellipsis stands for
// anything within a statement. What begins with the command's name is looked up
// among its commands and flags.
func (c *code) has(snippet string) bool {
	if args, ok := strings.CutPrefix(snippet, "fennel "); ok {
		return c.hasCommand(strings.Fields(args))
	}
	var parts []string
	for part := range strings.SplitSeq(snippet, "…") {
		tokens, ok := tokenize(part)
		if !ok {
			return false
		}
		parts = append(parts, regexp.QuoteMeta(strings.TrimSuffix(tokens, end)))
	}
	pattern := strings.Join(parts, "[^"+end+"]*")
	return strings.Trim(pattern, "\x00") != "" && regexp.MustCompile(pattern).MatchString(c.tokens)
}

func (c *code) hasCommand(args []string) bool {
	if !strings.Contains(c.command, fmt.Sprintf("Command(%q", args[0])) {
		return false
	}
	for _, a := range args[1:] {
		flag, _, _ := strings.Cut(a, "=")
		if flag == "--" {
			return true
		}
		if name, ok := strings.CutPrefix(flag, "--"); ok && name != "help" && !strings.Contains(c.command, fmt.Sprintf("Flag(%q", name)) {
			return false
		}
	}
	return true
}

// end stands for the end of a statement, and is in no token.
const end = "\x01"

// sameLayout makes the tokens the same whether code stands in one line or in more.
var sameLayout = strings.NewReplacer(end+"\x00}\x00", "\x00}\x00", "\x00,\x00\x00)\x00", "\x00)\x00")

// tokenize returns the tokens of Go code without comments, and whether all are some.
func tokenize(source string) (tokens string, ok bool) {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(source))
	s.Init(file, []byte(source), func(token.Position, string) {}, 0)
	var b strings.Builder
	for {
		_, tok, text := s.Scan()
		switch {
		case tok == token.EOF:
			return sameLayout.Replace(b.String()), s.ErrorCount == 0
		case tok == token.SEMICOLON:
			b.WriteString(end)
			continue
		case text == "":
			text = tok.String()
		}
		b.WriteString("\x00" + text + "\x00")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// page is a page in Markdown, taken apart.
type page struct {
	rows   []row   // of all tables
	blocks []block // of code
	prose  string  // what is neither
}

type row struct {
	line          int
	section       string // the heading above the table
	header, cells []string
}

type block struct {
	line     int
	language string
	text     string
}

func parse(name, text string) *page {
	p := new(page)
	var section string
	var header []string
	var open *block
	n := 0
	for line := range strings.Lines(text) {
		n++
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case open != nil && isFence:
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		case isFence:
			open = &block{n, strings.TrimSpace(fence), ""}
		case !strings.HasPrefix(line, "|"):
			header = nil
			p.prose += line
			if strings.HasPrefix(line, "#") {
				section = strings.TrimSpace(strings.TrimLeft(line, "#"))
			}
		case header == nil:
			header = cells(line)
		case !strings.HasPrefix(line, "|---"):
			p.rows = append(p.rows, row{n, section, header, cells(line)})
		}
	}
	return p
}

func cells(line string) []string {
	var out []string
	for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
		out = append(out, strings.TrimSpace(cell))
	}
	return out
}

var span = regexp.MustCompile("`([^`]+)`")

// spans returns what stands in backticks.
func spans(text string) []string {
	var out []string
	for _, m := range span.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

var word = regexp.MustCompile(`\w+`)

// words returns all words of the code in the first column of the tables under
// headings that begin with the name of a section, or of all.
func (p *page) words(section string) map[string]bool {
	out := make(map[string]bool)
	for _, r := range p.rows {
		if name, _, _ := strings.Cut(r.section, ":"); section != "" && name != section {
			continue
		}
		for _, s := range spans(r.cells[0]) {
			for _, w := range word.FindAllString(s, -1) {
				out[w] = true
			}
		}
	}
	return out
}
