// Vm serves one counter.
package main

import (
	"net/http"

	"github.com/VictoriaMetrics/metrics"
)

func main() {
	metrics.NewCounter("hello_total").Inc()
	http.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		metrics.WritePrometheus(w, false)
	})
	http.ListenAndServe(":8080", nil)
}
