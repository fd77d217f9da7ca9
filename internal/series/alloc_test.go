package series

import (
	"strconv"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel/internal/sample"
)

func TestLookUpsDoNotAllocate(t *testing.T) {
	tests := map[string][]string{
		"plain":   {"GET", "/users/{id}", "200"},
		"empty":   {"", "", ""},
		"long":    {strings.Repeat("x", 500), "", "y"},
		"utf-8":   {"Zürich", "東京", "🚀"},
		"escaped": {`C:\dir`, "a\nb", `"`},
	}
	for name, values := range tests {
		table := newTestTable("a", "b.c", "d")
		for i := range 1000 {
			table.Get([]string{strconv.Itoa(i), "", ""})
		}
		table.Get(values)
		for _, paged := range []bool{false, true} {
			if paged {
				table.Pages()
			}
			if n := testing.AllocsPerRun(100, func() { table.Get(values) }); n != 0 {
				t.Errorf("%s: Get allocates %v times, want 0", name, n)
			}
			if n := testing.AllocsPerRun(100, func() { table.Find(values) }); n != 0 {
				t.Errorf("%s: Find allocates %v times, want 0", name, n)
			}
		}
		if n := testing.AllocsPerRun(100, func() { table.Find([]string{"not", "there", name}) }); n != 0 {
			t.Errorf("%s: Find of what is not there allocates %v times, want 0", name, n)
		}
		values[0] += "x"
	}
}

// The record, and now and then memory for texts, the index and the lists.
func TestCreationAllocatesLittle(t *testing.T) {
	const n = 5_000
	values := make([][]string, n)
	for i := range values {
		values[i] = []string{"GET", "/users/" + strconv.Itoa(i), "200"}
	}
	perSeries := testing.AllocsPerRun(3, func() {
		table := newTestTable("method", "path", "status")
		for _, v := range values {
			table.Get(v)
		}
	}) / n
	if perSeries > 1.1 {
		t.Errorf("%v allocations for each series, want 1 and a little", perSeries)
	}
}

func TestScrapingDoesNotAllocate(t *testing.T) {
	table := newTestTable("a")
	for i := range 1000 {
		table.Get([]string{strconv.Itoa(i)})
	}
	table.Pages()
	var b sample.Batch
	total := 0
	if n := testing.AllocsPerRun(100, func() {
		r := table.Read()
		for p := r.Next(); p != nil; p = r.Next() {
			p.Fill(&b)
			for i := range p.Series {
				total += len(b.Labels(i))
			}
		}
	}); n != 0 {
		t.Errorf("reading the pages of an unchanged table allocates %v times, want 0", n)
	}
}

func TestRenderingDoesNotAllocate(t *testing.T) {
	l := NewLayout([]string{"k", "v"}, []string{"a", "b"})
	values := []string{"x\n", `"`}
	dst := make([]byte, 0, 256)
	text := string(l.Append(nil, values))
	other := string(l.Append(nil, []string{"x\n", "z"}))
	for what, f := range map[string]func(){
		"Append":      func() { dst = l.Append(dst[:0], values) },
		"AppendLabel": func() { dst = AppendLabel(dst[:0], false, "a.b", "x\n") },
		"AppendRenamed": func() {
			dst = AppendRenamed(dst[:0], text, func(i int, _ string) string { return [...]string{"x", "y", "z"}[i] })
		},
		"Compare": func() { Compare(text, other) },
		"MendAll": func() { MendAll(values) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times, want 0", what, n)
		}
	}
}

func BenchmarkTableGet(b *testing.B) {
	table := newTestTable("method", "path", "status")
	values := []string{"GET", "/users/{id}", "200"}
	table.Get(values)
	b.ReportAllocs()
	for b.Loop() {
		table.Get(values)
	}
}

func BenchmarkTableCreate(b *testing.B) {
	table := newTestTable("method", "path", "status")
	values := []string{"GET", "", "200"}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		values[1] = strconv.Itoa(i)
		table.Get(values)
		i++
	}
}
