package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// record is what was measured, and with what.
type record struct {
	date     string
	command  string
	took     string
	machine  string
	versions string
	others   string // what else ran on the machine
	results  results
}

// recorded is the file of the record that is compared with, unless another one
// is named.
const recorded = "recorded.txt"

// field is a line of a record's header.
type field struct {
	key   string
	value *string
}

// header are the lines of a record's file above the figures.
func (r *record) header() []field {
	return []field{
		{"date", &r.date},
		{"command", &r.command},
		{"took", &r.took},
		{"machine", &r.machine},
		{"versions", &r.versions},
		{"others", &r.others},
	}
}

// write writes a record as text: the header, an empty line, and a line for each
// figure of a benchmark, with the values of all runs in their order.
func (r *record) write(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, h := range r.header() {
		fmt.Fprintf(b, "%s: %s\n", h.key, *h.value)
	}
	fmt.Fprintln(b)
	for _, benchmark := range slices.Sorted(maps.Keys(r.results)) {
		figures := r.results[benchmark]
		for _, unit := range slices.Sorted(maps.Keys(figures)) {
			fmt.Fprint(b, benchmark, " ", unit)
			for _, v := range figures[unit] {
				fmt.Fprint(b, " ", strconv.FormatFloat(v, 'f', -1, 64))
			}
			fmt.Fprintln(b)
		}
	}
	return b.Flush()
}

// writeFile writes a record to a file.
func (r *record) writeFile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(r.write(f), f.Close())
}

// readRecord reads what write wrote.
func readRecord(from io.Reader) (*record, error) {
	r := &record{results: make(results)}
	values := make(map[string]*string)
	for _, h := range r.header() {
		values[h.key] = h.value
	}
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		key, text, isHeader := strings.Cut(line, ": ")
		switch value := values[key]; {
		case line == "":
		case isHeader && value != nil:
			*value = text
		default:
			if err := r.results.parseRecorded(line); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
		}
	}
	return r, lines.Err()
}

// parseRecorded adds a line of a record.
func (r results) parseRecorded(line string) error {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return fmt.Errorf("%q is not a benchmark, a unit and figures", line)
	}
	for _, f := range fields[2:] {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return err
		}
		r.add(fields[0], fields[1], v)
	}
	return nil
}

// readRecordFile reads a record from a file.
func readRecordFile(name string) (*record, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := readRecord(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// caption writes what stands under a table.
func (r *record) caption(w io.Writer) {
	fmt.Fprintf(w, "\nMedians of `%s` in `bench/`, %s, %s. %s. Peers: %s. %s\n",
		r.command, r.date, r.took, r.machine, r.versions, r.others)
}
