package main

import (
	"strings"
	"testing"
)

// TestChanges compares made-up runs of one benchmark.
func TestChanges(t *testing.T) {
	const here, there = "one machine", "another one"
	for _, test := range []struct {
		name          string
		before, after string // lines of a record
		machine       string // of the run after; here if empty
		want          string // title, verdict, by what was divided
	}{
		{name: "nothing", want: ""},
		{name: "the same",
			before: "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80",
			after:  "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80",
			want:   "look up 3 labels and Inc, 1 goroutine: same ÷ vm"},
		{name: "slower",
			before: "Lookup/serial/fennel ns/op 20 21 19\nLookup/serial/vm ns/op 80 80 80",
			after:  "Lookup/serial/fennel ns/op 30 31 29\nLookup/serial/vm ns/op 80 80 80",
			want:   "look up 3 labels and Inc, 1 goroutine: worse ÷ vm"},
		{name: "faster",
			before: "Lookup/serial/fennel ns/op 30 31 29\nLookup/serial/vm ns/op 80 80 80",
			after:  "Lookup/serial/fennel ns/op 20 21 19\nLookup/serial/vm ns/op 80 80 80",
			want:   "look up 3 labels and Inc, 1 goroutine: better ÷ vm"},
		{name: "a little slower",
			before: "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80",
			after:  "Lookup/serial/fennel ns/op 24.9\nLookup/serial/vm ns/op 80",
			want:   "look up 3 labels and Inc, 1 goroutine: same ÷ vm"},
		{name: "the machine is slower, and so are all",
			before: "Lookup/serial/fennel ns/op 20 20 20\nLookup/serial/vm ns/op 80 80 80",
			after:  "Lookup/serial/fennel ns/op 40 40 40\nLookup/serial/vm ns/op 160 160 160",
			want:   "look up 3 labels and Inc, 1 goroutine: same ÷ vm"},
		{name: "the machine is faster, but Fennel isn't",
			before: "Lookup/serial/fennel ns/op 40 40 40\nLookup/serial/vm ns/op 160 160 160",
			after:  "Lookup/serial/fennel ns/op 40 40 40\nLookup/serial/vm ns/op 80 80 80",
			want:   "look up 3 labels and Inc, 1 goroutine: worse ÷ vm"},
		{name: "another machine has ratios as well",
			before:  "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80",
			after:   "Lookup/serial/fennel ns/op 60\nLookup/serial/vm ns/op 160",
			machine: there,
			want:    "look up 3 labels and Inc, 1 goroutine: worse ÷ vm"},
		{name: "some runs of both were slow together",
			before: "Lookup/serial/fennel ns/op 20 40 20 60 20\nLookup/serial/vm ns/op 80 160 80 240 80",
			after:  "Lookup/serial/fennel ns/op 30 60 90 30 30\nLookup/serial/vm ns/op 80 160 240 80 80",
			want:   "look up 3 labels and Inc, 1 goroutine: worse ÷ vm"},
		{name: "noise",
			before: "Lookup/serial/fennel ns/op 15 16 20 31 32\nLookup/serial/vm ns/op 80",
			after:  "Lookup/serial/fennel ns/op 22 23 28 40 50\nLookup/serial/vm ns/op 80",
			want:   "look up 3 labels and Inc, 1 goroutine: same ÷ vm"},
		{name: "one odd run",
			before: "Lookup/serial/fennel ns/op 20 20 20 90 20\nLookup/serial/vm ns/op 80",
			after:  "Lookup/serial/fennel ns/op 30 30 5 30 30\nLookup/serial/vm ns/op 80",
			want:   "look up 3 labels and Inc, 1 goroutine: worse ÷ vm"},
		{name: "the best rival of the record",
			before: "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80\nLookup/serial/otel ns/op 60\nLookup/serial/client_golang ns/op 90",
			after:  "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 50\nLookup/serial/otel ns/op 60\nLookup/serial/client_golang ns/op 90",
			want:   "look up 3 labels and Inc, 1 goroutine: same ÷ otel"},
		{name: "the best rival is missing now",
			before: "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80\nLookup/serial/otel ns/op 60",
			after:  "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80",
			want:   "look up 3 labels and Inc, 1 goroutine: same ÷ vm"},
		{name: "no rival, but a limit",
			before: "Scrape/1000000/fennel/text ns/op 30\nScrape/1000000/limit/text ns/op 20\nScrape/1000000/otel/text ns/op 90",
			after:  "Scrape/1000000/fennel/text ns/op 60\nScrape/1000000/limit/text ns/op 20\nScrape/1000000/vm/text ns/op 90",
			want:   "scrape 1M counters, text: worse ÷ limit"},
		{name: "neither, on the same machine",
			before: "Lookup/serial/fennel ns/op 20",
			after:  "Lookup/serial/fennel ns/op 26\nLookup/serial/vm ns/op 80",
			want:   "look up 3 labels and Inc, 1 goroutine: worse"},
		{name: "neither, on another machine",
			before:  "Lookup/serial/fennel ns/op 20",
			after:   "Lookup/serial/fennel ns/op 26",
			machine: there,
			want:    "look up 3 labels and Inc, 1 goroutine: unknown"},
		{name: "a rival's time is zero",
			before: "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 0",
			after:  "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80",
			want:   "look up 3 labels and Inc, 1 goroutine: same"},
		{name: "some of a rival's times are zero",
			before: "Lookup/serial/fennel ns/op 20 20 20\nLookup/serial/vm ns/op 0 80 80",
			after:  "Lookup/serial/fennel ns/op 40 40 40\nLookup/serial/vm ns/op 80 80 80",
			want:   "look up 3 labels and Inc, 1 goroutine: worse ÷ vm"},
		{name: "the longest of many times",
			before: "Latency/200000/fennel/idle max-ns 20000\nLatency/200000/vm/idle max-ns 80000",
			after:  "Latency/200000/fennel/idle max-ns 90000\nLatency/200000/vm/idle max-ns 80000",
			want:   "look up and Inc, 200k series, idle, at most: unknown"},
		{name: "new",
			before: "Lookup/serial/vm ns/op 80",
			after:  "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80",
			want:   "look up 3 labels and Inc, 1 goroutine: new"},
		{name: "gone",
			before: "Lookup/serial/fennel ns/op 20\nLookup/serial/vm ns/op 80",
			after:  "Lookup/serial/vm ns/op 80",
			want:   "look up 3 labels and Inc, 1 goroutine: gone"},
		{name: "an allocation more, of none",
			before: "Lookup/serial/fennel allocs 0 0 0\nLookup/serial/vm allocs 1",
			after:  "Lookup/serial/fennel allocs 1 1 1\nLookup/serial/vm allocs 2",
			want:   "look up 3 labels and Inc, allocations: worse"},
		{name: "no allocation any more",
			before: "Lookup/serial/fennel allocs 1",
			after:  "Lookup/serial/fennel allocs 0",
			want:   "look up 3 labels and Inc, allocations: better"},
		{name: "still none",
			before: "Lookup/serial/fennel allocs 0 0 0",
			after:  "Lookup/serial/fennel allocs 0",
			want:   "look up 3 labels and Inc, allocations: same"},
		{name: "larger by 2 %, on any machine",
			before:  "Size/fennel B 700000\nSize/vm B 450000",
			after:   "Size/fennel B 714000\nSize/vm B 900000",
			machine: there,
			want:    "stripped program over bare net/http: worse"},
		{name: "larger by less than 1 %",
			before: "Size/fennel B 700000",
			after:  "Size/fennel B 706000",
			want:   "stripped program over bare net/http: same"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, after := made(t, test.before), made(t, test.after)
			before.machine, after.machine = here, here
			if test.machine != "" {
				after.machine = test.machine
			}
			var got []string
			for _, c := range changes(before, after) {
				s := c.row.title + ": " + string(c.verdict)
				if c.against != "" {
					s += " ÷ " + c.against
				}
				got = append(got, s)
			}
			if strings.Join(got, "\n") != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// made returns a record with these lines.
func made(t *testing.T, lines string) *record {
	t.Helper()
	r, err := readRecord(strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWriteChanges(t *testing.T) {
	before := made(t, `date: 2026-01-02
machine: one
versions: vm v1
others: Nobody else.

Lookup/serial/fennel ns/op 20
Lookup/serial/vm ns/op 80
Lookup/serial/fennel allocs 0
Create/fennel ns/series 500
Create/vm ns/series 1000
CounterInc/serial/fennel ns/op 5
Size/fennel B 700000
HistogramObserve/serial/fennel ns/op 13
`)
	after := made(t, `machine: another
versions: vm v2

Lookup/serial/fennel ns/op 40
Lookup/serial/vm ns/op 80
Lookup/serial/fennel allocs 2
Create/fennel ns/series 200
Create/vm ns/series 1000
CounterInc/serial/fennel ns/op 9
CounterInc/par/fennel ns/op 9
Size/fennel B 700000
`)
	for _, test := range []struct {
		whole      bool
		want, last string
	}{
		{false, "", "Rows: 2 worse, 1 better, 1 the same, 1 new, 0 gone; 1 can't be compared."},
		{true, "| gone | histogram Observe, 11 buckets, 1 goroutine | fennel | 13.0 ns | – |  |\n",
			"Rows: 2 worse, 1 better, 1 the same, 1 new, 1 gone; 1 can't be compared."},
	} {
		want := `
Compared with 2026-01-02, one. Nobody else.
The versions were others: vm v1.

| | work | figure | recorded | now | change |
|---|---|---|--:|--:|--:|
| new | counter Inc, one goroutine a core, one counter | fennel | – | 9 ns |  |
| worse | look up 3 labels and Inc, 1 goroutine | fennel ÷ vm | 0.25 | 0.5 | ×2 |
| worse | look up 3 labels and Inc, allocations | fennel | 0 | 2 |  |
` + test.want + `| better | new counter series, 3 labels | fennel ÷ vm | 0.5 | 0.2 | ×0.40 |

` + test.last + "\n"
		var b strings.Builder
		if n := writeChanges(&b, before, after, test.whole); n != 2 {
			t.Errorf("%d rows are worse, want 2", n)
		}
		if b.String() != want {
			t.Errorf("the changes are\n%s\nwant\n%s", b.String(), want)
		}
	}
}
