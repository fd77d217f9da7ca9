package promtext

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fennelmetrics/fennel/internal/sample"
	"github.com/fennelmetrics/fennel/internal/series"
)

// Parse parses and checks a text. The name is for messages and shows up nowhere
// else. The error is an *[Error].
func Parse(name string, text []byte) (*File, error) {
	p := parser{File: &File{name: name, families: make(map[string]*family)}}
	whole := string(text)
	if n, problem := checkText(whole); problem != "" {
		return nil, &Error{name, n, problem}
	}
	for l := range strings.Lines(whole) {
		p.line++
		if err := p.parseLine(strings.TrimSuffix(l, "\n")); err != nil {
			return nil, &Error{name, p.line, err.Error()}
		}
	}
	return p.finish()
}

type parser struct {
	*File
	line int
}

func (p *parser) parseLine(text string) error {
	s := scanner{text}
	s.blanks()
	switch {
	case s.rest == "":
		return nil
	case s.take('#'):
		return p.comment(&s)
	}
	l, err := s.sample()
	if err != nil {
		return err
	}
	return p.add(l)
}

// comment reads metadata; all other comments are for people.
func (p *parser) comment(s *scanner) error {
	s.blanks()
	keyword := s.word()
	if keyword != "HELP" && keyword != "TYPE" {
		return nil
	}
	s.blanks()
	name, err := s.metricName()
	if err != nil {
		return err
	}
	if !s.blanks() && s.rest != "" {
		return fmt.Errorf("a blank is missing before %s", s.shown())
	}
	f := p.family(name)
	if keyword == "HELP" {
		return f.setHelp(s.rest)
	}
	return f.setType(strings.TrimRight(s.rest, " \t"))
}

// family returns the family of this name, which may be new.
func (p *parser) family(name string) *family {
	f := p.families[name]
	if f == nil {
		f = &family{name: name, file: p.name, line: p.line, byKey: make(map[string]*row)}
		p.families[name] = f
	}
	return f
}

func (f *family) setHelp(text string) error {
	if f.helped {
		return fmt.Errorf("metric %q has a help already", f.name)
	}
	help, _, err := unescape(text, "")
	f.help, f.helped = help, true
	return err
}

var kinds = map[string]sample.Kind{
	"counter":   sample.Counter,
	"gauge":     sample.Gauge,
	"histogram": sample.Histogram,
	"summary":   sample.Summary,
	"untyped":   sample.Unknown,
}

func (f *family) setType(word string) error {
	kind, known := kinds[word]
	switch {
	case !known:
		return fmt.Errorf("metric %q: there is no type %q: it must be counter, gauge, histogram, summary or untyped", f.name, word)
	case f.typed:
		return fmt.Errorf("metric %q has a type already", f.name)
	case len(f.rows) > 0:
		return fmt.Errorf("metric %q: the type must come before the samples", f.name)
	}
	f.kind, f.typed = kind, true
	return nil
}

// add adds a sample to its family.
func (p *parser) add(l line) error {
	name, part := p.resolve(l.name)
	f := p.family(name)
	var err error
	switch f.kind {
	case sample.Histogram:
		err = f.addHistogram(p.line, part, l)
	case sample.Summary:
		err = f.addSummary(p.line, part, l)
	default:
		err = f.addNumber(p.line, l)
	}
	if err != nil {
		return fmt.Errorf("metric %q: %w", l.name, err)
	}
	return nil
}

// resolve returns the family that a sample belongs to, and the suffix that says
// which part of it it is.
func (p *parser) resolve(name string) (family, part string) {
	for _, suffix := range [...]string{"_bucket", "_sum", "_count"} {
		base, ok := strings.CutSuffix(name, suffix)
		if f := p.families[base]; ok && f != nil {
			if f.kind == sample.Histogram || f.kind == sample.Summary && suffix != "_bucket" {
				return base, suffix
			}
		}
	}
	return name, ""
}

// row returns the series with these labels, which may be new. What it has by now
// must be from the same time.
func (f *family) row(n int, labels []label, time int64) (*row, error) {
	labels = slices.DeleteFunc(labels, func(l label) bool { return l.value == "" }) // is not there at all
	key := text(labels)
	r := f.byKey[key]
	if r == nil {
		r = &row{labels: labels, key: key, file: f.file, line: n, time: time}
		f.byKey[key] = r
		f.rows = append(f.rows, r)
		return r, nil
	}
	if r.time != time {
		return nil, fmt.Errorf("the series has another timestamp in line %d", r.line)
	}
	return r, nil
}

// text renders labels as all text formats write them.
func text(labels []label) string {
	var b []byte
	for i, l := range labels {
		b = series.AppendLabel(b, i == 0, l.name, l.value)
	}
	return string(b)
}

func (f *family) addNumber(n int, l line) error {
	known := len(f.rows)
	r, err := f.row(n, l.labels, l.time)
	switch {
	case err != nil:
		return err
	case len(f.rows) == known:
		return fmt.Errorf("the series is there already, in line %d", r.line)
	case f.kind == sample.Counter && !(l.value.float >= 0):
		return fmt.Errorf("a counter can't be %v", l.value.float)
	}
	if f.kind == sample.Counter && l.value.exact {
		r.whole = l.value.whole
	} else {
		r.value = l.value.float
	}
	return nil
}

// finish checks what needs all lines.
func (p *parser) finish() (*File, error) {
	for _, name := range slices.Sorted(maps.Keys(p.families)) {
		f := p.families[name]
		for _, r := range f.rows {
			if err := f.finish(r); err != nil {
				return nil, &Error{p.name, r.line, fmt.Sprintf("metric %q: %v", name, err)}
			}
		}
		if len(f.rows) == 0 {
			delete(p.families, name)
		}
	}
	if _, err := Join(p.File); err != nil {
		return nil, err.(Errors)[0]
	}
	return p.File, nil
}
