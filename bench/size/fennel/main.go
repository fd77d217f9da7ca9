// Fennel serves one counter.
package main

import (
	"net/http"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

func main() {
	fennel.NewCounter("hello_total", "Hellos.").Inc()
	http.Handle("/metrics", fennelhttp.Handler(fennel.Default))
	http.ListenAndServe(":8080", nil)
}
