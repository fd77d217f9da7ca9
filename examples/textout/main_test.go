package main

import (
	"log"
	"os"

	"github.com/fennelmetrics/fennel"
)

func Example() {
	reg := fennel.NewRegistry()
	measure(reg)
	if err := write(os.Stdout, reg, ""); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Content-Type: text/plain; version=0.0.4; charset=utf-8
	//
	// # HELP pages_printed_total Pages that were printed.
	// # TYPE pages_printed_total counter
	// pages_printed_total 42
	// # HELP print_job_size_bytes Size of jobs.
	// # TYPE print_job_size_bytes histogram
	// print_job_size_bytes_bucket{le="1000"} 1
	// print_job_size_bytes_bucket{le="1e+06"} 2
	// print_job_size_bytes_bucket{le="+Inf"} 2
	// print_job_size_bytes_sum 25700
	// print_job_size_bytes_count 2
	// # HELP toner_level How full a cartridge is; 1 is full.
	// # TYPE toner_level gauge
	// toner_level{ink_colour="cyan"} 0.25
	//
	// Content-Type: text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8
	//
	// # HELP pages_printed_total Pages that were printed.
	// # TYPE pages_printed_total counter
	// pages_printed_total 42
	// # HELP print_job_size_bytes Size of jobs.
	// # TYPE print_job_size_bytes histogram
	// print_job_size_bytes_bucket{le="1000"} 1
	// print_job_size_bytes_bucket{le="1e+06"} 2
	// print_job_size_bytes_bucket{le="+Inf"} 2
	// print_job_size_bytes_sum 25700
	// print_job_size_bytes_count 2
	// # HELP "toner.level" How full a cartridge is; 1 is full.
	// # TYPE "toner.level" gauge
	// {"toner.level","ink colour"="cyan"} 0.25
	//
	// Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots
	//
	// # TYPE pages_printed counter
	// # HELP pages_printed Pages that were printed.
	// pages_printed_total 42
	// # TYPE print_job_size_bytes histogram
	// # UNIT print_job_size_bytes bytes
	// # HELP print_job_size_bytes Size of jobs.
	// print_job_size_bytes_bucket{le="1000.0"} 1
	// print_job_size_bytes_bucket{le="1e+06"} 2
	// print_job_size_bytes_bucket{le="+Inf"} 2
	// print_job_size_bytes_sum 25700
	// print_job_size_bytes_count 2
	// # TYPE toner_dot_level gauge
	// # HELP toner_dot_level How full a cartridge is; 1 is full.
	// toner_dot_level{ink__colour="cyan"} 0.25
	// # EOF
}

func Example_accept() {
	reg := fennel.NewRegistry()
	measure(reg)
	if err := write(os.Stdout, fennel.Only(reg, "pages_printed_total"), "application/openmetrics-text, text/plain;q=0.5"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// # TYPE pages_printed counter
	// # HELP pages_printed Pages that were printed.
	// pages_printed_total 42
	// # EOF
}
