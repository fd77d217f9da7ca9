package main

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestRecordIsReadAsWritten(t *testing.T) {
	r := &record{
		date:     "2026-01-02",
		command:  "go run .",
		took:     "8m12s",
		machine:  "A: processor, 2 cores",
		versions: "vm v1, otel v2",
		others:   "Other processes used 1 % of a core.",
		results:  parsed(printed),
	}
	r.results.add("Size/fennel", "B", 1_050_624)
	r.results.add("CounterInc/serial/otel", "ns/op", 1e-9, 1e21)
	name := filepath.Join(t.TempDir(), "record.txt")
	if err := r.writeFile(name); err != nil {
		t.Fatal(err)
	}
	got, err := readRecordFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, want %+v", got, r)
	}
}

func TestRecordAsText(t *testing.T) {
	var b strings.Builder
	r := &record{date: "2026-01-02", command: "go run .", results: parsed(printed)}
	if err := r.write(&b); err != nil {
		t.Fatal(err)
	}
	const want = `date: 2026-01-02
command: go run .
took: 
machine: 
versions: 
others: 

CounterInc/serial/fennel allocs 0 0 0
CounterInc/serial/fennel ns/op 2.5 4.5 3.5
CounterInc/serial/vm ns/op 7
Scrape/100/fennel/gzip-100 ns/op 37883
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestBadRecords(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"date: today\nCounterInc/serial/vm", "line 2: "},
		{"CounterInc/serial/vm ns/op", "line 1: "},
		{"CounterInc/serial/vm ns/op 1 fast", "line 1: "},
		{"colour: blue", "line 1: "},
	} {
		if _, err := readRecord(strings.NewReader(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: the error is %v, want one with %q", test.text, err, test.want)
		}
	}
	if _, err := readRecordFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that isn't there is read")
	}
}
