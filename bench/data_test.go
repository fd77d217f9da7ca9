package main

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// The metrics that every peer has: counters and histograms with three labels.
const (
	counterName   = "http_server_requests_total"
	histogramName = "http_server_request_duration_seconds"
	help          = "Requests served."
)

// buckets are client_golang's default ones, which all peers are given.
var buckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// labels are the labels of one series. Every peer gets them in this order.
type labels struct {
	Method string `label:"method"`
	Path   string `label:"path"`
	Status string `label:"status"`
}

var labelNames = []string{"method", "path", "status"}

var (
	methods  = [...]string{"GET", "POST", "PUT", "DELETE"}
	statuses = [...]string{"200", "201", "404", "500", "503"}
)

// labelsOf returns the labels of series i. As in a server, the path is a fresh
// string and the others are constants.
func labelsOf(i int) labels {
	digits := strconv.Itoa(10_000_000 + i)
	return labels{methods[i%len(methods)], "/api/v1/resource/" + digits[1:], statuses[i/len(methods)%len(statuses)]}
}

// labelSets returns the labels of series 0 to n-1.
func labelSets(n int) []labels {
	all := make([]labels, n)
	for i := range all {
		all[i] = labelsOf(i)
	}
	return all
}

// valueOf returns the value of counter i, below a million.
func valueOf(i int) int {
	x := uint64(i)*0x9e3779b97f4a7c15 + 0x1234567
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return int((x >> 32) % 1_000_000)
}

// observations are request durations in seconds: log-normal, the middle 95 %
// of them from 7 to 370 ms. They are so many, a power of two, that a processor
// can't learn by heart which branch each of them takes.
var observations = func() []float64 {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]float64, 1<<16)
	for i := range all {
		all[i] = 0.051 * math.Exp(r.NormFloat64())
	}
	return all
}()

// shuffled returns the numbers below n in an order that is random and always
// the same.
func shuffled(n int) []int { return rand.New(rand.NewPCG(3, 4)).Perm(n) }
