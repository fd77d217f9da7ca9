package fennel_test

import (
	"context"
	"errors"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
	"go.uber.org/goleak"
)

// What all tests of the package share. The tests of a type are in the file
// beside its source, in pairs: Serial for what it does, Concurrent for that it
// loses nothing under -race.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRootPackageStaysSmall holds the package to the design's budget.
func TestRootPackageStaysSmall(t *testing.T) {
	const budget = 150
	if names := exportedNames(t); len(names) > budget {
		t.Errorf("the root package exports %d names, more than %d: %v", len(names), budget, names)
	}
}

// exportedNames returns the names of the root package that a program can write
// behind "fennel.".
func exportedNames(t *testing.T) (names []string) {
	t.Helper()
	fset := token.NewFileSet()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/fennelmetrics/fennel")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range p.Types {
		names = append(names, typ.Name)
		p.Funcs = append(p.Funcs, typ.Funcs...)
		p.Consts = append(p.Consts, typ.Consts...)
		p.Vars = append(p.Vars, typ.Vars...)
	}
	for _, f := range p.Funcs {
		names = append(names, f.Name)
	}
	for _, v := range append(p.Consts, p.Vars...) {
		names = append(names, v.Names...)
	}
	return names
}

// Formats that the tests expect bodies in.
var (
	text004     = exposition.Format{Syntax: exposition.Text004}
	openMetrics = exposition.Format{Syntax: exposition.OpenMetrics100, Escaping: exposition.AllowUTF8}
	utf8Text    = exposition.Format{Syntax: exposition.Text100, Escaping: exposition.AllowUTF8}
)

// render returns the body of a scrape.
func render(t testing.TB, g fennel.Gatherer, f exposition.Format) string {
	t.Helper()
	body, err := exposition.Bytes(t.Context(), g, f)
	if err != nil {
		t.Fatalf("exposition in %v: %v", f, err)
	}
	return string(body)
}

// samples returns the lines of a text scrape that are no comments and don't
// come from the registry itself.
func samples(t testing.TB, g fennel.Gatherer) string {
	t.Helper()
	return sampleLines(render(t, g, utf8Text))
}

func sampleLines(body string) string {
	var out strings.Builder
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "fennel_") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// wantSamples checks the sample lines of a scrape.
func wantSamples(t testing.TB, g fennel.Gatherer, lines ...string) {
	t.Helper()
	want := strings.Join(lines, "\n")
	if want != "" {
		want += "\n"
	}
	if got := samples(t, g); got != want {
		t.Errorf("samples:\n%swant:\n%s", got, want)
	}
}

// gather returns all families, and fails the test on an error.
func gather(t testing.TB, g fennel.Gatherer) []fennel.Family {
	t.Helper()
	families, err := fennel.Gather(t.Context(), g)
	if err != nil {
		t.Fatalf("Gather: %v", err)
	}
	return families
}

// gatherPartial returns what could be gathered and the errors of the rest.
func gatherPartial(t testing.TB, g fennel.Gatherer) ([]fennel.Family, []error) {
	t.Helper()
	return gatherPartialUnder(t.Context(), t, g)
}

func gatherPartialUnder(ctx context.Context, t testing.TB, g fennel.Gatherer) ([]fennel.Family, []error) {
	t.Helper()
	families, err := fennel.Gather(ctx, g)
	if err == nil {
		return families, nil
	}
	var partial *fennel.GatherError
	if !errors.As(err, &partial) || !fennel.Partial(err) {
		t.Fatalf("Gather: %v is not a GatherError", err)
	}
	return families, partial.Errors
}

// wantErrors checks that there is one error for each text, which it contains.
func wantErrors(t testing.TB, errs []error, texts ...string) {
	t.Helper()
	if len(errs) != len(texts) {
		t.Fatalf("%d errors, want %d: %v", len(errs), len(texts), errs)
	}
	for i, text := range texts {
		if !strings.Contains(errs[i].Error(), text) {
			t.Errorf("error %d: %v\nwant it to contain %q", i, errs[i], text)
		}
	}
}

// names returns the names of the families that don't come from the registry
// itself, with blanks between.
func names(families []fennel.Family) string {
	var all []string
	for _, f := range families {
		if !strings.HasPrefix(f.Name, "fennel_") {
			all = append(all, f.Name)
		}
	}
	return strings.Join(all, " ")
}

// family returns the family of this name, and fails the test if there is none.
func family(t testing.TB, families []fennel.Family, name string) fennel.Family {
	t.Helper()
	for _, f := range families {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no family %q in %q", name, names(families))
	return fennel.Family{}
}

// refused checks that a declaration panics with a DeclarationError about the
// metric, whose message contains the parts.
func refused(t testing.TB, metric string, declare func(), parts ...string) {
	t.Helper()
	_, err := fennel.Try(func() any { declare(); return nil })
	var refusal *fennel.DeclarationError
	if !errors.As(err, &refusal) {
		t.Errorf("declared, but it should be refused with %q", parts)
		return
	}
	if refusal.Metric != metric {
		t.Errorf("the error is about metric %q, want %q", refusal.Metric, metric)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("message %q\ndoes not contain %q", err, part)
		}
	}
}

// accepted checks that a declaration does not panic.
func accepted(t testing.TB, declare func()) {
	t.Helper()
	if _, err := fennel.Try(func() any { declare(); return nil }); err != nil {
		t.Errorf("refused: %v", err)
	}
}

// own returns the value of one of the registry's own counters, or 0.
func own(t testing.TB, r *fennel.Registry, name string, labelValues ...string) float64 {
	t.Helper()
	families, _ := gatherPartial(t, r)
	for _, f := range families {
		for _, s := range f.Samples {
			if f.Name == name && hasValues(s.Labels, labelValues) {
				return s.Value
			}
		}
	}
	return 0
}

func hasValues(labels []fennel.Label, values []string) bool {
	if len(labels) != len(values) {
		return false
	}
	for i, l := range labels {
		if l.Value != values[i] {
			return false
		}
	}
	return true
}

// wantDropped checks how many updates of a metric were dropped for a reason.
func wantDropped(t testing.TB, r *fennel.Registry, metric, reason string, want float64) {
	t.Helper()
	if got := own(t, r, "fennel_dropped_updates_total", metric, reason); got != want {
		t.Errorf("%v updates of %s dropped as %s, want %v", got, metric, reason, want)
	}
}

// workers is how many goroutines the concurrent tests start.
const workers = 8

// concurrently runs f in all workers and waits for them.
func concurrently(f func(worker int)) {
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// register adds a collector that is a function.
func register(t testing.TB, r *fennel.Registry, collect func(w *fennel.Writer) error) {
	t.Helper()
	err := r.Register(fennel.CollectorFunc(func(_ context.Context, w *fennel.Writer) error { return collect(w) }))
	if err != nil {
		t.Fatal(err)
	}
}

// request is a label set as programs have it.
type request struct {
	Method string `label:"method"`
	Status int    `label:"status"`
}

// samplesPartial is samples for a registry of which parts are missing.
func samplesPartial(t testing.TB, r *fennel.Registry) string {
	t.Helper()
	body, err := exposition.Bytes(t.Context(), r, utf8Text)
	if err != nil && !fennel.Partial(err) {
		t.Fatal(err)
	}
	return sampleLines(string(body))
}
