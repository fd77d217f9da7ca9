// Bare is the program that the others in this directory are compared with: a
// server that has no metrics.
package main

import "net/http"

func main() {
	http.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("hello_total 1\n"))
	})
	http.ListenAndServe(":8080", nil)
}
