package main

import (
	"fmt"
	"net/http/httptest"
)

func Example() {
	for _, method := range []string{"GET", "GET", "BREW"} {
		hello(httptest.NewRecorder(), httptest.NewRequest(method, "/", nil))
	}
	for labels, count := range requests.All() {
		fmt.Printf("%+v: %v\n", labels, count.Value())
	}
	fmt.Println("in flight:", inFlight.Value())
	fmt.Println("measured:", latency.Count())
	// Output:
	// {Method:GET Status:200}: 2
	// {Method:other Status:405}: 1
	// in flight: 0
	// measured: 3
}
